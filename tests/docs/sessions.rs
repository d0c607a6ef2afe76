//! The sessions on the pages: executed in a folder of their own, in order, and each answer compared.

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
};

use expect_test::expect_file;
use regex::Regex;

use crate::document::{Document, in_repository};

/// Parts the answers; no command says it.
const PARTED: &str = "=== the next block ===";

/// Executes the blocks in one shell, in a folder that has what the source has for them, and gives the answer to each.
fn answers(blocks: &[&str]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("docs")).unwrap();
    fs::copy(in_repository("docs/fleet.json"), folder.path().join("docs/fleet.json")).unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_zenreaper")).parent().unwrap();
    let others = env::var("PATH").unwrap();
    let part = format!("\nprintf '\\n{PARTED}\\n'\n");
    let script = format!("exec 2>&1\n{}{part}", blocks.join(&part));
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", format!("{}:{others}", binary.display()))
        .env("HOME", folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let mut answers: Vec<_> = said.split(&format!("\n{PARTED}\n")).map(str::to_owned).collect();
    assert_eq!(answers.pop().as_deref(), Some(""), "the session ended early:\n{said}");
    assert_eq!(answers.len(), blocks.len(), "{said}");
    answers
}

/// An answer without what changes from day to day: how long ago something was, and so the width of a column.
fn steady(answer: &str) -> String {
    let ago = Regex::new(r"\d+[a-z]( \d+[a-z])? ago").unwrap();
    let spaces = Regex::new(r" +").unwrap();
    spaces.replace_all(&ago.replace_all(answer, "AGO"), " ").trim_end().to_owned()
}

/// The page as it would have to be: with the answers that were given, where they are others than those it shows.
fn with_answers(page: &Document) -> String {
    let blocks = page.blocks();
    let commands: Vec<_> = blocks.iter().filter(|block| block.info == "sh run").collect();
    assert!(!commands.is_empty(), "{}", page.path);
    let texts: Vec<_> = commands.iter().map(|block| block.text).collect();
    let mut answers = answers(&texts).into_iter();
    let (mut whole, mut at) = (String::new(), 0);
    for (n, block) in blocks.iter().enumerate().filter(|(_, block)| block.info == "sh run") {
        let answer = answers.next().unwrap();
        match blocks.get(n + 1).filter(|next| next.info == "text") {
            Some(shown) if steady(shown.text) != steady(&answer) => {
                whole += &page.text[at..shown.bytes.start];
                whole += answer.trim_end();
                whole += "\n";
                at = shown.bytes.end;
            }
            Some(_) => {}
            None => assert_eq!(answer, "", "{}: an answer that is not shown", block.place),
        }
    }
    whole + &page.text[at..]
}

#[test]
fn the_first_rule_of_the_readme_goes_as_it_is_shown() {
    expect_file!["../../README.md"].assert_eq(&with_answers(&Document::read("README.md")));
}

#[test]
fn the_first_rule_in_full_goes_as_it_is_shown() {
    let page = Document::read("docs/first-rule.md");
    expect_file!["../../docs/first-rule.md"].assert_eq(&with_answers(&page));
}

#[test]
fn the_short_version_fits_a_screen() {
    let readme = Document::read("README.md").text;
    let (_, after) = readme.split_once("## Your first rule in five minutes\n").unwrap();
    let lines = after.split("\n## ").next().unwrap().lines().count();
    assert!(lines <= 40, "{lines} lines");
}
