//! What people write, right and wrong, against the real binary.
//!
//! `fixtures/{rules,config}/bad` holds one file for each fault, named for it, with the whole answer beside it; `warned` does so for
//! what is taken with a warning, and `good` for what is taken without. After a change
//! of words, `UPDATE_EXPECT=1 cargo test --test inputs` writes the answers anew: read them with the eyes of who made the fault.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its own files has failed")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use expect_test::expect_file;
use jiff::tz::TimeZone;
use tempfile::TempDir;
use zenreaper::{clock, diagnostic::Code, schedule::Schedule};

const RULES: &str =
    "rules:\n  - name: dev\n    match: { tags: { env: dev } }\n    expire: { after: 3d }\n";

/// The secret that some of the bad configs hold.
const SECRET: &str = "NOT-TO-BE-SHOWN";

/// Answers without a line, a column and what was expected there, because there is no file that could have any.
const WITHOUT_A_FILE: [&str; 2] =
    ["config/bad/rules-missing.yaml", "config/bad/rules-folder-empty.yaml"];

#[derive(Debug, Eq, PartialEq)]
struct Answer {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Runs `zenreaper check` in `folder`, so that paths are relative.
fn check(folder: &Path, arguments: &[&str]) -> Answer {
    zenreaper(&[&["check"], arguments].concat(), folder)
}

fn zenreaper(arguments: &[&str], folder: &Path) -> Answer {
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

/// A folder with files.
fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The YAML files of a folder in the repository.
fn yaml_files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(repository().join(folder)).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "yaml"));
    files.sort();
    files
}

/// Checks a rule file, or a config beside a good rule file, under its own name.
fn check_fixture(kind: &str, file: &Path, more: &[&str]) -> Answer {
    let name = file.file_name().unwrap().to_str().unwrap();
    let bytes = fs::read(file).unwrap();
    let config = format!("rules: {name}\n");
    let (beside, config) = match kind {
        "config" => (("rules.yaml", RULES), name),
        _ => (("config.yaml", config.as_str()), "config.yaml"),
    };
    let folder = folder(&[(beside.0, beside.1.as_bytes()), (name, &bytes)]);
    check(folder.path(), &[&["--config", config], more].concat())
}

/// Whether the text holds `file:line:column`.
fn tells_place(text: &str, file: &str) -> bool {
    let number = |text: Option<&str>| text.is_some_and(|text| text.parse::<u32>().is_ok());
    text.lines().filter_map(|line| line.trim_start().strip_prefix("--> ")).any(|place| {
        let mut parts = place.split(':');
        parts.next() == Some(file) && number(parts.next()) && number(parts.next())
    })
}

fn each_is_refused(kind: &str, at_least: usize) {
    let files = yaml_files(&format!("tests/fixtures/{kind}/bad"));
    assert!(files.len() >= at_least, "only {} fixtures", files.len());
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        let label = format!("{kind}/bad/{name}");
        let Answer { code, stdout, stderr } = check_fixture(kind, &file, &[]);
        expect_file![file.with_extension("stderr")].assert_eq(&stderr);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{label}");
        assert!(stderr.starts_with("error[ZR"), "{label} has no code:\n{stderr}");
        if !WITHOUT_A_FILE.contains(&label.as_str()) {
            assert!(tells_place(&stderr, name), "{label} has no file:line:column:\n{stderr}");
            let wanted = ["expected", "did you mean", "= help: write "];
            let expects = wanted.iter().any(|fix| stderr.contains(fix));
            assert!(expects, "{label} does not say what was expected:\n{stderr}");
        }
        assert!(!stderr.contains(SECRET), "{label} shows a secret:\n{stderr}");
    }
}

#[test]
fn every_bad_rule_file_is_refused_with_the_answer_beside_it() {
    each_is_refused("rules", 40);
}

#[test]
fn every_bad_config_is_refused_with_the_answer_beside_it() {
    each_is_refused("config", 40);
}

