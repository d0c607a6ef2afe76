//! The codes of single values, ZR020 to ZR039.

use super::{Example, Explanation, Language};

pub(super) const NOT_A_NAME: Explanation = Explanation {
    title: "a name that cannot be used",
    why: "\
The names of rules, accounts and sinks have 1 to 63 lower-case letters, digits
and hyphens.

They go into metrics, names of credentials, environment variables and message
ids. What is not allowed in one of those would have to be changed on the way,
and then the name in the alert is not the name in the file.

Write it in lower case, with hyphens for spaces and underscores. What you want
to tell people fits into `description`.
",
    example: Some(Example {
        language: Language::Rules,
        wrong: "\
rules:
  - name: Dev machines
    match: { tags: { env: dev } }
    expire: { after: 3d }
",
        right: "\
rules:
  - name: dev-machines
    match: { tags: { env: dev } }
    expire: { after: 3d }
",
    }),
};

pub(super) const NOT_A_DURATION: Explanation = Explanation {
    title: "a value that is not a duration",
    why: "\
A duration is a number with its unit: 90m, 72h, 3d 12h, 2w, or PT72H as ISO 8601
writes it. A day has 24 hours. The smallest unit of a rule is the minute.

A bare number has no unit: 30 may be meant as days and read as seconds. Months
and years have no fixed length; 18:00:00 and 1,500h can be read in two ways.
Nothing is guessed, since a wrong guess shortens lives.

Add the unit. Instead of a month, write 30d.
",
    example: Some(Example {
        language: Language::Rules,
        wrong: "\
rules:
  - name: dev
    match: { tags: { env: dev } }
    expire: { after: 30 }
",
        right: "\
rules:
  - name: dev
    match: { tags: { env: dev } }
    expire: { after: 30d }
",
    }),
};

pub(super) const OUT_OF_RANGE: Explanation = Explanation {
    title: "a duration outside its bounds",
    why: "\
It is a duration, but shorter or longer than what makes sense for this key. The
help tells the bounds.

They keep a unit that was mistaken from doing harm: a timeout of no time fails
every call, a journal that forgets after an hour forgets what it told the owners
of machines.

Take a value within the bounds, and look again at the unit: m is minutes, not
months.
",
    example: Some(Example {
        language: Language::Config,
        wrong: "\
journal_retention: 40m
",
        right: "\
journal_retention: 40d
",
    }),
};

pub(super) const NOT_AN_INSTANT: Explanation = Explanation {
    title: "a value that is neither a date nor a timestamp",
    why: "\
A date is written 2026-12-31 and means the end of that day in the configured
time zone. A timestamp is written 2026-12-31T18:00:00Z, or with an offset such
as +08:00 in the place of the Z. No other form is read.

01/02/2026 is a day in January for some and in February for others; a timestamp
without an offset may be half a day off. A machine would go while its owner
still counts on it.

Write the year first, and give a timestamp its offset.
",
    example: Some(Example {
        language: Language::Rules,
        wrong: "\
rules:
  - name: trade-fair
    match: { tags: { project: fair } }
    expire: { at: 31.12.2026 }
",
        right: "\
rules:
  - name: trade-fair
    match: { tags: { project: fair } }
    expire: { at: 2026-12-31 }
",
    }),
};

pub(super) const NOT_A_TIME_ZONE: Explanation = Explanation {
    title: "a value that is not a time zone",
    why: "\
A time zone is named as in the IANA database: UTC, Asia/Shanghai, Europe/Berlin.

The zone says when a day ends and when a schedule fires. If one that is not
known fell back to UTC, machines would go up to fourteen hours early.
Abbreviations are not taken either: CST is a zone in America, in China and in
Cuba.

Take the name of the zone's largest city; `timedatectl list-timezones` lists
all.
",
    example: Some(Example {
        language: Language::Config,
        wrong: "\
timezone: Shanghai
",
        right: "\
timezone: Asia/Shanghai
",
    }),
};

pub(super) const NOT_A_SCHEDULE: Explanation = Explanation {
    title: "a value that is not a schedule, or never fires",
    why: "\
A schedule is a crontab of five fields (minute, hour, day, month, weekday), of
six with the seconds first, or a word such as @hourly. One that is right and yet
never comes true, such as 30 February, is refused too.

zenreaper is stricter than cron. It refuses what cron or another scheduler would
drop or read in another way: names of days outside of the day-of-week field,
ranges that run backwards, empty list items, steps that leave one value, a year.

A service with a schedule that never fires looks healthy and does nothing, and
one that is read with its fields shifted runs at hours when nobody watches.

Put quotes around it, since a text that begins with * is something else in YAML.
",
    example: Some(Example {
        language: Language::Config,
        wrong: "\
schedule: \"0 3 30 2 *\"    # there is no 30 February
",
        right: "\
schedule: \"0 3 28 2 *\"
",
    }),
};

