//! The JSON schemas for editors, held against the parsers.
//!
//! An editor that refuses what zenreaper takes is worse than none, so whatever a parser takes, its schema takes. The other way
//! round, a schema cannot see everything: `fixtures/schema/unseen.txt` names each bad fixture that it takes, and is exact.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its own files has failed")]

mod variants;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use serde_json::{Value, json};
use zenreaper::{
    cases, config,
    diagnostic::{Problem, Source},
    rules::{self, Release, Terms},
};

/// What no key and no word is near to.
const STRANGE: &str = "zzzz";

/// Closed words that the parsers tell of nowhere, or that no other word is like.
const NOT_TOLD: [&str; 4] = [
    "/definitions/boolean/enum",
    "/definitions/sink/anyOf/0/properties/type/enum",
    "/definitions/sink/anyOf/1/properties/type/enum",
    "/definitions/sink/anyOf/2/properties/type/enum",
];

/// A file that people write.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Rules,
    Tests,
    Config,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Rules, Self::Tests, Self::Config];

    fn name(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Tests => "tests",
            Self::Config => "config",
        }
    }

    fn schema(self) -> Value {
        let path = format!("deploy/schema/{}.json", self.name());
        serde_json::from_str(&read(&path)).unwrap()
    }

    /// What the parser says is wrong.
    fn problems(self, text: &str) -> Vec<Problem> {
        let source = Arc::new(Source { name: "a.test.yaml".into(), text: text.into() });
        match self {
            Self::Rules => {
                let terms = Terms { release: Release::Allowed, ..Terms::default() };
                rules::parse(&[source], &terms).err().unwrap_or_default()
            }
            Self::Tests => cases::parse(&source).err().unwrap_or_default(),
            Self::Config => config::read(&source, "2026-11-24T00:00:00Z".parse().unwrap()).1,
        }
    }

    /// The files that an editor should have nothing to say about.
    fn good(self) -> Vec<PathBuf> {
        let shipped = |is_test: bool| {
            let mut files = yaml_files("rules");
            files.retain(|path| path.to_str().unwrap().ends_with(".test.yaml") == is_test);
            files
        };
        match self {
            Self::Rules => [yaml_files("tests/fixtures/rules/good"), shipped(false)].concat(),
            Self::Tests => {
                let failing = repository().join("tests/fixtures/tests/failing");
                let failing = ["development.test.yaml", "zone.test.yml"].map(|it| failing.join(it));
                [shipped(true), failing.to_vec()].concat()
            }
            Self::Config => {
                let shipped = vec![repository().join("deploy/config.yaml")];
                [yaml_files("tests/fixtures/config/good"), shipped].concat()
            }
        }
    }
}

/// A schema that can be asked.
struct Checker {
    schemas: boon::Schemas,
    index: boon::SchemaIndex,
}

impl Checker {
    /// Compiles a schema, which first holds it against its own: draft-07.
    fn new(kind: Kind) -> Self {
        let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
        let name = format!("{}.json", kind.name());
        compiler.add_resource(&name, kind.schema()).unwrap();
        let index = compiler.compile(&name, &mut schemas);
        let index = index.unwrap_or_else(|error| panic!("{name}: {error:#}"));
        Self { schemas, index }
    }

    /// Whether a document is taken.
    fn takes(&self, document: &Value) -> bool {
        self.schemas.validate(document, self.index).is_ok()
    }

    /// What is wrong with a document.
    fn complaint(&self, document: &Value) -> Option<String> {
        let checked = self.schemas.validate(document, self.index);
        checked.map_err(|error| format!("{error:#}")).err()
    }
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap()
}

/// The YAML files of a folder in the repository.
fn yaml_files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(repository().join(folder)).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "yaml"));
    files.sort();
    files
}

/// A document as editors see it, if it is one.
fn seen(path: &Path) -> Option<Value> {
    let text = String::from_utf8(fs::read(path).unwrap()).ok()?;
    let options = serde_yaml::options! { strict_booleans: true };
    serde_yaml::from_str_with_options(&text, options).ok()
}

#[test]
fn each_is_of_the_draft_that_editors_know() {
    for kind in Kind::ALL {
        Checker::new(kind);
        assert_eq!(kind.schema()["$schema"], "http://json-schema.org/draft-07/schema#");
    }
}