#[test]
fn every_file_that_is_taken_with_a_warning_has_the_answer_beside_it_and_is_refused_if_strict() {
    for kind in ["config", "rules"] {
        let files = yaml_files(&format!("tests/fixtures/{kind}/warned"));
        assert!(!files.is_empty(), "{kind}");
        for file in files {
            let label = file.display();
            let Answer { code, stdout, stderr } = check_fixture(kind, &file, &[]);
            expect_file![file.with_extension("stderr")].assert_eq(&stderr);
            assert_eq!(code, Some(0), "{label}");
            assert!(stdout.starts_with("ok: "), "{label}: {stdout}");
            assert!(stderr.starts_with("warning[ZR1"), "{label}: {stderr}");
            assert!(tells_place(&stderr, file.file_name().unwrap().to_str().unwrap()), "{label}");
            let strict = check_fixture(kind, &file, &["--strict"]);
            let told = format!("{stderr}\nerror: warnings are errors with `--strict`\n");
            let refused = Answer { code: Some(2), stdout: String::new(), stderr: told };
            assert_eq!(strict, refused, "{label}");
        }
    }
}

#[test]
fn a_warning_on_a_schedule_shows_its_next_three_firings_in_its_zone() {
    let config = "rules: rules.yaml\ntimezone: Europe/Berlin\nschedule: '0 9 */2 * MON-FRI'\n";
    let rule = "  - { name: kiribati, match: { tags: { env: x } }, expire: { after: 3d }, \
                schedule: '0 9 * * 1-5 *', timezone: Pacific/Kiritimati }\n";
    let rules = format!("{RULES}{rule}");
    let folder = folder(&[("config.yaml", config.as_bytes()), ("rules.yaml", rules.as_bytes())]);
    let firings = || {
        let next = |pattern: &str, zone: &str| {
            let (zone, now) = (TimeZone::get(zone).unwrap(), clock::now());
            Schedule::parse(pattern, zone, now).unwrap().next_firings(now)
        };
        let either = next("0 9 */2 * MON-FRI", "Europe/Berlin");
        [either, next("0 9 * * 1-5 *", "Pacific/Kiritimati")]
    };
    let before = firings();
    let text = check(folder.path(), &["--config", "config.yaml"]);
    let json = check(folder.path(), &["--config", "config.yaml", "-o", "json"]);
    let strict = check(folder.path(), &["--config", "config.yaml", "--strict"]);
    assert_eq!((text.code, json.code, strict.code), (Some(0), Some(0), Some(2)));
    let is_shown = |firings: &[String; 2]| {
        firings.iter().all(|one| {
            let told = format!("next firings: {one}");
            text.stderr.contains(&told) && json.stdout.contains(&told)
        })
    };
    assert!(is_shown(&before) || is_shown(&firings()), "{before:?}: {text:?} {json:?}");
    assert!(
        text.stderr.contains("warning[ZR120]: schedule: `0 9 */2 * MON-FRI` fires on each day")
    );
    assert!(text.stderr.contains("warning[ZR121]: rules[1].schedule: `0 9 * * 1-5 *` begins"));
    assert!(text.stderr.contains("if the last field is meant as the year, write `0 9 * * 1-5`"));
}

#[test]
fn programs_are_told_what_is_a_warning_and_whether_it_matters() {
    let file = repository().join("tests/fixtures/rules/warned/due-at-once.yaml");
    for (more, code) in [(&["-o", "json"][..], 0), (&["-o", "json", "--strict"], 2)] {
        let answer = check_fixture("rules", &file, more);
        assert_eq!((answer.code, answer.stderr.as_str()), (Some(code), ""));
        let json: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
        assert_eq!(json["ok"], code == 0);
        let problem = &json["problems"][0];
        assert_eq!((&problem["code"], &problem["severity"]), (&"ZR106".into(), &"warning".into()));
        assert_eq!((&problem["path"], &problem["line"]), (&"rules[0]".into(), &2.into()));
    }
}

/// A line for each problem of a fixture: where, which code, what.
fn rows(kind: &str, file: &Path) -> Vec<String> {
    let answer = check_fixture(kind, file, &["-o", "json"]);
    let json: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
    let label = file.strip_prefix(repository().join("tests/fixtures")).unwrap().display();
    let row = |problem: &serde_json::Value| {
        let text = |key: &str| problem[key].as_str().unwrap().to_owned();
        let place = problem["line"].as_u64().zip(problem["column"].as_u64());
        let place = place.map_or("-".to_owned(), |(line, column)| format!("{line}:{column}"));
        let path = Some(text("path")).filter(|path| !path.is_empty());
        let path = path.map(|path| path + ": ").unwrap_or_default();
        format!("{label} {} {place} {path}{}\n", text("code"), text("message"))
    };
    json["problems"].as_array().unwrap().iter().map(row).collect()
}

