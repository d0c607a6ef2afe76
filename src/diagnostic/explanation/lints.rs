//! The codes of what is valid and probably not meant, from ZR100 on.

use super::{Example, Explanation, Language};

pub(super) const MATCHES_EVERYTHING: Explanation = Explanation {
    title: "a rule that matches every machine",
    why: "\
This matches each machine of the account, whoever owns it, and has no `unless`.
So it takes the whole fleet sooner or later, production too, and no owner can
keep a machine from it by a tag.

It is often what is left when a condition was taken out for a trial. Conditions
count as everything also if they are always true, such as `id: \"*\"`.

Add a condition, or an exception that owners can use. `match: everything` with
`expire: { tag: ttl }` and without `default` is fine, and is not warned of:
there, only machines that carry the tag ever go.
",
    example: Some(Example {
        language: Language::Rules,
        wrong: "\
rules:
  - name: old
    match: everything
    expire: { after: 30d }
",
        right: "\
rules:
  - name: old
    match: everything
    unless: { tags: { keep: \"*\" } }
    expire: { after: 30d }
",
    }),
};

pub(super) const SHADOWED: Explanation = Explanation {
    title: "a rule that never acts",
    why: "\
Of several rules, the first in order whose time has come acts. Here an earlier
rule always comes first, so this one never does anything, though it reads as if
it did: its longer life, its notice or its cap are for nobody.

It is said only if it can be proved, by these four steps:
- each condition of the earlier rule follows from conditions of this one: the
  same value, a wider list, glob, network or age; its `unless` follows to fail;
- the earlier rule is due no later: it has no `expire`, or both say `after` or
  `at` and it says no more, or both go by one tag and its `default` and `max`
  are no longer, where both have a `max` or neither;
- it has no `notice`, and both have the same schedule, or none: so it is never
  still waiting when this one is ready;
- its caps do not matter: past a cap, the whole plan is refused.
Machines that are not terminated anyway, such as subscriptions, do not count.

Put the narrower rule first, or except its machines in the wider one.
",
    example: Some(Example {
        language: Language::Rules,
        wrong: "\
rules:
  - name: all-dev
    match: { tags: { env: [dev, test] } }
    expire: { after: 3d }
  - name: big-dev
    match: { tags: { env: dev }, type: \"M8*\" }
    expire: { after: 7d }
",
        right: "\
rules:
  - name: all-dev
    match: { tags: { env: [dev, test] }, type: { not_in: [\"M8*\"] } }
    expire: { after: 3d }
  - name: big-dev
    match: { tags: { env: dev }, type: \"M8*\" }
    expire: { after: 7d }
",
    }),
};

pub(super) const NEVER_MATCHES: Explanation = Explanation {
    title: "a rule that no machine can match",
    why: "\
All lines of a matcher must hold at once, and these cannot: they ask for two
values of one thing, for a value of what is not to be there, for an age that is
both more and less, or `unless` excepts all that `match` takes. Or they ask for
a status and charge type that are never terminated: a machine in the recycle
bin, one that is still being created or installed, a subscription.

Such a rule does nothing for ever, and looks as if it did its work.

If one of several conditions is enough, write them as a list under `any`, or as
a list of values. Eligible are RUNNING, STOPPED, BOOTING, STOPPING and
INSTALL_FAILED of POSTPAID machines, and CREATE_FAILED of all.
",
    example: Some(Example {
        language: Language::Rules,
        wrong: "\
rules:
  - name: trials
    match:
      all: [{ tags: { env: dev } }, { tags: { env: test } }]
    expire: { after: 3d }
",
        right: "\
rules:
  - name: trials
    match:
      any: [{ tags: { env: dev } }, { tags: { env: test } }]
    expire: { after: 3d }
",
    }),
};

pub(super) const CAP_OF_ZERO: Explanation = Explanation {
    title: "a cap of 0",
    why: "\
A cap of 0 means none at all, not \"no limit\". A plan past a cap is refused
whole: so one machine that is due stops every other termination too, run after
run, and zenreaper reports a refusal each time.

Some mean \"no limit\" by it, some want a rule to do nothing for a while.

Write a number that you would not mind to lose in one run. To switch one rule
off, say `enabled: false`; all of them, `mode: dry-run` or `zenreaper pause`.
",
    example: Some(Example {
        language: Language::Config,
        wrong: "limits: { max_terminations: 0 }\n",
        right: "limits: { max_terminations: 20 }\n",
    }),
};

pub(super) const SHORTER_THAN_NOTICE: Explanation = Explanation {
    title: "a life that is shorter than its notice",
    why: "\
A machine goes no sooner after its owner was told than `notice` says. If its
life is shorter than that, its owner is told in the first run that sees it, and
it lives for the length of the notice: what `after`, `default` or `max` says
never counts.

One of the two is mostly in the wrong unit.

Make the life longer than the notice, so that owners have a time in which
nothing is asked of them.
",
    example: Some(Example {
        language: Language::Rules,
        wrong: "\
rules:
  - name: dev
    match: { tags: { env: dev } }
    expire: { after: 12h }
    notice: 24h
",
        right: "\
rules:
  - name: dev
    match: { tags: { env: dev } }
    expire: { after: 3d }
    notice: 24h
",
    }),
};

pub(super) const DUE_AT_ONCE: Explanation = Explanation {
    title: "a rule whose matches are due at once",
    why: "\
Without `expire`, a match is due in the next run, a minute after the machine was
ordered too, before its owner has tagged it or even logged in. Nothing else in
this rule leaves it any time: no `age` in the match, no `notice`.

Tags are often set after a machine is created. So what looks untagged or unused
may only be new.

Say in `expire` how long a match lives. If at once is what you mean, as for a
tag that asks for it, say so with `expire: { after: 1m }`.
",
    example: Some(Example {
        language: Language::Rules,
        wrong: "\
rules:
  - name: untagged
    match: { tags: { owner: { exists: false } } }
",
        right: "\
rules:
  - name: untagged
    match: { tags: { owner: { exists: false } } }
    expire: { after: 3d }
",
    }),
};

pub(super) const UNKNOWN_TAG_KEY: Explanation = Explanation {
    title: "a tag that no machine has",
    why: "\
The rule asks for a tag, and no machine had one with this key when the inventory
was last read. Keys compare exactly: `Env` is not `env`. So the rule takes
nothing at all, which is easily taken for a quiet week.

zenreaper remembers the keys of the last complete inventory of each account in
its journal. Where there is none yet, it does not warn. It does not either where
a tag is to be absent, in `unless`, in `protect`, or if `expire` has a `default`
for machines without it: a tag that nobody needed yet is normal there.

Correct the key. If the tag is yet to come, the warning goes with the first
machine that has it.
",
    example: Some(Example {
        language: Language::Rules,
        wrong: "\
rules:
  - name: dev
    match: { tags: { evn: dev } }
    expire: { after: 3d }
",
        right: "\
rules:
  - name: dev
    match: { tags: { env: dev } }
    expire: { after: 3d }
",
    }),
};

pub(super) const OUTPACED_SCHEDULE: Explanation = Explanation {
    title: "a schedule that fires more often than a run takes",
    why: "\
Runs never overlap. What fires while one is under way starts no other, so the
schedule is not what it says: zenreaper is nearly always at work, and reads the
inventory again and again at the rate that the API allows.

It compares the shortest time between two of the next 50 firings with how long
the last ten runs took, half of which took longer. Until there are three of them
in the journal, it does not warn.

Let it fire less often: a machine that lives for days can wait for some minutes.
",
    example: Some(Example {
        language: Language::Config,
        wrong: "schedule: \"*/10 * * * * *\"\n",
        right: "schedule: \"*/15 * * * *\"\n",
    }),
};

pub(super) const FOUND_ANYWHERE: Explanation = Explanation {
    title: "a regular expression that is found anywhere",
    why: "\
A regular expression is found anywhere in a text unless it says where: `dev`
matches `dev`, and also `my-dev-1` and `device-gateway`. In `match`, that takes
machines that nobody had in mind.

Here it begins and ends with plain text and has neither `^` nor `$`, so it looks
like a whole text. In `unless` and `not` it is not warned of: to keep too much
does no harm.

Anchor it with `^` and `$`. If it is to be found anywhere, say so: with `.*` on
both sides, or with a glob such as `\"*dev*\"`.
",
    example: Some(Example {
        language: Language::Rules,
        wrong: "\
rules:
  - name: ci
    match: { name: { regex: \"ci-[0-9]+-build\" } }
    expire: { after: 3d }
",
        right: "\
rules:
  - name: ci
    match: { name: { regex: \"^ci-[0-9]+-build$\" } }
    expire: { after: 3d }
",
    }),
};

pub(super) const PLAIN_BRACKETS: Explanation = Explanation {
    title: "a plain text with brackets",
    why: "\
In a plain text only * and ? are special; [, ], { and } are characters. This
text has brackets or braces beside * or ?, as a glob does. Read as written, it
matches names that contain the brackets themselves.

Earlier versions read such a text as a glob. An exception that was written for
them would exclude nothing now.

Put the text under `glob` if the brackets are meant as a class or as
alternatives. If they are meant as characters, put a backslash before each of
them under `glob`, which also ends this warning.
",
    example: Some(Example {
        language: Language::Rules,
        wrong: "\
rules:
  - name: dev
    match: { tags: { env: dev } }
    unless: { name: \"db-[0-9]*\" }
    expire: { after: 3d }
",
        right: "\
rules:
  - name: dev
    match: { tags: { env: dev } }
    unless: { name: { glob: \"db-[0-9]*\" } }
    expire: { after: 3d }
",
    }),
};

pub(super) const NEAR_MISS_KEY: Explanation = Explanation {
    title: "a tag key that is nearly one that protects",
    why: "\
Instances have a tag whose key differs from a key that protects only in letter
case, in white space around it or in how Unicode spells a letter: `Keep` or
`keep ` where a rule asks for `keep`. A key protects where it stands in `unless`
or `protect`, under `not`, `not_in` or `exists: false` in a match, or as the tag
of `expire`.

zenreaper protects such instances, whatever the value of the tag: somebody meant
to protect them. In a match, the key takes no instance.

Rename the tag on the instances, or the key in the rule. zenreaper knows the
keys of the last complete inventory of each account from its journal. Where
there is none yet, it does not warn.
",
    example: Some(Example {
        language: Language::Rules,
        wrong: "\
rules:
  - name: dev
    match: { tags: { env: dev } }
    unless: { tags: { Keep: \"*\" } }
    expire: { after: 3d }
",
        right: "\
rules:
  - name: dev
    match: { tags: { env: dev } }
    unless: { tags: { keep: \"*\" } }
    expire: { after: 3d }
",
    }),
};

pub(super) const EITHER_DAY: Explanation = Explanation {
    title: "a schedule that restricts both days",
    why: "\
If a schedule restricts the day of the month and the day of the week, it fires
on each day that matches one of them, as cron does. `0 9 1 * MON` fires on the
1st and on every Monday.

A field counts as restricted unless it is `*` or `?` alone. A step such as `*/2`
restricts too. There cron(8) differs: it takes each field that begins with `*`
for free, and then asks both to match.

If both must match, write `+` before the day of the week: `0 9 1-7 * +MON` is
the first Monday of the month, as is `0 9 * * MON#1`. If only one of them
counts, write `*` for the other. The warning shows the next three firings.
",
    example: Some(Example {
        language: Language::Config,
        wrong: "schedule: \"0 9 */2 * MON-FRI\"\n",
        right: "schedule: \"0 9 */2 * +MON-FRI\"\n",
    }),
};

pub(super) const OTHER_DIALECT: Explanation = Explanation {
    title: "a schedule that looks like one of another scheduler",
    why: "\
Schedulers differ in what the same fields mean. zenreaper reads 5 fields, or 6
with the second first; it has no year, and Monday is 1.

Amazon EventBridge puts a year last. There, `0 9 * * 1-5 *` is 09:00 on five
days of the week. Here, it is minute 9 of every hour from January to May.
EventBridge and Quartz count the days of the week from Sunday as 1 and write
`?`. There, `0 9 ? * 2-6` is Monday to Friday. Here, it is Tuesday to Saturday.

Leave out the year, and write the names of days, which mean the same everywhere.
The warning shows the next three firings.
",
    example: Some(Example {
        language: Language::Config,
        wrong: "schedule: \"0 9 * * 1-5 *\"\n",
        right: "schedule: \"0 9 * * MON-FRI\"\n",
    }),
};