#[test]
fn the_command_prints_what_lies_in_deploy() {
    for kind in Kind::ALL {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zenreaper"));
        let output = command.args(["schema", kind.name()]).env_clear().output().unwrap();
        assert!(output.status.success());
        let printed = String::from_utf8(output.stdout).unwrap();
        assert_eq!(printed, read(&format!("deploy/schema/{}.json", kind.name())));
    }
}

#[test]
fn what_is_good_and_what_is_shipped_is_taken() {
    for kind in Kind::ALL {
        let (checker, files) = (Checker::new(kind), kind.good());
        assert!(files.len() >= 4, "only {files:?}");
        for file in files {
            let complaint = checker.complaint(&seen(&file).unwrap());
            assert_eq!(complaint, None, "{}", file.display());
        }
    }
}

#[test]
fn what_is_bad_is_refused_but_for_what_a_schema_cannot_see() {
    let mut taken = Vec::new();
    for kind in Kind::ALL {
        let checker = Checker::new(kind);
        let files = yaml_files(&format!("tests/fixtures/{}/bad", kind.name()));
        assert!(files.len() >= 40, "only {files:?}");
        for file in files {
            let is_refused = seen(&file).is_some_and(|seen| !checker.takes(&seen));
            if !is_refused {
                let name = file.file_stem().unwrap().to_str().unwrap();
                taken.push(format!("{}/{name}", kind.name()));
            }
        }
    }
    let listed = read("tests/fixtures/schema/unseen.txt");
    let mut listed: Vec<_> = listed.lines().filter(|line| !line.is_empty()).collect();
    listed.retain(|line| !line.starts_with('#'));
    listed.sort_unstable();
    taken.sort_unstable();
    assert_eq!(taken, listed);
}

/// The words of a place in a schema: its keys, or the texts of its enumeration.
fn words(schema: &Value, pointer: &str) -> BTreeSet<String> {
    match schema.pointer(pointer).unwrap() {
        Value::Object(keys) => keys.keys().cloned().collect(),
        Value::Array(words) => words.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        other => panic!("{pointer} has no words: {other}"),
    }
}

/// The words that a parser knows where a document has a strange one.
fn known(kind: Kind, document: &str) -> BTreeSet<String> {
    let problems = kind.problems(document);
    let strange = format!("`{STRANGE}`");
    let is_of_it =
        |one: &&Problem| one.path.ends_with(STRANGE) || one.message.starts_with(&strange);
    let problem = problems.iter().find(is_of_it);
    let problem = problem.unwrap_or_else(|| panic!("{document}: {problems:?}"));
    let (_, known) = problem.help.rsplit_once("expected ").unwrap();
    let known = known.trim_start_matches("one of ").trim_matches('`');
    known.split(", ").map(str::to_owned).collect()
}

#[test]
fn the_keys_and_words_are_those_of_the_parsers() {
    let closed = read("tests/fixtures/schema/closed.txt");
    let mut told = BTreeSet::new();
    for line in closed.lines().filter(|line| !line.starts_with('#')) {
        let (name, rest) = line.split_once(' ').unwrap();
        let (pointer, document) = rest.trim_start().split_once(' ').unwrap();
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name).unwrap();
        let schema = words(&kind.schema(), pointer);
        assert_eq!(schema, known(kind, document.trim_start()), "{line}");
        told.insert(format!("{name} {pointer}"));
    }
    for kind in Kind::ALL {
        let mut found = Vec::new();
        closed_places(&kind.schema(), "", &mut found);
        found.retain(|place| !is_shared(kind, place) && !NOT_TOLD.contains(&place.as_str()));
        for place in found {
            let place = format!("{} {place}", kind.name());
            assert!(told.contains(&place), "{place} is not in closed.txt");
        }
    }
}

/// The places of a schema where other keys or words are refused.
fn closed_places(node: &Value, pointer: &str, found: &mut Vec<String>) {
    match node {
        Value::Object(fields) => {
            if fields.get("additionalProperties") == Some(&Value::Bool(false)) {
                found.push(format!("{pointer}/properties"));
            }
            for (key, inner) in fields {
                let pointer = format!("{pointer}/{key}");
                if key == "enum" && inner.is_array() {
                    found.push(pointer.clone());
                }
                closed_places(inner, &pointer, found);
            }
        }
        Value::Array(items) => {
            for (n, inner) in items.iter().enumerate() {
                closed_places(inner, &format!("{pointer}/{n}"), found);
            }
        }
        _ => {}
    }
}

