//! Schedules that are valid and may mean something else than their authors think.

use jiff::Timestamp;

use crate::{
    diagnostic::{Code, Problem},
    lifetime::shorten,
    rules::{Origin, RuleSet},
    schedule::{Doubt, Schedule},
};

/// Returns the warnings on the schedule of the config, whose keys `config` locates, and on those of rules. Each says when the
/// schedule fires next after `now`.
#[must_use]
pub fn schedule_warnings(
    (schedule, config): (&Schedule, &Origin),
    rules: &RuleSet,
    now: Timestamp,
) -> Vec<Problem> {
    let own = rules.rules.iter().filter_map(|rule| Some((rule.schedule.as_ref()?, &rule.origin)));
    let all = [(schedule, config)].into_iter().chain(own);
    let warnings = all.flat_map(|(schedule, origin)| {
        schedule.doubts().iter().map(move |doubt| warning(*doubt, schedule, origin, now))
    });
    warnings.collect()
}

fn warning(doubt: Doubt, schedule: &Schedule, origin: &Origin, now: Timestamp) -> Problem {
    let (code, what, help) = match doubt {
        Doubt::EitherDay => (
            Code::EitherDay,
            "fires on each day that matches the day of the month or the day of the week",
            "if both must match, write `+` before the day of the week, such as `+MON-FRI`; if only one counts, write `*` for the other"
                .to_owned(),
        ),
        Doubt::LastIsYear => (
            Code::OtherDialect,
            "begins with the second and has no field for the year, so it fires in every hour",
            without_year(schedule.pattern()),
        ),
        Doubt::WeekdayNumbers => (
            Code::OtherDialect,
            "counts the days of the week with Monday as 1; `?` is of schedulers that count with Sunday as 1",
            "write the names of the days, such as `MON-FRI`".to_owned(),
        ),
    };
    let pattern = shorten(schedule.pattern());
    let message = format!("`{pattern}` {what}; next firings: {}", schedule.next_firings(now));
    origin.problem("schedule", code, message, help)
}

/// Returns what to write instead of six fields of which the last looks like a year.
fn without_year(pattern: &str) -> String {
    let fields: Vec<_> = pattern.split_ascii_whitespace().collect();
    let year_last = fields.split_last().map(|(_, fields)| fields.join(" ")).unwrap_or_default();
    let keep = match fields.split_first() {
        Some((&("0" | "00"), fields)) => format!("write `{}`", fields.join(" ")),
        _ => "write its hours out, such as `0-23`".to_owned(),
    };
    format!(
        "if the last field is meant as the year, write `{}`; if every hour is meant, {keep}",
        shorten(&year_last)
    )
}
