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
    let (mut sources, mut problems) = (Vec::new(), Vec::new());
    match rule_files(path) {
        Err(problem) => problems.push(problem),
        Ok(files) => {
            for file in files {
                match read_source(&file) {
                    Ok(source) => sources.push(source),
                    Err(problem) => problems.push(problem),
                }
            }
        }
    }
    (sources, problems)
}

/// The rule files at `path` in the order of their names.
pub(crate) fn rule_files(path: &Path) -> Result<Vec<PathBuf>, Problem> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let is_rules = |path: &Path| {
        path.extension().is_some_and(|end| end == "yaml" || end == "yml") && !is_test(path)
    };
    let files = files(path, is_rules)?;
    if files.is_empty() {
        return Err(unreadable(path, "there is no *.yaml or *.yml in this folder"));
    }
    Ok(files)
}

/// The test files at `path`, which may have none, in the order of their names: those in a folder, or the one beside a rule file.
pub(crate) fn test_files(path: &Path) -> Result<Vec<PathBuf>, Problem> {
    if path.is_dir() {
        return files(path, is_test);
    }
    let beside = TEST_ENDS.iter().map(|end| path.with_extension(end.trim_start_matches('.')));
    Ok(beside.filter(|path| path.is_file()).collect())
}

fn is_test(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    TEST_ENDS.iter().any(|end| name.ends_with(end))
}

/// The files of a folder that are wanted, in the order of their names.
fn files(folder: &Path, wanted: impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>, Problem> {
    let entries =
        std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error.to_string()))?;
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| wanted(path));
    files.sort_unstable();
    if files.len() > RULE_FILES_MAX {
        let why = format!("there are more than {RULE_FILES_MAX} files in this folder");
        return Err(unreadable(folder, &why));
    }
    Ok(files)
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
