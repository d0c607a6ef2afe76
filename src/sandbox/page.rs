//! One page of `DescribeInstances`, and the ways in which a live listing can lie.

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::faults::Loss;
use super::fleet::Machine;
use super::request::Query;

/// The answer of `DescribeInstances`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    /// How many machines match, on all pages.
    pub total_count: i64,
    /// The machines of this page.
    pub data_set: Vec<Arc<RawValue>>,
}

impl Page {
    pub(super) fn of<T>(all: &[T], query: &Query, json: impl Fn(&T) -> Arc<RawValue>) -> Self {
        let skipped = query.page_num.saturating_sub(1).saturating_mul(query.page_size);
        let start = usize::try_from(skipped).unwrap_or(usize::MAX).min(all.len());
        let size = usize::try_from(query.page_size).unwrap_or(usize::MAX);
        Self {
            total_count: i64::try_from(all.len()).unwrap_or(i64::MAX),
            data_set: all.iter().skip(start).take(size).map(json).collect(),
        }
    }

    /// Takes something from every entry.
    pub(super) fn lose(&mut self, loss: &Loss) {
        for entry in &mut self.data_set {
            let Ok(mut machine) = serde_json::from_str::<Machine>(entry.get()) else { continue };
            loss.take_from(&mut machine);
            if let Ok(json) = to_raw_value(&machine) {
                *entry = Arc::from(json);
            }
        }
    }

    /// Repeats the first entry in the place of the last, as when a machine was made while the
    /// reader was between two pages.
    pub(super) fn duplicate(&mut self) {
        if let Some(first) = self.data_set.first().map(Arc::clone)
            && let Some(last) = self.data_set.last_mut()
        {
            *last = first;
        }
    }

    /// Leaves the first entry out, as when a machine was released while the reader was between
    /// two pages.
    pub(super) fn shift(&mut self) {
        if !self.data_set.is_empty() {
            self.data_set.remove(0);
        }
    }
}
