//! The codes of the shape of files, ZR010 to ZR019.

use super::{Example, Explanation, Language};

pub(super) const UNKNOWN_KEY: Explanation = Explanation {
    title: "a key that is not known",
    why: "\
A mapping has a key that zenreaper does not know there. Mostly it is a slip of
the pen; the help offers the nearest key that is known, and all of them.

A key that is not known is never skipped. If `unles` were ignored, the machines
that it was meant to spare would be terminated.

Correct the spelling, or take the key out. Keys are written in lower case with
underscores.
",
    example: Some(Example {
        language: Language::Rules,
        wrong: "\
rules:
  - name: dev
    match: { tags: { env: dev } }
    expire: { after: 3d }
    unles: { tags: { keep: \"*\" } }
",
        right: "\
rules:
  - name: dev
    match: { tags: { env: dev } }
    expire: { after: 3d }
    unless: { tags: { keep: \"*\" } }
",
    }),
};

pub(super) const MISSING_KEY: Explanation = Explanation {
    title: "a key that must be there",
    why: "\
A key is missing that has no sensible default: the `name` or the `match` of a
rule, the `name` of an account, what a sink needs to send anything.

A rule without `match` could mean all machines or none. zenreaper does not
choose: to match all, a rule says `match: everything` in so many words.

Add the key. If it seems to be there, look at its indentation: it may belong to
something else.
",
    example: Some(Example {
        language: Language::Rules,
        wrong: "\
rules:
  - name: dev
    expire: { after: 72h }
",
        right: "\
rules:
  - name: dev
    match: { tags: { env: dev } }
    expire: { after: 72h }
",
    }),
};

pub(super) const WRONG_KIND: Explanation = Explanation {
    title: "a text, list or mapping where another of them should be",
    why: "\
YAML knows texts, lists and mappings. Here stands one kind where zenreaper needs
another, or there is nothing at all behind the colon.

Nothing is a value too. An `expire:` whose lines were all commented out must not
read as \"at once\", and an empty `protect:` must not read as \"protect nothing\".

A list is written as [a, b], or with a `-` before each item. A mapping is
written as { key: value }, or as `key: value` on lines of its own. If you want
the default, leave the key out.
",
    example: Some(Example {
        language: Language::Rules,
        wrong: "\
rules:
  - name: dev
    match: { tags: { env: dev } }
    expire: 72h
",
        right: "\
rules:
  - name: dev
    match: { tags: { env: dev } }
    expire: { after: 72h }
",
    }),
};

pub(super) const UNKNOWN_WORD: Explanation = Explanation {
    title: "a word that is not one of those that are known",
    why: "\
Some values are one word of a short list: the `mode`, the `type` of a sink, a
machine's `status` or `charge_type`. This one is not on the list.

A status with a typing error never matches. In `match` that looks like a rule
without work; in `unless` or `protect` it is a protection that protects nothing.

Take one of the words that the help lists.
",
    example: Some(Example {
        language: Language::Rules,
        wrong: "\
rules:
  - name: stopped
    match: { status: STOPED }
    expire: { after: 3d }
",
        right: "\
rules:
  - name: stopped
    match: { status: STOPPED }
    expire: { after: 3d }
",
    }),
};

pub(super) const NOT_A_BOOLEAN: Explanation = Explanation {
    title: "a value that is neither `true` nor `false`",
    why: "\
The value must be the word `true` or the word `false`, in lower case and without
quotes around anything else.

Old YAML read `yes`, `no`, `on` and `off` as truth values, newer YAML reads them
as texts, and tools differ. Where the answer decides about machines, zenreaper
takes only the two words that mean the same everywhere.

Write `true` or `false`.
",
    example: Some(Example {
        language: Language::Rules,
        wrong: "\
rules:
  - name: nameless
    match: { name: { exists: no } }
    expire: { after: 3d }
",
        right: "\
rules:
  - name: nameless
    match: { name: { exists: false } }
    expire: { after: 3d }
",
    }),
};

pub(super) const NOT_A_NUMBER: Explanation = Explanation {
    title: "a value that is not a whole number in its range",
    why: "\
The value must be a whole number, and the help tells from where to where: no
percent sign, no fraction, no minus, no underscore.

Most numbers here are limits: they stop a plan that would terminate too much. A
limit that cannot be read is not replaced by a default, which may be larger than
what you meant.

Write digits only. In `limits`, 0 means none.
",
    example: Some(Example {
        language: Language::Config,
        wrong: "\
limits: { max_percent: 10% }
",
        right: "\
limits: { max_percent: 10 }
",
    }),
};

pub(super) const LATER_VERSION: Explanation = Explanation {
    title: "something that only a later version of zenreaper knows",
    why: "\
The value belongs to what zenreaper is to do, but this version cannot do it yet.

It is refused and not ignored: who named a place for the journal must not find
that what was done stands in another.

Say what this version has, or upgrade zenreaper.
",
    example: Some(Example {
        language: Language::Config,
        wrong: "journal: postgres://db.example.com/zenreaper\n",
        right: "journal: sqlite:///var/lib/zenreaper/journal.db\n",
    }),
};

pub(super) const OUT_OF_PLACE: Explanation = Explanation {
    title: "a key that means nothing where it stands",
    why: "\
zenreaper knows the key, but not there: it belongs under another key, or it
needs a neighbour that is missing. `max` and `default` speak of a tag, so they
stand beside `tag`; `after` belongs under `expire`; `max_percent` under
`limits`.

A key in the wrong place would have no effect, and the one who wrote it would
count on it: on a limit that does not hold, on a life that is not granted.

Move the key to where the help says, or add the neighbour that it needs.
",
    example: Some(Example {
        language: Language::Rules,
        wrong: "\
rules:
  - name: dev
    match: { tags: { env: dev } }
    expire: { after: 72h, max: 7d }
",
        right: "\
rules:
  - name: dev
    match: { tags: { env: dev } }
    expire: { tag: ttl, default: 72h, max: 7d }
",
    }),
};

pub(super) const CREDENTIAL: Explanation = Explanation {
    title: "a credential in a file",
    why: "\
The file has a key that looks like that of a credential: an access key, a token,
a secret or a password.

Config and rules are reviewed, copied and kept in version control, where many
people see them. Whoever has this credential can destroy every machine of the
account, so it never stands in these files.

Take it out, and make a new one if the file was shared. Give the credential to
zenreaper as a systemd credential, in the environment, or in the profile of
Zenlayer's CLI; `zenreaper --help` lists the names.
",
    example: Some(Example {
        language: Language::Config,
        wrong: "\
accounts:
  - name: main
    access_key_secret: hunter2
",
        right: "\
accounts:
  - name: main    # with ZENLAYER_ACCESS_KEY_SECRET in the environment
",
    }),
};

pub(super) const DUPLICATE_NAME: Explanation = Explanation {
    title: "a name that something else has",
    why: "\
Two rules, accounts or sinks have the same name, or a word stands twice in a
list that is a choice. Rules must differ over all files, not only within one.

A name is how the log, the metrics, the journal and the notices say which rule
took a machine. With two of the same name, nobody could tell afterwards, and the
limits of the one would be counted for the other.

Give one of them another name. The help tells where the first one stands.
",
    example: Some(Example {
        language: Language::Rules,
        wrong: "\
rules:
  - { name: dev, match: { tags: { env: dev } }, expire: { after: 3d } }
  - { name: dev, match: { tags: { env: test } }, expire: { after: 3d } }
",
        right: "\
rules:
  - { name: dev, match: { tags: { env: dev } }, expire: { after: 3d } }
  - { name: test, match: { tags: { env: test } }, expire: { after: 3d } }
",
    }),
};
