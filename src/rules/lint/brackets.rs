//! Plain texts that look like globs.
//!
//! In a plain text only `*` and `?` are special. Where `[prod]*` is meant as a class, it matches nothing of what was meant, and an
//! exception that matches nothing protects nothing.

use crate::{
    diagnostic::{Code, Problem},
    lifetime::shorten,
    rules::{Condition, Origin, Pattern, Rule, Test},
};

/// The plain texts of a rule that look like globs.
pub(super) fn of_rule(rule: &Rule) -> Vec<Problem> {
    let mut found = plain_brackets(&rule.matches, ("match", &rule.origin));
    found.extend(plain_brackets(&rule.unless, ("unless", &rule.origin)));
    found
}

/// The plain texts of a condition that look like globs; it was written under the key `root` there.
#[must_use]
pub fn plain_brackets(condition: &Condition, (root, origin): (&str, &Origin)) -> Vec<Problem> {
    let mut texts = Vec::new();
    collect(condition, &mut texts);
    texts.dedup();
    let problem = |(key, text): (String, &str)| {
        let text = shorten(text);
        let message = format!("in the plain text `{text}` brackets and braces are characters");
        let help = format!(
            "write `{{ glob: \"{text}\" }}` if they are meant as in a glob; if not, `\\\\[` in a glob says so without this warning"
        );
        origin.problem(origin.find(root, &key), Code::PlainBrackets, message, help)
    };
    texts.into_iter().map(problem).collect()
}

fn collect<'a>(condition: &'a Condition, texts: &mut Vec<(String, &'a str)>) {
    match condition {
        Condition::Everything | Condition::Ip(_) | Condition::Age(_) => {}
        Condition::Field(field, test) => take(field.as_str(), test, texts),
        Condition::Tag(key, test) => take(&format!("tags.{key}"), test, texts),
        Condition::All(several) | Condition::Any(several) => {
            for one in several {
                collect(one, texts);
            }
        }
        Condition::Not(one) => collect(one, texts),
    }
}

fn take<'a>(key: &str, test: &'a Test<Pattern>, texts: &mut Vec<(String, &'a str)>) {
    match test {
        Test::AnyOf(patterns) | Test::NoneOf(patterns) => {
            let odd = patterns.iter().filter(|pattern| pattern.looks_like_a_glob());
            texts.extend(odd.map(|pattern| (key.to_owned(), pattern.written())));
        }
        Test::Exists(_) => {}
    }
}
