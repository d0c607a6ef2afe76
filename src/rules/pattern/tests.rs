//! The one matcher, by tables and against a naive reference.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(of: fn(&str, Case) -> Result<Pattern, String>, rows: &[(&str, &str, bool)]) {
    for (pattern, text, expected) in rows {
        let compiled = of(pattern, Case::Exact).unwrap();
        assert_eq!(compiled.is_match(text), *expected, "{compiled:?} {text:?}");
    }
}

/// What a plain text and a glob have in common.
const COMMON: [(&str, &str, bool); 27] = [
    ("dev", "dev", true),
    ("dev", "Dev", false),
    ("dev", "dev-1", false),
    ("dev-*", "dev-1", true),
    ("dev-*", "dev-", true),
    ("dev-*", "my-dev-1", false),
    ("*-dev", "my-dev", true),
    ("*-dev", "my-dev-1", false),
    ("d?v", "dev", true),
    ("d?v", "deev", false),
    ("d?v", "dv", false),
    ("*", "", true),
    ("*", "a/b", true),
    ("a.c", "abc", false),
    ("a.*", "abc", false),
    ("kunde-?", "kunde-é", true),
    ("kunde-?", "kunde-主", true),
    ("kunde-?", "kunde-Ж", true),
    ("kunde-?", "kunde-🦀", true),
    ("kunde-?", "kunde-e\u{301}", false),
    ("kunde-??", "kunde-e\u{301}", true),
    ("?", "\n", true),
    ("a*c", "a\nb\nc", true),
    ("a*", "a\n", true),
    ("db-主", "db-主", true),
    ("*主*从*", "a主b从c", true),
    ("**a**", "bab", true),
];

#[test]
fn a_plain_text_knows_only_the_star_and_the_question_mark() {
    check(Pattern::new, &COMMON);
    check(
        Pattern::new,
        &[
            ("[ab]", "[ab]", true),
            ("[ab]", "a", false),
            ("[prod]*", "[prod] db", true),
            ("[prod]*", "p-1", false),
            ("*[prod]", "db [prod]", true),
            ("[prod]?*", "[prod] db", true),
            ("[!a]*?", "[!a]b", true),
            ("[a*", "[ab", true),
            ("*]", "a]", true),
            ("{a,b}*", "{a,b}c", true),
            ("{a,b}*", "ac", false),
            ("a\\*", "a\\b", true),
            ("a\\*", "a*", false),
            ("\\?", "\\x", true),
            ("!*", "!a", true),
            ("^a$*?", "^a$b", true),
            ("a|b*?", "a|bc", true),
            ("(?i)a*?b", "(xi)ayzb", true),
        ],
    );
    for odd in ["[", "[[*", "}?", "{*", "?\\", "[z-a]*"] {
        assert!(Pattern::new(odd, Case::Exact).is_ok(), "{odd}");
    }
}

