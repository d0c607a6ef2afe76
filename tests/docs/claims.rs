//! What the pages name besides commands, keys and codes: each name is looked for where the program, or what it ships, has it.

use std::{collections::BTreeSet, fmt::Write, fs, path::Path, process::Command};

use regex::Regex;
use serde_json::Value;
use zenreaper::{
    cloud::DOCUMENTED,
    inventory::{ChargeType, Status},
};

use crate::document::{Document, in_repository};

/// A kind of name.
struct Claim {
    what: &'static str,
    /// What such a name looks like, as a group.
    pattern: &'static str,
    /// Whether it names something.
    is_known: Box<dyn Fn(&str) -> bool>,
    /// How many different ones the pages name at least: fewer mean that they are not found any more.
    least: usize,
}

/// The files below a folder, or the one file.
fn files(path: &Path, found: &mut Vec<String>) {
    if path.is_dir() {
        let entries = fs::read_dir(path).unwrap();
        entries.for_each(|entry| files(&entry.unwrap().path(), found));
    } else if let Ok(text) = fs::read_to_string(path) {
        found.push(text);
    }
}

/// What stands in files of the repository.
fn texts(paths: &[&str]) -> String {
    let mut found = Vec::new();
    for path in paths {
        files(&in_repository(path), &mut found);
    }
    assert!(found.len() >= paths.len(), "{paths:?}");
    found.concat()
}

/// All that a pattern finds in a text, its group or the whole.
fn all(pattern: &str, text: &str) -> BTreeSet<String> {
    let pattern = Regex::new(pattern).unwrap();
    let found = pattern.captures_iter(text).map(|found| found.get(found.len() - 1).unwrap());
    found.map(|found| found.as_str().to_owned()).collect()
}

/// The paths of the pages and the API, as the routes have them.
fn served() -> BTreeSet<String> {
    let routes = all(r#"\.route\(\s*"([^"{]+)""#, &texts(&["src/web.rs", "src/web/api.rs"]));
    assert!(routes.len() >= 9, "{routes:?}");
    routes
}

/// The keys of the config, by their paths without `[]`.
fn config_paths(node: &Value, path: &str, found: &mut BTreeSet<String>) {
    for (name, inner) in node.as_object().into_iter().flatten() {
        if name == "properties" {
            for (key, inner) in inner.as_object().unwrap() {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                config_paths(inner, &path, found);
                found.insert(path);
            }
        } else if name == "items" || name == "anyOf" {
            config_paths(inner, path, found);
        }
    }
    node.as_array().into_iter().flatten().for_each(|inner| config_paths(inner, path, found));
}

/// The credentials that the help tells of. A line has one in full, and of the others that differ in their last word just that.
fn credentials() -> BTreeSet<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_zenreaper")).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let first = Regex::new(r"systemd credentials? ((?:\w+\.)(?:<\w+>\.)?)(\w+)").unwrap();
    let mut found = BTreeSet::new();
    for line in help.lines() {
        if let Some(one) = first.captures(line) {
            let others = all(r" \.(\w+)", line);
            found.extend(
                others
                    .iter()
                    .map(String::as_str)
                    .chain([&one[2]])
                    .map(|end| format!("{}{end}", &one[1])),
            );
        }
    }
    assert_eq!(found.len(), 8, "{found:?}");
    found
}

/// Whether a name with dots is a key of the config or a credential.
fn dotted() -> impl Fn(&str) -> bool {
    let text = texts(&["deploy/schema/config.json"]);
    let schema: Value = serde_json::from_str(&text).unwrap();
    let mut keys = BTreeSet::new();
    config_paths(&schema, "", &mut keys);
    for (place, of) in [("account", "accounts"), ("sink", "notices.sinks")] {
        config_paths(&schema["definitions"][place], of, &mut keys);
    }
    let credentials = credentials();
    move |name| {
        // `zenlayer.main.token`: of whom it is, is up to the reader.
        let parts: Vec<_> = name.split('.').collect();
        let is_credential = credentials.iter().any(|credential| {
            let known: Vec<_> = credential.split('.').collect();
            let is_same = |(a, b): (&&str, &&str)| a == b || a.starts_with('<');
            known.len() == parts.len() && known.iter().zip(&parts).all(is_same)
        });
        is_credential || keys.contains(&name.replace("[]", ""))
    }
}

/// Whether there is a function of this path in a test, or in the tests of a file of `src`.
fn is_test(path: &str) -> bool {
    let (file, name) = path.rsplit_once("::").unwrap();
    let file = file.replace("::", "/");
    let places = [format!("tests/{file}.rs"), format!("tests/{file}"), format!("src/{file}.rs")];
    places.iter().filter(|place| in_repository(place).exists()).any(|place| {
        let text = texts(&[place]);
        ["(", "<"].iter().any(|end| text.contains(&format!("fn {name}{end}")))
    })
}

/// The words of the program and of what is shipped, in snake case.
fn words() -> BTreeSet<String> {
    all(r"\b([a-z]+(?:_[a-z]+)+)\b", &texts(&["src", "deploy", "tests/fixtures/metrics.txt"]))
}

