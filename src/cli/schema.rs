//! `zenreaper schema`: the JSON schemas of the files that people write, for editors. They lie in `deploy/schema`, and
//! `tests/schema` holds them against the parsers.

use clap::{Args, ValueEnum};

use super::{exit::Exit, say};

/// What `schema` takes.
#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// The kind of file.
    #[arg(value_name = "KIND")]
    kind: Kind,
}

/// A file that people write.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// A rule file.
    Rules,
    /// A file of tests beside the rules.
    Tests,
    /// The config.
    Config,
}

/// Prints a schema.
pub(super) fn schema(args: &SchemaArgs) -> anyhow::Result<Exit> {
    say(match args.kind {
        Kind::Rules => include_str!("../../deploy/schema/rules.json"),
        Kind::Tests => include_str!("../../deploy/schema/tests.json"),
        Kind::Config => include_str!("../../deploy/schema/config.json"),
    })?;
    Ok(Exit::Done)
}
