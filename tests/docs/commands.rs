//! The commands and flags that the pages name.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    process::Command,
};

use regex::Regex;

use crate::document::Document;

fn help(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_zenreaper")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The flags in a text.
fn flags(text: &str) -> BTreeSet<String> {
    let flag = Regex::new(r"(?:^|[\s\[`|(])(--[a-z][a-z-]*)").unwrap();
    flag.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

/// The flags of every command, by its name; those of the program itself under none.
fn known() -> BTreeMap<String, BTreeSet<String>> {
    let top = help(&["--help"]);
    let (_, after) = top.split_once("Commands:\n").unwrap();
    let lines = after.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names = names.filter(|name| !name.is_empty() && *name != "help");
    let mut known: BTreeMap<_, _> =
        names.map(|name| (name.to_owned(), flags(&help(&[name, "--help"])))).collect();
    assert!(known.len() > 15, "{known:?}");
    known.insert(String::new(), flags(&top));
    known
}

/// The calls of zenreaper in a text, each the words after its name; its folders and its service are no calls.
fn calls(text: &str) -> Vec<&str> {
    let name = Regex::new(r"(?:^|[\s(])zenreaper ").unwrap();
    let ends = name.find_iter(text).map(|found| found.end());
    let call =
        |end| text[end..].split([';', '&', '#']).next().unwrap().split(" | ").next().unwrap();
    let is_of_systemd = text.contains("systemctl") || text.contains("journalctl");
    ends.map(call).filter(|_| !is_of_systemd).collect()
}

/// What is wrong with a call.
fn wrong(call: &str, known: &BTreeMap<String, BTreeSet<String>>) -> Option<String> {
    let name = call.split_whitespace().next().unwrap_or_default();
    let name = if name.starts_with('-') { "" } else { name };
    let Some(own) = known.get(name) else { return Some(format!("no command `{name}`")) };
    let unknown: Vec<_> = flags(call).into_iter().filter(|flag| !own.contains(flag)).collect();
    (!unknown.is_empty()).then(|| format!("`zenreaper {name}` has no {}", unknown.join(", ")))
}

/// The texts of a page that may name a command or a flag, each with its place.
fn texts(page: &Document) -> Vec<(String, String)> {
    let blocks = page.blocks();
    let shell = blocks.iter().filter(|block| block.info.starts_with("sh"));
    let lines = shell.flat_map(|block| block.text.lines().map(|line| (&block.place, line)));
    let lines = lines.map(|(place, line)| (place.clone(), line.to_owned()));
    lines.chain(page.spans().into_iter().map(|span| (page.path.clone(), span))).collect()
}

#[test]
fn every_command_and_flag_on_the_pages_is_there() {
    let known = known();
    let (mut found, mut count) = (String::new(), 0);
    for (place, text) in Document::all().iter().flat_map(texts) {
        let named = calls(&text);
        // A table may leave the name of the program away.
        let first = text.split(' ').next().filter(|name| !name.is_empty());
        let is_short = named.is_empty() && first.is_some_and(|name| known.contains_key(name));
        for call in named.into_iter().chain(is_short.then_some(&*text)) {
            count += 1;
            if let Some(wrong) = wrong(call, &known) {
                writeln!(found, "{place}: {wrong}: {text}").unwrap();
            }
        }
        let is_of = |own: &BTreeSet<_>| own.is_superset(&flags(&text));
        if text.starts_with("--") && !known.values().any(is_of) {
            writeln!(found, "{place}: no command has {text}").unwrap();
        }
    }
    assert!(found.is_empty(), "{found}");
    assert!(count > 60, "only {count} calls");
}
