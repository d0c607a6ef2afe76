//! Finding and reading the files that a person wrote.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    diagnostic::{Code, Place, Problem, Source},
    yaml::FILE_BYTES_MAX,
};

/// How the names of test files end. They lie among the rules and are none.
const TEST_ENDS: [&str; 2] = [".test.yaml", ".test.yml"];

/// The most rule files in a folder, and the most test files.
const RULE_FILES_MAX: usize = 1_000;

/// The texts of the rule files, and what is wrong with finding them.
pub(crate) fn rule_sources(path: &Path) -> (Vec<Arc<Source>>, Vec<Problem>) {
    let (files, mut problems) = rule_files(path);
    let mut sources = Vec::new();
    for file in files {
        match read_source(&file) {
            Ok(source) => sources.push(source),
            Err(problem) => problems.push(problem),
        }
    }
    (sources, problems)
}

/// The rule files at `path` in the order of their names, and what is wrong with finding them.
pub(crate) fn rule_files(path: &Path) -> (Vec<PathBuf>, Vec<Problem>) {
    if !path.is_dir() {
        return (vec![path.to_owned()], Vec::new());
    }
    let is_rules = |path: &Path| {
        path.extension().is_some_and(|end| end == "yaml" || end == "yml") && !is_test(path)
    };
    let (files, mut problems) = files(path, is_rules);
    if files.is_empty() && problems.is_empty() {
        problems.push(unreadable(path, "there is no *.yaml or *.yml in this folder"));
    }
    (files, problems)
}

/// The test files at `path`, which may have none, in the order of their names: those in a folder, or the one beside a rule file; and
/// what is wrong with finding them.
pub(crate) fn test_files(path: &Path) -> (Vec<PathBuf>, Vec<Problem>) {
    if path.is_dir() {
        return files(path, is_test);
    }
    let beside = TEST_ENDS.iter().map(|end| path.with_extension(end.trim_start_matches('.')));
    (beside.filter(|path| path.is_file()).collect(), Vec::new())
}

fn is_test(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    TEST_ENDS.iter().any(|end| name.ends_with(end))
}

/// The files of a folder that are wanted, in the order of their names, and what is wrong with finding them. What is no regular
/// file is named and not read: a pipe may have no end, and nobody said that it is one, as whoever names a file by itself does.
fn files(folder: &Path, wanted: impl Fn(&Path) -> bool) -> (Vec<PathBuf>, Vec<Problem>) {
    let mut files = match paths(folder) {
        Ok(paths) => paths,
        Err(error) => return (Vec::new(), vec![unreadable(folder, &error.to_string())]),
    };
    files.retain(|path| wanted(path));
    files.sort_unstable();
    if files.len() > RULE_FILES_MAX {
        let why = format!("there are more than {RULE_FILES_MAX} files in this folder");
        return (Vec::new(), vec![unreadable(folder, &why)]);
    }
    // A link that leads nowhere is told when it is read.
    let is_odd = |path: &PathBuf| path.metadata().is_ok_and(|found| !found.is_file());
    let (odd, files): (Vec<_>, Vec<_>) = files.into_iter().partition(is_odd);
    let problem = |path: &PathBuf| unreadable(path, "it is not a regular file");
    let problems = odd.iter().map(problem).collect();
    (files, problems)
}

/// All that is in a folder, or none of it: an entry that cannot be read may be the file that spares a machine.
fn paths(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect()
}

/// The text of a file; what is larger than [`FILE_BYTES_MAX`], or has no end, is not read whole.
pub(crate) fn read_source(path: &Path) -> Result<Arc<Source>, Problem> {
    let fail = |error: std::io::Error| unreadable(path, &error.to_string());
    let file = File::open(path).map_err(fail)?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err(unreadable(path, &format!("it is larger than {FILE_BYTES_MAX} bytes")));
    }
    String::from_utf8(bytes)
        .map(|text| Arc::new(Source { name: path.display().to_string(), text }))
        .map_err(|error| not_utf8(path, &error))
}

/// A file that is no text, at the first byte that is none.
fn not_utf8(path: &Path, error: &std::string::FromUtf8Error) -> Problem {
    let narrow = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let valid = error.utf8_error().valid_up_to();
    let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
    let before = text.get(..valid).unwrap_or_default();
    let line = narrow(before.matches('\n').count() + 1);
    let column = before.lines().last().filter(|_| !before.ends_with('\n'));
    let column = narrow(column.map_or(0, |line| line.chars().count()) + 1);
    let place =
        Place { line, column, bytes: valid..valid + char::REPLACEMENT_CHARACTER.len_utf8() };
    Problem {
        code: Code::NotUtf8,
        source: Arc::new(Source { name: path.display().to_string(), text }),
        place: Some(place),
        path: String::new(),
        message: "this is not UTF-8".to_owned(),
        help: "expected a text in UTF-8: save the file as that".to_owned(),
    }
}

fn unreadable(path: &Path, why: &str) -> Problem {
    let source = Arc::new(Source { name: path.display().to_string(), text: String::new() });
    let message = format!("cannot read the file: {why}");
    let help =
        "check the path and its permissions; `--config` names the config, `rules` in it the rules"
            .to_owned();
    Problem { code: Code::Unreadable, source, place: None, path: String::new(), message, help }
}