#[test]
fn a_glob_matches_characters_by_classes_ranges_and_alternatives() {
    check(Pattern::glob, &COMMON);
    check(
        Pattern::glob,
        &[
            ("db-[主从]", "db-主", true),
            ("db-[主从]", "db-从", true),
            ("db-[主从]", "db-丛", false),
            ("db-[!主从]", "db-丛", true),
            ("db-[!主从]", "db-主", false),
            ("db-[^主从]", "db-主", false),
            ("db-[!a]", "db-\n", true),
            ("[а-я]*", "привет", true),
            ("[а-я]*", "Привет", false),
            ("[一-龥]", "主", true),
            ("[!一-龥]", "主", false),
            ("[é-ü]", "ö", true),
            ("[é]", "e", false),
            ("[🦀-🦊]", "🦉", true),
            ("[a-c]", "b", true),
            ("[a-c]", "-", false),
            ("[a-]", "-", true),
            ("[-a]", "-", true),
            ("[]a]", "]", true),
            ("[!]a]", "]", false),
            ("[^^]", "^", false),
            ("[a-a]", "a", true),
            ("[[]", "[", true),
            ("[*?]", "?", true),
            ("[*?]", "a", false),
            ("[a&&b]", "&", true),
            ("[ab]*", "b1", true),
            ("*[ab]", "1b", true),
            ("]", "]", true),
            ("{dev,test}-*", "test-1", true),
            ("{dev,test}-*", "prod-1", false),
            ("{a,{b,c}d}", "cd", true),
            ("{a,}b", "b", true),
            ("{主,从}-?", "从-é", true),
            ("{[a,],x}", ",", true),
            ("a,b", "a,b", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("\\[a\\]", "[a]", true),
            ("\\{a,b\\}", "{a,b}", true),
            ("\\\\?", "\\a", true),
            ("\\**", "*x", true),
        ],
    );
    for bad in ["[a*", "[]", "[!]", "[z-a]", "[龥-一]", "{a", "{a,{b}", "a}", "a\\", "[\\]]"] {
        let error = Pattern::glob(bad, Case::Exact).unwrap_err();
        assert!(error.contains("is not a glob: ") && !error.contains('\n'), "{error}");
    }
}

#[test]
fn any_case_is_one_relation_in_every_form() {
    let of = |text: &str| Pattern::new(text, Case::Any).unwrap();
    for (pattern, text) in [
        ("running", "RUNNING"),
        ("run*", "RUNNING"),
        ("*ing", "RUNNING"),
        ("r?nning", "RUNNING"),
        ("größe", "GRÖßE"),
        ("привет", "ПРИВЕТ"),
        ("k", "\u{212a}"),
    ] {
        assert!(of(pattern).is_match(text), "{pattern} {text}");
        assert!(of(&format!("{pattern}*")).is_match(text), "{pattern}* {text}");
    }
    assert!(Pattern::glob("[a-c]主", Case::Any).unwrap().is_match("B主"));
    assert!(!of("running").is_match("runnin") && !of("[a]").is_match("a"));
}

#[test]
fn the_size_of_a_pattern_is_bounded_and_every_short_plain_text_is_taken() {
    assert!(Pattern::new(&"x".repeat(513), Case::Exact).is_err());
    for case in [Case::Exact, Case::Any] {
        for longest in ["?".repeat(512), "*a".repeat(256), "主".repeat(170), "?k".repeat(256)] {
            let pattern = Pattern::new(&longest, case).unwrap();
            assert!(pattern.is_match(&longest.replace('*', "")), "{longest}");
        }
        assert!(Pattern::glob(&"[!主]".repeat(80), case).is_ok());
    }
}

#[test]
fn a_plain_text_and_a_glob_that_are_written_alike_are_two() {
    let (plain, glob) = ("[a]?*", "[a]?*");
    let plain = Pattern::new(plain, Case::Exact).unwrap();
    let glob = Pattern::glob(glob, Case::Exact).unwrap();
    assert!(!plain.is_within(&glob) && !glob.is_within(&plain));
    assert!(plain.is_within(&plain) && glob.is_within(&glob));
}

#[test]
fn a_plain_text_that_looks_like_a_glob_is_noticed() {
    for (text, expected) in [
        ("[prod]*", true),
        ("db-[0-9]?", true),
        ("*[ab]", true),
        ("{dev,test}-*", true),
        ("[prod]", false),
        ("a[*", false),
        ("]*[", false),
        ("dev-*", false),
    ] {
        for case in [Case::Exact, Case::Any] {
            assert_eq!(Pattern::new(text, case).unwrap().looks_like_a_glob(), expected, "{text}");
        }
    }
    assert!(!Pattern::glob("db-[0-9]?", Case::Exact).unwrap().looks_like_a_glob());
    assert!(!Pattern::regex("[ab]*", Case::Exact).unwrap().looks_like_a_glob());
}

#[test]
fn a_regular_expression_cannot_be_sure_of_a_text_that_had_control_characters() {
    let regex = |text| vec![Pattern::regex(text, Case::Exact).unwrap()];
    let plain = |text| vec![Pattern::new(text, Case::Exact).unwrap()];
    assert_eq!(fits(&regex("a.b"), "a␊b"), None);
    assert_eq!(fits(&regex(".*"), "a␊b"), Some(true));
    assert_eq!(fits(&regex("a.b"), "a-b"), Some(true));
    assert_eq!(fits(&plain("a?b"), "a␊b"), Some(true));
}

#[test]
fn a_regular_expression_matches_anywhere_unless_it_is_anchored() {
    let is_match = |regex, text| Pattern::regex(regex, Case::Exact).unwrap().is_match(text);
    assert!(is_match("dev", "my-dev-1"));
    assert!(!is_match("^dev", "my-dev-1"));
    assert!(is_match(r"^pr-\d+$", "pr-12"));
    assert!(!is_match(r"^pr-\d+$", "pr-12-old"));
    assert!(!is_match("DEV", "dev"));
    assert!(Pattern::regex("^stop", Case::Any).unwrap().is_match("STOPPED"));
    for bad in ["(", "a{1000}{1000}{1000}", "(?=x)", &"x".repeat(513), r"\p{Klingon}"] {
        let error = Pattern::regex(bad, Case::Exact).unwrap_err();
        assert!(!error.contains('\n') && error.len() < 300, "{error}");
    }
}

/// What a pattern is made of, said as plainly as it can be.
#[derive(Clone, Debug)]
enum Piece {
    Any,
    One,
    Letter(char),
    /// Whether it is turned round, and its ranges.
    Class(bool, Vec<(char, char)>),
    /// One of these.
    Either(Vec<Vec<Self>>),
}

/// Whether pieces match a text: every way to share the text among them is tried.
fn is_naive_match(pieces: &[Piece], text: &[char]) -> bool {
    let Some((piece, rest)) = pieces.split_first() else { return text.is_empty() };
    let one = |fits: &dyn Fn(char) -> bool| {
        text.split_first().is_some_and(|(own, after)| fits(*own) && is_naive_match(rest, after))
    };
    match piece {
        Piece::Any => (0..=text.len()).any(|n| is_naive_match(rest, &text[n..])),
        Piece::One => one(&|_| true),
        Piece::Letter(letter) => one(&|own| own == *letter),
        Piece::Class(is_turned, ranges) => {
            one(&|own| ranges.iter().any(|(from, to)| (*from..=*to).contains(&own)) != *is_turned)
        }
        Piece::Either(several) => {
            several.iter().any(|first| is_naive_match(&[first.as_slice(), rest].concat(), text))
        }
    }
}

/// Pieces as a glob.
fn written(pieces: &[Piece]) -> String {
    let one = |piece: &Piece| match piece {
        Piece::Any => "*".to_owned(),
        Piece::One => "?".to_owned(),
        Piece::Letter(letter) if "*?[]{}\\,!".contains(*letter) => format!("\\{letter}"),
        Piece::Letter(letter) => letter.to_string(),
        Piece::Class(is_turned, ranges) => {
            let ranges = ranges.iter().map(|(from, to)| {
                if from == to { from.to_string() } else { format!("{from}-{to}") }
            });
            let sign = if *is_turned { "!" } else { "" };
            format!("[{sign}{}]", ranges.collect::<String>())
        }
        Piece::Either(several) => {
            let several: Vec<_> = several.iter().map(|one| written(one)).collect();
            format!("{{{}}}", several.join(","))
        }
    };
    pieces.iter().map(one).collect()
}

/// Letters of several scripts, some of which share bytes, and those that are special somewhere.
const LETTERS: [char; 24] = [
    'a', 'b', 'Z', '-', '主', '从', '丛', 'Ж', 'ж', 'é', 'e', '\u{301}', '🦀', '🦊', '\n', '[',
    ']', '{', '}', ',', '!', '\\', '^', '.',
];

fn letter() -> impl Strategy<Value = char> {
    proptest::sample::select(&LETTERS[..])
}

fn piece() -> impl Strategy<Value = Piece> {
    let plain = || letter().prop_filter("special in a class", |one| !"[]!^-\\".contains(*one));
    let range = (plain(), plain()).prop_map(|(one, other)| (one.min(other), one.max(other)));
    let leaf = prop_oneof![
        3 => letter().prop_map(Piece::Letter),
        2 => Just(Piece::Any),
        2 => Just(Piece::One),
        2 => (any::<bool>(), proptest::collection::vec(range, 1..3))
            .prop_map(|(is_turned, ranges)| Piece::Class(is_turned, ranges)),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        let one = proptest::collection::vec(inner, 0..3);
        proptest::collection::vec(one, 1..3).prop_map(Piece::Either)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn a_glob_matches_what_the_naive_reference_does(
        pieces in proptest::collection::vec(piece(), 0..5),
        text in proptest::collection::vec(letter(), 0..7),
    ) {
        let (glob, naive) = (written(&pieces), is_naive_match(&pieces, &text));
        let text: String = text.into_iter().collect();
        let compiled = Pattern::glob(&glob, Case::Exact).unwrap();
        prop_assert_eq!(compiled.is_match(&text), naive, "{} {:?}", glob, text);
    }

    #[test]
    fn a_plain_text_matches_what_the_naive_reference_does(
        pattern in proptest::collection::vec(prop_oneof![2 => letter(), 1 => Just('*'), 1 => Just('?')], 0..6),
        text in proptest::collection::vec(letter(), 0..7),
    ) {
        let piece = |letter: &char| match letter {
            '*' => Piece::Any,
            '?' => Piece::One,
            other => Piece::Letter(*other),
        };
        let naive = is_naive_match(&pattern.iter().map(piece).collect::<Vec<_>>(), &text);
        let (pattern, text) = (pattern.iter().collect::<String>(), text.iter().collect::<String>());
        let compiled = Pattern::new(&pattern, Case::Exact).unwrap();
        prop_assert_eq!(compiled.is_match(&text), naive, "{} {:?}", pattern, text);
        let own = Pattern::new(&text, Case::Exact).unwrap();
        prop_assert!(own.is_match(&text), "{text:?}");
    }
}
