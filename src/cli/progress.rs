//! The progress line on a terminal; silent everywhere else.
//!
//! The log shares standard error with it, so the log is written through [`Console`], which takes the line away for a moment.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::report::{Event, Sink};

/// Standard error, with a progress line below what is written to it.
#[derive(Clone, Default)]
pub(super) struct Console(MultiProgress);

impl Write for Console {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl Console {
    /// A line of its own; it is drawn only if standard error is a terminal.
    fn line(&self, message: &'static str, length: u64) -> ProgressBar {
        let line = self.0.add(ProgressBar::new(length));
        line.set_message(message);
        match ProgressStyle::with_template("{msg} {pos}/{len} {wide_bar} {eta}") {
            Ok(style) => line.with_style(style),
            Err(_) => line,
        }
    }

    /// Shows how far the reading of an inventory is.
    pub(super) fn reading(&self) -> impl Fn(u64, u64) + Send + Sync + use<> {
        let (console, line) = (self.clone(), OnceLock::new());
        move |read, total| {
            let line = line.get_or_init(|| console.line("reading the inventory", total));
            line.set_position(read);
            if read >= total {
                line.finish_and_clear();
            }
        }
    }

    /// Shows how far a run is, with lines of its own for each account: some run at once.
    pub(super) fn sink(&self) -> Sink {
        type Lines = BTreeMap<String, (Arc<dyn Fn(u64, u64) + Send + Sync>, Option<ProgressBar>)>;
        let (console, lines) = (self.clone(), Mutex::new(Lines::new()));
        Arc::new(move |record| {
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            let of = lines
                .entry(record.account.to_owned())
                .or_insert_with(|| (Arc::new(console.reading()), None));
            let (reading, acting) = of;
            match record.event {
                Event::Reading(read, total) => reading(read, total),
                Event::Planned(plan) => {
                    let line = acting.get_or_insert_with(|| console.line("terminating", 0));
                    line.reset();
                    line.set_length(plan.targets().count() as u64);
                }
                Event::Acted(..) | Event::Dropped(..) | Event::Rehearsed(..) => {
                    acting.as_ref().inspect(|line| line.inc(1));
                }
                Event::Ended(..) => {
                    acting.as_ref().inspect(|line| line.finish_and_clear());
                }
                Event::Started(_)
                | Event::LeaseTaken
                | Event::LeaseHeld(_)
                | Event::LeaseLost(_)
                | Event::Listed(_)
                | Event::Unlisted(_)
                | Event::Refused(_)
                | Event::OutOfReach(..)
                | Event::Released(..)
                | Event::Settled(_)
                | Event::Paused(_)
                | Event::Promised(..)
                | Event::Withdrawn(..)
                | Event::Delivered(..)
                | Event::Unrecorded(_)
                | Event::Wire(_) => {}
            }
        })
    }
}
