//! The failed answers of the API by code, as many codes as are worth telling.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::cloud::{Code, Observation};

/// The most kinds that are told apart; what comes after them counts as `OTHER`.
const KINDS_MAX: usize = 200;

/// The failed answers since the service began, by account, action and code.
#[derive(Clone, Debug, Default)]
pub struct Errors(BTreeMap<(String, &'static str, Code), (u64, Timestamp)>);

/// The failed answers of one kind.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The account's name.
    pub account: &'a str,
    /// The action's name in the API.
    pub action: &'static str,
    /// The code.
    pub code: &'a Code,
    /// How many.
    pub count: u64,
    /// When the last of them came.
    pub last_at: Timestamp,
}

impl Errors {
    pub(super) fn take(&mut self, account: &str, seen: &Observation, now: Timestamp) {
        let Observation::Failed { action, code } = seen else { return };
        let key = |code: &Code| (account.to_owned(), action.as_str(), code.clone());
        let mut kind = key(code);
        if self.0.len() >= KINDS_MAX && !self.0.contains_key(&kind) {
            kind = key(&Code::folded("OTHER"));
        }
        let (count, last_at) = self.0.entry(kind).or_insert((0, now));
        *count += 1;
        *last_at = now;
    }

    /// All kinds, in order.
    pub fn iter(&self) -> impl Iterator<Item = Seen<'_>> {
        self.0.iter().map(|((account, action, code), (count, last_at))| Seen {
            account,
            action,
            code,
            count: *count,
            last_at: *last_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::Action;

    #[test]
    fn a_flood_of_unknown_codes_is_counted_and_bounded() {
        let mut errors = Errors::default();
        for n in 0..KINDS_MAX + 7 {
            let code = Code::folded(&format!("NEW_{n}"));
            let failed = Observation::Failed { action: Action::Describe, code };
            errors.take("main", &failed, Timestamp::UNIX_EPOCH);
        }
        let counts: Vec<_> = errors.iter().map(|seen| seen.count).collect();
        assert_eq!((counts.len(), counts.iter().sum::<u64>()), (KINDS_MAX + 1, 207));
        let other = errors.iter().find(|seen| seen.code.to_string() == "OTHER").unwrap();
        assert_eq!(other.count, 7);
    }
}
