//! The body of a call, read and checked: types, bounds and required parameters.
//!
//! `null` counts as absent. A parameter that the API does not have is ignored.

use serde_json::{Map, Value};

use super::fleet::Machine;
use super::refusal::Refusal;

/// The most ids that one call takes (API reference, `DescribeInstances` and `ReleaseInstances`).
const IDS_MAX: usize = 100;
/// The most tags or tag keys that one call filters by.
const TAGS_MAX: usize = 20;
const PAGE_SIZE_DEFAULT: u64 = 20;
const PAGE_SIZE_MAX: u64 = 1000;

/// Parameters that must equal the field of the same name.
const EXACT: [&str; 7] = [
    "zoneId",
    "resourceGroupId",
    "instanceTypeId",
    "internetChargeType",
    "imageId",
    "subnetId",
    "instanceStatus",
];
/// Parameters that must equal the field, or begin it when they end in `*`.
const PREFIX: [&str; 2] = ["instanceName", "hostname"];
/// Parameters of which one must be in the list of the same name.
const ANY_OF: [&str; 2] = ["publicIpAddresses", "privateIpAddresses"];

/// The parameters of a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameters<'a>(pub(super) &'a Map<String, Value>);

impl<'a> Parameters<'a> {
    fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn text(self, name: &str) -> Result<Option<String>, Refusal> {
        self.get(name).map(|value| text(value, name)).transpose()
    }

    fn texts(self, name: &str, most: usize) -> Result<Vec<String>, Refusal> {
        let list = self.list(name, most)?;
        list.iter().map(|value| text(value, name)).collect()
    }

    fn list(self, name: &str, most: usize) -> Result<&'a [Value], Refusal> {
        let Some(value) = self.get(name) else {
            return Ok(&[]);
        };
        let list = value.as_array().ok_or_else(|| wrong_type(name, "a list"))?;
        if list.len() > most {
            let message = format!("{name} takes at most {most} entries, not {}", list.len());
            return Err(Refusal::bad_request("INVALID_PARAMETER_EXCEED_LENGTH", message));
        }
        Ok(list)
    }

    fn number(self, name: &str, default: u64, most: u64) -> Result<u64, Refusal> {
        let Some(value) = self.get(name) else {
            return Ok(default);
        };
        let below_one = value.as_i64().is_some_and(|number| number < 1);
        if below_one {
            let message = format!("{name} must be at least 1");
            return Err(Refusal::bad_request("INVALID_PARAMETER_LESS_MINIMUM", message));
        }
        let number = value.as_u64().ok_or_else(|| wrong_type(name, "a whole number"))?;
        if number > most {
            let message = format!("{name} must be at most {most}");
            return Err(Refusal::bad_request("INVALID_PARAMETER_EXCEED_MAXIMUM", message));
        }
        Ok(number)
    }
}

fn text(value: &Value, name: &str) -> Result<String, Refusal> {
    let text = value.as_str().ok_or_else(|| wrong_type(name, "text"))?;
    Ok(text.to_owned())
}

fn wrong_type(name: &str, expected: &str) -> Refusal {
    Refusal::bad_request("INVALID_PARAMETER_TYPE", format!("{name} must be {expected}"))
}

fn missing(name: &str) -> Refusal {
    Refusal::bad_request("MISSING_PARAMETER", format!("{name} is required"))
}

/// The instance that `TerminateInstance` names.
pub(super) fn instance_id(parameters: Parameters<'_>) -> Result<String, Refusal> {
    parameters.text("instanceId")?.ok_or_else(|| missing("instanceId"))
}

/// The instances that `ReleaseInstances` names.
pub(super) fn instance_ids(parameters: Parameters<'_>) -> Result<Vec<String>, Refusal> {
    if parameters.get("instanceIds").is_none() {
        return Err(missing("instanceIds"));
    }
    let ids = parameters.texts("instanceIds", IDS_MAX)?;
    if ids.is_empty() {
        let message = "instanceIds takes at least one entry";
        return Err(Refusal::bad_request("INVALID_PARAMETER_LESS_LENGTH", message));
    }
    Ok(ids)
}

/// What `DescribeInstances` asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Query {
    /// Only these instances; empty for all, as when the parameter is absent.
    pub ids: Vec<String>,
    /// The page, from 1; 0 is read as 1.
    pub page_num: u64,
    /// Machines on a page.
    pub page_size: u64,
    exact: Vec<(&'static str, String)>,
    prefix: Vec<(&'static str, String)>,
    any_of: Vec<(&'static str, Vec<String>)>,
    tag_keys: Vec<String>,
    tags: Vec<(String, String)>,
}

impl Query {
    pub(super) fn read(parameters: Parameters<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            ids: parameters.texts("instanceIds", IDS_MAX)?,
            page_num: parameters.number("pageNum", 1, u64::from(u32::MAX))?,
            page_size: parameters.number("pageSize", PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX)?,
            exact: texts_of(parameters, &EXACT)?,
            prefix: texts_of(parameters, &PREFIX)?,
            any_of: lists_of(parameters, &ANY_OF)?,
            tag_keys: parameters.texts("tagKeys", TAGS_MAX)?,
            tags: tags_of(parameters)?,
        })
    }

    /// Whether nothing but the page is asked for.
    pub(super) fn is_everything(&self) -> bool {
        self.ids.is_empty() && !self.has_filters()
    }

    fn has_filters(&self) -> bool {
        let fields = self.exact.len() + self.prefix.len() + self.any_of.len();
        fields + self.tag_keys.len() + self.tags.len() > 0
    }

    /// Whether a machine passes every filter but that of the ids. Each given tag must be there.
    pub(super) fn admits(&self, machine: &Machine) -> bool {
        let field = |name: &str| machine.text(name).unwrap_or_default();
        self.exact.iter().all(|(name, want)| field(name) == want)
            && self.prefix.iter().all(|(name, want)| matches(field(name), want))
            && self.any_of.iter().all(|(name, want)| lists_any(machine, name, want))
            && self.tag_keys.iter().all(|key| machine.tag(key).is_some())
            && self.tags.iter().all(|(key, value)| machine.tag(key) == Some(value))
    }
}

