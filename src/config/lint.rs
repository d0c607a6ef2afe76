//! What is valid in a config and probably not meant.

use crate::{
    diagnostic::{Code, Problem},
    plan::guard::Limits,
    rules::Origin,
};

/// What somebody should look at in the limits of the config that `origin` is of.
pub(super) fn warnings(limits: &Limits, origin: &Origin) -> Vec<Problem> {
    let caps = [
        ("limits.max_terminations", limits.max_terminations),
        ("limits.max_percent", limits.max_percent),
        ("limits.max_per_day", limits.max_per_day),
    ];
    let zeros = caps.into_iter().filter(|(_, cap)| *cap == 0);
    let warning = |(key, _): (&str, u32)| {
        let message = "0 means none: every plan that terminates a machine is refused".to_owned();
        let help =
            "expected 1 or more; to terminate nothing, say `mode: dry-run` or `zenreaper pause`";
        origin.problem(key, Code::CapOfZero, message, help.to_owned())
    };
    zeros.map(warning).collect()
}