/// Whether a place lies in a definition that the schema of rules has too.
fn is_shared(kind: Kind, place: &str) -> bool {
    let name = place.strip_prefix("/definitions/").and_then(|rest| rest.split('/').next());
    let rules = Kind::Rules.schema();
    kind != Kind::Rules && name.is_some_and(|name| rules["definitions"].get(name).is_some())
}

#[test]
fn a_definition_is_the_same_in_every_schema() {
    let rules = Kind::Rules.schema();
    for kind in [Kind::Tests, Kind::Config] {
        let schema = kind.schema();
        let own = schema["definitions"].as_object().unwrap();
        let shared: Vec<_> =
            own.keys().filter(|name| rules["definitions"].get(name).is_some()).collect();
        assert!(shared.len() > 15, "only {shared:?}");
        for name in shared {
            assert_eq!(own[name], rules["definitions"][name], "{name} of {kind:?}");
        }
    }
}

/// Calls `with` for a schema and for all schemas inside it.
fn each_inside(node: &Value, with: &mut dyn FnMut(&Value)) {
    with(node);
    let inner: Vec<_> = match node {
        Value::Object(fields) => fields.values().collect(),
        Value::Array(items) => items.iter().collect(),
        _ => Vec::new(),
    };
    for inner in inner {
        each_inside(inner, with);
    }
}

/// What a schema that is a reference refers to.
fn referred<'a>(root: &'a Value, node: &'a Value) -> &'a Value {
    match node["$ref"].as_str() {
        Some(to) => root.pointer(to.trim_start_matches('#')).unwrap(),
        None => node,
    }
}

#[test]
fn every_key_is_explained_and_every_pattern_says_what_it_expects() {
    for kind in Kind::ALL {
        let schema = kind.schema();
        each_inside(&schema, &mut |node| {
            let is_text = |key: &str| node[key].as_str().is_some_and(|text| !text.is_empty());
            if node["pattern"].is_string() {
                assert!(is_text("patternErrorMessage"), "{node}");
            }
            if node["additionalProperties"] == Value::Bool(false) {
                for (key, inner) in node["properties"].as_object().unwrap() {
                    let description = &referred(&schema, inner)["description"];
                    let is_told = description.as_str().is_some_and(|text| !text.is_empty());
                    assert!(is_told, "{key} of {kind:?} has no description");
                }
            }
        });
    }
}

/// The document that a schema's defaults make up.
fn defaults(root: &Value, node: &Value) -> Option<Value> {
    let node = referred(root, node);
    if let Some(default) = node.get("default") {
        return Some(default.clone());
    }
    if node["type"] == "array" {
        return defaults(root, &node["items"]).map(|item| json!([item]));
    }
    let fields = node.get("properties")?.as_object()?;
    let fields =
        fields.iter().filter_map(|(key, inner)| Some((key.clone(), defaults(root, inner)?)));
    Some(Value::Object(fields.collect())).filter(|fields| *fields != json!({}))
}

#[test]
fn the_defaults_are_those_of_the_config() {
    let schema = Kind::Config.schema();
    let written = defaults(&schema, &schema).unwrap();
    assert_eq!(written["accounts"][0]["retry"]["attempts"], 4);
    let read = |text: String| {
        let source = Arc::new(Source { name: "config.yaml".into(), text });
        let (config, problems) = config::read(&source, "2026-11-24T00:00:00Z".parse().unwrap());
        assert!(problems.is_empty(), "{problems:?}");
        format!("{:?}", config.unwrap())
    };
    assert_eq!(read(written.to_string()), read("{}".to_owned()));
}

#[test]
fn every_shipped_file_names_its_schema() {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut files = yaml_files("rules");
    files.push(repository().join("deploy/config.yaml"));
    assert!(files.len() > 10, "only {files:?}");
    for file in files {
        let schema = match name(&file).as_str() {
            "config.yaml" => "config.json",
            name if name.ends_with(".test.yaml") => "tests.json",
            _ => "rules.json",
        };
        let text = fs::read_to_string(&file).unwrap();
        let first = text.lines().next().unwrap();
        let path = first.strip_prefix("# yaml-language-server: $schema=");
        let path = path.unwrap_or_else(|| panic!("{} names no schema", file.display()));
        let named = fs::canonicalize(file.parent().unwrap().join(path));
        let expected = fs::canonicalize(repository().join("deploy/schema").join(schema));
        assert_eq!(named.unwrap(), expected.unwrap(), "{}", file.display());
    }
}
