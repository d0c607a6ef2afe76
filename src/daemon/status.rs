//! What the service does, in one line for `systemctl status`.

use jiff::Timestamp;

use crate::{
    board::{Board, LastRun},
    config::Mode,
    site::Site,
};

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
    /// When the last run ended, and how; it may be of before the service began.
    last: Option<(Timestamp, String)>,
}

impl Status {
    /// Takes note of the last run of all accounts, as the board knows it.
    pub(super) fn last_run(&mut self, site: &Site, board: &Board) {
        let mut known = board.state().accounts;
        let accounts = site.setups.iter().map(|setup| setup.account.as_str());
        let last = accounts.filter_map(|name| Some((name, known.remove(name)?.last_run?)));
        let runs: Vec<_> = last.collect();
        self.last = in_words(&runs, site.setups.len());
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

/// When the last of these runs ended, and how, in each account that it was of; where there is only one account, its name says nothing.
fn in_words(runs: &[(&str, LastRun)], accounts: usize) -> Option<(Timestamp, String)> {
    let (_, last) = runs.iter().max_by_key(|(_, run)| run.ended_at)?;
    let one = |(account, run): &(&str, LastRun)| match accounts {
        1 => run.result.as_str().to_owned(),
        _ => format!("{account} {}", run.result.as_str()),
    };
    let results: Vec<_> = runs.iter().filter(|(_, run)| run.id == last.id).map(one).collect();
    Some((last.ended_at, results.join(", ")))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::report::RunResult;

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
        let run = |id: &str, time: &str, result| LastRun {
            id: id.to_owned(),
            ended_at: at(time),
            result,
            elapsed: Duration::ZERO,
        };
        let (first, second) =
            (("eu", run("b", "10:45:01", Success)), ("us", run("b", "10:45:02", GuardRefused)));
        let old = ("us", run("a", "10:30:01", GuardRefused));
        for (runs, accounts, expected) in [
            (vec![], 1, None),
            (vec![first.clone()], 1, Some(("10:45:01", "success"))),
            (vec![first.clone(), second], 2, Some(("10:45:02", "eu success, us guard_refused"))),
            (vec![first.clone()], 2, Some(("10:45:01", "eu success"))),
            (vec![first, old], 2, Some(("10:45:01", "eu success"))),
        ] {
            let expected = expected.map(|(time, words)| (at(time), words.to_owned()));
            assert_eq!(in_words(&runs, accounts), expected);
        }
    }
}
