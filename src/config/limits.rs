//! The keys `limits` and `inventory`.

use crate::{
    plan::guard::Limits,
    yaml::{At, Fields, Reader},
};

pub(super) const LIMIT_KEYS: [&str; 6] = [
    "max_terminations",
    "max_percent",
    "max_per_day",
    "min_remaining",
    "max_failure_percent",
    "canary",
];

pub(super) const INVENTORY_KEYS: [&str; 1] = ["max_change_percent"];

/// The limits that the config sets, and the defaults of the others.
pub(super) fn limits(reader: &mut Reader, fields: &Fields<'_>) -> Limits {
    let limits = fields.get("limits").map_or_else(Limits::default, |at| on_plans(reader, &at));
    let shrink = fields.get("inventory").and_then(|at| on_inventory(reader, &at));
    Limits { max_change_percent: shrink.unwrap_or(limits.max_change_percent), ..limits }
}

fn on_plans(reader: &mut Reader, at: &At<'_>) -> Limits {
    let default = Limits::default();
    let Some(fields) = reader.fields(at, &LIMIT_KEYS) else {
        return default;
    };
    let mut number = |key: &str, max: u32, default: u32| {
        fields.get(key).and_then(|at| reader.number(&at, 0..=max)).unwrap_or(default)
    };
    Limits {
        max_terminations: number("max_terminations", u32::MAX, default.max_terminations),
        max_percent: number("max_percent", 100, default.max_percent),
        max_per_day: number("max_per_day", u32::MAX, default.max_per_day),
        min_remaining: number("min_remaining", u32::MAX, default.min_remaining),
        max_failure_percent: number("max_failure_percent", 100, default.max_failure_percent),
        canary: number("canary", u32::MAX, default.canary),
        max_change_percent: default.max_change_percent,
    }
}

fn on_inventory(reader: &mut Reader, at: &At<'_>) -> Option<u32> {
    let fields = reader.fields(at, &INVENTORY_KEYS)?;
    fields.get("max_change_percent").and_then(|at| reader.number(&at, 0..=100))
}