pub(super) const NOT_A_PATTERN: Explanation = Explanation {
    title: "a text or glob that cannot be used",
    why: "\
In a text, * stands for any characters and ? for one. Under `glob`, [a-c] is one
of several and {a,b} is either. This glob is malformed; or the text is longer
than any field of an instance can be, or has white space around it, or has a
control character in it, such as the line break that ends a block of lines.

A pattern that cannot be read would match nothing. In `unless` and `protect`,
that is a protection that is not there.

Close every bracket and brace; write \\[ for the character itself. Take the white
space out; in a block of lines, |- instead of | ends without a line break.
",
    example: Some(Example {
        language: Language::Rules,
        wrong: "\
rules:
  - name: dev
    match: { name: { glob: \"dev-[0-9*\" } }
    expire: { after: 3d }
",
        right: "\
rules:
  - name: dev
    match: { name: { glob: \"dev-[0-9]*\" } }
    expire: { after: 3d }
",
    }),
};

pub(super) const NOT_A_REGEX: Explanation = Explanation {
    title: "a regular expression that cannot be used",
    why: "\
The text under `regex` is not a regular expression, or is too large once it is
compiled. Look-around and back-references are not supported: every expression
must run in a time that is bounded, whatever a machine is named.

A part that cannot be read is not skipped: the rest of it would match other
machines than you meant.

Put single quotes around it, so that YAML leaves the backslashes alone, and ^
and $ at its ends if the whole text is meant. Often a glob will do.
",
    example: Some(Example {
        language: Language::Rules,
        wrong: "\
rules:
  - name: ci
    match: { name: { regex: \"^ci-[0-9+$\" } }
    expire: { after: 3d }
",
        right: "\
rules:
  - name: ci
    match: { name: { regex: \"^ci-[0-9]+$\" } }
    expire: { after: 3d }
",
    }),
};

pub(super) const NOT_A_NETWORK: Explanation = Explanation {
    title: "a value that is neither an address nor a network",
    why: "\
`ip` takes an address such as 10.1.2.3 or 2001:db8::1, or a network such as
10.0.0.0/8. Host names, ranges and wildcards are not taken.

A network that was misread matches the machines of somebody else. So the number
behind the slash must be there and must fit, and nothing is completed in
silence.

Write the network with its length: 10.1.x.x is 10.1.0.0/16.
",
    example: Some(Example {
        language: Language::Rules,
        wrong: "\
rules:
  - name: lab
    match: { ip: 10.1.*.* }
    expire: { after: 3d }
",
        right: "\
rules:
  - name: lab
    match: { ip: 10.1.0.0/16 }
    expire: { after: 3d }
",
    }),
};

pub(super) const NOT_AN_AGE: Explanation = Explanation {
    title: "a value that does not compare an age",
    why: "\
`age` takes a comparison and a duration: \">= 3d\", \"> 12h\", \"< 90m\", \"<= 2w\".

Without the comparison it is not clear which side is meant: the machines that
are older, which may go, or those that are younger, which were made just now.

Write it in quotes, since > has a meaning of its own in YAML. To give machines a
life, `expire: { after: 3d }` is the usual way; `age` is for conditions.
",
    example: Some(Example {
        language: Language::Rules,
        wrong: "\
rules:
  - name: old-and-stopped
    match: { status: STOPPED, age: 3d }
    expire: { after: 3d }
",
        right: "\
rules:
  - name: old-and-stopped
    match: { status: STOPPED, age: \">= 3d\" }
    expire: { after: 3d }
",
    }),
};

pub(super) const NOT_A_TAG_KEY: Explanation = Explanation {
    title: "a value that is not the key of a tag",
    why: "\
`tag` in `expire`, the keys under `tags`, and `owner_tag` in the config name a
tag of the instance by its key: a text of 1 to 128 characters, without white
space around it and without control characters.

With another key no instance has the tag. Each would get the default life,
whatever its owner wrote on it, would be protected by nothing, or would have no
owner who could be told.

Write the key exactly as it is on the machines; upper and lower case differ.
",
    example: Some(Example {
        language: Language::Rules,
        wrong: "\
rules:
  - name: ttl
    match: { tags: { env: dev } }
    expire: { tag: \"\", default: 7d }
",
        right: "\
rules:
  - name: ttl
    match: { tags: { env: dev } }
    expire: { tag: ttl, default: 7d }
",
    }),
};
