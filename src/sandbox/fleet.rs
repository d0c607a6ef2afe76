//! The machines of the sandbox, as the API spells them.
//!
//! A machine is a JSON object with a few typed accessors, not a struct: tests and rehearsals need
//! records with absent, null and wrong-typed fields, and an inventory file's unknown fields must
//! be served back as they came.

mod demo;
mod generate;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value, json};

pub use demo::demo;
pub use generate::generate;

/// In an inventory file, `"sandboxCommitment": true` marks a machine as in its commitment period.
/// It is taken out on reading: nothing in the real inventory shows that period.
const COMMITMENT_FIELD: &str = "sandboxCommitment";

/// One machine, as `DescribeInstances` shows it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(from = "Map<String, Value>")]
pub struct Machine {
    fields: Map<String, Value>,
    in_commitment: bool,
}

impl Machine {
    /// A running pay-as-you-go machine with nothing else said about it.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self::default()
            .with("instanceId", id)
            .with("instanceStatus", "RUNNING")
            .with("instanceChargeType", "POSTPAID")
    }

    /// The same machine with one field set, whatever the type of its value.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.set(field, value);
        self
    }

    /// The same machine with one tag set.
    #[must_use]
    pub fn with_tag(mut self, key: &str, value: &str) -> Self {
        self.set_tag(key, value);
        self
    }

    /// The same machine in its pay-as-you-go commitment period, which only `TerminateInstance`
    /// tells.
    #[must_use]
    pub fn in_commitment(mut self) -> Self {
        self.in_commitment = true;
        self
    }

    /// Whether the machine is in its commitment period.
    #[must_use]
    pub fn is_in_commitment(&self) -> bool {
        self.in_commitment
    }

    /// The instance id, if it is there and text.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.text("instanceId")
    }

    /// The status, if it is there and text.
    #[must_use]
    pub fn status(&self) -> Option<&str> {
        self.text("instanceStatus")
    }

    /// The charge type, if it is there and text.
    #[must_use]
    pub fn charge_type(&self) -> Option<&str> {
        self.text("instanceChargeType")
    }

    /// A field as text, if it is that.
    #[must_use]
    pub fn text(&self, field: &str) -> Option<&str> {
        self.get(field).and_then(Value::as_str)
    }

    /// A field as it is.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.fields.get(field)
    }

    /// Sets a field to anything, `Value::Null` too.
    pub fn set(&mut self, field: &str, value: impl Into<Value>) {
        self.fields.insert(field.to_owned(), value.into());
    }

    /// Takes a field away.
    pub fn remove(&mut self, field: &str) {
        self.fields.remove(field);
    }

    /// Sets the status.
    pub fn set_status(&mut self, status: &str) {
        self.set("instanceStatus", status);
    }

    /// The value of a tag, if it can be read.
    #[must_use]
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags().find_map(|(name, value)| (name == key).then_some(value))
    }

    /// The tags that can be read, in their order.
    pub fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        let list = self.get("tags").and_then(|tags| tags.get("tags"));
        list.and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|tag| Some((tag.get("key")?.as_str()?, tag.get("value")?.as_str()?)))
    }

    /// Sets a tag; tags of an unreadable shape are replaced by this one.
    pub fn set_tag(&mut self, key: &str, value: &str) {
        self.remove_tag(key);
        let tag = json!({"key": key, "value": value});
        match self.tag_list() {
            Some(list) => list.push(tag),
            None => self.set("tags", json!({"tags": [tag]})),
        }
    }

    /// Takes a tag away, however often it is there.
    pub fn remove_tag(&mut self, key: &str) {
        if let Some(list) = self.tag_list() {
            list.retain(|tag| tag.get("key").and_then(Value::as_str) != Some(key));
        }
    }

    fn tag_list(&mut self) -> Option<&mut Vec<Value>> {
        self.fields.get_mut("tags")?.get_mut("tags")?.as_array_mut()
    }
}

impl From<Map<String, Value>> for Machine {
    fn from(mut fields: Map<String, Value>) -> Self {
        let in_commitment = fields.remove(COMMITMENT_FIELD) == Some(Value::Bool(true));
        Self { fields, in_commitment }
    }
}

impl Serialize for Machine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.fields.serialize(serializer)
    }
}

/// An inventory file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It is not JSON, or a machine in it is not a JSON object.
    #[error("the inventory is not JSON, or a machine in it is not an object")]
    Json(#[from] serde_json::Error),
    /// It is JSON, but holds no list where one is looked for.
    #[error(
        "the inventory is neither a list of machines nor a DescribeInstances answer \
         ({{\"response\": {{\"dataSet\": [...]}}}} or {{\"dataSet\": [...]}})"
    )]
    Shape,
}

/// Reads an inventory file: a list of machines, or an answer of `DescribeInstances` with or
/// without its envelope.
pub fn load(json: &str) -> Result<Vec<Machine>, LoadError> {
    let list = list_of(serde_json::from_str(json)?).ok_or(LoadError::Shape)?;
    Ok(serde_json::from_value(list)?)
}

fn list_of(document: Value) -> Option<Value> {
    match document {
        Value::Array(_) => Some(document),
        Value::Object(mut object) => {
            let inner = object.remove("response").or_else(|| object.remove("dataSet"));
            list_of(inner?)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inventory_file_may_be_a_list_or_an_answer() {
        let machine = r#"{"instanceId": "i-1", "novel": {"deep": [1]}, "instanceName": null}"#;
        for document in [
            format!("[{machine}]"),
            format!(r#"{{"dataSet": [{machine}], "totalCount": 1}}"#),
            format!(r#"{{"requestId": "r", "response": {{"dataSet": [{machine}]}}}}"#),
        ] {
            let machines = load(&document).unwrap();
            let served = serde_json::to_value(&machines).unwrap();
            assert_eq!(served, json!([serde_json::from_str::<Value>(machine).unwrap()]));
        }
    }

    #[test]
    fn an_inventory_file_of_another_shape_is_refused() {
        for document in ["{}", "3", "null", r#"{"response": {}}"#] {
            let error = load(document).unwrap_err();
            assert!(matches!(error, LoadError::Shape), "{document}: {error}");
        }
        for document in ["", "[1]", r#"{"dataSet": ["i-1"]}"#] {
            let error = load(document).unwrap_err();
            assert!(matches!(error, LoadError::Json(_)), "{document}: {error}");
        }
    }

    #[test]
    fn the_commitment_period_is_read_and_never_shown() {
        let machines = load(r#"[{"instanceId": "i-1", "sandboxCommitment": true}]"#).unwrap();
        assert!(machines.iter().all(Machine::is_in_commitment));
        assert_eq!(serde_json::to_string(&machines).unwrap(), r#"[{"instanceId":"i-1"}]"#);
    }

    #[test]
    fn tags_of_any_shape_can_be_set_and_removed() {
        for odd in [Value::Null, json!("x"), json!([]), json!({"tags": null}), json!({"tags": [3]})]
        {
            let mut machine = Machine::new("i-1").with("tags", odd);
            machine.set_tag("env", "dev");
            machine.set_tag("env", "prod");
            assert_eq!(machine.tags().collect::<Vec<_>>(), [("env", "prod")]);
            machine.remove_tag("env");
            assert_eq!(machine.tag("env"), None);
        }
    }
}
