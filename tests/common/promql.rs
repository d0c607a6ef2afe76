//! What queries name: metrics, labels and values that a page must have.

use std::sync::LazyLock;

use regex::Regex;

use super::page::Page;

/// The labels that Prometheus adds to what it scrapes.
const ADDED: [&str; 2] = ["job", "instance"];

/// Codes of answers that carry none; the page has them once they happened.
const OF_STATUS: &str = "HTTP_";

static SELECTOR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:instance:(\w+):\w+|\b((?:zenreaper|process)_\w+))(?:\{([^}]*)\})?").unwrap()
});
static MATCHER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)""#).unwrap());

/// What an expression names and the page does not have.
pub fn unknown(expression: &str, page: &Page) -> Vec<String> {
    let mut unknown = Vec::new();
    for selector in SELECTOR.captures_iter(expression) {
        let recorded = selector.get(1).map(|name| format!("{}_total", name.as_str()));
        let series = recorded.unwrap_or_else(|| selector[2].to_owned());
        let Some(metric) = page.metric_of(&series) else {
            unknown.push(format!("no metric {series}"));
            continue;
        };
        let matchers = selector.get(3).map_or("", |matchers| matchers.as_str());
        for matcher in MATCHER.captures_iter(matchers) {
            unknown.extend(unknown_value(&metric, &matcher[1], &matcher[3], page));
        }
    }
    unknown
}

fn unknown_value(metric: &str, label: &str, values: &str, page: &Page) -> Vec<String> {
    if ADDED.contains(&label) {
        return Vec::new();
    }
    if !page.metrics[metric].labels.contains(label) {
        return vec![format!("{metric} has no label {label}")];
    }
    let samples = || page.samples().filter(|sample| sample.metric == metric);
    let is_there = |value: &str| {
        let pattern = Regex::new(&format!("^(?:{value})$")).unwrap();
        samples().any(|sample| pattern.is_match(&sample.labels[label]))
    };
    let alternatives = values.split('|').filter(|value| !value.starts_with(OF_STATUS));
    // Values that a dashboard's variables stand for are the reader's to choose.
    let alternatives = alternatives.filter(|value| !value.starts_with('$'));
    let missing = alternatives.filter(|value| !is_there(value));
    missing.map(|value| format!("{metric} never has {label}={value:?}")).collect()
}
