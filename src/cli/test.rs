//! `zenreaper test`: the tests that lie beside the rules. It needs no cloud, no credentials and no journal, and with paths no
//! config either.

mod report;

use std::{
    collections::HashSet,
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;
use jiff::tz::TimeZone;

use self::report::Report;
use super::{Output, exit::Exit, ignore_closed_pipe, tell};
use crate::{
    cases::{self, Suite},
    clock,
    config::{self, Loaded, read_source, rule_files, test_files},
    diagnostic::{self, Problem},
    log,
    plan::Policy,
    rules::{self, Release, RuleName, RuleSet, Terms},
};

/// What `test` takes.
#[derive(Debug, Args)]
pub(super) struct TestArgs {
    /// Test files, rule files with a test beside them, or folders; without any, the rules of the config.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// A text for people, JSON for programs.
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    output: Output,
}

/// Where tests are.
#[derive(Default)]
struct Found {
    /// The test files.
    files: Vec<PathBuf>,
    /// The folders and files with rules that are to have tests.
    rules: Vec<PathBuf>,
}

/// A test file with the rules that it tests.
struct Test {
    suite: Suite,
    policy: Policy,
}

/// Runs the tests and tells of them.
pub(super) fn test(config: &Path, args: &TestArgs) -> anyhow::Result<Exit> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let loaded = find(config, args).and_then(|found| Ok((load_all(&found.files)?, found)));
    let (tests, found) = match loaded {
        Ok(loaded) => loaded,
        Err(problems) => {
            match args.output {
                Output::Table => {
                    tell(&diagnostic::render(&problems, log::is_coloured()));
                }
                Output::Json => Report::default().json(&problems, &mut out)?,
            }
            out.flush().or_else(ignore_closed_pipe)?;
            return Ok(Exit::Usage);
        }
    };
    let report = Report::of(&tests, untested(&tests, &found.rules));
    match args.output {
        Output::Table => report.table(&mut out),
        Output::Json => report.json(&[], &mut out),
    }
    .and_then(|()| out.flush())
    .or_else(ignore_closed_pipe)?;
    if report.is_empty() {
        tell(&nothing_to_test(config, args));
    }
    Ok(if report.is_ok() { Exit::Done } else { Exit::Failed })
}

fn nothing_to_test(config: &Path, args: &TestArgs) -> String {
    let paths: Vec<_> = args.paths.iter().map(|path| path.display().to_string()).collect();
    let place = if paths.is_empty() {
        format!("beside the rules of {}", config.display())
    } else {
        format!("in {}", paths.join(", "))
    };
    format!(
        "error: there is no test {place}; expected files such as development.test.yaml, with `tests` in them\n"
    )
}

/// Finds the test files.
fn find(config: &Path, args: &TestArgs) -> Result<Found, Vec<Problem>> {
    if args.paths.is_empty() {
        let (config, problems) = config::load_alone(config, clock::now());
        let Some(config) = config.filter(|_| problems.is_empty()) else { return Err(problems) };
        let (files, problems) = test_files(&config.rules);
        let found = Found { files, rules: vec![config.rules] };
        return if problems.is_empty() { Ok(found) } else { Err(problems) };
    }
    let (mut found, mut problems) = (Found::default(), Vec::new());
    for path in &args.paths {
        let (beside, wrong) = test_files(path);
        problems.extend(wrong);
        if path.is_dir() {
            found.rules.push(path.clone());
        } else if beside.is_empty() {
            found.files.push(path.clone());
        }
        found.files.extend(beside);
    }
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

/// Loads test files and their rules, or all that is wrong with any of them.
fn load_all(files: &[PathBuf]) -> Result<Vec<Test>, Vec<Problem>> {
    let (mut tests, mut problems) = (Vec::new(), Vec::new());
    for file in files {
        match load(file) {
            Ok(test) => tests.push(test),
            // Two files may have the same wrong rules.
            Err(wrong) => wrong.into_iter().for_each(|problem| {
                if !problems.contains(&problem) {
                    problems.push(problem);
                }
            }),
        }
    }
    if problems.is_empty() { Ok(tests) } else { Err(problems) }
}

fn load(file: &Path) -> Result<Test, Vec<Problem>> {
    let suite = parse(file)?;
    let rules = rules_of(&suite, file.parent().unwrap_or(Path::new(".")))?;
    let problems = suite.check_names(&rules);
    if !problems.is_empty() {
        return Err(problems);
    }
    let policy = suite.policy(rules);
    Ok(Test { suite, policy })
}

fn parse(file: &Path) -> Result<Suite, Vec<Problem>> {
    let source = read_source(file).map_err(|problem| vec![problem])?;
    cases::parse(&source)
}

/// The rules that a test file tests.
fn rules_of(suite: &Suite, folder: &Path) -> Result<RuleSet, Vec<Problem>> {
    let (mut sources, mut problems) = (Vec::new(), Vec::new());
    for named in &suite.rules {
        match read_source(&folder.join(&named.name)) {
            Ok(source) => sources.push(source),
            // Where it stands in the test file is what its writer can put right.
            Err(problem) if problem.place.is_none() => {
                problems.push(suite.unreadable(named, &problem.message));
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        rules::parse(&sources, &terms(&suite.timezone))
    } else {
        Err(problems)
    }
}

/// Whatever the config allows: a test is of the rule.
fn terms(zone: &TimeZone) -> Terms {
    Terms { zone: zone.clone(), release: Release::Allowed }
}

/// The rules that decide on no machine of any test.
fn untested(tests: &[Test], places: &[PathBuf]) -> Vec<RuleName> {
    let mut names: Vec<RuleName> = Vec::new();
    names.extend(places.iter().flat_map(|place| rule_names(place)));
    let of_tests = tests.iter().flat_map(|test| &test.policy.rules.rules);
    names.extend(of_tests.map(|rule| rule.name.clone()));
    let mut seen: HashSet<RuleName> = HashSet::new();
    for Test { suite, policy } in tests {
        seen.extend(suite.cases.iter().flat_map(|case| cases::deciding(case, policy)).cloned());
    }
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// The names of the rules in a folder or a file. What cannot be read is not what was asked for here: `check` tells of it.
fn rule_names(place: &Path) -> Vec<RuleName> {
    let (files, _) = rule_files(place);
    let sources = files.iter().filter_map(|file| read_source(file).ok());
    let sets = sources.filter_map(|source| rules::parse(&[source], &terms(&TimeZone::UTC)).ok());
    sets.flat_map(|set| set.rules).map(|rule| rule.name).collect()
}

/// What was loaded, if the test files beside the rules can be read too.
pub(super) fn checked(
    path: &Path,
    loaded: Result<Loaded, Vec<Problem>>,
) -> Result<Loaded, Vec<Problem>> {
    let rules = match &loaded {
        Ok(loaded) => Some(loaded.config.rules.clone()),
        // Where the rules are may be what is wrong.
        Err(problems) if problems.iter().any(|problem| problem.path == "rules") => None,
        Err(_) => config::load_alone(path, clock::now()).0.map(|config| config.rules),
    };
    let (files, mut wrong) = rules.map(|rules| test_files(&rules)).unwrap_or_default();
    wrong.extend(files.iter().filter_map(|file| parse(file).err()).flatten());
    match loaded {
        Ok(loaded) if wrong.is_empty() => Ok(loaded),
        Ok(_) => Err(wrong),
        Err(mut problems) => {
            // Both look for files in the same folder.
            wrong.retain(|problem| !problems.contains(problem));
            problems.extend(wrong);
            Err(problems)
        }
    }
}
