//! A machine at rest: the JSON text that it is served as, with the few fields that every call
//! looks at. A map of its fields takes ten times the room, and would have to be written out again
//! for each page; a fleet of a hundred thousand is to fit a laptop and to be listed in a second.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::value::{RawValue, to_raw_value};

use super::fleet::Machine;

/// A machine of the state.
#[derive(Clone, Debug)]
pub(super) struct Record {
    id: Option<Box<str>>,
    status: Option<Box<str>>,
    in_commitment: bool,
    /// Shared with the answers being written, which are not to hold up other calls.
    json: Arc<RawValue>,
    /// When the machine changes by itself.
    pub(super) due: Option<Timestamp>,
}

impl Record {
    pub(super) fn pack(machine: &Machine, due: Option<Timestamp>) -> Self {
        // Fields are text and JSON values, which can always be written as JSON.
        let json = to_raw_value(machine).unwrap_or_default();
        Self {
            id: machine.id().map(Box::from),
            status: machine.status().map(Box::from),
            in_commitment: machine.is_in_commitment(),
            json: Arc::from(json),
            due,
        }
    }

    pub(super) fn unpack(&self) -> Machine {
        // It was written by `pack`.
        let machine: Machine = serde_json::from_str(self.json.get()).unwrap_or_default();
        if self.in_commitment { machine.in_commitment() } else { machine }
    }

    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// What machines are ordered by. One whose id is not text comes first, and no call can name
    /// it.
    pub(super) fn key(&self) -> &str {
        self.id().unwrap_or_default()
    }

    pub(super) fn status(&self) -> Option<&str> {
        self.status.as_deref()
    }

    pub(super) fn json(&self) -> Arc<RawValue> {
        Arc::clone(&self.json)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_machine_of_any_shape_is_unpacked_as_it_was() {
        for machine in [
            Machine::default(),
            Machine::new("i-1").in_commitment(),
            Machine::new("i-\u{0}\u{1f600}\"").with_tag("", "\\"),
            Machine::default()
                .with("instanceId", 7)
                .with("instanceStatus", json!(null))
                .with("novel", json!({"deep": [1.5, -3, u64::MAX, {}]})),
        ] {
            assert_eq!(Record::pack(&machine, None).unpack(), machine);
        }
    }
}
