//! Keys, words and codes: what the pages list is what the program knows, no more and no less.

use std::{collections::BTreeSet, fmt::Write, sync::Arc};

use expect_test::expect_file;
use regex::Regex;
use zenreaper::{
    cases,
    diagnostic::{Code, Problem, Severity, Source},
    rules::{self, Terms},
};

use crate::document::Document;

/// A word that is none, and like none.
const NONE: &str = "zzzzzz";

fn source(name: &str, text: &str) -> Arc<Source> {
    Arc::new(Source { name: name.to_owned(), text: text.to_owned() })
}

fn problems_of_rules(text: &str) -> Vec<Problem> {
    rules::parse(&[source("a.yaml", text)], &Terms::default()).unwrap_err()
}

fn problems_of_test(text: &str) -> Vec<Problem> {
    cases::parse(&source("a.test.yaml", text)).unwrap_err()
}

/// The words that are offered instead of [`NONE`].
fn offered(problems: &[Problem]) -> BTreeSet<String> {
    let is_about = |problem: &&Problem| {
        let is_key = problem.code == Code::UnknownKey && problem.path.ends_with(NONE);
        is_key || (problem.code == Code::UnknownWord && problem.message.contains(NONE))
    };
    let problem = problems.iter().find(is_about).unwrap_or_else(|| panic!("{problems:?}"));
    let list = problem.help.strip_prefix("expected ").unwrap();
    let list = list.strip_prefix("one of ").unwrap_or(list);
    list.split(", ").map(|word| word.trim_matches('`').to_owned()).collect()
}

/// The words in the first cells of a table of docs/rules.md.
fn listed(mark: &str) -> BTreeSet<String> {
    let page = Document::read("docs/rules.md");
    let rows = page.table(mark);
    let words = rows.iter().flat_map(|row| row[0].split('`').skip(1).step_by(2));
    let (words, count): (BTreeSet<_>, _) =
        (words.clone().map(str::to_owned).collect(), words.count());
    assert_eq!(words.len(), count, "{mark} lists something twice");
    words
}

fn check(mark: &str, problems: &[Problem]) {
    assert_eq!(listed(mark), offered(problems), "docs/rules.md, {mark}");
}

#[test]
fn every_key_and_operator_of_rules_is_listed_and_no_other() {
    let rule = |rest: &str| problems_of_rules(&format!("rules: [{{ name: r, {rest} }}]"));
    check("keys: file", &problems_of_rules(&format!("{NONE}: 1\nrules: []")));
    check("keys: rule", &rule(&format!("{NONE}: 1")));
    check("keys: matcher", &rule(&format!("match: {{ {NONE}: 1 }}")));
    for place in ["name: OP", "status: OP", "tags: { env: OP }", "not: { any: [{ zone: OP }] }"] {
        let value = place.replace("OP", &format!("{{ {NONE}: 1 }}"));
        check("keys: operators", &rule(&format!("match: {{ {value} }}")));
    }
    check("keys: ip-operators", &rule(&format!("match: {{ ip: {{ {NONE}: 1 }} }}")));
    check("keys: expire", &rule(&format!("match: everything, expire: {{ {NONE}: 1 }}")));
    check("keys: limits", &rule(&format!("match: everything, limits: {{ {NONE}: 1 }}")));
}

#[test]
fn every_key_and_word_of_tests_is_listed_and_no_other() {
    let test = |rest: &str| problems_of_test(&format!("tests: [{{ name: t, {rest} }}]"));
    check("keys: test-file", &problems_of_test(&format!("{NONE}: 1\ntests: []")));
    check("keys: test", &test(&format!("{NONE}: 1")));
    check("keys: told", &test(&format!("told: {{ {NONE}: 1 }}")));
    check("keys: expect", &test(&format!("expect: {{ {NONE}: 1 }}")));
    check("keys: machine", &test(&format!("machine: {{ {NONE}: 1 }}")));
    check("words: decisions", &test(&format!("expect: {{ decision: {NONE} }}")));
    check("words: reasons", &test(&format!("expect: {{ reason: {NONE} }}")));
}

