//! What the service does, in one line for `systemctl status`.

use jiff::Timestamp;

use crate::{config::Mode, report::RunResult, site::Site};

/// What is known of the service besides its config.
#[derive(Debug, Default)]
pub(super) struct Status {
    /// Whether the config and rules in use are not those of the files.
    pub(super) is_reload_refused: bool,
    /// An operator's pause, in words.
    pub(super) pause: Option<String>,
    /// Why the journal cannot be read.
    pub(super) unreadable_journal: Option<String>,
    /// Since when a run goes on.
    pub(super) running_since: Option<Timestamp>,
    /// When the last run ended, and how.
    last: Option<(Timestamp, String)>,
}

impl Status {
    /// A run of all accounts ended at `now`.
    pub(super) fn ran(&mut self, now: Timestamp, site: &Site, results: &[RunResult]) {
        let accounts = site.setups.iter().map(|setup| setup.account.as_str());
        self.running_since = None;
        self.last = Some((now, in_words(accounts, results)));
    }

    /// The line; the next run is at `next`.
    pub(super) fn line(&self, mode: Mode, next: Option<Timestamp>) -> String {
        let mut line = mode.as_str().to_owned();
        if let Some(why) = &self.unreadable_journal {
            add(&mut line, &format!("no journal ({why})"));
        }
        if let Some(pause) = &self.pause {
            add(&mut line, pause);
        }
        match (self.running_since, next) {
            (Some(since), _) => add(&mut line, &format!("a run goes on since {since:.0}")),
            (None, Some(next)) => add(&mut line, &format!("next run {next:.0}")),
            (None, None) => add(&mut line, "no next run"),
        }
        if let Some((at, results)) = &self.last {
            add(&mut line, &format!("last run {at:.0}: {results}"));
        }
        if self.is_reload_refused {
            add(
                &mut line,
                "config or rules are wrong, the last good ones are in use (see the log)",
            );
        }
        line
    }
}

fn add(line: &mut String, part: &str) {
    line.push_str("; ");
    line.push_str(part);
}

/// How a run of these accounts ended; of only one, its name says nothing.
fn in_words<'a>(accounts: impl Iterator<Item = &'a str>, results: &[RunResult]) -> String {
    if let [only] = results {
        return only.as_str().to_owned();
    }
    let one = |(account, result): (&str, &RunResult)| format!("{account} {}", result.as_str());
    accounts.zip(results).map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> Timestamp {
        format!("2026-11-25T{time}Z").parse().unwrap()
    }

    fn check(status: &Status, next: Option<Timestamp>, expected: &str) {
        assert_eq!(status.line(Mode::DryRun, next), expected);
    }

    #[test]
    fn the_line_says_what_is_done_now_and_what_is_wrong() {
        let mut status = Status::default();
        check(&status, None, "dry-run; no next run");
        check(&status, Some(at("10:45:00.5")), "dry-run; next run 2026-11-25T10:45:00Z");
        status.running_since = Some(at("10:45:01"));
        check(&status, Some(at("10:45:00")), "dry-run; a run goes on since 2026-11-25T10:45:01Z");
        status = Status {
            is_reload_refused: true,
            pause: Some("paused since then by anna".to_owned()),
            unreadable_journal: Some("it is gone".to_owned()),
            last: Some((at("10:46:00"), "success".to_owned())),
            ..Status::default()
        };
        let expected = "dry-run; no journal (it is gone); paused since then by anna; next run 2026-11-25T11:00:00Z; \
             last run 2026-11-25T10:46:00Z: success; config or rules are wrong, the last good ones are in use (see the log)";
        check(&status, Some(at("11:00:00")), expected);
    }

    #[test]
    fn accounts_are_named_where_there_are_several() {
        use RunResult::{GuardRefused, Success};
        assert_eq!(in_words(["main"].into_iter(), &[Success]), "success");
        let two = in_words(["eu", "us"].into_iter(), &[Success, GuardRefused]);
        assert_eq!(two, "eu success, us guard_refused");
    }
}
