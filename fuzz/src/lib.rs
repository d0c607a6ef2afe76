//! What the fuzz targets share. They call the public API only; `tests/fuzz` runs them.

use std::sync::Arc;

use jiff::Timestamp;
use zenreaper::{
    diagnostic::{self, Problem, Source},
    inventory::{ChargeType, Instance, InstanceId, Status, Tags},
    plan::{Policy, eligibility::Host},
    rules::{Condition, RuleSet},
};

/// The instant at which everything is judged.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp::constant(1_795_478_400, 0)
}

/// The input as two parts, around the first byte FF, which no text has; so a file of text is an input as it stands.
#[must_use]
pub fn parts(data: &[u8]) -> (String, &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == 0xff);
    let (text, rest) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    (String::from_utf8_lossy(text).into_owned(), rest)
}

/// A file that holds `text`.
#[must_use]
pub fn source(text: String) -> Arc<Source> {
    Arc::new(Source { name: "input.yaml".into(), text })
}

/// Draws what is wrong both ways; there is something to see just if there is something wrong.
pub fn draw(problems: &[Problem]) {
    assert_eq!(diagnostic::render(problems, false).is_empty(), problems.is_empty());
    assert_eq!(diagnostic::render(problems, true).is_empty(), problems.is_empty());
}

/// These rules, and nothing protected.
#[must_use]
pub fn policy(rules: RuleSet) -> Policy {
    Policy { rules, protect: Condition::NOTHING, host: Host::default() }
}

/// A running machine of which nothing else is told.
#[must_use]
pub fn machine(created: Option<Timestamp>, tags: Vec<(&str, &str)>) -> Instance {
    let tags = tags.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
    Instance {
        id: InstanceId::new("i-1"),
        name: None,
        hostname: None,
        zone: None,
        instance_type: None,
        image: None,
        status: Some(Status::Running),
        charge_type: Some(ChargeType::Postpaid),
        created,
        internet_charge_type: None,
        resource_group_id: None,
        resource_group_name: None,
        addresses: Box::default(),
        addresses_told: false,
        tags: Tags::new(tags).unwrap_or_default(),
    }
}