#[test]
fn every_word_of_the_cloud_is_named() {
    let page = Document::read("docs/rules.md");
    for key in ["status", "charge_type"] {
        let yaml = format!("rules: [{{ name: r, match: {{ {key}: {NONE} }} }}]");
        for word in offered(&problems_of_rules(&yaml)) {
            assert!(page.text.contains(&format!("`{word}`")), "{key} {word}");
        }
    }
}

/// Whether this reason is given for a machine, of which only the zone is told, by a rule that says this.
fn gives(rule: &str, reason: &str) -> bool {
    let decision = if reason == "due" { "terminate" } else { "keep" };
    let machine = "machine: { zone: HKG-A }, now: 2026-11-04T00:00:00Z";
    let expect = format!("expect: {{ decision: {decision}, reason: {reason} }}");
    let test = format!("tests: [{{ name: t, {machine}, {expect} }}]");
    let suite = cases::parse(&source("a.test.yaml", &test)).unwrap();
    let rules = source("a.yaml", &format!("rules: [{{ name: r, {rule} }}]"));
    let policy = suite.policy(rules::parse(&[rules], &Terms::default()).unwrap());
    cases::run(&suite.cases[0], &policy).is_ok()
}

/// A matcher that is true, false or unknown for that machine.
fn matcher(truth: &str) -> &'static str {
    match truth {
        "true" => "{ zone: HKG-A }",
        "false" => "{ zone: SEL-A }",
        "unknown" => "{ image: ubuntu }",
        other => panic!("{other} is no truth"),
    }
}

fn holds(matcher: &str, truth: &str) -> bool {
    let reason = match truth {
        "true" => "due",
        "false" => "no_rule",
        "unknown" => "unknown_image",
        other => panic!("{other} is no truth"),
    };
    gives(&format!("match: {matcher}"), reason)
}

#[test]
fn the_table_of_truth_is_true() {
    let page = Document::read("docs/rules.md");
    let rows = page.table("truth");
    assert_eq!(rows.len(), 9);
    for row in rows {
        let (a, b) = (matcher(row[0]), matcher(row[1]));
        assert!(holds(a, row[0]) && holds(b, row[1]), "{row:?}");
        assert!(holds(&format!("{{ all: [{a}, {b}] }}"), row[2]), "{row:?}");
        assert!(holds(&format!("{{ any: [{a}, {b}] }}"), row[3]), "{row:?}");
        assert!(holds(&format!("{{ not: {a} }}"), row[4]), "{row:?}");
    }
}

#[test]
fn what_a_rule_comes_to_is_as_its_table_says() {
    let page = Document::read("docs/rules.md");
    let mut count = 0;
    for row in page.table("verdicts") {
        let reason = row[2].split('`').nth(1).unwrap().replace("unknown_...", "unknown_image");
        let exceptions =
            if row[1] == "anything" { vec!["true", "false", "unknown"] } else { vec![row[1]] };
        for exception in exceptions {
            let rule = format!("match: {}, unless: {}", matcher(row[0]), matcher(exception));
            assert!(gives(&rule, &reason), "{row:?} {exception}");
            count += 1;
        }
    }
    assert_eq!(count, 9);
}

#[test]
fn every_code_on_the_pages_is_one() {
    let code = Regex::new(r"ZR\d{3}").unwrap();
    for page in Document::all() {
        for found in code.find_iter(&page.text) {
            let known = Code::ALL.iter().any(|code| code.as_str() == found.as_str());
            assert!(known, "{} names {}", page.path, found.as_str());
        }
    }
}

/// docs/diagnostics.md, from what `zenreaper check --explain` tells.
fn diagnostics() -> String {
    let mut page = "\
# Codes

What can be wrong with rules, config and tests. A code keeps its meaning for ever. `zenreaper check --explain ZR010` tells of each why zenreaper
is strict about it and how to mend it, with an example. An error refuses all files; a warning refuses nothing, unless `check --strict` says so.

<!-- Written by `UPDATE_EXPECT=1 cargo test --test docs`. -->

| code | | what it is |
| --- | --- | --- |
"
    .to_owned();
    for code in Code::ALL {
        let severity = match code.severity() {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let title = code.explanation().title.replace('|', "\\|");
        writeln!(page, "| `{code}` | {severity} | {title} |").unwrap();
    }
    page
}

#[test]
fn the_table_of_codes_lists_every_code() {
    expect_file!["../../docs/diagnostics.md"].assert_eq(&diagnostics());
}
