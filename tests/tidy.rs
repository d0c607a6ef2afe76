//! The style of the house, as a test. The tables here are the law; `src/lib.rs` tells them in words.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its own tree has failed")]

use std::{fmt::Write, fs, path::Path};

/// The top-level modules in reading order: a file imports only from those above its own.
const ORDER: [&str; 36] = [
    "inventory",
    "lifetime",
    "diagnostic",
    "yaml",
    "schedule",
    "rules",
    "plan",
    "explain",
    "forecast",
    "cases",
    "notice",
    "clock",
    "cloud",
    "report",
    "journal",
    "sandbox",
    "metrics",
    "log",
    "health",
    "notify",
    "host",
    "credentials",
    "config",
    "hindsight",
    "view",
    "board",
    "lease",
    "confirm",
    "record",
    "deliver",
    "execute",
    "run",
    "site",
    "web",
    "daemon",
    "cli",
];

/// The modules that are a function of their input, and what they may not so much as name.
const CORE: [&str; 12] = [
    "inventory",
    "lifetime",
    "diagnostic",
    "yaml",
    "schedule",
    "rules",
    "plan",
    "explain",
    "forecast",
    "cases",
    "notice",
    "report",
];
const NOT_IN_CORE: [&str; 8] = [
    "std::fs",
    "std::env",
    "std::net::Tcp",
    "std::net::Udp",
    "std::process",
    "tokio",
    "clock",
    "fastrand",
];

/// What is not left behind.
const BANNED: [&str; 6] = ["todo!", "dbg!", "unimplemented!", "FIXME", "XXX", "TODO"];

