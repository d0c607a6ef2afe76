//! The machines of a case: what is written of each, over what is written of all.
//!
//! What is not written is not told, just as a cloud may leave a field away, so that a test sees what a rule makes of that. Only
//! the id, the status and the charge type have a default, without which no machine could ever be terminated.

use std::{net::IpAddr, sync::Arc};

use jiff::Timestamp;

use super::{
    expectation::is_null,
    parse::{self, timestamp},
};
use crate::{
    diagnostic::Code,
    inventory::{ChargeType, Instance, InstanceId, Status, Tags, text::says_nothing},
    lifetime::{self, DURATION_HELP, Smallest, shorten},
    yaml::{At, Fields, Reader, Value, indexed, nearest_of},
};

const MACHINE_KEYS: [&str; 14] = [
    "id",
    "name",
    "hostname",
    "zone",
    "type",
    "image",
    "status",
    "charge_type",
    "internet_charge_type",
    "resource_group",
    "ip",
    "tags",
    "created",
    "age",
];

const DEFAULT_ID: &str = "i-test";

/// What is written of all machines of a file.
pub(super) enum OfAll<'a> {
    /// Nothing.
    Unwritten,
    /// Something that is wrong, which refuses the file.
    Wrong,
    /// These keys.
    Written(Fields<'a>),
}

impl<'a> OfAll<'a> {
    fn fields(&self) -> Option<&Fields<'a>> {
        match self {
            Self::Unwritten | Self::Wrong => None,
            Self::Written(fields) => Some(fields),
        }
    }
}

/// What is written of a machine, key by key over what is written of all.
#[derive(Clone, Copy)]
pub(super) struct Written<'a, 'f> {
    own: Option<&'f Fields<'a>>,
    all: Option<&'f Fields<'a>>,
}

/// The keys of a machine.
pub(super) fn fields<'a>(reader: &mut Reader, at: &At<'a>) -> Option<Fields<'a>> {
    let fields = reader.fields(at, &MACHINE_KEYS)?;
    if let (Some(age), Some(_)) = (fields.get("age"), fields.get("created")) {
        let message = "`age` has no meaning beside `created`";
        reader.wrong(&age, Code::OutOfPlace, message, "expected one of created, age");
    }
    Some(fields)
}

impl<'a, 'f> Written<'a, 'f> {
    /// What is written of one machine, and of all.
    pub(super) fn new(own: Option<&'f Fields<'a>>, all: Option<&'f Fields<'a>>) -> Self {
        Self { own, all }
    }

    /// The machine, at `now`. What is wrong with it is noted, which refuses the file.
    pub(super) fn machine(self, reader: &mut Reader, now: Timestamp) -> Instance {
        let (addresses, addresses_told) = self.addresses(reader);
        let group = self.text(reader, "resource_group").map(Arc::from);
        Instance {
            id: InstanceId::new(self.id(reader).unwrap_or(DEFAULT_ID)),
            name: self.text(reader, "name").map(Into::into),
            hostname: self.text(reader, "hostname").map(Into::into),
            zone: self.text(reader, "zone").map(Into::into),
            instance_type: self.text(reader, "type").map(Into::into),
            image: self.text(reader, "image").map(Into::into),
            status: self.word(reader, "status", (Status::Running, &Status::KNOWN)),
            charge_type: self.word(
                reader,
                "charge_type",
                (ChargeType::Postpaid, &ChargeType::KNOWN),
            ),
            created: self.created(reader, now),
            internet_charge_type: self.text(reader, "internet_charge_type").map(Into::into),
            resource_group_id: group.clone(),
            resource_group_name: group,
            addresses,
            addresses_told,
            tags: self.told("tags").map(|at| tags(reader, &at)).unwrap_or_default(),
        }
    }

