//! The codes of what a rule says, ZR040 to ZR059.

use super::{Example, Explanation, Language};

pub(super) const EMPTY_MATCHER: Explanation = Explanation {
    title: "a matcher without a condition",
    why: "\
A matcher is a set of conditions that must all hold. This one has none, so every
machine would satisfy it.

It is mostly what is left when the last condition was commented out, or when a
template filled in nothing. Read as it stands, it would terminate the whole
fleet, or, in `unless`, spare all of it for ever.

Give it a condition. If you do mean all machines, write `match: everything`.
",
    example: Some(Example {
        language: Language::Rules,
        wrong: "\
rules:
  - name: dev
    match: {}
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

pub(super) const EMPTY_VALUE: Explanation = Explanation {
    title: "a text or list that is empty",
    why: "\
There is an empty text or an empty list where it means nothing: no machine has
such a value, and a list of accounts or sinks without any has no effect.

A condition that never holds goes unnoticed in `match`; in `unless` and
`protect` it protects nothing. Often a template or a script left the value out.

Write the value. If you mean machines that have none, say `{ exists: false }`.
If you want the default, leave the key out.
",
    example: Some(Example {
        language: Language::Rules,
        wrong: "\
rules:
  - name: nameless
    match: { name: \"\" }
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

pub(super) const UNCLEAR_EXPIRY: Explanation = Explanation {
    title: "an expiry that says nothing, or several things",
    why: "\
`expire` says when a match is due, in exactly one of three ways: `after` an age,
`at` an instant, or as the machine's own `tag` says. Here there is none, or more
than one.

Of two answers, zenreaper would have to choose one, and the earlier is not
always what was meant. None at all could mean never or at once.

Keep one. To combine an age with a tag, use `tag` with `default` and `max`. If a
match is due at once, leave `expire` out.
",
    example: Some(Example {
        language: Language::Rules,
        wrong: "\
rules:
  - name: dev
    match: { tags: { env: dev } }
    expire: { after: 72h, tag: ttl }
",
        right: "\
rules:
  - name: dev
    match: { tags: { env: dev } }
    expire: { tag: ttl, default: 72h }
",
    }),
};

pub(super) const DEFAULT_BEYOND_MAX: Explanation = Explanation {
    title: "lengths beside a tag that are out of order",
    why: "\
`min` is the shortest life that a tag can mean, `max` the longest that it can
buy, and `default` the life of an instance without the tag. Here one of them is
longer than the next.

One of the two is a mistake, mostly in the unit. If `max` won, instances would
be terminated earlier than their rule says. If `min` won, no tag could be read.

Put them in order: `min` up to `default`, and `default` up to `max`.
",
    example: Some(Example {
        language: Language::Rules,
        wrong: "\
rules:
  - name: dev
    match: { tags: { env: dev } }
    expire: { tag: ttl, default: 7d, max: 72h }
",
        right: "\
rules:
  - name: dev
    match: { tags: { env: dev } }
    expire: { tag: ttl, default: 72h, max: 7d }
",
    }),
};

pub(super) const RELEASE_NOT_ALLOWED: Explanation = Explanation {
    title: "a release that the config does not allow",
    why: "\
A machine that is terminated stays in the recycle bin for 24 hours, and can be
taken back. `action: release` empties the bin for it: its disks are gone for
good.

Who writes rules may not be who runs zenreaper. So a rule alone cannot do it;
the config must say `allow_release: true` as well.

Leave `action` out, and the machine goes after 24 hours all the same. If it must
be released, ask whoever keeps the config.
",
    example: Some(Example {
        language: Language::Rules,
        wrong: "\
rules:
  - name: failed-creations
    match: { status: CREATE_FAILED }
    expire: { after: 1h }
    action: release
",
        right: "\
rules:
  - name: failed-creations
    match: { status: CREATE_FAILED }
    expire: { after: 1h }
    action: terminate
",
    }),
};