/// A file of `src`, without its tests and comments.
struct File {
    /// The path in the repository.
    path: String,
    /// The top-level module that it belongs to.
    module: String,
    /// All of it.
    whole: String,
    /// What is compiled into the program.
    code: String,
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The names in a folder of the repository.
fn names(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn sources() -> Vec<File> {
    let (mut files, mut folders) = (Vec::new(), vec!["src".to_owned()]);
    while let Some(folder) = folders.pop() {
        for name in names(&folder) {
            let path = format!("{folder}/{name}");
            match name.rsplit_once('.') {
                None => folders.push(path),
                Some((_, "rs")) if name != "tests.rs" => files.push(file(path)),
                Some(_) => {}
            }
        }
    }
    assert!(files.len() > 40, "only {} files", files.len());
    files
}

fn file(path: String) -> File {
    let whole = read(&path);
    let program = whole.split("\n#[cfg(test)]\n").next().unwrap();
    let code = |line: &&str| !line.trim_start().starts_with("//");
    let code: Vec<_> = program.lines().filter(code).collect();
    let module = path.split(['/', '.']).nth(1).unwrap().to_owned();
    File { code: code.join("\n"), path, module, whole }
}

/// Fails with all that was found.
fn none(found: &str, law: &str) {
    assert!(found.is_empty(), "{law}:\n{found}");
}

fn rank(module: &str) -> Option<usize> {
    ORDER.iter().position(|one| *one == module)
}

/// The top-level modules that the code names: in `use crate::{a, b::{c}}` and in `crate::a::b`.
fn imports(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for after in code.split("crate::").skip(1) {
        match after.strip_prefix('{') {
            Some(group) => found.extend(heads(group)),
            None => found.push(word(after)),
        }
    }
    found
}

fn word(text: &str) -> String {
    text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

/// The first word of each item of a group in braces.
fn heads(group: &str) -> Vec<String> {
    let (mut heads, mut depth, mut at_head) = (Vec::new(), 0, true);
    for (n, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => at_head = true,
            letter if at_head && letter.is_alphabetic() => {
                heads.push(word(&group[n..]));
                at_head = false;
            }
            _ => {}
        }
    }
    heads
}

#[test]
fn imports_are_found_in_every_form() {
    let code = "use crate::{\n    b::{x, y},\n    c,\n    d::Z,\n};\nuse crate::e;\ncrate::f::g()";
    assert_eq!(imports(code), ["b", "c", "d", "e", "f"]);
}

#[test]
fn files_import_only_from_files_above_them() {
    let mut found = String::new();
    for file in sources() {
        if matches!(file.module.as_str(), "lib" | "main") {
            continue;
        }
        let own = rank(&file.module)
            .unwrap_or_else(|| panic!("{} is not in the table of tests/tidy.rs", file.path));
        for other in imports(&file.code) {
            if rank(&other).is_none_or(|rank| rank > own) {
                writeln!(found, "{} imports {other}", file.path).unwrap();
            }
        }
    }
    none(&found, "a file imports only from files above it in the table");
}

#[test]
fn the_map_lists_every_module_in_the_order_of_the_table() {
    let map = read("src/lib.rs");
    let rows: Vec<_> = map.lines().filter(|line| line.starts_with("//! |")).collect();
    let modules = |rows: &[&str]| -> Vec<String> {
        let cells = rows.iter().filter_map(|row| row.split('|').nth(2));
        let words = cells.flat_map(|cell| cell.split(|letter: char| !letter.is_alphanumeric()));
        words.filter(|word| rank(word).is_some()).map(str::to_owned).collect()
    };
    assert_eq!(modules(&rows), ORDER, "the map of src/lib.rs and the table of tests/tidy.rs");
    let core: Vec<_> = rows.into_iter().filter(|row| row.starts_with("//! | core |")).collect();
    assert_eq!(modules(&core), CORE, "the core in the map and in the table");
}

#[test]
fn the_core_touches_nothing_outside_itself() {
    let mut found = String::new();
    for file in sources().iter().filter(|file| CORE.contains(&file.module.as_str())) {
        for (n, line) in file.code.lines().enumerate() {
            let words = || line.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            let named = |banned: &&str| {
                let is_path = banned.contains("::");
                line.contains(banned) && (is_path || words().any(|word| word == *banned))
            };
            for banned in NOT_IN_CORE.iter().filter(|banned| named(banned)) {
                writeln!(found, "{} (line {n} of its code) names {banned}", file.path).unwrap();
            }
        }
    }
    none(&found, "the core has no file, environment, network, clock or random source");
}

#[test]
fn nothing_is_left_behind() {
    let mut found = String::new();
    for file in sources() {
        for (n, line) in file.whole.lines().enumerate() {
            for banned in BANNED.iter().filter(|banned| line.contains(*banned)) {
                writeln!(found, "{}:{} has {banned}", file.path, n + 1).unwrap();
            }
        }
    }
    none(&found, "what is left to do goes into an issue");
}

/// The texts in the arrays of `src/config.rs` and its own files whose names end with KEYS; the keys of a later version aside.
fn config_keys() -> Vec<String> {
    let files = sources().into_iter().filter(|file| file.module == "config");
    let text: String = files.map(|file| file.whole).collect();
    let text = text.replace("\npub(super) const ", "\nconst ");
    let mut keys = Vec::new();
    for constant in text.split("\nconst ").skip(1) {
        let (name, rest) = constant.split_once(':').unwrap();
        if name.ends_with("KEYS") && !name.starts_with("LATER") {
            let array = rest.split_once('=').unwrap().1.split(']').next().unwrap();
            keys.extend(array.split('"').skip(1).step_by(2).map(str::to_owned));
        }
    }
    assert!(keys.len() > 40, "only {keys:?}");
    keys
}

#[test]
fn every_key_of_the_config_is_documented() {
    let page = read("docs/configuration.md");
    let mut found = String::new();
    for key in config_keys() {
        let forms = [format!("| `{key}` |"), format!(".{key}` |")];
        if !forms.iter().any(|form| page.contains(form)) {
            writeln!(found, "{key}").unwrap();
        }
    }
    none(&found, "keys of the config that docs/configuration.md does not list");
}

#[test]
fn the_demo_embeds_every_rule_that_is_shipped() {
    let demo = read("src/cli/demo.rs");
    let mut found = String::new();
    for name in names("rules").into_iter().filter(|name| !name.ends_with(".test.yaml")) {
        let embedded = format!("(\"{name}\", include_str!(\"../../rules/{name}\"))");
        if !demo.contains(&embedded) {
            writeln!(found, "{name}").unwrap();
        }
    }
    none(&found, "files of rules/ that src/cli/demo.rs does not embed");
}
