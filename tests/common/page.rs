//! A page of metrics, read.

use std::collections::{BTreeMap, BTreeSet};

/// A metric as its page tells of it.
#[derive(Debug, Default)]
pub struct Metric {
    pub kind: String,
    pub help: String,
    pub labels: BTreeSet<String>,
}

/// A sample, under the name of its metric: without `_bucket` and the like.
#[derive(Debug)]
pub struct Sample {
    pub metric: String,
    pub labels: BTreeMap<String, String>,
    pub value: String,
}

/// A page of metrics.
#[derive(Debug, Default)]
pub struct Page {
    pub metrics: BTreeMap<String, Metric>,
    samples: Vec<Sample>,
}

impl Page {
    pub fn read(text: &str) -> Self {
        let mut page = Self::default();
        for line in text.lines() {
            page.take(line);
        }
        page
    }

    fn take(&mut self, line: &str) {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').unwrap();
            help.clone_into(&mut self.metrics.entry(name.to_owned()).or_default().help);
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            kind.clone_into(&mut self.metrics.entry(name.to_owned()).or_default().kind);
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            let labels = labels_of(labels.trim_end_matches('}'));
            let metric = self.metric_of(name).unwrap_or_else(|| panic!("{name} has no TYPE"));
            let all = self.metrics.get_mut(&metric).unwrap();
            all.labels.extend(labels.keys().cloned());
            self.samples.push(Sample { metric, labels, value: value.to_owned() });
        }
    }

    /// The metric that a series of this name belongs to.
    pub fn metric_of(&self, series: &str) -> Option<String> {
        let ends = ["", "_bucket", "_sum", "_count"].into_iter();
        let names = ends.filter_map(|end| series.strip_suffix(end));
        names.map(str::to_owned).find(|name| self.metrics.contains_key(name))
    }

    pub fn samples(&self) -> impl Iterator<Item = &Sample> {
        self.samples.iter()
    }
}

/// `a="x",b="y"`, of values without quotes and commas in them.
fn labels_of(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(label, value)| (label.to_owned(), value.trim_matches('"').to_owned())).collect()
}

/// The names of our metrics in a text; those of recording rules have colons in them and are others.
pub fn names(text: &str) -> BTreeSet<String> {
    let words =
        text.split(|letter: char| !letter.is_ascii_alphanumeric() && !"_:".contains(letter));
    let ours = words.filter(|word| word.starts_with("zenreaper_") && !word.ends_with('_'));
    ours.map(str::to_owned).collect()
}