#[test]
fn every_code_is_raised_by_a_file_and_the_table_has_them_all() {
    let mut table = String::new();
    for (kind, folder) in
        [("config", "bad"), ("config", "warned"), ("rules", "bad"), ("rules", "warned")]
    {
        for file in yaml_files(&format!("tests/fixtures/{kind}/{folder}")) {
            let rows = rows(kind, &file);
            assert!(!rows.is_empty(), "{}", file.display());
            table.extend(rows);
        }
    }
    expect_file!["fixtures/codes.txt"].assert_eq(&table);
    // What these need to know of earlier runs, `tests/hindsight.rs` has.
    let by_memory = [Code::UnknownTagKey, Code::OutpacedSchedule, Code::NearMissKey];
    // What these say depends on the time: a test above has them.
    let by_time = [Code::EitherDay, Code::OtherDialect];
    let has_file = |code: &Code| !by_memory.contains(code) && !by_time.contains(code);
    for code in Code::ALL.into_iter().filter(has_file) {
        assert!(table.contains(&format!(" {code} ")), "{code}");
    }
}

#[test]
fn no_answer_outlives_its_fixture() {
    for folder in ["rules/bad", "rules/warned", "config/bad", "config/warned"] {
        let folder = repository().join("tests/fixtures").join(folder);
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            assert!(path.with_extension("yaml").is_file(), "{} has no fixture", path.display());
        }
    }
}

#[test]
fn every_good_rule_file_is_taken() {
    let files = yaml_files("tests/fixtures/rules/good");
    assert!(files.len() >= 5);
    for file in files {
        let answer = check_fixture("rules", &file, &[]);
        assert_eq!((answer.code, answer.stderr.as_str()), (Some(0), ""), "{}", file.display());
    }
}

#[test]
fn a_good_config_with_every_key_is_taken() {
    for file in yaml_files("tests/fixtures/config/good") {
        let answer = check_fixture("config", &file, &[]);
        assert_eq!((answer.code, answer.stderr.as_str()), (Some(0), ""), "{}", file.display());
    }
}

#[test]
fn what_is_shipped_is_taken() {
    let shipped = fs::read_to_string(repository().join("deploy/config.yaml")).unwrap();
    let (there, rules) = ("rules: /etc/zenreaper/rules\n", repository().join("rules"));
    assert!(shipped.contains(there));
    let here = shipped.replace(there, &format!("rules: {:?}\n", rules.display().to_string()));
    let folder = folder(&[("config.yaml", here.as_bytes())]);
    let answer = check(folder.path(), &["--config", "config.yaml"]);
    assert_eq!((answer.code, answer.stderr.as_str()), (Some(0), ""));
    let strict = check(folder.path(), &["--config", "config.yaml", "--strict"]);
    assert_eq!(strict, answer, "what is shipped has no warning");
    let is_test = |path: &&PathBuf| path.to_string_lossy().ends_with(".test.yaml");
    let count = yaml_files("rules").iter().filter(|path| !is_test(path)).count();
    assert!(answer.stdout.contains(&format!("rules in {count} files")), "{}", answer.stdout);
}

#[test]
fn a_file_past_the_bound_of_size_is_refused_unread() {
    let large = "# long\n".repeat(200_000);
    let folder = folder(&[("config.yaml", b"rules: large.yaml"), ("large.yaml", large.as_bytes())]);
    let answer = check(folder.path(), &["--config", "config.yaml"]);
    assert_eq!((answer.code, answer.stdout.as_str()), (Some(2), ""));
    assert!(answer.stderr.contains("larger than 1048576 bytes"), "{}", answer.stderr);
}

