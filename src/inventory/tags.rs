//! The tags of an instance.

use std::sync::Arc;

use super::text::is_near_miss;

/// The tags of an instance; a key stands once.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tags(Box<[Pair]>);

/// A key, and its value if the cloud told it.
type Pair = (Arc<str>, Option<Arc<str>>);

/// What an instance has under the key of a tag.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tag<'a> {
    /// No tag with this key.
    Absent,
    /// A tag whose value the cloud did not tell: it is null or missing.
    Unreadable,
    /// A tag with a value, which may be empty.
    Value(&'a str),
}

impl Tags {
    /// Takes tags as listed, or the key that stands in them twice.
    pub fn new(tags: Vec<(Arc<str>, Arc<str>)>) -> Result<Self, Arc<str>> {
        Self::told(tags.into_iter().map(|(key, value)| (key, Some(value))).collect())
    }

    /// The same of tags whose values the cloud may not have told.
    pub fn told(tags: Vec<Pair>) -> Result<Self, Arc<str>> {
        let repeated =
            |n: usize, key: &Arc<str>| tags.iter().take(n).any(|(other, _)| other == key);
        let twice = tags.iter().enumerate().find(|(n, (key, _))| repeated(*n, key));
        match twice {
            Some((_, (key, _))) => Err(Arc::clone(key)),
            None => Ok(Self(tags.into())),
        }
    }

    /// What there is under a key; keys compare exactly.
    #[must_use]
    pub fn look(&self, key: &str) -> Tag<'_> {
        match self.0.iter().find(|(own, _)| &**own == key) {
            None => Tag::Absent,
            Some((_, None)) => Tag::Unreadable,
            Some((_, Some(value))) => Tag::Value(value),
        }
    }

    /// The value of a tag; `None` also if the cloud did not tell it. What must not take that for no tag asks [`Self::look`].
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        match self.look(key) {
            Tag::Value(value) => Some(value),
            Tag::Absent | Tag::Unreadable => None,
        }
    }

    /// The tags whose keys are near misses of `key`, whose near form is `form`.
    pub(crate) fn near<'a>(
        &'a self,
        key: &'a str,
        form: &'a str,
    ) -> impl Iterator<Item = (&'a str, Tag<'a>)> {
        let near = self.0.iter().filter(move |(own, _)| is_near_miss(own, key, form));
        near.map(|(own, value)| (&**own, value.as_deref().map_or(Tag::Unreadable, Tag::Value)))
    }

    /// Every key with its value, as listed; a value that the cloud did not tell is empty here.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, value.as_deref().unwrap_or_default()))
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
    use crate::inventory::{tests::tags, text::near_form};

    #[test]
    fn a_tag_key_stands_once() {
        let twice = vec![("env".into(), "dev".into()), ("env".into(), "prod".into())];
        assert_eq!(Tags::new(twice), Err("env".into()));
        assert_eq!(tags(&[("env", "dev")]).get("env"), Some("dev"));
        assert_eq!(tags(&[("env", "dev")]).get("Env"), None);
    }

    #[test]
    fn a_tag_without_a_value_is_there_and_cannot_be_read() {
        let tags =
            Tags::told(vec![("env".into(), None), ("keep".into(), Some("".into()))]).unwrap();
        assert_eq!(
            [tags.look("env"), tags.look("keep"), tags.look("Env")],
            [Tag::Unreadable, Tag::Value(""), Tag::Absent]
        );
        assert_eq!((tags.get("env"), tags.get("keep"), tags.len()), (None, Some(""), 2));
    }

    #[test]
    fn near_misses_of_a_key_are_found_beside_the_key_itself() {
        let tags = tags(&[("Keep", "1"), ("keep", "2"), ("keep ", "3"), ("env", "4")]);
        let form = near_form("keep");
        let near: Vec<_> = tags.near("keep", &form).collect();
        assert_eq!(near, [("Keep", Tag::Value("1")), ("keep ", Tag::Value("3"))]);
    }
}
