//! `zenreaper check`: whether config and rules are right, and what the code of a problem means. It makes no call.

use std::{io::Write, path::Path};

use clap::Args;

use super::{
    Output,
    exit::Exit,
    ignore_closed_pipe,
    render::{self, UsedCredentials},
    say, tell, test,
};
use crate::{
    clock,
    config::{self, Loaded},
    credentials::{self, Found},
    diagnostic::{self, Code, Problem},
    hindsight,
    journal::Journal,
    log,
    site::process_env,
};

/// What `check` takes.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// A text for people, JSON for programs.
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    output: Output,
    /// Take warnings for errors.
    #[arg(long)]
    strict: bool,
    /// Explain a code such as ZR010, with an example; no file is read.
    #[arg(long, value_name = "CODE", conflicts_with = "strict")]
    explain: Option<Code>,
}

/// Checks the config and the rules, or explains a code.
pub(super) async fn check(path: &Path, args: &CheckArgs) -> anyhow::Result<Exit> {
    if let Some(code) = args.explain {
        explain(code, args.output)?;
        return Ok(Exit::Done);
    }
    let mut loaded = test::checked(path, config::load(path, clock::now()));
    if let Ok(loaded) = &mut loaded {
        loaded.warnings = remembering(loaded).await;
    }
    let warnings = loaded.as_ref().map_or(&[][..], |loaded| &loaded.warnings);
    let used = loaded.as_ref().map(|loaded| used(&loaded.config.accounts)).unwrap_or_default();
    let is_clean = warnings.is_empty() && used.iter().all(UsedCredentials::is_clean);
    let is_ok = loaded.is_ok() && (is_clean || !args.strict);
    let exit = if is_ok { Exit::Done } else { Exit::Usage };
    let mut out = std::io::stdout().lock();
    match args.output {
        Output::Json => {
            let problems = loaded.as_ref().map_or_else(|problems| &problems[..], |_| warnings);
            render::check_json(exit, problems, &used, &mut out)
        }
        Output::Table => text(path, &loaded, &used, exit, &mut out),
    }
    .or_else(ignore_closed_pipe)?;
    Ok(exit)
}

/// Which credentials each account would have. None at all is no fault here: a config is checked where nobody may use it.
fn used(accounts: &[config::Account]) -> Vec<UsedCredentials> {
    let of = |account: &config::Account| {
        let account = account.name.clone();
        match credentials::find(&account, &process_env) {
            Ok(Found { origin, warnings, credentials: _ }) => UsedCredentials {
                account,
                source: Some(origin.to_string()),
                profile: origin.profile,
                problem: None,
                is_missing: false,
                warnings,
            },
            Err(error) => UsedCredentials {
                account,
                source: None,
                profile: None,
                problem: Some(error.to_string()),
                is_missing: matches!(error, credentials::Error::Missing { .. }),
                warnings: Vec::new(),
            },
        }
    };
    accounts.iter().map(of).collect()
}

/// The warnings on what was loaded, those by what is remembered too.
async fn remembering(loaded: &Loaded) -> Vec<Problem> {
    let journal = Journal::at(&loaded.config.journal);
    let warnings = hindsight::warnings(loaded, &journal, clock::now()).await;
    journal.close().await;
    warnings
}

/// The same for people: what is wrong to standard error, that all is well to `out`.
fn text(
    path: &Path,
    loaded: &Result<Loaded, Vec<Problem>>,
    used: &[UsedCredentials],
    exit: Exit,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let problems = loaded.as_ref().map_or_else(|problems| problems, |loaded| &loaded.warnings);
    tell(&diagnostic::render(problems, log::is_coloured()));
    for used in used {
        let problem = used.problem.iter().filter(|_| !used.is_missing);
        for warning in problem.chain(&used.warnings) {
            tell(&format!("warning: account {}: {warning}\n", used.account));
        }
    }
    match loaded {
        Ok(loaded) if exit == Exit::Done => render::check_text(path, loaded, used, out)?,
        Ok(_) => tell("\nerror: warnings are errors with `--strict`\n"),
        Err(_) => {}
    }
    Ok(())
}

/// Tells what a code means.
fn explain(code: Code, output: Output) -> std::io::Result<()> {
    let explanation = code.explanation();
    match output {
        Output::Table => {
            let title = format!("{} {code}: {}", code.severity().as_str(), explanation.title);
            say(&format!("{title}\n\n{explanation}"))
        }
        Output::Json => {
            let mut out = std::io::stdout().lock();
            render::explanation_json(code, &mut out).or_else(ignore_closed_pipe)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        diagnostic::{Example, Language, Source},
        rules::{self, Terms},
    };

    /// Codes that no text can show, since they are about a file as a whole or about its size.
    const NOT_SHOWN: [Code; 3] = [Code::Unreadable, Code::NotUtf8, Code::TooMuch];

    /// Codes that a text has in the light of earlier runs only: see `hindsight`.
    const BY_MEMORY: [Code; 3] = [Code::UnknownTagKey, Code::OutpacedSchedule, Code::NearMissKey];

    /// The errors in a text, or else its warnings.
    fn codes_of(language: Language, text: &str) -> Vec<Code> {
        let source = Arc::new(Source { name: "example.yaml".into(), text: text.into() });
        let problems = match language {
            Language::Rules => rules::parse(&[source], &Terms::default())
                .map_or_else(|problems| problems, |rules| rules::warnings(&rules)),
            Language::Config => match config::read(&source, clock::now()).1 {
                none if none.is_empty() => config::warnings_of(&source, clock::now()),
                problems => problems,
            },
        };
        problems.iter().map(|problem| problem.code).collect()
    }

    #[test]
    fn every_code_is_explained_by_an_example_that_has_it_and_is_mended() {
        for code in Code::ALL {
            let Some(Example { language, wrong, right }) = code.explanation().example else {
                assert!(NOT_SHOWN.contains(&code), "{code} has no example");
                continue;
            };
            let expected = if BY_MEMORY.contains(&code) { vec![] } else { vec![code] };
            assert_eq!(codes_of(language, wrong), expected, "{wrong}");
            assert_eq!(codes_of(language, right), [], "{code}: {right}");
        }
    }
}