#[test]
fn what_is_no_file_in_a_folder_of_rules_is_refused_unread_and_hides_no_other_fault() {
    let folder = folder(&[
        ("config.yaml", b"rules: rules"),
        ("rules/good.yaml", RULES.as_bytes()),
        ("rules/wrong.yaml", b"rules: [{ name: a, match: { zona: A } }]"),
    ]);
    fs::create_dir(folder.path().join("rules/folder.yaml")).unwrap();
    for pipe in ["rules/pipe.yaml", "rules/pipe.test.yaml"] {
        let made = Command::new("mkfifo").arg(folder.path().join(pipe)).status().unwrap();
        assert!(made.success());
    }
    let at = |file: &str| folder.path().join("rules").join(file);
    std::os::unix::fs::symlink("good.yaml", at("link.yaml")).unwrap();
    let answer = check(folder.path(), &["--config", "config.yaml"]);
    assert_eq!(answer.code, Some(2), "{}", answer.stderr);
    let told = |file: &str| answer.stderr.matches(&format!("rules/{file}")).count();
    let files = ["folder.yaml", "pipe.yaml", "pipe.test.yaml", "wrong.yaml", "link.yaml"];
    assert_eq!(files.map(told), [1, 1, 1, 1, 1], "{}", answer.stderr);
    assert_eq!(answer.stderr.matches("it is not a regular file").count(), 3);
    assert!(answer.stderr.contains("link.yaml") && answer.stderr.contains("unknown key"));
    let tests = zenreaper(&["test", "rules"], folder.path());
    assert_eq!((tests.code, tests.stderr.contains("pipe.test.yaml")), (Some(2), true));
    for odd in ["folder.yaml", "pipe.test.yaml", "pipe.yaml", "wrong.yaml", "link.yaml"] {
        let path = at(odd);
        if path.is_dir() { fs::remove_dir(path) } else { fs::remove_file(path) }.unwrap();
    }
    assert_eq!(check(folder.path(), &["--config", "config.yaml"]).code, Some(0));
}

#[test]
fn a_pipe_that_somebody_names_is_read() {
    let folder = folder(&[("config.yaml", b"rules: rules.yaml"), ("rules.yaml", RULES.as_bytes())]);
    let script = r#""$0" check --config <(cat config.yaml | sed "s|rules.yaml|$PWD/rules.yaml|")"#;
    let answer = Command::new("bash")
        .args(["-c", script, env!("CARGO_BIN_EXE_zenreaper")])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
}

/// A config and two rule files with a fault or two in each; the second file takes a name of the first.
fn several_faults() -> TempDir {
    folder(&[
        ("config.yaml", b"mode: enforced\nrules: rules\nlimits: { max_percent: 110 }\n"),
        (
            "rules/a.yaml",
            b"rules:\n  - name: dev\n    match: { status: runing }\n  - name: test\n    match: {}\n",
        ),
        ("rules/b.yml", b"rules:\n  - name: dev\n    mach: everything\n"),
        ("rules/c.yaml", b"rules:\n\t- name: tab\n"),
        ("rules/notes.txt", b"no rules"),
    ])
}

#[test]
fn all_faults_of_all_files_are_told_at_once() {
    let answer = check(several_faults().path(), &["--config", "config.yaml"]);
    assert_eq!((answer.code, answer.stdout.as_str()), (Some(2), ""));
    expect_file!["fixtures/several-faults.stderr"].assert_eq(&answer.stderr);
}

#[test]
fn programs_get_the_faults_as_json() {
    let answer = check(several_faults().path(), &["--config", "config.yaml", "-o", "json"]);
    assert_eq!((answer.code, answer.stderr.as_str()), (Some(2), ""));
    expect_file!["fixtures/several-faults.json"].assert_eq(&answer.stdout);
}

#[test]
fn a_code_is_explained_without_any_file() {
    let folder = folder(&[]);
    for code in ["ZR010", "zr10", "10"] {
        let answer = check(folder.path(), &["--explain", code]);
        assert_eq!((answer.code, answer.stderr.as_str()), (Some(0), ""), "{code}");
        expect_file!["fixtures/explain.txt"].assert_eq(&answer.stdout);
    }
    let answer = check(folder.path(), &["--explain", "ZR003", "-o", "json"]);
    let json: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!((&json["code"], &json["severity"]), (&"ZR003".into(), &"error".into()));
    assert_eq!(json["title"], Code::TooMuch.explanation().title);
    assert_eq!(json["text"], Code::TooMuch.explanation().to_string());
}

#[test]
fn a_code_that_is_none_is_wrong_usage_and_the_nearest_is_offered() {
    for (code, told) in [("ZR009", "the nearest is ZR010"), ("E0308", "a code from ZR001 to ZR")] {
        let answer = check(folder(&[]).path(), &["--explain", code]);
        assert_eq!((answer.code, answer.stdout.as_str()), (Some(2), ""), "{code}");
        assert!(answer.stderr.contains(told), "{}", answer.stderr);
    }
}