fn claims() -> Vec<Claim> {
    let (source, units) = (texts(&["src"]), texts(&["deploy/systemd"]));
    let shipped = texts(&["src", "deploy", "Cargo.toml"]);
    let alerts = texts(&["deploy/prometheus/zenreaper.rules.yaml"]);
    let (served, words, dotted) = (served(), words(), dotted());
    let claim = |what, pattern, least, is_known: Box<dyn Fn(&str) -> bool>| Claim {
        what,
        pattern,
        is_known,
        least,
    };
    vec![
        claim("no alert", r"\b(Zenreaper[A-Z][A-Za-z]+)\b", 18, {
            Box::new(move |name| alerts.contains(&format!("alert: {name}\n")))
        }),
        claim("no variable of the environment", r"\b(ZEN(?:LAYER|REAPER)_[A-Z_]*[A-Z])\b", 6, {
            Box::new(move |name| source.contains(name))
        }),
        claim("not served", r"(?:9464|`)(/(?:api|metrics|healthz|readyz)[a-z0-9/.]*)", 8, {
            Box::new(move |path| served.contains(path))
        }),
        claim("no code of the API", r"`([A-Z]+(?:_[A-Z]+)+)(?:_\.\.\.)?`", 30, Box::new(is_code)),
        claim("no key and no credential", dotted_pattern(), 30, Box::new(dotted)),
        claim("no test", r"`([a-z_]+(?:::[a-z_]+)+)`", 40, Box::new(is_test)),
        claim("no word of the program", r"`([a-z]+(?:_[a-z]+)+)`", 80, {
            Box::new(move |word| words.contains(word))
        }),
        claim("no file", r"`((?:deploy|docs|src|tests|rules|benches)/[\w./-]*)[`#]", 14, {
            Box::new(|path| in_repository(path).exists())
        }),
        claim("not in the units", r"`([A-Z][A-Za-z]+=[\w@-]+)`", 10, {
            Box::new(move |line| units.contains(&format!("\n{line}")))
        }),
        claim("no path of ours", r"`(/(?:etc|usr|var)/[a-z/.-]*zenreaper[\w/.-]*)`", 9, {
            Box::new(move |path| is_path(&shipped, path))
        }),
    ]
}

/// Names with dots whose first word is a key of the config, or begins a credential.
fn dotted_pattern() -> &'static str {
    r"`((?:accounts\[\]|limits|inventory|hold|apply|http|notices|zenlayer)(?:\.[a-z_<>-]+(?:\[\])?)+)`"
}

/// Whether it is a code, or another word of the API in capitals, or begins some.
fn is_code(name: &str) -> bool {
    // Variables that belong to others.
    const OF_THE_SYSTEM: [&str; 8] = [
        "CREDENTIALS_DIRECTORY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "NOTIFY_SOCKET",
        "WATCHDOG_USEC",
        "SUDO_USER",
        "RUST_LOG",
        "NO_COLOR",
    ];
    let known = DOCUMENTED.iter().chain(&Status::KNOWN).chain(&ChargeType::KNOWN);
    known.copied().any(|code| code == name || code.starts_with(&format!("{name}_")))
        || OF_THE_SYSTEM.contains(&name)
        || name.starts_with("ZEN")
}

/// Whether what is shipped has this path; packages write theirs without the first slash, and units without their folder.
fn is_path(shipped: &str, path: &str) -> bool {
    let unit = path.strip_prefix("/usr/lib/systemd/system/");
    match unit {
        Some(unit) => in_repository("deploy/systemd").join(unit).exists(),
        None => shipped.contains(path.trim_start_matches('/')),
    }
}

#[test]
fn what_the_pages_name_is_there() {
    let pages = Document::all();
    let mut found = String::new();
    for Claim { what, pattern, is_known, least } in claims() {
        let mut names = BTreeSet::new();
        for page in &pages {
            for name in all(pattern, &page.text) {
                if !is_known(&name) {
                    writeln!(found, "{}: {what}: {name}", page.path).unwrap();
                }
                names.insert(name);
            }
        }
        assert!(names.len() >= least, "{what}: only {names:?}");
    }
    assert!(found.is_empty(), "{found}");
}

#[test]
fn a_name_that_is_none_is_found() {
    let none = "`ZenreaperBored` `ZENREAPER_NOPE` `/api/v1/nope` `NO_SUCH_CODE` `limits.max_nope` \
                `zenlayer.<account>.nope` `page::nope_nope` `no_such_word` `src/nope.rs` `Nope=yes` \
                `/etc/zenreaper/nope.yaml`";
    let mut count = 0;
    for Claim { what, pattern, is_known, .. } in claims() {
        let unknown = all(pattern, none).into_iter().filter(|name| !is_known(name)).count();
        assert!(unknown > 0, "{what}");
        count += unknown;
    }
    assert_eq!(count, none.split_whitespace().count());
}

#[test]
fn every_variable_that_is_read_is_on_the_page() {
    let page = Document::read("docs/configuration.md").text;
    let source = texts(&[
        "src/credentials.rs",
        "src/credentials",
        "src/cli/operator.rs",
        "src/site.rs",
        "src/cli.rs",
    ]);
    let read = all(r#"(?:env|of|var)\("([A-Z][A-Z_]+)"\)"#, &source);
    assert!(read.len() >= 8, "{read:?}");
    for name in read {
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn every_path_that_is_served_is_on_a_page() {
    let pages: String = Document::all().iter().map(|page| page.text.clone()).collect();
    for path in served() {
        let is_named = ["`", "?"].iter().any(|end| pages.contains(&format!("`{path}{end}")));
        assert!(is_named, "{path}");
    }
}
