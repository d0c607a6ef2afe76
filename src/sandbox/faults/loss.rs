//! What an answer can lose although it adds up: the losses that the inventory check is for.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::fleet::Machine;

/// What the entries of an answer lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// All tags.
    Tags,
    /// The tag with this key.
    Tag(String),
    /// The values of all tags, which are empty.
    TagValues,
    /// The value of the tag with this key: it is this one, where the tag is.
    TagValue(String, String),
    /// A field: it is null, or this text.
    Field(String, Option<String>),
    /// The ids: others stand there.
    Ids,
    /// The creation times, which are moved by so much.
    Created(SignedDuration),
}

impl Loss {
    /// Takes it from an entry.
    pub(in super::super) fn take_from(&self, machine: &mut Machine) {
        match self {
            Self::Tags => machine.set("tags", json!({ "tags": [] })),
            Self::Tag(key) => machine.remove_tag(key),
            Self::TagValues => {
                let keys: Vec<_> = machine.tags().map(|(key, _)| key.to_owned()).collect();
                for key in keys {
                    machine.set_tag(&key, "");
                }
            }
            Self::TagValue(key, value) => {
                if machine.tag(key).is_some() {
                    machine.set_tag(key, value);
                }
            }
            Self::Field(field, value) => {
                machine.set(field, value.clone().map_or(Value::Null, Value::from));
            }
            Self::Ids => {
                if let Some(id) = machine.id().map(|id| format!("other-{id}")) {
                    machine.set("instanceId", id);
                }
            }
            Self::Created(by) => {
                let created = machine.text("createTime").and_then(|text| text.parse().ok());
                let moved = created.and_then(|created: Timestamp| created.checked_add(*by).ok());
                if let Some(moved) = moved {
                    machine.set("createTime", moved.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
                }
            }
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tags => f.write_str("no-tags"),
            Self::Tag(key) => write!(f, "no-tag={key}"),
            Self::TagValues => f.write_str("empty-tags"),
            Self::TagValue(key, value) if value.is_empty() => write!(f, "empty-tag={key}"),
            Self::TagValue(key, value) => write!(f, "set-tag={key}:{value}"),
            Self::Field(field, None) => write!(f, "null-field={field}"),
            Self::Field(field, Some(value)) if value.is_empty() => write!(f, "empty-field={field}"),
            Self::Field(field, Some(value)) => write!(f, "set-field={field}:{value}"),
            Self::Ids => f.write_str("new-ids"),
            Self::Created(by) => {
                let sign = if by.is_negative() { "-" } else { "" };
                write!(f, "move-created={sign}{:#}", by.abs())
            }
        }
    }
}
