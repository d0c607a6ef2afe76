//! The recipe of the image, held against the repository: it copies all that the program is compiled from, and says what the program
//! does. `tests/container.sh` builds the image and runs it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    fs,
    path::{Component, Path, PathBuf},
    process::Command,
};

/// An instruction of the Containerfile: its name, and the rest of it in one line.
type Instruction = (String, String);

fn path(inside: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(inside)
}

fn read(inside: &str) -> String {
    fs::read_to_string(path(inside)).unwrap()
}

/// The stages of the Containerfile, each from its FROM.
fn stages() -> Vec<Vec<Instruction>> {
    let text = read("deploy/container/Containerfile");
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let whole = lines.join("\n").replace("\\\n", " ");
    let mut stages: Vec<Vec<Instruction>> = Vec::new();
    for line in whole.lines().filter(|line| !line.is_empty()) {
        let (name, rest) = line.split_once(' ').unwrap();
        let rest = rest.split_whitespace().collect::<Vec<_>>().join(" ");
        if name == "FROM" {
            stages.push(Vec::new());
        }
        stages.last_mut().unwrap().push((name.to_owned(), rest));
    }
    assert_eq!(stages.len(), 2, "one that builds, and the image");
    stages
}

/// All of a stage's instructions of one name.
fn all(stage: &[Instruction], name: &str) -> Vec<String> {
    let found = stage.iter().filter(|(one, _)| one == name);
    found.map(|(_, rest)| rest.clone()).collect()
}

/// The only one.
fn only(stage: &[Instruction], name: &str) -> String {
    let mut found = all(stage, name);
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    found.remove(0)
}

/// What the build stage copies of the repository.
fn copied() -> Vec<String> {
    let copies = all(&stages()[0], "COPY");
    let sources = copies.iter().flat_map(|copy| {
        let words: Vec<_> = copy.split(' ').collect();
        let (to, sources) = words.split_last().unwrap();
        for source in sources {
            let stays = *to == "./" || to == source;
            assert!(stays, "{copy}: it is looked for where it is in the repository");
        }
        sources.iter().map(|source| (*source).to_owned()).collect::<Vec<_>>()
    });
    sources.collect()
}

/// The files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The path without its `..`, which may lead out of what is there.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            plain.pop();
        } else {
            plain.push(part);
        }
    }
    plain
}

/// What the program has compiled in from elsewhere, and what its manifest names.
fn needed() -> Vec<PathBuf> {
    let mut needed = vec![path("Cargo.toml"), path("Cargo.lock"), path("src/main.rs")];
    for file in files(&path("src")) {
        if file.extension().is_none_or(|end| end != "rs") || file.ends_with("tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let program = text.split("\n#[cfg(test)]\n").next().unwrap();
        for include in program.split("include_str!(\"").skip(1) {
            needed.push(plain(&file.with_file_name(include.split('"').next().unwrap())));
        }
    }
    for bench in read("Cargo.toml").split("[[bench]]\nname = \"").skip(1) {
        needed.push(path(&format!("benches/{}.rs", bench.split('"').next().unwrap())));
    }
    needed.extend([path("build.rs")].into_iter().filter(|file| file.exists()));
    assert!(needed.len() > 20, "{needed:?}");
    needed
}

#[test]
fn the_build_stage_copies_all_that_the_program_is_compiled_from_and_nothing_that_is_not_there() {
    let copied: Vec<_> = copied().iter().map(|source| path(source)).collect();
    for source in &copied {
        assert!(source.exists(), "{} is not there", source.display());
    }
    for file in needed() {
        assert!(file.exists(), "{} is not there", file.display());
        let is_copied = copied.iter().any(|source| file.starts_with(source));
        assert!(is_copied, "the Containerfile does not copy {}", file.display());
    }
}

#[test]
fn it_is_built_by_the_version_of_rust_that_the_manifest_names() {
    let from = only(&stages()[0], "FROM");
    let wanted = format!("docker.io/library/rust:{}.", env!("CARGO_PKG_RUST_VERSION"));
    assert!(from.starts_with(&wanted), "{from} is not {wanted}");
}

#[test]
fn the_image_says_what_the_program_does() {
    let image = &stages()[1];
    let config = read("deploy/config.yaml");
    let port = config.split_once("\nhttp: { listen: \"127.0.0.1:").unwrap().1;
    let (port, _) = port.split_once('"').unwrap();
    let journal = config.split_once("\njournal: sqlite://").unwrap().1;
    let (state, _) = journal.split_once("/journal.db\n").unwrap();
    assert_eq!(only(image, "EXPOSE"), port);
    assert_eq!(only(image, "VOLUME"), state);
    assert_eq!(only(image, "STOPSIGNAL"), "SIGTERM");
    assert!(all(image, "ENV").contains(&format!("SQLITE_TMPDIR={state}")));
    let owner = format!("--chown={} ", only(image, "USER"));
    let is_own = |copy: &String| copy.contains(&owner) && copy.ends_with(&format!(" {state}"));
    assert!(all(image, "COPY").iter().any(is_own), "the state is not the user's");

    let install = read("docs/install.md");
    for wanted in [format!(":{port} "), format!(":{state} "), format!("0.0.0.0:{port}")] {
        assert!(install.contains(&wanted), "docs/install.md has no {wanted}");
    }
}

#[test]
fn the_image_is_labelled_as_the_manifest_says() {
    let labels = only(&stages()[1], "LABEL");
    for (label, wanted) in [
        ("title", env!("CARGO_PKG_NAME").to_owned()),
        ("description", format!("\"{}\"", env!("CARGO_PKG_DESCRIPTION"))),
        ("licenses", env!("CARGO_PKG_LICENSE").to_owned()),
        ("revision", "$REVISION".to_owned()),
    ] {
        let label = format!("org.opencontainers.image.{label}={wanted}");
        assert!(labels.contains(&label), "{label} is not in {labels}");
    }
}

#[test]
fn the_program_knows_the_command_of_the_image() {
    let image = &stages()[1];
    let entry: Vec<String> = serde_json::from_str(&only(image, "ENTRYPOINT")).unwrap();
    assert_eq!(entry, ["/usr/bin/zenreaper"]);
    let arguments: Vec<String> = serde_json::from_str(&only(image, "CMD")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_zenreaper"));
    let output = command.args(&arguments).args(["--config", "/nowhere"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("/nowhere"), "it got as far as its config: {said}");
}
