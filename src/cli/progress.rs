//! The progress line on a terminal; silent everywhere else.

use std::sync::Arc;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::report::{Event, Sink};

/// A line that is drawn on standard error if that is a terminal.
fn line() -> ProgressBar {
    let line = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    match ProgressStyle::with_template("{msg} {pos}/{len} {wide_bar} {eta}") {
        Ok(style) => line.with_style(style),
        Err(_) => line,
    }
}

/// Shows how far the reading of an inventory is.
pub(super) fn reading() -> Box<dyn Fn(u64, u64) + Send + Sync> {
    let line = line();
    line.set_message("reading the inventory");
    Box::new(move |read, total| show(&line, read, total))
}

/// Shows how far a run is.
pub(super) fn sink() -> Sink {
    let line = line();
    Arc::new(move |record| match record.event {
        Event::Reading(read, total) => {
            line.set_message("reading the inventory");
            show(&line, read, total);
        }
        Event::Planned(plan) => {
            line.reset();
            line.set_message("terminating");
            line.set_length(plan.targets().count() as u64);
        }
        Event::Acted(..) | Event::Dropped(..) | Event::Rehearsed(..) => line.inc(1),
        Event::Ended(..) => line.finish_and_clear(),
        Event::Started
        | Event::Listed(_)
        | Event::Unlisted(_)
        | Event::Refused(_)
        | Event::Wire(_) => {}
    })
}

fn show(line: &ProgressBar, read: u64, total: u64) {
    line.set_length(total);
    line.set_position(read);
    if read >= total {
        line.finish_and_clear();
    }
}
