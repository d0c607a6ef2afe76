//! The words of a notice: two templates over one batch, with everything from outside escaped and the output bounded.

use std::io;

use jiff::Timestamp;
use minijinja::{Environment, ErrorKind, UndefinedBehavior, value::Serde};
use serde::Serialize;

use super::Failure;
use crate::{
    lifetime::{counted, cut},
    notice::{Batch, Notice, Stage},
};

/// The template of the subject, if the config has none.
pub const DEFAULT_SUBJECT: &str = include_str!("subject.txt");

/// The template of the text, if the config has none.
pub const DEFAULT_TEXT: &str = include_str!("text.txt");

/// How many steps a template may take.
const FUEL: u64 = 2_000_000;

/// The most that a template may write, in bytes.
const OUTPUT_BYTES_MAX: usize = 2 << 20;

/// The longest subject, in characters.
const SUBJECT_CHARS_MAX: usize = 200;

/// The longest text from outside that is shown, in characters; a tag's value has at most 128.
const PLAIN_CHARS_MAX: usize = 500;

const SUBJECT: &str = "subject";
const TEXT: &str = "text";

/// The words of a batch.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Message {
    /// One line.
    pub(super) subject: String,
    /// All of it.
    pub(super) text: String,
}

/// The two templates, compiled.
pub(super) struct Templates(Environment<'static>);

/// What a template sees.
#[derive(Serialize)]
struct Context<'a> {
    stage: &'static str,
    account: &'a str,
    owner: Option<String>,
    detail: Option<String>,
    machines: &'a [Machine],
}

/// What a template sees of a machine.
#[derive(Serialize)]
struct Machine {
    instance_id: Option<String>,
    name: Option<String>,
    rule: Option<String>,
    due_at: Option<String>,
    terminate_at: Option<String>,
    recoverable_until: Option<String>,
    detail: String,
}

impl Templates {
    /// Compiles both; what is wrong with one comes back in words.
    pub(super) fn new(subject: &str, text: &str) -> Result<Self, String> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        for (name, source) in [(SUBJECT, subject), (TEXT, text)] {
            environment
                .add_template_owned(name, source.to_owned())
                .map_err(|error| wording(&error))?;
        }
        Ok(Self(environment))
    }

    /// The words of a batch. As many machines are listed as fit; of the others it is said how many they are.
    pub(super) fn render(
        &self,
        batch: &Batch,
        fits: impl Fn(&str) -> bool,
    ) -> Result<Message, Failure> {
        let machines = machines(batch);
        let unsayable = |error| Failure::Unsayable(wording(&error));
        let subject = self.write(SUBJECT, &context(batch, &machines)).map_err(unsayable)?;
        let mut shown = machines.len();
        loop {
            let listed = machines.get(..shown).unwrap_or_default();
            let text = self
                .write(TEXT, &context(batch, listed))
                .map(|text| text + &more(machines.len() - shown));
            match text {
                Ok(text) if fits(&text) => {
                    return Ok(Message { subject: one_line(&subject), text });
                }
                Ok(_) if shown == 0 => {
                    return Err(Failure::Unsayable(
                        "it is too long without any machine".to_owned(),
                    ));
                }
                Ok(_) => {}
                Err(error) if shown > 0 && is_too_much(&error) => {}
                Err(error) => return Err(unsayable(error)),
            }
            shown = shown * 3 / 4;
        }
    }

    fn write(&self, name: &str, context: &Context<'_>) -> Result<String, minijinja::Error> {
        let mut output = Bounded(Vec::new());
        let template = self.0.get_template(name)?;
        template.render_captured_to(Serde(context), &mut output)?;
        String::from_utf8(output.0)
            .map_err(|_| minijinja::Error::new(ErrorKind::WriteFailure, "it writes no UTF-8"))
    }
}

/// Checks a template: it is compiled, and rendered for each stage with all that can be known and with the least.
pub fn check(source: &str) -> Result<(), String> {
    let templates = Templates::new(source, source)?;
    let batches = Stage::ALL.into_iter().flat_map(|stage| [full(stage), bare(stage)]);
    for batch in batches {
        let machines = machines(&batch);
        let written = templates.write(TEXT, &context(&batch, &machines));
        let stage = batch.stage.as_str();
        written.map_err(|error| format!("{}, for the stage `{stage}`", wording(&error)))?;
    }
    Ok(())
}

