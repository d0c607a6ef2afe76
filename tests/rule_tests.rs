//! `zenreaper test` with the real binary: the tests of the shipped rules, which fail as soon as a rule is another, and test files that
//! are wrong.
//!
//! `fixtures/tests/bad` holds one test file for each fault, named for it, with the whole answer beside it. After a change of words,
//! `UPDATE_EXPECT=1 cargo test --test rule_tests` writes the answers anew: read them with the eyes of who made the fault.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its own files has failed")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use expect_test::expect_file;
use serde_json::Value;
use tempfile::TempDir;

/// A rule file that is wrong.
const WRONG: &str = "rules: [{ name: dev, mach: everything }]\n";

const GOOD_TEST: &str = "now: 2026-11-04T00:00:00Z\ntests: [{ name: one, machine: { zone: HKG-A }, expect: { decision: keep } }]\n";

#[derive(Debug)]
struct Answer {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Answer {
    #[track_caller]
    fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    fn says(&self, text: &str) -> &Self {
        let said = self.stdout.contains(text) || self.stderr.contains(text);
        assert!(said, "it does not say {text:?}:\n{}\n{}", self.stdout, self.stderr);
        self
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// Runs the binary in `folder`, so that paths are relative.
fn zenreaper(folder: &Path, arguments: &[&str]) -> Answer {
    let output = Command::new(env!("CARGO_BIN_EXE_zenreaper"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    Answer { code: output.status.code(), stdout, stderr }
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files of a folder of the repository, in the order of their names.
fn files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(repository().join(folder)).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// A folder with files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// A copy of the shipped rules and their tests, under `rules`.
fn shipped() -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    fs::create_dir(copy.path().join("rules")).unwrap();
    for file in files("rules") {
        fs::copy(&file, copy.path().join("rules").join(file.file_name().unwrap())).unwrap();
    }
    copy
}

#[test]
fn the_shipped_rules_do_what_their_tests_say_and_each_has_one() {
    let answer = zenreaper(repository(), &["test", "rules"]);
    answer.exits(0).says("rules/development.test.yaml: ").says(" 0 failed");
    assert_eq!(answer.stderr, "");
    let json = zenreaper(repository(), &["test", "rules", "-o", "json"]).exits(0).json();
    assert_eq!(json["ok"], true);
    assert_eq!(json["untested_rules"], serde_json::json!([]));
    for file in files("rules") {
        let name = file.file_name().unwrap().to_str().unwrap();
        let test = name.replace(".yaml", ".test.yaml");
        assert!(name.contains(".test.") || file.with_file_name(test).is_file(), "{name}");
    }
}

/// For a change of a shipped rule, the test that must notice it.
const CHANGES: [(&str, &str, &str, &str); 27] = [
    ("ci-at-night", ">= 12h", ">= 13h", "one that began twelve hours ago is not"),
    ("ci-at-night", "0 22", "0 21", "in the run at ten in the evening it goes"),
    ("ci-at-night", "Asia/Shanghai", "UTC", "in daytime it waits for the evening"),
    ("ci-at-night", "ci-runner-*", "ci-run-*", "runners stay, and so do machines of others"),
    ("development", "after: 72h", "after: 71h", "it lives to the last second of the third day"),
    ("development", "after: 72h", "after: 73h", "a development machine goes after three days"),
    ("development", "[dev, test]", "[dev]", "a test machine goes as a development machine does"),
    ("development", "[dev, test]", "'*'", "other machines stay"),
    (
        "development",
        "{ keep: \"*\" }",
        "{ keep: \"yes\" }",
        "a tag keep, ttl or expires keeps it from this rule, whatever its value",
    ),
    (
        "development",
        "{ ttl: \"*\" }",
        "{ ttl: never }",
        "a tag keep, ttl or expires keeps it from this rule, whatever its value",
    ),
    ("failed-creations", "after: 1h", "after: 59m", "somebody can look at it for an hour"),
    (
        "failed-creations",
        "status: CREATE_FAILED",
        "status: [CREATE_FAILED, INSTALL_FAILED]",
        "any other status stays, that of a failed installation too",
    ),
    ("failed-creations", "{ keep: \"*\" }", "{ hold: \"*\" }", "a tag keep keeps it"),
    (
        "project-expiry",
        "notice: 24h",
        "notice: 25h",
        "the owner is told a day before, and not earlier",
    ),
    ("project-expiry", "notice: 24h", "notice: 23h", "the owner is told a day before"),
    ("project-expiry", "[prod, production]", "prod", "a tag keep and production keep it"),
    (
        "project-expiry",
        "expire:\n      tag: expires",
        "expire: { tag: expires, max: 9999d }",
        "a project that never ends keeps its machines",
    ),
    (
        "pull-requests",
        "default: 48h",
        "default: 47h",
        "it lives to the last second of the second day",
    ),
    ("pull-requests", "max: 30d", "max: 31d", "but no tag buys more than thirty days"),
    ("pull-requests", "\"pr-*\"", "\"*pr*\"", "machines with other names stay"),
    ("stopped", "after: 24h", "after: 23h", "nothing younger than a day is taken"),
    (
        "stopped",
        "when-stopped: return",
        "when-stopped: '*'",
        "without the tag, or with another value, a stopped machine stays",
    ),
    ("ttl-tag", "default: 7d", "default: 6d", "it lives to the last second of the seventh day"),
    ("ttl-tag", "max: 30d", "max: 29d", "thirty days are thirty days"),
    ("untagged", "notice: 72h", "notice: 73h", "it is told of three days before it goes"),
    ("untagged", "after: 14d", "after: 13d", "nobody is told before the eleventh day"),
    ("untagged", "([-_.]|$)", "", "a name that only has the letters in it does not"),
];

/// The names of the tests that failed.
fn failed(json: &Value) -> Vec<String> {
    let files = json["files"].as_array().unwrap().iter();
    let cases = files.flat_map(|file| file["cases"].as_array().unwrap());
    let failed = cases.filter(|case| case["ok"] == false);
    failed.map(|case| case["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_shipped_rule_that_is_changed_fails_the_test_that_is_named_for_it() {
    for (rule, before, after, test) in CHANGES {
        let copy = shipped();
        let path = copy.path().join("rules").join(format!("{rule}.yaml"));
        let text = fs::read_to_string(&path).unwrap();
        let (head, body) = text.split_once("rules:\n").unwrap();
        assert!(body.contains(before), "{rule}: {before}");
        // Beside the comments at its head, which may tell the same words.
        let changed = body.replacen(before, after, 1);
        fs::write(&path, format!("{head}rules:\n{changed}")).unwrap();
        let json = zenreaper(copy.path(), &["test", "rules", "-o", "json"]).exits(1).json();
        let failed = failed(&json);
        assert!(failed.iter().any(|name| name == test), "{rule}, {after}: {failed:?}");
    }
    for file in files("rules") {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let changed = CHANGES.iter().any(|(rule, ..)| name.trim_end_matches(".test") == *rule);
        assert!(changed, "{name} is never changed here");
    }
}

#[test]
fn a_failure_tells_what_was_expected_what_happened_and_why() {
    let folder = repository().join("tests/fixtures/tests");
    let answer = zenreaper(&folder, &["test", "failing"]);
    assert_eq!(answer.exits(1).stderr, "");
    expect_file!["fixtures/tests/failing.txt"].assert_eq(&answer.stdout);
    let answer = zenreaper(&folder, &["test", "failing", "-o", "json"]);
    assert_eq!(answer.exits(1).stderr, "");
    expect_file!["fixtures/tests/failing.json"].assert_eq(&answer.stdout);
}

/// Whether the text holds `file:line:column`.
fn tells_place(text: &str, file: &str) -> bool {
    let number = |text: Option<&str>| text.is_some_and(|text| text.parse::<u32>().is_ok());
    text.lines().filter_map(|line| line.trim_start().strip_prefix("--> ")).any(|place| {
        let mut parts = place.split(':');
        parts.next() == Some(file) && number(parts.next()) && number(parts.next())
    })
}

/// The bad test files, but for their answers.
fn bad_files() -> Vec<PathBuf> {
    let mut files = files("tests/fixtures/tests/bad");
    files.retain(|path| path.extension().is_some_and(|end| end == "yaml"));
    files
}

#[test]
fn every_bad_test_file_is_refused_with_the_answer_beside_it() {
    let rules = fs::read_to_string(repository().join("tests/fixtures/tests/rules.yaml")).unwrap();
    let bad = bad_files();
    assert!(bad.len() >= 40, "only {} fixtures", bad.len());
    for file in bad {
        let wrong = fs::read_to_string(&file).unwrap();
        let name = file.file_stem().unwrap().to_str().unwrap();
        let (beside, test) = (format!("{name}.yaml"), format!("{name}.test.yaml"));
        let folder = folder(&[(&beside, &rules), (&test, &wrong), ("wrong.yaml", WRONG)]);
        let answer = zenreaper(folder.path(), &["test", &test]);
        expect_file![file.with_extension("stderr")].assert_eq(&answer.stderr);
        assert_eq!((answer.code, answer.stdout.as_str()), (Some(2), ""), "{name}");
        let culprit = if name == "rules-are-wrong" { "wrong.yaml" } else { &test };
        assert!(tells_place(&answer.stderr, culprit), "{name}:\n{}", answer.stderr);
        assert!(answer.stderr.starts_with("error[ZR"), "{name}:\n{}", answer.stderr);
        let expects = answer.stderr.contains("expected") || answer.stderr.contains("did you mean");
        assert!(expects, "{name} does not say what was expected:\n{}", answer.stderr);
    }
}

#[test]
fn no_answer_outlives_its_fixture() {
    for file in files("tests/fixtures/tests/bad") {
        assert!(file.with_extension("yaml").is_file(), "{} has no fixture", file.display());
    }
}

#[test]
fn what_is_wrong_in_several_files_is_told_once_and_as_json_for_programs() {
    let folder = folder(&[
        ("a.test.yaml", &format!("rules: c.yaml\n{GOOD_TEST}")),
        ("b.test.yaml", &format!("rules: c.yaml\n{GOOD_TEST}")),
        ("c.yaml", WRONG),
    ]);
    let json = zenreaper(folder.path(), &["test", ".", "-o", "json"]).exits(2).json();
    assert_eq!((&json["ok"], &json["passed"]), (&Value::from(false), &Value::from(0)));
    let problems = json["problems"].as_array().unwrap();
    let told: Vec<_> = problems.iter().map(|one| one["path"].as_str().unwrap()).collect();
    assert_eq!(told, ["rules[0].mach", "rules[0]"]);
}

#[test]
fn no_test_at_all_is_no_success() {
    let folder = folder(&[
        ("rules/dev.yaml", "rules: []"),
        ("large/dev.test.yaml", &"# long\n".repeat(200_000)),
        ("empty/dev.test.yaml", "tests: []"),
        ("empty/dev.yaml", "rules: []"),
        ("config.yaml", "rules: rules"),
        ("deep/deeper/dev.test.yaml", GOOD_TEST),
    ]);
    let run = |arguments: &[&str]| zenreaper(folder.path(), arguments);
    run(&["test", "rules"]).exits(1).says("error: there is no test in rules; expected files");
    run(&["test", "empty"]).exits(1).says("error: there is no test in empty");
    run(&["test", "deep"]).exits(1).says("error: there is no test in deep");
    run(&["test", "--config", "config.yaml"])
        .exits(1)
        .says("there is no test beside the rules of config.yaml");
    let json = run(&["test", "empty", "-o", "json"]).exits(1).json();
    assert_eq!(json["ok"], false);
    run(&["test", "nowhere.test.yaml"]).exits(2).says("cannot read the file");
    run(&["test", "large"]).exits(2).says("larger than 1048576 bytes");
}

#[test]
fn without_a_path_the_tests_beside_the_rules_of_the_config_run() {
    let rule = "rules: [{ name: hkg, match: { zone: HKG-A } }]";
    let test = "now: 2026-11-04T00:00:00Z\ntests: [{ name: one, machine: { zone: HKG-A }, expect: { decision: terminate, rule: hkg } }]";
    let folder = folder(&[
        ("config.yaml", "rules: rules"),
        ("of-a-file.yaml", "rules: rules/hkg.yaml"),
        ("wrong.yaml", "rules: rules\nmode: enforced"),
        ("rules/hkg.yaml", rule),
        ("rules/hkg.test.yaml", test),
        ("rules/other.yaml", "rules: [{ name: other, match: { zone: SEL-A } }]"),
    ]);
    let run = |config: &str| zenreaper(folder.path(), &["test", "--config", config]);
    run("config.yaml")
        .exits(0)
        .says("rules/hkg.test.yaml: 1 ok\n")
        .says("1 test in 1 file: 1 passed, 0 failed\n1 rule has no test: other\n");
    let answer = run("of-a-file.yaml");
    answer.exits(0).says("rules/hkg.test.yaml: 1 ok\n");
    assert!(!answer.stdout.contains("no test"), "{}", answer.stdout);
    let by_rules = zenreaper(folder.path(), &["test", "rules/hkg.yaml"]);
    by_rules.exits(0).says("rules/hkg.test.yaml: 1 ok\n");
    run("wrong.yaml").exits(2).says("did you mean `enforce`?");
}

#[test]
fn test_files_are_no_rules_and_check_reads_them_too() {
    let folder = folder(&[
        ("config.yaml", "rules: rules"),
        ("wrong.yaml", "rules: rules\nmode: enforced"),
        ("rules/dev.yaml", "rules: [{ name: dev, match: { zone: SEL-A } }]"),
        ("rules/dev.test.yaml", GOOD_TEST),
        ("rules/more.test.yml", &format!("rules: dev.yaml\n{GOOD_TEST}")),
    ]);
    let check = |config: &str| zenreaper(folder.path(), &["check", "--config", config]);
    check("config.yaml").exits(0).says("1 rule in 1 file");
    fs::write(folder.path().join("rules/more.test.yml"), "test: []").unwrap();
    check("config.yaml").exits(2).says("--> rules/more.test.yml:1:1").says("did you mean `tests`?");
    check("wrong.yaml").exits(2).says("did you mean `tests`?").says("did you mean `enforce`?");
    // A test is for people: a service does not stand still because of one.
    let now = "2026-11-04T00:00:00Z".parse().unwrap();
    let loaded = zenreaper::config::load(&folder.path().join("config.yaml"), now).unwrap();
    assert_eq!(loaded.rule_files, 1);
}
