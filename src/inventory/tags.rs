//! The tags of an instance.

use std::sync::Arc;

/// The tags of an instance; a key stands once.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tags(Box<[(Arc<str>, Arc<str>)]>);

impl Tags {
    /// Takes tags as listed, or the key that stands in them twice.
    pub fn new(tags: Vec<(Arc<str>, Arc<str>)>) -> Result<Self, Arc<str>> {
        let repeated =
            |n: usize, key: &Arc<str>| tags.iter().take(n).any(|(other, _)| other == key);
        let twice = tags.iter().enumerate().find(|(n, (key, _))| repeated(*n, key));
        match twice {
            Some((_, (key, _))) => Err(Arc::clone(key)),
            None => Ok(Self(tags.into())),
        }
    }

    /// The value of a tag; keys compare exactly.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| &**own == key).map(|(_, value)| &**value)
    }

    /// Every key with its value, as listed.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }

    /// How many tags there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no tag at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::tests::tags;

    #[test]
    fn a_tag_key_stands_once() {
        let twice = vec![("env".into(), "dev".into()), ("env".into(), "prod".into())];
        assert_eq!(Tags::new(twice), Err("env".into()));
        assert_eq!(tags(&[("env", "dev")]).get("env"), Some("dev"));
        assert_eq!(tags(&[("env", "dev")]).get("Env"), None);
    }
}
