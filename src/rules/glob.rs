//! Globs and plain texts as regular expressions for a whole text.
//!
//! Both match Unicode scalar values, never bytes: `?` is one character of any script, and the bounds of a range are characters.
//! The crate `regex` does the matching, in linear time.

use std::{iter::Peekable, str::Chars};

use super::pattern::Case;

/// How a pattern is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Syntax {
    /// A plain text, where only `*` and `?` are special.
    Plain,
    /// A glob, where `[ab]`, `[!ab]`, `{one,two}` and `\` are special too.
    Glob,
}

/// Returns the regular expression that matches what a pattern matches, or what is wrong with the pattern.
pub(super) fn regex_of(text: &str, syntax: Syntax, case: Case) -> Result<String, String> {
    let mut translator =
        Translator { rest: text.chars().peekable(), regex: String::new(), depth: 0 };
    match syntax {
        Syntax::Plain => translator.plain(),
        Syntax::Glob => translator.glob()?,
    }
    // `*` and `?` match line breaks too: a name may have one.
    let flags = match case {
        Case::Exact => "(?s)",
        Case::Any => "(?is)",
    };
    Ok(format!("{flags}\\A(?:{})\\z", translator.regex))
}

struct Translator<'a> {
    rest: Peekable<Chars<'a>>,
    regex: String,
    /// How many `{` are open.
    depth: usize,
}

impl Translator<'_> {
    fn plain(&mut self) {
        while let Some(letter) = self.rest.next() {
            match letter {
                '*' => self.any_text(),
                '?' => self.regex.push('.'),
                other => self.literal(other),
            }
        }
    }

    fn glob(&mut self) -> Result<(), String> {
        while let Some(letter) = self.rest.next() {
            match letter {
                '*' => self.any_text(),
                '?' => self.regex.push('.'),
                '[' => self.class()?,
                '{' => {
                    self.depth += 1;
                    self.regex.push_str("(?:");
                }
                ',' if self.depth > 0 => self.regex.push('|'),
                '}' => {
                    let outer = self.depth.checked_sub(1);
                    self.depth = outer
                        .ok_or("no `{` stands before its `}`; write `\\}` for the character")?;
                    self.regex.push(')');
                }
                '\\' => {
                    let escaped = self.rest.next();
                    self.literal(
                        escaped.ok_or(
                            "nothing stands after its `\\`; write `\\\\` for the character",
                        )?,
                    );
                }
                other => self.literal(other),
            }
        }
        if self.depth > 0 {
            return Err("a `{` is never closed; write `\\{` for the character".to_owned());
        }
        Ok(())
    }

    /// Several `*` are one.
    fn any_text(&mut self) {
        while self.rest.next_if_eq(&'*').is_some() {}
        self.regex.push_str(".*");
    }

    fn literal(&mut self, letter: char) {
        self.regex.push_str(&regex::escape(letter.encode_utf8(&mut [0; 4])));
    }

    /// The rest of `[ab]`, `[!ab]`, `[^ab]` or `[a-z]`. A `]` in the first place, and a `-` in the first or last one, are characters.
    fn class(&mut self) -> Result<(), String> {
        self.regex.push('[');
        if self.rest.next_if(|letter| matches!(letter, '!' | '^')).is_some() {
            self.regex.push('^');
        }
        let mut is_first = true;
        loop {
            match self.class_letter()? {
                ']' if !is_first => break,
                from => self.range(from)?,
            }
            is_first = false;
        }
        self.regex.push(']');
        Ok(())
    }

    /// One character of a class, or a range that begins with it.
    fn range(&mut self, from: char) -> Result<(), String> {
        self.member(from);
        let mut ahead = self.rest.clone();
        let is_range = ahead.next() == Some('-') && ahead.next().is_some_and(|to| to != ']');
        if !is_range {
            return Ok(());
        }
        self.rest.next();
        let to = self.class_letter()?;
        if to < from {
            return Err(format!(
                "the range `{from}-{to}` ends before it begins; write `{to}-{from}`"
            ));
        }
        self.regex.push('-');
        self.member(to);
        Ok(())
    }

    fn class_letter(&mut self) -> Result<char, String> {
        match self.rest.next() {
            None => Err("a `[` is never closed; write `\\[` for the character".to_owned()),
            Some('\\') => {
                Err("a `\\` stands in `[]`, where nothing needs it: `]` goes first, `-` last"
                    .to_owned())
            }
            Some(letter) => Ok(letter),
        }
    }

    /// A character of a class by its number, so that none is special there.
    fn member(&mut self, letter: char) {
        let number = format!("\\x{{{:X}}}", u32::from(letter));
        self.regex.push_str(&number);
    }
}