    fn get(self, key: &str) -> Option<At<'a>> {
        let of = |fields: Option<&Fields<'a>>| fields.and_then(|fields| fields.get(key));
        of(self.own).or_else(|| of(self.all))
    }

    /// The value under a key, unless that says that the cloud does not tell it.
    fn told(self, key: &str) -> Option<At<'a>> {
        self.get(key).filter(|at| !is_null(at))
    }

    /// The id, which the cloud tells of every machine.
    fn id(self, reader: &mut Reader) -> Option<&'a str> {
        let at = self.get("id")?;
        let text = reader.text(&at, "the id of a machine")?;
        if text.is_empty() {
            reader.wrong(
                &at,
                Code::EmptyValue,
                "an id is not empty",
                "expected a text such as i-test",
            );
        }
        Some(text)
    }

    fn text(self, reader: &mut Reader, key: &str) -> Option<&'a str> {
        let text = self
            .told(key)
            .and_then(|at| reader.text(&at, "a text, or ~ if the cloud does not tell it"))?;
        // As the client of the API reads it.
        Some(text).filter(|text| !says_nothing(text))
    }

    /// A word of the API's, spelled as it spells it.
    fn word<T: From<Arc<str>>>(
        self,
        reader: &mut Reader,
        key: &str,
        (default, words): (T, &[&str]),
    ) -> Option<T> {
        let Some(at) = self.get(key) else { return Some(default) };
        let at = Some(at).filter(|at| !is_null(at))?;
        let text = reader.text(&at, "a text, or ~ if the cloud does not tell it")?;
        if !words.contains(&text) {
            let message = format!("`{}` is not known here", shorten(text));
            reader.wrong(&at, Code::UnknownWord, message, nearest_of(text, words));
        }
        Some(T::from(text.into()))
    }

    /// When the machine was created: `created` and `age` are two words for it, so the machine's own goes before that of all.
    fn created(self, reader: &mut Reader, now: Timestamp) -> Option<Timestamp> {
        let says =
            |fields: &&Fields<'_>| ["created", "age"].iter().any(|key| fields.get(key).is_some());
        let fields = self.own.filter(says).or(self.all)?;
        if let Some(at) = fields.get("created") {
            return Some(at).filter(|at| !is_null(at)).and_then(|at| timestamp(reader, &at));
        }
        let at = fields.get("age").filter(|at| !is_null(at))?;
        reader.value(&at, Code::NotADuration, DURATION_HELP, |text| {
            // An age states a fact about an instance: it may have seconds, or be zero.
            let age = lifetime::duration_to(text, Smallest::Second)?;
            now.checked_sub(age).map_err(|_| format!("`{}` is before all times", shorten(text)))
        })
    }

    /// The addresses, and whether the cloud tells them.
    fn addresses(self, reader: &mut Reader) -> (Box<[IpAddr]>, bool) {
        let Some(at) = self.told("ip") else { return (Box::default(), false) };
        let items = match &at.node.value {
            Value::List(items) => indexed(items, &at.path),
            Value::Null | Value::Text(_) | Value::Map(_) => vec![at],
        };
        let mut address = |at| {
            let expected = "an address such as 203.0.113.7, or a list of them";
            reader.value(at, Code::NotANetwork, expected, |text| {
                text.parse().map_err(|_| format!("`{}` is not an address", shorten(text)))
            })
        };
        (items.iter().filter_map(&mut address).collect(), true)
    }
}

fn tags(reader: &mut Reader, at: &At<'_>) -> Tags {
    let mut tags = Vec::new();
    for (key, node) in
        reader.entries(at, "expected tags such as `{ env: dev }`").unwrap_or_default()
    {
        let at = At { node, path: format!("{}.{}", at.path, key.name) };
        // A key with nothing after it may be a value that somebody forgot.
        let value = if is_null(&at) && reader.is_written(&at) {
            Some(None)
        } else {
            let help = "a text; \"\" is an empty value, ~ one that the cloud does not tell";
            reader.text(&at, help).map(|value| Some(value.into()))
        };
        tags.extend(value.map(|value| (key.name.as_str().into(), value)));
    }
    // The keys of a mapping are distinct.
    Tags::told(tags).unwrap_or_default()
}

/// The machines of a case: the one under `machine`, those under `machines`, or the one that is written of all.
pub(super) fn machines<'a>(
    reader: &mut Reader,
    case: &Fields<'a>,
    all: &OfAll<'a>,
    now: Timestamp,
) -> Vec<Instance> {
    let items = match (case.get("machine"), case.get("machines")) {
        (Some(_), Some(at)) => {
            let message = "`machines` has no meaning beside `machine`";
            reader.wrong(&at, Code::OutOfPlace, message, "expected one of machine, machines");
            return Vec::new();
        }
        (Some(at), None) => vec![at],
        (None, Some(at)) => parse::non_empty_list(reader, &at, "expected a list of machines"),
        (None, None) => return only_of_all(reader, case, all, now),
    };
    let all = all.fields();
    let mut machine = |at| {
        let own = fields(reader, at)?;
        Some(Written::new(Some(&own), all).machine(reader, now))
    };
    items.iter().filter_map(&mut machine).collect()
}

/// The machine of a case that writes none of its own.
fn only_of_all<'a>(
    reader: &mut Reader,
    case: &Fields<'a>,
    all: &OfAll<'a>,
    now: Timestamp,
) -> Vec<Instance> {
    match all {
        OfAll::Written(fields) => vec![Written::new(None, Some(fields)).machine(reader, now)],
        OfAll::Wrong => Vec::new(),
        OfAll::Unwritten => {
            case.require(reader, "machine", "a machine such as `{ tags: { env: dev } }`");
            Vec::new()
        }
    }
}