fn context<'a>(batch: &'a Batch, machines: &'a [Machine]) -> Context<'a> {
    let detail = top_detail(batch).map(plain);
    let owner = batch.owner.as_deref().map(plain);
    Context { stage: batch.stage.as_str(), account: &batch.account, owner, detail, machines }
}

/// The machines of a batch; a refused plan has none.
pub(super) fn listed(batch: &Batch) -> &[Notice] {
    match batch.stage {
        Stage::Noticed | Stage::Withdrawn | Stage::Terminated | Stage::Failed => &batch.notices,
        Stage::GuardRefused => &[],
    }
}

/// Why a plan was refused.
pub(super) fn top_detail(batch: &Batch) -> Option<&str> {
    match batch.stage {
        Stage::Noticed | Stage::Withdrawn | Stage::Terminated | Stage::Failed => None,
        Stage::GuardRefused => batch.notices.first().map(|notice| notice.detail.as_str()),
    }
}

fn machines(batch: &Batch) -> Vec<Machine> {
    listed(batch).iter().map(machine).collect()
}

fn machine(notice: &Notice) -> Machine {
    let text = |text: &Option<String>| text.as_deref().map(plain);
    let time = |at: Option<Timestamp>| at.map(|at| format!("{at:.0}"));
    Machine {
        instance_id: text(&notice.instance_id),
        name: text(&notice.name),
        rule: text(&notice.rule),
        due_at: time(notice.due_at),
        terminate_at: time(notice.terminate_at),
        recoverable_until: time(notice.recoverable_until),
        detail: plain(&notice.detail),
    }
}

/// A text from outside as it may be shown: what is not printed as itself is escaped, and a long one is cut.
pub(super) fn plain(text: &str) -> String {
    let (head, end) = cut(text, PLAIN_CHARS_MAX);
    let mut shown = String::new();
    for letter in head.chars() {
        match letter {
            '\'' | '"' | '\\' => shown.push(letter),
            _ => shown.extend(letter.escape_debug()),
        }
    }
    shown + end
}

/// A subject as one line that fits a header.
fn one_line(text: &str) -> String {
    let letter = |letter: char| if letter.is_control() { ' ' } else { letter };
    let line: String = text.chars().map(letter).collect();
    let words: Vec<_> = line.split_whitespace().collect();
    words.join(" ").chars().take(SUBJECT_CHARS_MAX).collect()
}

fn more(count: usize) -> String {
    if count == 0 {
        return String::new();
    }
    format!("\n... and {}\n", counted(count, "more machine", "more machines"))
}

/// Whether fewer machines would help.
fn is_too_much(error: &minijinja::Error) -> bool {
    matches!(error.kind(), ErrorKind::OutOfFuel | ErrorKind::WriteFailure)
}

fn wording(error: &minijinja::Error) -> String {
    let what = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    let line = error.line().map(|line| format!(" in line {line} of the template"));
    plain(&what) + &line.unwrap_or_default()
}

struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > OUTPUT_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A batch in which everything is known.
fn full(stage: Stage) -> Batch {
    let at = Some(Timestamp::UNIX_EPOCH);
    let notice = |id: &str| Notice {
        instance_id: Some(id.to_owned()),
        name: Some("dev-1".to_owned()),
        rule: Some("dev-three-days".to_owned()),
        due_at: at,
        terminate_at: at,
        recoverable_until: at,
        detail: "it is older than 72h".to_owned(),
    };
    Batch {
        id: "1".to_owned(),
        stage,
        account: "main".to_owned(),
        owner: Some("alice@example.com".to_owned()),
        notices: vec![notice("i-1"), notice("i-2")],
    }
}