fn matches(text: &str, pattern: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => text.starts_with(prefix),
        None => text == pattern,
    }
}

fn lists_any(machine: &Machine, field: &str, wanted: &[String]) -> bool {
    let listed = machine.get(field).and_then(Value::as_array);
    listed.into_iter().flatten().any(|entry| {
        let entry = entry.as_str().unwrap_or_default();
        wanted.iter().any(|want| want == entry)
    })
}

fn texts_of(
    parameters: Parameters<'_>,
    names: &[&'static str],
) -> Result<Vec<(&'static str, String)>, Refusal> {
    let given = names.iter().map(|name| Ok((*name, parameters.text(name)?)));
    let given: Vec<_> = given.collect::<Result<_, Refusal>>()?;
    Ok(given.into_iter().filter_map(|(name, text)| Some((name, text?))).collect())
}

fn lists_of(
    parameters: Parameters<'_>,
    names: &[&'static str],
) -> Result<Vec<(&'static str, Vec<String>)>, Refusal> {
    let given = names.iter().map(|name| Ok((*name, parameters.texts(name, IDS_MAX)?)));
    let mut given: Vec<_> = given.collect::<Result<_, Refusal>>()?;
    given.retain(|(_, list)| !list.is_empty());
    Ok(given)
}

fn tags_of(parameters: Parameters<'_>) -> Result<Vec<(String, String)>, Refusal> {
    let list = parameters.list("tags", TAGS_MAX)?;
    list.iter()
        .map(|tag| {
            let part = |name: &str| {
                let value = tag.get(name).and_then(Value::as_str);
                let value = value.ok_or_else(|| wrong_type("tags", "a list of {key, value}"))?;
                Ok(value.to_owned())
            };
            Ok((part("key")?, part("value")?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: Value) -> Result<Query, String> {
        let body = serde_json::from_value::<Map<_, _>>(body).unwrap();
        Query::read(Parameters(&body)).map_err(|refusal| refusal.code.into_owned())
    }

    #[test]
    fn parameters_out_of_bounds_are_refused_with_the_documented_code() {
        for (body, code) in [
            (json!({"pageSize": 0}), "INVALID_PARAMETER_LESS_MINIMUM"),
            (json!({"pageSize": -1}), "INVALID_PARAMETER_LESS_MINIMUM"),
            (json!({"pageSize": 1001}), "INVALID_PARAMETER_EXCEED_MAXIMUM"),
            (json!({"pageNum": 0}), "INVALID_PARAMETER_LESS_MINIMUM"),
            (json!({"pageNum": u64::MAX}), "INVALID_PARAMETER_EXCEED_MAXIMUM"),
            (json!({"pageNum": 1.5}), "INVALID_PARAMETER_TYPE"),
            (json!({"pageNum": "1"}), "INVALID_PARAMETER_TYPE"),
            (json!({"instanceIds": "i-1"}), "INVALID_PARAMETER_TYPE"),
            (json!({"instanceIds": [1]}), "INVALID_PARAMETER_TYPE"),
            (json!({"instanceIds": vec!["i"; 101]}), "INVALID_PARAMETER_EXCEED_LENGTH"),
            (json!({"tagKeys": vec!["k"; 21]}), "INVALID_PARAMETER_EXCEED_LENGTH"),
            (json!({"tags": ["env"]}), "INVALID_PARAMETER_TYPE"),
            (json!({"zoneId": 3}), "INVALID_PARAMETER_TYPE"),
        ] {
            assert_eq!(read(body.clone()), Err(code.to_owned()), "{body}");
        }
    }

    #[test]
    fn absent_and_null_parameters_ask_for_the_first_twenty() {
        for body in [json!({}), json!({"pageNum": null, "instanceIds": null, "novel": 1})] {
            let query = read(body).unwrap();
            assert!(query.is_everything());
            assert_eq!((query.page_num, query.page_size), (1, 20));
        }
    }

    #[test]
    fn filters_narrow_by_field_prefix_address_and_tag() {
        let machine = Machine::new("i-1")
            .with("zoneId", "HKG-A")
            .with("instanceName", "dev-api-01")
            .with("publicIpAddresses", json!(["203.0.113.1", null]))
            .with_tag("env", "dev");
        for (filter, admitted) in [
            (json!({"zoneId": "HKG-A"}), true),
            (json!({"zoneId": "SEL-A"}), false),
            (json!({"instanceStatus": "RUNNING"}), true),
            (json!({"instanceName": "dev-*"}), true),
            (json!({"instanceName": "dev-"}), false),
            (json!({"hostname": "*"}), true),
            (json!({"publicIpAddresses": ["203.0.113.1"]}), true),
            (json!({"privateIpAddresses": ["203.0.113.1"]}), false),
            (json!({"tagKeys": ["env"]}), true),
            (json!({"tagKeys": ["env", "owner"]}), false),
            (json!({"tags": [{"key": "env", "value": "dev"}]}), true),
            (json!({"tags": [{"key": "env", "value": "prod"}]}), false),
        ] {
            assert_eq!(read(filter.clone()).unwrap().admits(&machine), admitted, "{filter}");
        }
    }
}
