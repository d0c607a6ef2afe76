//! The rules, tests and configs on the pages, read by the real binary.

use std::{fs, process::Command};

use serde_json::Value;
use tempfile::TempDir;

use crate::document::{Block, Document};

/// The pages on which every block of YAML is of a kind that is checked.
const WHOLLY_CHECKED: [&str; 6] = [
    "README.md",
    "docs/configuration.md",
    "docs/cookbook.md",
    "docs/first-rule.md",
    "docs/notices.md",
    "docs/rules.md",
];

/// What a block of YAML is.
enum Kind<'d> {
    Rules,
    Bad(Vec<&'d str>),
    Test,
    Config,
}

impl<'d> Kind<'d> {
    /// What `block` is; `None` if it is none of ours.
    fn of(block: &Block<'d>) -> Option<Self> {
        let mut words = block.info.split(' ');
        let is_yaml = words.next() == Some("yaml");
        match (is_yaml, words.next()) {
            (true, None) if block.text.lines().any(|line| line == "rules:") => Some(Self::Rules),
            (true, Some("bad")) => Some(Self::Bad(words.collect())),
            (true, Some("test")) => Some(Self::Test),
            (true, Some("config")) => Some(Self::Config),
            _ => None,
        }
    }
}

/// A folder with files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// Runs the binary among these files, and gives its exit code and what it said.
fn zenreaper(files: &[(&str, &str)], arguments: &[&str]) -> (Option<i32>, String) {
    let folder = folder(files);
    let output = Command::new(env!("CARGO_BIN_EXE_zenreaper"))
        .args(arguments)
        .current_dir(folder.path())
        .env_clear()
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

/// The codes of all that `check` has to say, warnings too.
fn codes(config: &str, rules: &str) -> (Vec<String>, String) {
    let files = [("config.yaml", config), ("rules.yaml", rules)];
    let (_, said) = zenreaper(&files, &["check", "--config", "config.yaml", "-o", "json"]);
    let json: Value = serde_json::from_str(&said).unwrap();
    let problems = json["problems"].as_array().unwrap().iter();
    (problems.map(|problem| problem["code"].as_str().unwrap().to_owned()).collect(), said)
}

#[test]
fn the_rules_on_the_pages_have_no_problem_or_the_one_that_they_show() {
    let mut count = 0;
    for page in Document::all() {
        for block in page.blocks() {
            let Block { place, text, .. } = &block;
            let rules = "rules: rules.yaml\nallow_release: true\n";
            let any = "rules: [{ name: any, match: { zone: HKG-A }, expire: { after: 1d } }]\n";
            let (expected, (found, said)) = match Kind::of(&block) {
                Some(Kind::Rules) => (Vec::new(), codes(rules, text)),
                Some(Kind::Bad(expected)) => (expected, codes(rules, text)),
                Some(Kind::Config) => {
                    (Vec::new(), codes(&format!("rules: rules.yaml\n{text}"), any))
                }
                Some(Kind::Test) | None => continue,
            };
            assert_eq!(found, expected, "{place}\n{said}");
            count += 1;
        }
    }
    assert!(count >= 40, "only {count} blocks");
}

#[test]
fn the_tests_on_the_pages_pass() {
    let mut count = 0;
    for page in Document::all() {
        let mut rules = None;
        for block in page.blocks() {
            match Kind::of(&block) {
                Some(Kind::Rules) => rules = Some(block.text),
                Some(Kind::Test) => {
                    let rules = rules.unwrap_or_else(|| panic!("{} tests nothing", block.place));
                    let files = [("page.yaml", rules), ("page.test.yaml", block.text)];
                    let (code, said) = zenreaper(&files, &["test", "page.test.yaml"]);
                    assert_eq!(code, Some(0), "{}\n{said}", block.place);
                    assert!(said.contains(" 0 failed"), "{}\n{said}", block.place);
                    count += 1;
                }
                Some(Kind::Bad(_) | Kind::Config) | None => {}
            }
        }
    }
    assert!(count >= 25, "only {count} tests");
}

#[test]
fn no_block_of_yaml_goes_unchecked() {
    for path in WHOLLY_CHECKED {
        let page = Document::read(path);
        for block in page.blocks().iter().filter(|block| block.info.starts_with("yaml")) {
            assert!(Kind::of(block).is_some(), "{}: `{}` is no kind", block.place, block.info);
        }
    }
}

#[test]
fn the_cookbook_lists_each_recipe_and_each_has_a_block_to_copy() {
    let page = Document::read("docs/cookbook.md");
    let (contents, _) = page.text.split_once("\n## ").unwrap();
    let recipes: Vec<_> = page.anchors().into_iter().skip(1).collect();
    assert!(recipes.len() >= 22, "{recipes:?}");
    for recipe in &recipes {
        assert_eq!(contents.matches(&format!("(#{recipe})")).count(), 1, "{recipe}");
    }
    for recipe in page.text.split("\n## ").skip(1) {
        assert!(recipe.contains("\n```yaml"), "{recipe}");
    }
}
