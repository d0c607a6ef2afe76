//! Why an inventory is rejected, in numbers and in words.

use std::fmt;

use crate::{
    inventory::InstanceId,
    lifetime::{counted, shorten},
    rules::Field,
};

/// The most losses that a message names.
const LOSSES_MAX: usize = 3;

/// What an inventory lost since the last accepted one. Each count is of the instances that had it then and are listed now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Loss {
    /// A tag key that protection depends on.
    Key {
        /// The key.
        key: Box<str>,
        /// How many instances lost the tag.
        lost: u64,
        /// How many carried it.
        carriers: u64,
    },
    /// The value of a tag that protection depends on.
    KeyValue {
        /// The key.
        key: Box<str>,
        /// On how many instances the value changed.
        changed: u64,
        /// How many carried the tag.
        carriers: u64,
    },
    /// A field.
    Field {
        /// The field.
        field: Field,
        /// How many instances lost it.
        lost: u64,
        /// How many had it.
        carriers: u64,
    },
    /// The value of a field that protection depends on.
    FieldValue {
        /// The field.
        field: Field,
        /// On how many instances it changed.
        changed: u64,
        /// How many had it.
        carriers: u64,
    },
    /// The values of tags, which became empty; of one key, or of any.
    Values {
        /// The key; `None`: of any.
        key: Option<Box<str>>,
        /// On how many instances.
        lost: u64,
        /// How many had such a value.
        carriers: u64,
    },
    /// Tags of any keys.
    Tags {
        /// How many tags.
        lost: u64,
        /// How many there were.
        of: u64,
    },
    /// All tags of an instance.
    Untagged {
        /// How many instances lost all their tags.
        lost: u64,
        /// How many had tags.
        carriers: u64,
    },
    /// The creation time.
    Created {
        /// How many instances lost it.
        lost: u64,
        /// How many had one.
        carriers: u64,
    },
    /// Creation times that are others than they were.
    Moved {
        /// How many.
        moved: u64,
        /// One of these instances.
        example: InstanceId,
    },
    /// The ids.
    Ids {
        /// How many are in common.
        common: u64,
        /// How many there are in the smaller inventory.
        of: u64,
    },
    /// Live instances, or the tags of those that are missing.
    Shrunk {
        /// What is counted.
        what: &'static str,
        /// How many there were.
        before: u64,
        /// How many there are.
        after: u64,
    },
}

impl Loss {
    /// Returns whether a second, equal inventory in a row is accepted all the same.
    fn is_shrink(&self) -> bool {
        matches!(self, Self::Shrunk { .. })
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instances = |count: &u64| counted(*count, "instance", "instances");
        match self {
            Self::Key { key, lost, carriers } => {
                let (key, carriers) = (shorten(key), instances(carriers));
                write!(f, "tag key \"{key}\" was lost by {lost} of {carriers} that carried it")
            }
            Self::KeyValue { key, changed, carriers } => {
                let (key, carriers) = (shorten(key), instances(carriers));
                write!(
                    f,
                    "tag key \"{key}\" changed its value on {changed} of {carriers} that carried it"
                )
            }
            Self::Field { field, lost, carriers } => {
                let carriers = instances(carriers);
                write!(f, "field \"{field}\" was lost by {lost} of {carriers} that had it")
            }
            Self::FieldValue { field, changed, carriers } => {
                let carriers = instances(carriers);
                write!(f, "field \"{field}\" changed on {changed} of {carriers} that had it")
            }
            Self::Values { key, lost, carriers } => {
                let of = key.as_ref().map(|key| format!(" of tag key \"{}\"", shorten(key)));
                let (of, carriers) = (of.unwrap_or_default(), instances(carriers));
                write!(f, "values{of} became empty on {lost} of {carriers} that had them")
            }
            Self::Tags { lost, of } => write!(f, "{lost} of {of} tags were lost"),
            Self::Untagged { lost, carriers } => {
                let carriers = instances(carriers);
                write!(f, "all tags were lost by {lost} of {carriers} that carried any")
            }
            Self::Created { lost, carriers } => {
                let carriers = instances(carriers);
                write!(f, "the creation time was lost by {lost} of {carriers} that had one")
            }
            Self::Moved { moved, example } => {
                let (moved, example) = (instances(moved), shorten(example.as_str()));
                write!(f, "the creation time of {moved} moved ({example} is one)")
            }
            Self::Ids { common, of } => {
                write!(
                    f,
                    "only {common} of {of} instance ids are those of the last accepted inventory"
                )
            }
            Self::Shrunk { what, before, after } => write!(f, "{before} {what} became {after}"),
        }
    }
}

/// Why an inventory is rejected.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rejection {
    /// What it lost; at least one loss.
    pub losses: Vec<Loss>,
    /// `inventory.max_change_percent`.
    pub limit: u32,
}

impl Rejection {
    /// Returns whether the next inventory is accepted if it is equal to this one. A loss of tags, keys, values, ids or creation times
    /// is accepted by an operator only.
    #[must_use]
    pub fn is_shrink(&self) -> bool {
        self.losses.iter().all(Loss::is_shrink)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("inventory rejected: ")?;
        for (n, loss) in self.losses.iter().take(LOSSES_MAX).enumerate() {
            write!(f, "{}{loss}", if n > 0 { "; " } else { "" })?;
        }
        let more = self.losses.len().saturating_sub(LOSSES_MAX);
        if more > 0 {
            write!(f, "; and {}", counted(more as u64, "more loss", "more losses"))?;
        }
        write!(f, " (inventory.max_change_percent is {}); ", self.limit)?;
        if self.is_shrink() {
            f.write_str("the next run accepts an equal inventory; ")?;
        }
        f.write_str("run `zenreaper accept-inventory` if that is right")
    }
}
