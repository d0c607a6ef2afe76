//! The journal's SQL, held to what SQLite and PostgreSQL have in common: a real PostgreSQL makes the tables and prepares each
//! statement. No journal lies in one yet; this keeps the way open. Where there is no PostgreSQL it is skipped, with a loud line.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{
    fs,
    io::Write,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use common::{names, read, skip};
use tempfile::TempDir;

/// The files whose statements are SQLite's own: about its file and its catalogue.
const OF_SQLITE: [&str; 2] = ["file.rs", "schema.rs"];

/// Debian's `nobody`: PostgreSQL does not run as root.
const NOBODY: u32 = 65534;

/// The statements in the program of a file: its texts that begin as one.
fn statements(code: &str) -> Vec<String> {
    let program = code.split("\n#[cfg(test)]\n").next().unwrap();
    let begins = |text: &&str| {
        ["SELECT ", "INSERT ", "UPDATE ", "DELETE "].iter().any(|verb| text.starts_with(verb))
    };
    // What follows each quotation mark, up to the next one.
    let texts = program.split('"').skip(1).filter(begins);
    texts.map(|text| text.split("\\\n").map(str::trim_start).collect()).collect()
}

/// The folder of PostgreSQL's programs: on the path, or where Debian puts it.
fn programs() -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders =
        std::env::split_paths(&on_path).chain(versions.map(|one| one.path().join("bin")));
    let has = |folder: &Path, name: &str| folder.join(name).is_file();
    folders.find(|folder| has(folder, "initdb") && has(folder, "postgres"))
}

/// An empty database, which is worked on without a server.
struct Postgres {
    programs: PathBuf,
    folder: TempDir,
}

impl Postgres {
    fn new(programs: PathBuf) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if folder.path().metadata().unwrap().uid() == 0 {
            chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let postgres = Self { programs, folder };
        let mut initdb = postgres.command("initdb");
        let made = initdb.args(["--no-sync", "--encoding=UTF8", "--no-locale", "data"]).output();
        let made = made.unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        postgres
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.current_dir(self.folder.path()).env_remove("PGDATA");
        let owner = self.folder.path().metadata().unwrap().uid();
        if owner == NOBODY {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    /// Does one after the other, up to the first that it refuses, and says why.
    fn run(&self, statements: &[String]) -> Result<(), String> {
        let mut command = self.command("postgres");
        command.args(["--single", "-j", "-c", "exit_on_error=on", "-c", "fsync=off", "-D", "data"]);
        command.arg("postgres").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let text = statements.join(";\n\n") + ";\n\n";
        // It may be gone before it has read all.
        drop(child.stdin.take().unwrap().write_all(text.as_bytes()));
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(()) } else { Err(said) }
    }
}

#[test]
fn every_statement_of_the_journal_is_one_for_postgresql_too() {
    let Some(programs) = programs() else {
        skip("no PostgreSQL here: the journal's SQL is tested with SQLite only");
        return;
    };
    let postgres = Postgres::new(programs);
    let tables = names("src/journal/migrations")
        .into_iter()
        .map(|name| read(&format!("src/journal/migrations/{name}")));
    postgres.run(&tables.collect::<Vec<_>>()).unwrap_or_else(|why| panic!("{why}"));

    let mut files = names("src/journal");
    let is_code = |name: &str| matches!(name.rsplit_once('.'), Some((_, "rs")));
    files.retain(|name| is_code(name) && !OF_SQLITE.contains(&name.as_str()));
    let all = files.iter().flat_map(|name| statements(&read(&format!("src/journal/{name}"))));
    let prepare = |(n, statement)| format!("PREPARE s{n} AS {statement}");
    let all: Vec<_> = all.enumerate().map(prepare).collect();
    assert!(all.len() > 60, "only {} statements", all.len());
    postgres.run(&all).unwrap_or_else(|why| panic!("{why}"));

    for of_sqlite in
        ["INSERT OR IGNORE INTO runs (run) VALUES ($1)", "SELECT IFNULL(run, $1) FROM runs"]
    {
        let refused = postgres.run(&[format!("PREPARE s AS {of_sqlite}")]);
        assert!(refused.is_err_and(|why| why.contains("FATAL")), "{of_sqlite}");
    }
}
