//! What is wrong with a file that a person wrote, and where.
//!
//! Pure: a [`Problem`] is a value, [`render`] makes the text that a terminal shows. The value of a line that looks like a
//! credential is never shown, whoever put it there.

mod code;
mod explanation;
mod mask;

use std::{collections::BTreeSet, fmt, ops::Range, sync::Arc};

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde::Serialize;

use crate::lifetime::counted;

use self::mask::{mask_credentials, mask_message};
pub use self::{
    code::{Code, Severity},
    explanation::{Example, Explanation, Language},
    mask::is_credential,
};

/// A file, or what stands for one.
#[derive(Debug, Eq, PartialEq)]
pub struct Source {
    /// The name to show, usually a path.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// Where in a source something stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// The bytes of the text.
    pub bytes: Range<usize>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// What kind of thing it is.
    pub code: Code,
    /// The file.
    pub source: Arc<Source>,
    /// Where in it; `None` if the whole file is meant.
    pub place: Option<Place>,
    /// The key's path, such as `rules[0].expire.after`; empty at the top.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What was expected, or what to do.
    pub help: String,
}

#[derive(Serialize)]
struct Json<'a> {
    code: &'a str,
    severity: &'a str,
    file: &'a str,
    line: Option<u32>,
    column: Option<u32>,
    path: &'a str,
    message: &'a str,
    help: &'a str,
}

impl Serialize for Problem {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { code, source, place, path, message, help } = self;
        let (code, severity) = (code.as_str(), code.severity().as_str());
        let line = place.as_ref().map(|place| place.line);
        let column = place.as_ref().map(|place| place.column);
        let message = &mask_message(message);
        Json { code, severity, file: &source.name, line, column, path, message, help }
            .serialize(serializer)
    }
}

impl Problem {
    /// What is wrong, with the path of the key.
    fn title(&self) -> String {
        let Self { path, message, .. } = self;
        let message = mask_message(message);
        if path.is_empty() { message } else { format!("{path}: {message}") }
    }
}

/// One line: `file:line:column: message`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source.name)?;
        if let Some(Place { line, column, bytes: _ }) = &self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.title())
    }
}

/// Problems in the order in which they are told: by file, then by place.
pub(crate) fn sorted(mut problems: Vec<Problem>) -> Vec<Problem> {
    let start = |one: &Problem| one.place.as_ref().map(|place| place.bytes.start);
    problems.sort_by(|one, other| {
        let files = one.source.name.cmp(&other.source.name);
        files.then_with(|| start(one).cmp(&start(other)))
    });
    problems
}

/// The most errors, and the most warnings, that are shown as text: nobody reads more, and each looks through its file anew.
const SHOWN_MAX: usize = 100;

/// The problems as text in the order that they have, each with file, line, column, the line itself and a caret, and how many they
/// are at the end. No problem is no text.
#[must_use]
pub fn render(problems: &[Problem], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let texts = shown(problems).map(|one| render_one(one, &renderer));
    let texts: Vec<_> = texts.chain(summary(problems, &renderer)).collect();
    texts.iter().map(|text| text.trim_end().to_owned() + "\n").collect::<Vec<_>>().join("\n")
}

fn shown(problems: &[Problem]) -> impl Iterator<Item = &Problem> {
    let (mut errors, mut warnings) = (0, 0);
    problems.iter().filter(move |one| {
        let count = match one.code.severity() {
            Severity::Error => &mut errors,
            Severity::Warning => &mut warnings,
        };
        *count += 1;
        *count <= SHOWN_MAX
    })
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    }
}

fn render_one(problem: &Problem, renderer: &Renderer) -> String {
    let Problem { code, source, place, help, .. } = problem;
    let text = mask_credentials(&source.text);
    let title = level(code.severity()).primary_title(problem.title()).id(code.as_str());
    let mut group = Group::with_title(title);
    group = match place {
        Some(place) => {
            let caret = AnnotationKind::Primary.span(place.bytes.clone());
            group.element(Snippet::source(&text).path(&source.name).annotation(caret))
        }
        None => group.element(Origin::path(&source.name)),
    };
    if !help.is_empty() {
        group = group.element(Level::HELP.message(help));
    }
    renderer.render(&[group])
}

