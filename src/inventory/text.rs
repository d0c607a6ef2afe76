//! Text as the API writes it: whether it says anything, how it is shown, and which keys of tags only look alike.
//!
//! Console users type names and tags by hand, so the API returns whatever they pasted: white space that nobody sees, letters in
//! another case, control characters.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// The pictures of the control characters U+0000 to U+001F, and that of U+007F: the block "Control Pictures" of Unicode.
const PICTURES: std::ops::RangeInclusive<char> = '\u{2400}'..='\u{241F}';
const PICTURE_OF_DELETE: char = '\u{2421}';

/// Whether a character takes no ink: white space, control characters, and characters that are never drawn.
pub(crate) fn is_blank(letter: char) -> bool {
    letter.is_whitespace() || letter.is_control() || is_invisible(letter)
}

/// Whether a character is not drawn, and is no white space for Unicode: joiners, marks of direction, selectors of variants, the
/// byte order mark. These are Unicode's `Default_Ignorable_Code_Point`, and a few that fonts leave blank.
fn is_invisible(letter: char) -> bool {
    matches!(
        letter,
        '\u{AD}'
            | '\u{34F}'
            | '\u{61C}'
            | '\u{115F}'..='\u{1160}'
            | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}'
            | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
}

/// Whether a text says nothing: it is empty, or nothing in it takes ink.
pub(crate) fn says_nothing(text: &str) -> bool {
    text.chars().all(is_blank)
}

/// A text without what takes no ink around it.
pub(crate) fn trimmed(text: &str) -> &str {
    text.trim_matches(is_blank)
}

/// A text with each control character replaced by its picture, such as `␀`, so that journals, logs and terminals can hold it.
///
/// One character stands for one, so that a pattern such as `?` matches the same text as before.
pub(crate) fn pictured(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_control) {
        Cow::Owned(text.chars().map(picture).collect())
    } else {
        Cow::Borrowed(text)
    }
}

fn picture(letter: char) -> char {
    match letter {
        '\u{7F}' => PICTURE_OF_DELETE,
        '\0'..='\u{1F}' => {
            char::from_u32(u32::from(*PICTURES.start()) + u32::from(letter)).unwrap_or('\u{FFFD}')
        }
        // The controls U+0080 to U+009F have no pictures.
        other if other.is_control() => '\u{FFFD}',
        other => other,
    }
}

/// Whether a character may stand for a control character that [`pictured`] replaced.
fn is_picture(letter: char) -> bool {
    PICTURES.contains(&letter) || letter == PICTURE_OF_DELETE || letter == '\u{FFFD}'
}

/// Whether a text may have held control characters.
pub(crate) fn has_pictures(text: &str) -> bool {
    !text.is_ascii() && text.chars().any(is_picture)
}

/// The letters by which keys of tags are compared for a near miss: without what takes no ink around them, without characters
/// that are not drawn, in one letter case, and with one spelling for letters that Unicode can write in several ways (NFKC).
fn folded(key: &str) -> impl Iterator<Item = char> + Clone {
    let outer = |letter: char| is_blank(letter) || is_picture(letter);
    let is_undrawn = |letter: char| is_invisible(letter) || is_picture(letter);
    let drawn = key.trim_matches(outer).chars().filter(move |letter| !is_undrawn(*letter));
    drawn.nfkc().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc()
}

/// The form of a key that near misses share.
pub(crate) fn near_form(key: &str) -> Box<str> {
    folded(key).collect::<String>().into()
}

/// Whether `own` is a near miss of the key `asked`, whose near form is `form`: another key that people read as the same.
pub(crate) fn is_near_miss(own: &str, asked: &str, form: &str) -> bool {
    may_be_near(own, form) && own != asked && folded(own).eq(form.chars())
}

/// Whether the first letters do not rule a near miss out. Most keys differ there, which costs less to see than to fold them.
fn may_be_near(own: &str, form: &str) -> bool {
    match (own.bytes().next(), form.bytes().next()) {
        (Some(one), Some(other)) if one.is_ascii_graphic() && other.is_ascii() => {
            one.eq_ignore_ascii_case(&other)
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_ink_says_nothing() {
        for text in
            ["", " ", "\t\n", "\u{a0}", "\u{3000}", "\u{200b}", "\u{feff}", "\0", "\u{2060} "]
                .into_iter()
                .chain(["\u{fe0f}", "\u{34f}", "\u{115f}", "\u{17b4}", "\u{180b}", "\u{e0020}"])
        {
            assert!(says_nothing(text), "{text:?}");
        }
        for text in ["0", "-", ".", "null", " a ", "主", "\u{301}", "␀"] {
            assert!(!says_nothing(text), "{text:?}");
        }
        assert_eq!(trimmed("\u{feff} a b\u{a0}\n"), "a b");
    }

    #[test]
    fn a_control_character_is_replaced_by_one_picture() {
        for (text, expected) in [
            ("dev-1", "dev-1"),
            ("a\0b", "a␀b"),
            ("a\nb\t", "a␊b␉"),
            ("\u{1b}[31m", "␛[31m"),
            ("\u{7f}", "␡"),
            ("\u{85}\u{9f}", "\u{fffd}\u{fffd}"),
            ("é主\u{301}", "é主\u{301}"),
        ] {
            let got = pictured(text);
            assert_eq!(got, expected, "{text:?}");
            assert_eq!(got.chars().count(), text.chars().count(), "{text:?}");
            assert_eq!(has_pictures(&got), got != text, "{text:?}");
        }
    }

    #[test]
    fn a_near_miss_differs_in_case_in_outer_white_space_or_in_spelling() {
        let is_near = |asked: &str, own: &str| is_near_miss(own, asked, &near_form(asked));
        for (asked, own) in [
            ("keep", "Keep"),
            ("keep", "KEEP"),
            ("Keep", "keep"),
            ("keep", "keep "),
            ("keep", " keep"),
            ("keep", "keep\u{a0}"),
            ("keep", "keep\u{fe0f}"),
            ("keep\u{fe0f}", "keep"),
            ("❤", "❤\u{fe0f}"),
            ("⚠\u{fe0f}", "⚠"),
            ("keep", "ke\u{34f}ep"),
            ("keep", "ke\u{180b}ep"),
            ("keep", "keep\u{e0020}"),
            ("keep", "ke␀ep"),
            ("keep", "ke\u{fffd}ep"),
            ("keep", "\u{200b}keep"),
            ("keep", "ke\u{200b}ep"),
            ("keep", "\u{feff}Keep\t"),
            ("keep", "keep␊"),
            ("keep", "ｋｅｅｐ"),
            ("keep", "\u{212a}eep"),
            ("straße", "STRASSE"),
            ("prüfen", "pru\u{308}fen"),
            ("Держать", "держать"),
            ("保留", "保留\u{3000}"),
            ("do not stop", "Do Not Stop"),
        ] {
            assert!(is_near(asked, own), "{asked} {own:?}");
            assert!(is_near(own, asked), "{own:?} {asked}");
        }
        for (asked, own) in [
            ("keep", "keep"),
            ("keep", "keeps"),
            ("keep", "kee"),
            ("keep", "ke ep"),
            ("keep", ""),
            ("keep", " "),
            ("do-not-stop", "do_not_stop"),
            ("保留", "保存"),
            ("keep", "кеер"),
        ] {
            assert!(!is_near(asked, own), "{asked} {own:?}");
        }
    }
}
