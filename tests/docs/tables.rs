//! Tables that say what the program does: each row is held against the program.

use std::{collections::BTreeSet, fs, process::Command, sync::Arc};

use jiff::{SignedDuration, civil::Date, tz::TimeZone};
use regex::Regex;
use serde_json::Value;
use zenreaper::{
    cases,
    cloud::{Action, Class, Code, DOCUMENTED},
    diagnostic::Source,
    notice::Stage,
    notify,
    report::RunResult,
    rules::{self, Terms},
    schedule::Schedule,
};

use crate::document::{Document, in_repository};

/// The code spans of a cell.
fn spans(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

fn help(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_zenreaper")).args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_command_is_listed_and_no_other() {
    let page = Document::read("docs/operations.md");
    let rows = page.table("commands");
    let listed: BTreeSet<_> =
        rows.iter().map(|row| spans(row[0])[0].split([' ', '\\']).next().unwrap()).collect();
    let help = help(&["--help"]);
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let lines = commands.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    assert_eq!(listed, names.filter(|name| !name.is_empty() && *name != "help").collect());
}

#[test]
fn the_exit_codes_are_those_of_the_program_and_of_its_help() {
    let page = Document::read("docs/operations.md");
    let listed: Vec<_> = page
        .table("exit-codes")
        .iter()
        .map(|row| (row[0].to_owned(), row[1].replace('`', "")))
        .collect();
    let source = fs::read_to_string(in_repository("src/cli/exit.rs")).unwrap();
    let known: BTreeSet<_> = source.split(" => ").skip(1).filter_map(|arm| arm.get(..1)).collect();
    let known: Vec<_> = known.into_iter().filter(|code| code.parse::<u8>().is_ok()).collect();
    assert_eq!(listed.iter().map(|(code, _)| code.as_str()).collect::<Vec<_>>(), known);
    let help = help(&["--help"]);
    let (_, told) = help.split_once("Exit codes:\n").unwrap();
    for (code, meaning) in listed {
        let first = meaning.split(',').next().unwrap().replace("plan or backtest ", "");
        let is_told = told.contains(&format!("{code} {first}"));
        let is_told = is_told || told.contains(&format!("{code} plan or backtest {first}"));
        assert!(is_told, "{code} {meaning}: {told}");
    }
}

/// The firings of a pattern on a local day from 01:00 to 04:00, as the page writes them.
fn firings(zone: &str, day: &str, pattern: &str) -> String {
    let zone = TimeZone::get(zone).unwrap();
    let at = |hour: i8| {
        let at = day.parse::<Date>().unwrap().at(hour, 0, 0, 0);
        zone.to_ambiguous_timestamp(at).compatible().unwrap()
    };
    let before = at(1) - SignedDuration::from_secs(1);
    let schedule = Schedule::parse(pattern, zone.clone(), before).unwrap();
    let all = schedule.firings(before, 100);
    let seen = all.iter().take_while(|firing| firing.timestamp() <= at(4));
    let seen: Vec<_> = seen.map(|firing| firing.strftime("%H:%M %:z").to_string()).collect();
    if seen.is_empty() { "none".to_owned() } else { seen.join(", ") }
}

#[test]
fn schedules_fire_on_changes_of_the_clock_as_their_rows_say() {
    let page = Document::read("docs/rules.md");
    let mut wrong = Vec::new();
    for row in page.table("firings") {
        let (zone, day, pattern) = (spans(row[0])[0], row[1], spans(row[2])[0]);
        let seen = firings(zone, day, pattern);
        if seen != row[3] {
            wrong.push(format!("| `{zone}` | {day} | `{pattern}` | {seen} |"));
        }
    }
    assert!(wrong.is_empty(), "docs/rules.md:\n{}", wrong.join("\n"));
}

#[test]
fn every_form_of_a_crontab_is_taken_in_its_example() {
    let page = Document::read("docs/rules.md");
    for row in page.table("crontab") {
        let example = spans(row[3])[0];
        let now = "2026-12-01T00:00:00Z".parse().unwrap();
        let schedule = Schedule::parse(example, TimeZone::UTC, now).unwrap();
        assert!(schedule.doubts().is_empty(), "{example}: {:?}", schedule.doubts());
        let has = |form: &str| example == form || example.contains(form.trim_start_matches('`'));
        assert!(spans(row[0]).into_iter().any(has), "{example} shows none of {}", row[0]);
    }
}

/// The words of the table for a class of failures, and whether such a call is tried again.
fn comes_to(class: Class) -> (&'static str, &'static str) {
    let words = match class {
        Class::Gone => "`gone`: the goal is reached",
        Class::Refused => "`refused`",
        Class::Throttled => "everybody slows down",
        Class::Transient | Class::NoAnswer => "`unknown` when the attempts end",
        Class::Auth | Class::Blocked | Class::Stopped => "the run stops",
        Class::Rejected => "`failed`, under its code",
    };
    (words, if class.is_retried() { "yes" } else { "no" })
}

#[test]
fn every_code_of_the_api_comes_to_what_its_row_says() {
    let page = Document::read("docs/operations.md");
    let rows = page.table("answers");
    let mut seen = BTreeSet::new();
    for row in &rows {
        for name in spans(row[0]) {
            let start = name.strip_suffix("...");
            let is_meant =
                |code: &&&str| start.map_or(**code == name, |start| code.starts_with(start));
            let codes: Vec<_> = DOCUMENTED.iter().filter(is_meant).collect();
            assert!(!codes.is_empty(), "{name}");
            for code in codes {
                let class = Class::of(&Code::folded(code), Some(200));
                let (words, retried) = comes_to(class);
                assert!(
                    row[1].starts_with(words) && row[2] == retried,
                    "{code}: {class:?}: {row:?}"
                );
                assert_eq!(class.stops_the_run(), row[1].starts_with("the run stops"), "{code}");
                assert!(seen.insert(*code), "{code} has two rows");
            }
        }
    }
    assert_eq!(seen, DOCUMENTED.into_iter().collect());
}

#[test]
fn every_status_comes_to_what_its_row_says() {
    let page = Document::read("docs/operations.md");
    for row in page.table("answers") {
        for status in
            row[0].split([' ', ',']).filter_map(|word| word.replace("xx", "02").parse().ok())
        {
            if status == 200 {
                continue;
            }
            let class = Class::of(&Code::of_status(status), Some(status));
            let (words, retried) = comes_to(class);
            assert!(row[1].starts_with(words) && row[2] == retried, "{status}: {row:?}");
        }
    }
}

#[test]
fn the_runbook_says_what_to_do_about_every_result_that_is_no_success() {
    let here = Regex::new(r"`([a-z_]+)`\s+\[here\]").unwrap();
    let page = Document::read("docs/runbook.md");
    let told: BTreeSet<_> =
        here.captures_iter(&page.text).map(|found| found[1].to_owned()).collect();
    // A pause and a stop are somebody's will.
    let willed = [RunResult::Success, RunResult::Paused, RunResult::Interrupted];
    let known = RunResult::ALL.into_iter().filter(|result| !willed.contains(result));
    assert_eq!(told, known.map(|result| result.as_str().to_owned()).collect());
}

/// What a test of rules expects of a machine with this status and charge type: `terminated`, or the reason why it is skipped.
fn comes_of(status: &str, charge: &str, told: &str) -> bool {
    let expect = match spans(told)[..] {
        [reason] => format!("{{ decision: skip, reason: {reason} }}"),
        _ => "{ decision: terminate }".to_owned(),
    };
    let source = |name: &str, text: String| Arc::new(Source { name: name.to_owned(), text });
    let machine = format!("{{ status: {status}, charge_type: {charge} }}");
    let case =
        format!("{{ name: t, now: 2026-11-24T00:00:00Z, machine: {machine}, expect: {expect} }}");
    let suite = cases::parse(&source("a.test.yaml", format!("tests: [{case}]"))).unwrap();
    let rules = source("a.yaml", "rules: [{ name: r, match: everything }]".to_owned());
    let policy = suite.policy(rules::parse(&[rules], &Terms::default()).unwrap());
    cases::run(&suite.cases[0], &policy).is_ok()
}

#[test]
fn every_state_goes_or_stays_as_its_row_says() {
    let page = Document::read("docs/security.md");
    let mut count = 0;
    for row in page.table("states") {
        let statuses = if row[0] == "anything else" { vec!["~"] } else { spans(row[0]) };
        for status in statuses {
            for (charge, told) in ["POSTPAID", "PREPAID", "~"].into_iter().zip(&row[1..]) {
                assert!(told.starts_with("terminated") || told.starts_with("skipped: `"), "{told}");
                assert!(comes_of(status, charge, told), "{status} {charge}: {told}");
                assert!(!comes_of(status, charge, "skipped: `held`"), "{status} {charge}");
                count += 1;
            }
        }
    }
    assert_eq!(count, 33);
}

#[test]
fn the_actions_are_all_that_is_ever_sent() {
    let page = Document::read("docs/security.md");
    let listed: Vec<_> =
        page.table("actions").iter().map(|row| spans(row[0])[0].to_owned()).collect();
    assert_eq!(listed, Action::ALL.map(Action::as_str));
    let client = fs::read_to_string(in_repository("src/cloud/http.rs")).unwrap();
    let sent: Vec<_> = client.matches("\"X-ZC-Action\", action.as_str()").collect();
    assert_eq!((sent.len(), client.matches("X-ZC-Action").count()), (1, 1));
}

#[test]
fn every_protection_names_what_holds_it() {
    let page = Document::read("docs/security.md");
    let rows = page.table("protections");
    assert!(rows.len() >= 15);
    for row in rows {
        assert!(!spans(row[2]).is_empty(), "{row:?}");
    }
}

#[test]
fn every_version_of_the_journal_is_listed() {
    let page = Document::read("docs/install.md");
    let listed: Vec<_> = page.table("journal").iter().map(|row| row[0].to_owned()).collect();
    let entries = fs::read_dir(in_repository("src/journal/migrations")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut known: Vec<_> = names.map(|name| name.split('_').next().unwrap().to_owned()).collect();
    known.sort();
    assert_eq!(listed, known);
}

#[test]
fn stages_and_variables_of_notices_are_those_of_the_program() {
    let page = Document::read("docs/notices.md");
    let stages: Vec<_> =
        page.table("stages").iter().map(|row| spans(row[0])[0].to_owned()).collect();
    assert_eq!(stages, Stage::ALL.map(Stage::as_str));
    let rows = page.table("variables");
    let variables: Vec<_> = rows.iter().flat_map(|row| spans(row[0])).collect();
    assert!(variables.len() >= 11, "{variables:?}");
    for variable in variables {
        let looped = format!("{{% for machine in machines %}}{{{{ {variable} }}}}{{% endfor %}}");
        assert_eq!(notify::check_template(&looped), Ok(()), "{variable}");
        assert!(
            notify::check_template(&looped.replace(variable, &format!("{variable}_none"))).is_err()
        );
    }
}

#[test]
fn the_body_of_a_webhook_has_the_fields_that_are_listed() {
    let page = Document::read("docs/notices.md");
    let rows = page.table("sinks");
    let row = rows.iter().find(|row| row[0] == "`webhook`").unwrap();
    let source = fs::read_to_string(in_repository("src/notify/http.rs")).unwrap();
    let (_, body) = source.split_once("struct Body<'a> {\n").unwrap();
    let fields = body.lines().take_while(|line| *line != "}");
    let fields: Vec<_> = fields.map(|field| field.trim().split(':').next().unwrap()).collect();
    assert_eq!(spans(row[2]), fields);
}

#[test]
fn the_parameters_of_the_api_are_those_that_it_describes() {
    let text = fs::read_to_string(in_repository("src/web/openapi.json")).unwrap();
    let description: Value = serde_json::from_str(&text).unwrap();
    let page = Document::read("docs/page.md");
    let listed: Vec<_> = page.table("api").iter().map(|row| spans(row[0])[0].to_owned()).collect();
    let paths = description["paths"].as_object().unwrap();
    assert_eq!(listed.len(), paths.len());
    for call in listed {
        let (path, query) = call.split_once('?').unwrap_or((&call, ""));
        let named = query.split('&').filter_map(|pair| pair.split('=').next());
        let named: BTreeSet<_> = named.filter(|name| !name.is_empty()).collect();
        let known = paths[path]["get"]["parameters"].as_array();
        let known = known.into_iter().flatten().map(|known| known["name"].as_str().unwrap());
        assert_eq!(named, known.collect(), "{path}");
    }
}

/// Numbers that the pages name: the page, what it says, and the file that has it in these words.
const NUMBERS: [(&str, &str, &str, &str); 24] = [
    ("configuration", "at most 1 MiB", "src/yaml.rs", "FILE_BYTES_MAX: usize = 1 << 20;"),
    (
        "configuration",
        "at most 100 accounts",
        "src/config/accounts.rs",
        "ACCOUNTS_MAX: usize = 100;",
    ),
    ("configuration", "20 sinks", "src/config/notices.rs", "SINKS_MAX: usize = 20;"),
    ("configuration", "50 addresses", "src/config/notices.rs", "ADDRESSES_MAX: usize = 50;"),
    ("configuration", "at most 1,000 of them", "src/cloud/limiter.rs", "CALLS_MAX: u32 = 1_000;"),
    (
        "configuration",
        "up to 30 s",
        "src/cloud/retry.rs",
        "DELAY_MAX: Duration = Duration::from_secs(30);",
    ),
    ("configuration", "once it made ten", "src/plan/guard.rs", "CALLS_MIN: u64 = 10;"),
    ("notices", "at most 200 machines", "src/deliver.rs", "BATCH_MAX: usize = 200;"),
    ("notices", "after 500 characters", "src/notify/template.rs", "PLAIN_CHARS_MAX: usize = 500;"),
    (
        "notices",
        "the subject after 200",
        "src/notify/template.rs",
        "SUBJECT_CHARS_MAX: usize = 200;",
    ),
    ("notices", "is tried three times", "src/notify.rs", "posts_max: 3,"),
    ("operations", "more than five minutes", "src/cloud/answer.rs", "SKEW_SECONDS_MAX: u64 = 300;"),
    (
        "operations",
        "127.0.0.1:8580",
        "tests/fixtures/help/sandbox.txt",
        "[default: 127.0.0.1:8580]",
    ),
    (
        "security",
        "at most 20 seconds",
        "src/execute.rs",
        "CONFIRMED_AGE_MAX: Duration = Duration::from_secs(20);",
    ),
    ("security", "three tries", "src/cloud/list.rs", "LISTINGS_MAX: u32 = 3;"),
    ("security", "100,000 values", "src/yaml.rs", "NODES_MAX: usize = 100_000;"),
    ("security", "40 levels", "src/yaml.rs", "DEPTH_MAX: usize = 40;"),
    ("security", "64 connections", "src/web/listen.rs", "CONNECTIONS_MAX: usize = 64;"),
    ("security", "less than 1.5 of 10", "tests/systemd_verify.sh", "--threshold=15 "),
    ("page", "a request head of 16 KiB", "src/web/listen.rs", "HEAD_BYTES_MAX: usize = 16 << 10;"),
    (
        "page",
        "each kept for a minute",
        "src/web/listen.rs",
        "CONNECTION_MAX: Duration = Duration::from_mins(1);",
    ),
    ("rules", "at most 1,000 rules", "src/rules/parse.rs", "RULES_MAX: usize = 1_000;"),
    (
        "rules",
        "pattern has at most 512 bytes",
        "src/rules/pattern.rs",
        "PATTERN_BYTES_MAX: usize = 512;",
    ),
    ("install", "It gets 45 seconds", "deploy/systemd/zenreaper.service", "TimeoutStopSec=45s"),
];

#[test]
fn numbers_are_those_of_the_program() {
    for (page, says, file, has) in NUMBERS {
        let text = Document::read(&format!("docs/{page}.md")).text;
        assert!(text.contains(says), "docs/{page}.md does not say: {says}");
        let source = fs::read_to_string(in_repository(file)).unwrap();
        assert!(source.contains(has), "docs/{page}.md says: {says}, and {file} has no: {has}");
    }
}

#[test]
fn the_readme_is_one_screen_with_its_two_commands() {
    let readme = Document::read("README.md");
    let session = Regex::new(r"(?s)## Your first rule in five minutes\n.*?\n## ").unwrap();
    let rest = session.replace(&readme.text, "## ");
    let lines = rest.lines().count();
    assert!(lines <= 60, "{lines} lines");
    let blocks = readme.blocks();
    let commands: Vec<_> =
        blocks.iter().filter(|block| block.info == "sh").map(|block| block.text.trim()).collect();
    assert_eq!(commands, ["cargo run --release -- demo", "tests/run"]);
    for page in Document::all().iter().filter(|page| page.path != readme.path) {
        let path = &page.path;
        assert!(readme.text.contains(&format!("({path}")), "README.md leads to no {path}");
    }
}