/// A batch in which nothing is known that need not be.
fn bare(stage: Stage) -> Batch {
    let notice = Notice {
        instance_id: None,
        name: None,
        rule: None,
        due_at: None,
        terminate_at: None,
        recoverable_until: None,
        detail: String::new(),
    };
    Batch { owner: None, notices: vec![notice], ..full(stage) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn default() -> Templates {
        Templates::new(DEFAULT_SUBJECT, DEFAULT_TEXT).unwrap()
    }

    fn render(batch: &Batch) -> Message {
        default().render(batch, |_| true).unwrap()
    }

    #[test]
    fn the_default_words_tell_what_when_why_and_what_to_do() {
        let all: Vec<_> = Stage::ALL
            .into_iter()
            .map(|stage| {
                let Message { subject, text } = render(&full(stage));
                format!("{subject}\n\n{text}")
            })
            .collect();
        expect_test::expect_file!["../../tests/fixtures/notices.txt"]
            .assert_eq(&all.join("\n----\n"));
    }

    #[test]
    fn the_default_words_hold_when_nothing_is_known() {
        assert_eq!(check(DEFAULT_SUBJECT), Ok(()));
        assert_eq!(check(DEFAULT_TEXT), Ok(()));
        for stage in Stage::ALL {
            let text = render(&bare(stage)).text;
            assert!(!text.contains("none") && !text.contains("undefined"), "{text}");
        }
    }

    #[test]
    fn what_comes_from_outside_cannot_make_lines() {
        let mut batch = full(Stage::Noticed);
        batch.owner = Some("a\r\nBcc: x@evil.example".to_owned());
        batch.notices[0].name = Some("x\n- i-9 (safe)\u{202e}\u{1b}[2J".to_owned());
        let Message { subject, text } = render(&batch);
        assert!(text.contains("x\\n- i-9 (safe)\\u{202e}\\u{1b}[2J"), "{text}");
        assert!(!text.contains('\r') && !subject.contains('\n'), "{text}");
        let template = Templates::new("{{ owner }}\n{{ machines[0].name }}", "").unwrap();
        let subject = template.render(&batch, |_| true).unwrap().subject;
        assert!(!subject.chars().any(char::is_control), "{subject}");
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(plain(&"x".repeat(1000)).chars().count(), PLAIN_CHARS_MAX + 1);
        assert_eq!(plain(r#"it's "C:\x""#), r#"it's "C:\x""#);
        let mut batch = full(Stage::Noticed);
        batch.notices = vec![batch.notices[0].clone(); 2000];
        let message = default().render(&batch, |text| text.len() < 10_000).unwrap();
        let listed = message.text.matches("- i-1").count();
        assert!((30..100).contains(&listed), "{listed}");
        assert!(message.text.contains(&format!("... and {} more machines", 2000 - listed)));
        assert!(message.subject.contains("2000 machines"), "{}", message.subject);
        assert!(matches!(default().render(&batch, |_| false), Err(Failure::Unsayable(_))));
    }

    #[test]
    fn a_template_that_writes_too_much_lists_fewer_machines() {
        let wide = "{% for machine in machines %}{{ 'x' * 100000 }}{% endfor %}";
        let mut batch = full(Stage::Noticed);
        batch.notices = vec![batch.notices[0].clone(); 100];
        let message = Templates::new("", wide).unwrap().render(&batch, |_| true).unwrap();
        assert!(message.text.len() <= OUTPUT_BYTES_MAX + 40);
        assert!(message.text.contains("more machines"));
    }

    fn check_wrong(source: &str, expected: &str) {
        let problem = check(source).unwrap_err();
        assert!(problem.contains(expected), "{source}: {problem}");
    }

    #[test]
    fn a_template_that_is_wrong_is_refused_before_it_is_needed() {
        check_wrong("a\n{{ owner", "in line 2 of the template");
        check_wrong("{{ ownr }}", "undefined value");
        check_wrong("{% for m in machines %}{{ m.nam }}{% endfor %}", "stage `noticed`");
        check_wrong("{% if stage == 'failed' %}{{ x }}{% endif %}", "stage `failed`");
        check_wrong(
            "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
            "fuel",
        );
        check_wrong("{% include 'text' %}", "in line 1");
        check_wrong("{{ nofilter | x }}", "filter");
    }
}