/// How many problems there are in how many files, and where to read more.
fn summary(problems: &[Problem], renderer: &Renderer) -> Option<String> {
    let of = |severity| problems.iter().filter(move |one| one.code.severity() == severity);
    let (errors, warnings) = (of(Severity::Error).count(), of(Severity::Warning).count());
    let counts = match (errors, warnings) {
        (errors, 0) => counted(errors, "problem", "problems"),
        (0, warnings) => counted(warnings, "warning", "warnings"),
        (errors, warnings) => {
            format!(
                "{} and {}",
                counted(errors, "error", "errors"),
                counted(warnings, "warning", "warnings")
            )
        }
    };
    let worst = if errors == 0 { Severity::Warning } else { Severity::Error };
    let code = of(worst).next()?.code;
    let files: BTreeSet<_> = problems.iter().map(|one| one.source.name.as_str()).collect();
    let files = counted(files.len(), "file", "files");
    let more = match shown(problems).count() {
        all if all == problems.len() => String::new(),
        some => format!(", of which {some} are shown"),
    };
    let text = format!("{counts} in {files}{more}; `zenreaper check --explain {code}` tells more");
    Some(renderer.render(&[Group::with_title(level(worst).primary_title(text))]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str, bytes: Range<usize>) -> Problem {
        let source = Arc::new(Source { name: "rules/a.yaml".into(), text: text.into() });
        let place = Some(Place { line: 2, column: 3, bytes });
        let (message, help) = ("unknown key".into(), "did you mean `name`?".into());
        let (code, path) = (Code::UnknownKey, "rules[0].nmae".into());
        Problem { code, source, place, path, message, help }
    }

    #[test]
    fn a_problem_shows_its_line_with_a_caret() {
        let text = render(&[problem("rules:\n  nmae: x\n", 9..13)], false);
        expect_test::expect![[r"
            error[ZR010]: rules[0].nmae: unknown key
             --> rules/a.yaml:2:3
              |
            2 |   nmae: x
              |   ^^^^
              |
              = help: did you mean `name`?

            error: 1 problem in 1 file; `zenreaper check --explain ZR010` tells more
        "]]
        .assert_eq(&text);
    }

    #[test]
    fn a_problem_is_one_line_of_a_log() {
        let mut problem = problem("rules:\n  nmae: x\n", 9..13);
        assert_eq!(problem.to_string(), "rules/a.yaml:2:3: rules[0].nmae: unknown key");
        (problem.place, problem.path) = (None, String::new());
        assert_eq!(problem.to_string(), "rules/a.yaml: unknown key");
        assert_eq!(render(&[], false), "");
    }

    #[test]
    fn a_hundred_problems_are_shown_and_all_are_counted() {
        let one = problem("rules:\n  nmae: x\n", 9..13);
        let text = render(&vec![one.clone(); 100], false);
        assert_eq!(text.matches("did you mean").count(), 100);
        assert!(text.contains("\nerror: 100 problems in 1 file; `"), "{text}");
        let text = render(&vec![one; 5000], false);
        assert_eq!(text.matches("did you mean").count(), 100);
        let told = "\nerror: 5000 problems in 1 file, of which 100 are shown; `";
        assert!(text.contains(told), "{text}");
    }

    #[test]
    fn problems_are_told_in_the_order_of_files_and_places() {
        let at = |name: &str, start: Option<usize>| {
            let mut one = problem("", 0..0);
            one.source = Arc::new(Source { name: name.into(), text: String::new() });
            one.place = start.map(|start| Place { line: 1, column: 1, bytes: start..start });
            one
        };
        let (a, b, c) = (at("b", None), at("b", Some(3)), at("b", Some(20)));
        let told = sorted(vec![c.clone(), b.clone(), at("c", Some(1)), a.clone()]);
        assert_eq!(told, [a, b, c, at("c", Some(1))]);
    }

    #[test]
    fn a_credential_in_a_file_is_never_shown() {
        let text = render(&[problem("a: 1\n  access_key_secret: hunter2\n", 7..24)], false);
        assert!(text.contains("access_key_secret:*"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
        let text = render(&[problem("a: 1\njournal: db://me:hunter2@host/x\n", 14..38)], false);
        assert!(text.contains("journal: db://**********@host/x"), "{text}");
        let text =
            render(&[problem("a: 1\n- { url: \"https://a.b/hunter2?x\", c: d }\n", 5..6)], false);
        assert!(text.contains("- { url: \"https://a.b**********\", c: d }"), "{text}");
    }
}
