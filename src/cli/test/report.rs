//! What the tests of rules came to, as text for people and as JSON for programs. Pure but for the writer.

use std::io::{Result, Write};

use serde::{Serialize, Serializer};

use super::{
    super::table::{printable, table, text},
    Test,
};
use crate::{
    cases::{self, COMPARED, Case, Expectation, Failure, Got, Wanted},
    diagnostic::Problem,
    lifetime::counted,
    rules::RuleName,
    view,
};

/// What stands for nothing, as in a test file.
const NONE: &str = "~";

/// What the tests came to.
#[derive(Default)]
pub(super) struct Report<'a> {
    files: Vec<FileReport<'a>>,
    untested: Vec<RuleName>,
}

struct FileReport<'a> {
    name: &'a str,
    cases: Vec<(&'a Case, Option<Box<Failure<'a>>>)>,
}

impl FileReport<'_> {
    fn failed(&self) -> usize {
        self.cases.iter().filter(|(_, failure)| failure.is_some()).count()
    }
}

impl<'a> Report<'a> {
    /// Runs the tests.
    pub(super) fn of(tests: &'a [Test], untested: Vec<RuleName>) -> Self {
        let file = |Test { suite, policy }: &'a Test| {
            let run = |case| (case, cases::run(case, policy).err());
            FileReport { name: &suite.source.name, cases: suite.cases.iter().map(run).collect() }
        };
        Self { files: tests.iter().map(file).collect(), untested }
    }

    /// Whether there was no test at all.
    pub(super) fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// Whether there were tests and all of them passed.
    pub(super) fn is_ok(&self) -> bool {
        !self.is_empty() && self.failed() == 0
    }

    fn count(&self) -> usize {
        self.files.iter().map(|file| file.cases.len()).sum()
    }

    fn failed(&self) -> usize {
        self.files.iter().map(FileReport::failed).sum()
    }

    /// Writes a line for each file, the failures in full, and what it comes to.
    pub(super) fn table(&self, out: &mut dyn Write) -> Result<()> {
        for file in &self.files {
            let (failed, ok) = (file.failed(), file.cases.len() - file.failed());
            let failed = if failed == 0 { String::new() } else { format!(", {failed} failed") };
            writeln!(out, "{}: {ok} ok{failed}", text(file.name))?;
        }
        for file in &self.files {
            for (case, failure) in &file.cases {
                if let Some(failure) = failure {
                    failure_text(file.name, case, failure, out)?;
                }
            }
        }
        self.summary(out)
    }

    fn summary(&self, out: &mut dyn Write) -> Result<()> {
        let (count, failed) = (self.count(), self.failed());
        let passed = count - failed;
        let (tests, files) =
            (counted(count, "test", "tests"), counted(self.files.len(), "file", "files"));
        writeln!(out, "\n{tests} in {files}: {passed} passed, {failed} failed")?;
        if self.untested.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = self.untested.iter().map(RuleName::as_str).collect();
        let rules = counted(names.len(), "rule has", "rules have");
        writeln!(out, "{rules} no test: {}", names.join(", "))
    }

    /// Writes all of it as JSON.
    pub(super) fn json(&self, problems: &[Problem], out: &mut dyn Write) -> Result<()> {
        let failed = self.failed();
        let json = Json {
            ok: self.is_ok(),
            passed: self.count() - failed,
            failed,
            files: self.files.iter().map(FileJson::of).collect(),
            untested_rules: self.untested.iter().map(RuleName::as_str).collect(),
            problems,
        };
        view::json(&json, out)
    }
}

/// Writes a failure: what was expected beside what was got, and why.
fn failure_text(file: &str, case: &Case, failure: &Failure<'_>, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "\nFAILED {}:{}: {}", text(file), case.line, text(&case.name))?;
    if let Some(machine) = &failure.machine {
        writeln!(out, "  {}", text(machine))?;
    }
    let mut rows = Vec::new();
    table(["", "", "EXPECTED", "GOT"], || comparison(failure), &mut rows)?;
    for row in String::from_utf8_lossy(&rows).lines() {
        writeln!(out, "  {row}")?;
    }
    for line in failure.why.lines() {
        writeln!(out, "  {}", printable(line))?;
    }
    Ok(())
}

/// What is compared, row by row; those that differ are marked.
fn comparison(failure: &Failure<'_>) -> impl Iterator<Item = [String; 4]> {
    let all = COMPARED.iter().zip(&failure.expected.wanted).zip(&failure.got);
    all.map(|((key, wanted), got)| {
        let mark = if wanted.is_met_by(got.as_deref()) { "" } else { "!" };
        let expected = match wanted {
            Wanted::Anything => "",
            Wanted::Just(wanted) => wanted.as_deref().unwrap_or(NONE),
        };
        [mark, key, expected, got.as_deref().unwrap_or(NONE)].map(str::to_owned)
    })
}

#[derive(Serialize)]
struct Json<'a> {
    ok: bool,
    passed: usize,
    failed: usize,
    files: Vec<FileJson<'a>>,
    untested_rules: Vec<&'a str>,
    problems: &'a [Problem],
}

#[derive(Serialize)]
struct FileJson<'a> {
    file: &'a str,
    cases: Vec<CaseJson<'a>>,
}

#[derive(Serialize)]
struct CaseJson<'a> {
    name: &'a str,
    line: u32,
    ok: bool,
    expected: ExpectedJson<'a>,
    got: Option<GotJson<'a>>,
    why: Option<String>,
}

impl<'a> FileJson<'a> {
    fn of(file: &'a FileReport<'a>) -> Self {
        Self { file: file.name, cases: file.cases.iter().map(CaseJson::of).collect() }
    }
}

impl<'a> CaseJson<'a> {
    fn of((case, failure): &'a (&'a Case, Option<Box<Failure<'a>>>)) -> Self {
        let why = |failure: &Failure<'_>| match &failure.machine {
            Some(machine) => format!("{machine}: {}", failure.why),
            None => failure.why.clone(),
        };
        Self {
            name: &case.name,
            line: case.line,
            ok: failure.is_none(),
            expected: ExpectedJson(&case.expect),
            got: failure.as_ref().map(|failure| GotJson(&failure.got)),
            why: failure.as_deref().map(why),
        }
    }
}

/// What was written, and no more.
struct ExpectedJson<'a>(&'a Expectation);

impl Serialize for ExpectedJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let pairs = COMPARED.iter().zip(&self.0.wanted);
        serializer.collect_map(pairs.filter_map(|(key, wanted)| match wanted {
            Wanted::Anything => None,
            Wanted::Just(wanted) => Some((key, wanted)),
        }))
    }
}

/// All that is compared.
struct GotJson<'a>(&'a Got);

impl Serialize for GotJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map(COMPARED.iter().zip(self.0))
    }
}
