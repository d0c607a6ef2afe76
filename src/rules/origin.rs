//! Where a rule or a config was written, so that what is said of it later can point there.

use std::sync::Arc;

use crate::{
    diagnostic::{Code, Place, Problem, Source},
    yaml::{At, Node, Value},
};

/// Where a rule was written, or a whole config.
#[derive(Clone, Debug)]
pub struct Origin {
    source: Arc<Source>,
    /// The rule's path in the file, such as `rules[0]`; empty for a whole file.
    path: String,
    /// Where each of its keys stands, by the key's path below the rule, such as `match.tags.env`; its own place has the path "".
    places: Vec<(String, Place)>,
}

impl Origin {
    /// The origin of what was read from `source` at this place.
    pub(crate) fn new(source: &Arc<Source>, at: &At<'_>) -> Self {
        let mut places = vec![(String::new(), at.node.place.clone())];
        note_keys(at.node, "", &mut places);
        Self { source: Arc::clone(source), path: at.path.clone(), places }
    }

    /// The file, and the line in it from 1, where the rule begins.
    #[must_use]
    pub fn line(&self) -> (&str, u32) {
        (&self.source.name, self.places.first().map_or(0, |(_, place)| place.line))
    }

    /// Where its keys stand, by their paths below the rule.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.places.iter().map(|(path, _)| path.as_str())
    }

    /// The first key below `root`, such as `match`, whose path ends with this one, such as `tags.env`; else `root` itself.
    pub(super) fn find<'a>(&'a self, root: &'a str, end: &str) -> &'a str {
        let is_it = |path: &&str| {
            let below = path.strip_prefix(root).and_then(|rest| rest.strip_suffix(end));
            below.is_some_and(|between| between.ends_with('.'))
        };
        self.keys().find(is_it).unwrap_or(root)
    }

    /// A problem of the rule at a key of it, named by its path below the rule, or at the rule itself if it has no such key.
    #[must_use]
    pub fn problem(&self, key: &str, code: Code, message: String, help: String) -> Problem {
        let found = self.places.iter().find(|(path, _)| path == key).or(self.places.first());
        let place = found.map(|(_, place)| place.clone());
        let path = match found {
            Some((key, _)) if self.path.is_empty() => key.clone(),
            Some((key, _)) if !key.is_empty() => format!("{}.{key}", self.path),
            _ => self.path.clone(),
        };
        Problem { code, source: Arc::clone(&self.source), place, path, message, help }
    }
}

fn note_keys(node: &Node, path: &str, places: &mut Vec<(String, Place)>) {
    match &node.value {
        Value::Null | Value::Text(_) => {}
        Value::List(items) => {
            for (n, item) in items.iter().enumerate() {
                note_keys(item, &format!("{path}[{n}]"), places);
            }
        }
        Value::Map(entries) => {
            for (key, node) in entries {
                let path = match path {
                    "" => key.name.clone(),
                    _ => format!("{path}.{}", key.name),
                };
                places.push((path.clone(), key.place.clone()));
                note_keys(node, &path, places);
            }
        }
    }
}
