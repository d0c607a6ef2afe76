//! The JSON of the API, and how it becomes our records.
//!
//! An instance whose JSON is not what the reference page of `DescribeInstances` documents (a number for a text, two values of
//! one tag) is not half understood: it becomes an [`Unreadable`]. Unknown fields are ignored, since the API grows.
//!
//! All text of an instance comes in here, so here is where a text that says nothing becomes a field that was not told, and where
//! control characters become pictures (`␀`), which every journal and terminal can hold. An id is never altered: one that is not
//! plain makes the instance unreadable, since a call would be about another one.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{answer::bounded, object::Object, saved::Entries};
use crate::{
    inventory::{
        ChargeType, Instance, InstanceId, Interner, Page, Status, Tags, Unreadable,
        text::{self, pictured, says_nothing},
    },
    lifetime::{self, FIRST_CREATION, shorten},
};

/// The most tags of an instance that are read, far above what the API takes: each key is held against each.
const TAGS_MAX: usize = 1_000;

/// What a look at some instances tells.
#[derive(Debug, Default)]
pub struct Looked {
    /// The instances as our records.
    pub page: Page,
    /// Each readable entry as the cloud wrote it, in compact JSON, so that the same machine can be ordered again.
    pub records: HashMap<InstanceId, Box<str>>,
}

/// The body of `DescribeInstances`, by page.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DescribePage {
    pub(super) page_num: u64,
    pub(super) page_size: u64,
}

/// The body of `DescribeInstances`, by ids.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DescribeIds<'a> {
    pub(super) instance_ids: &'a [&'a InstanceId],
    pub(super) page_size: u64,
}

/// The body of `TerminateInstance`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Terminate<'a> {
    pub(super) instance_id: &'a InstanceId,
}

/// The body of `ReleaseInstances`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Release<'a> {
    pub(super) instance_ids: &'a [&'a InstanceId],
}

/// What every answer is wrapped in.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Envelope<'a> {
    #[serde(borrow, default)]
    pub(super) request_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) code: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) message: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) response: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePage<'a> {
    total_count: u64,
    #[serde(borrow, default)]
    data_set: Option<Vec<&'a RawValue>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireInstance<'a> {
    #[serde(borrow)]
    instance_id: Cow<'a, str>,
    #[serde(borrow, default)]
    instance_name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    hostname: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    zone_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    instance_type_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    image_name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    instance_charge_type: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    internet_charge_type: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    instance_status: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    create_time: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    resource_group_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    resource_group_name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    primary_public_ip_address: Option<Cow<'a, str>>,
    #[serde(
        borrow,
        default,
        rename = "primaryPublicIPv6Address",
        alias = "primaryPublicIpv6Address"
    )]
    primary_public_ipv6_address: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    public_ip_addresses: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow, default, alias = "publicIPv6Addresses")]
    public_ipv6_addresses: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow, default)]
    private_ip_addresses: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow, default)]
    tags: Option<Object<WireTags<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
struct WireTags<'a> {
    #[serde(borrow, default)]
    tags: Option<Vec<Object<WireTag<'a>>>>,
}

/// An instance of which only the shape of its tags is of interest.
#[derive(Debug, Deserialize)]
struct OnlyTags<'a> {
    #[serde(borrow)]
    tags: HashMap<Cow<'a, str>, &'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct WireTag<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow, default)]
    value: Option<Cow<'a, str>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OnlyId<'a> {
    #[serde(borrow)]
    instance_id: Cow<'a, str>,
}

/// Reads the `response` of `DescribeInstances` without keeping its text: a listing may be large.
pub(super) fn page(response: &RawValue, interner: &mut Interner) -> Result<Page, String> {
    read_page(response, interner, |_, _| {})
}

/// Reads the `response` of `DescribeInstances` and keeps the text of each readable entry.
pub(super) fn look(response: &RawValue) -> Result<Looked, String> {
    let mut records = HashMap::new();
    let page = read_page(response, &mut Interner::default(), |told, entry| {
        if let Ok(instance) = told {
            records.insert(instance.id.clone(), compact(entry));
        }
    })?;
    Ok(Looked { page, records })
}

/// Reads one instance as the cloud wrote it, such as a record that was kept; `None` if it is none.
#[must_use]
pub fn read_record(record: &str) -> Option<Instance> {
    instance(record, &mut Interner::default()).ok()
}

/// Reads the `response` of `DescribeInstances` and keeps the text of every entry.
pub(super) fn page_to_save(
    response: &RawValue,
    interner: &mut Interner,
    entries: &mut Entries,
) -> Result<Page, String> {
    read_page(response, interner, |told, entry| {
        entries.keep(told.map_or_else(|unreadable| &unreadable.id, |instance| &instance.id), entry);
    })
}

/// Reads a page and tells `keep` of each entry what it comes to, and its text.
fn read_page(
    response: &RawValue,
    interner: &mut Interner,
    mut keep: impl FnMut(Result<&Instance, &Unreadable>, &str),
) -> Result<Page, String> {
    let Object(WirePage { total_count, data_set }) =
        serde_json::from_str(response.get()).map_err(|error| bounded(&error.to_string()))?;
    let data_set = data_set.unwrap_or_default();
    let mut page = Page { total: total_count, entries: data_set.len(), ..Page::default() };
    page.instances.reserve_exact(data_set.len());
    for entry in data_set {
        match instance(entry.get(), interner) {
            Ok(instance) => {
                keep(Ok(&instance), entry.get());
                page.instances.push(instance);
            }
            Err(problem) => {
                let unreadable = unreadable(entry.get(), problem)?;
                keep(Err(&unreadable), entry.get());
                page.unreadable.push(unreadable);
            }
        }
    }
    Ok(page)
}

/// Valid JSON without the white space between its tokens; all else is as it came, numbers and the order of keys too.
pub(super) fn compact(json: &str) -> Box<str> {
    let (mut in_text, mut escaped) = (false, false);
    let is_kept = |letter: &char| {
        let ends_or_begins = *letter == '"' && !escaped;
        in_text ^= ends_or_begins;
        escaped = *letter == '\\' && !escaped;
        in_text || !letter.is_ascii_whitespace()
    };
    json.chars().filter(is_kept).collect::<String>().into()
}

fn unreadable(entry: &str, problem: String) -> Result<Unreadable, String> {
    let Object(only): Object<OnlyId<'_>> = serde_json::from_str(entry)
        .map_err(|_| format!("an instance without a readable id: {problem}"))?;
    if says_nothing(&only.instance_id) {
        return Err(problem);
    }
    // This id is shown and never called.
    Ok(Unreadable { id: InstanceId::new(&pictured(&only.instance_id)), problem: problem.into() })
}

fn instance(entry: &str, interner: &mut Interner) -> Result<Instance, String> {
    let Object(wire): Object<WireInstance<'_>> =
        serde_json::from_str(entry).map_err(|error| bounded(&error.to_string()))?;
    checked_id(&wire.instance_id)?;
    if let Some(Object(WireTags { tags: None })) = wire.tags {
        no_others(entry)?;
    }
    let (addresses, addresses_told) = addresses(&wire);
    let tags = tags(wire.tags.map(|Object(tags)| tags).unwrap_or_default(), interner)?;
    let mut shared = |text: Option<Cow<'_, str>>| told(text).map(|text| interner.intern(&text));
    let own = |text: Option<Cow<'_, str>>| told(text).map(|text| text.as_ref().into());
    Ok(Instance {
        id: InstanceId::new(&wire.instance_id),
        name: own(wire.instance_name),
        hostname: own(wire.hostname),
        zone: shared(wire.zone_id),
        instance_type: shared(wire.instance_type_id),
        image: shared(wire.image_name),
        status: shared(wire.instance_status).map(Status::from),
        charge_type: shared(wire.instance_charge_type).map(ChargeType::from),
        created: wire.create_time.and_then(|text| created(&text)),
        internet_charge_type: shared(wire.internet_charge_type),
        resource_group_id: shared(wire.resource_group_id),
        resource_group_name: shared(wire.resource_group_name),
        addresses,
        addresses_told,
        tags,
    })
}

/// A text as rules and people read it; `None` if it says nothing: then the cloud did not tell it.
fn told(text: Option<Cow<'_, str>>) -> Option<Cow<'_, str>> {
    let text = text.filter(|text| !says_nothing(text))?;
    Some(match pictured(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(pictured) => Cow::Owned(pictured),
    })
}

/// An error if an id could not be called exactly as it is shown.
fn checked_id(id: &str) -> Result<(), String> {
    if says_nothing(id) {
        return Err("its id is empty".to_owned());
    }
    if id.chars().any(text::is_blank) {
        return Err("its id has white space or control characters in it".to_owned());
    }
    Ok(())
}

/// When an instance was created. A time before there was the company is how other programs write that they know none:
/// 0001-01-01 or 1970-01-01, and nothing would be older.
fn created(text: &str) -> Option<Timestamp> {
    let told = lifetime::timestamp(text).ok()?;
    (told >= FIRST_CREATION).then_some(told)
}

/// An error if tags without a list of them hold anything else: whoever cannot read them must not take the instance for untagged.
fn no_others(entry: &str) -> Result<(), String> {
    let told: OnlyTags<'_> =
        serde_json::from_str(entry).map_err(|error| bounded(&error.to_string()))?;
    match told.tags.keys().find(|key| *key != "tags") {
        Some(key) => Err(format!("its tags hold `{}` and no list of tags", shorten(key))),
        None => Ok(()),
    }
}

/// The addresses that can be read, and whether they are all that there are.
fn addresses(wire: &WireInstance<'_>) -> (Box<[std::net::IpAddr]>, bool) {
    let lists = [&wire.public_ip_addresses, &wire.private_ip_addresses];
    let primary = [&wire.primary_public_ip_address, &wire.primary_public_ipv6_address];
    let listed = lists.into_iter().chain([&wire.public_ipv6_addresses]).flatten().flatten();
    let texts = primary.into_iter().flatten().chain(listed);
    let read: Vec<Option<_>> = texts.map(|text| text.parse().ok()).collect();
    let are_all = lists.iter().all(|list| list.is_some()) && !read.contains(&None);
    let mut addresses: Vec<_> = read.into_iter().flatten().collect();
    addresses.sort_unstable();
    addresses.dedup();
    (addresses.into(), are_all)
}

fn tags(wire: WireTags<'_>, interner: &mut Interner) -> Result<Tags, String> {
    let wire = wire.tags.unwrap_or_default();
    if wire.len() > TAGS_MAX {
        return Err(format!("{} tags, more than the {TAGS_MAX} that are read", wire.len()));
    }
    let mut pair = |Object(WireTag { key, value }): Object<WireTag<'_>>| {
        let value = value.map(|value| interner.intern(&pictured(&value)));
        (interner.intern(&pictured(&key)), value)
    };
    let pairs: Vec<(Arc<str>, Option<Arc<str>>)> = wire.into_iter().map(&mut pair).collect();
    Tags::told(pairs).map_err(|key| format!("two values of the tag `{}`", shorten(&key)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Tag;

    fn read(json: &str) -> Result<Page, String> {
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        page(&raw, &mut Interner::default())
    }

    #[test]
    fn each_address_of_an_instance_is_read() {
        for field in [
            r#""primaryPublicIPv6Address":"2001:db8::5""#,
            r#""primaryPublicIpv6Address":"2001:db8::5""#,
            r#""publicIpv6Addresses":["2001:db8::5"]"#,
            r#""primaryPublicIpAddress":"2001:db8::5""#,
        ] {
            let json = format!(
                r#"{{"totalCount":1,"dataSet":[{{"instanceId":"i","publicIpAddresses":[],"privateIpAddresses":[],{field}}}]}}"#
            );
            let page = read(&json).unwrap();
            let addresses = &page.instances[0].addresses;
            assert_eq!(
                **addresses,
                ["2001:db8::5".parse::<std::net::IpAddr>().unwrap()],
                "{field}"
            );
        }
    }

    #[test]
    fn a_whole_instance_is_read() {
        let page = read(
            r#"{"requestId":"r","totalCount":1,"dataSet":[{"instanceId":"i-1","instanceName":"dev \"a\" é","hostname":"h","zoneId":"HKG-A",
            "instanceTypeId":"M6C","imageName":"Debian 12","instanceChargeType":"POSTPAID","instanceStatus":"RUNNING",
            "createTime":"2026-11-01T00:00:00Z","expiredTime":null,"internetChargeType":"ByBandwidth","resourceGroupId":"g","resourceGroupName":"n",
            "primaryPublicIpAddress":"203.0.113.7","publicIpAddresses":["203.0.113.7","2001:db8::1"],"privateIpAddresses":["10.0.0.1","?"],
            "tags":{"tags":[{"key":"env","value":"dev"},{"key":"empty","value":null}]},"somethingNew":{"a":[1]}}]}"#,
        )
        .unwrap();
        let one = &page.instances[0];
        assert_eq!((page.total, page.entries), (1, 1));
        assert_eq!(one.name.as_deref(), Some("dev \"a\" é"));
        assert_eq!(one.status, Some(Status::Running));
        assert_eq!(one.charge_type, Some(ChargeType::Postpaid));
        assert_eq!(one.created.unwrap().to_string(), "2026-11-01T00:00:00Z");
        assert_eq!((one.addresses.len(), one.addresses_told), (3, false));
        assert_eq!(one.internet_charge_type.as_deref(), Some("ByBandwidth"));
        assert_eq!(
            (one.tags.look("env"), one.tags.look("empty")),
            (Tag::Value("dev"), Tag::Unreadable)
        );
    }

    #[test]
    fn absent_and_null_are_not_told() {
        for json in [
            r#"{"instanceId":"i"}"#,
            r#"{"instanceId":"i","zoneId":null,"instanceStatus":null,"createTime":"soon","tags":null}"#,
        ] {
            let page = read(&format!(r#"{{"totalCount":1,"dataSet":[{json}]}}"#)).unwrap();
            let one = &page.instances[0];
            assert!(one.zone.is_none() && one.status.is_none() && one.created.is_none());
        }
    }

    /// The one instance whose entry has these fields beside its id.
    fn one(fields: &str) -> Instance {
        let json = format!(r#"{{"totalCount":1,"dataSet":[{{"instanceId":"i",{fields}}}]}}"#);
        let mut page = read(&json).unwrap();
        assert!(page.unreadable.is_empty(), "{:?}", page.unreadable);
        page.instances.remove(0)
    }

    #[test]
    fn a_text_that_says_nothing_is_not_told_in_any_field() {
        for text in ["", " ", "\\t\\n", "\u{a0}", "\u{3000}", "\u{200b}", "\u{feff}", "\\u0000"] {
            let fields = [
                "instanceName",
                "hostname",
                "zoneId",
                "instanceTypeId",
                "imageName",
                "instanceStatus",
                "instanceChargeType",
                "internetChargeType",
                "resourceGroupId",
                "resourceGroupName",
                "createTime",
            ];
            let all: Vec<_> = fields.map(|field| format!(r#""{field}":"{text}""#)).into();
            let untold = one(&all.join(","));
            assert_eq!(untold, one(r#""instanceName":null"#), "{text:?}");
        }
    }

    #[test]
    fn a_status_in_another_spelling_is_not_known() {
        for text in [" RUNNING", "RUNNING ", "running", "RUNNING\\n"] {
            let odd = one(&format!(r#""instanceStatus":"{text}","instanceChargeType":"{text}""#));
            assert!(matches!(odd.status, Some(Status::Other(_))), "{text:?}");
            assert!(matches!(odd.charge_type, Some(ChargeType::Other(_))), "{text:?}");
        }
    }

    #[test]
    fn control_characters_are_read_as_their_pictures() {
        let odd = one(r#""instanceName":"a\u0000b\nc","zoneId":"\u007f","imageName":"\u0085x",
            "tags":{"tags":[{"key":"keep\u0000","value":"\u001b[31m"},{"key":"k\u0000","value":"\n"}]}"#);
        assert_eq!(odd.name.as_deref(), Some("a␀b␊c"));
        assert_eq!((odd.zone.as_deref(), odd.image.as_deref()), (None, Some("\u{fffd}x")));
        assert_eq!(odd.tags.iter().collect::<Vec<_>>(), [("keep␀", "␛[31m"), ("k␀", "␊")]);
    }

    #[test]
    fn an_id_that_is_not_plain_is_never_called() {
        for (id, shown) in
            [("i\\u0000", "i␀"), ("i-1 ", "i-1 "), ("i\\n1", "i␊1"), ("i\u{200b}", "i\u{200b}")]
        {
            let json = format!(r#"{{"totalCount":1,"dataSet":[{{"instanceId":"{id}"}}]}}"#);
            let page = read(&json).unwrap();
            assert_eq!((page.instances.len(), page.unreadable[0].id.as_str()), (0, shown));
        }
    }

    #[test]
    fn a_tag_without_a_value_is_there_and_cannot_be_read() {
        for (tag, expected) in [
            (r#"{"key":"keep"}"#, Some(Tag::Unreadable)),
            (r#"{"key":"keep","value":null}"#, Some(Tag::Unreadable)),
            (r#"{"key":"keep","value":""}"#, Some(Tag::Value(""))),
            (r#"{"key":"keep","value":" "}"#, Some(Tag::Value(" "))),
            (r#"{"key":"keep","value":1}"#, None),
            (r#"{"key":"keep","value":true}"#, None),
            (r#"{"key":"keep","value":["x"]}"#, None),
            (r#"{"key":"keep","value":"a"},{"key":"keep","value":"a"}"#, None),
            (r#"{"key":"keep","value":"a"},{"key":"keep"}"#, None),
            (r#"{"key":"k\u0000"},{"key":"k␀"}"#, None),
            (r#"{"key":null,"value":"a"}"#, None),
            (r#"{"value":"a"}"#, None),
            (r#""keep""#, None),
            ("null", None),
        ] {
            let json = format!(
                r#"{{"totalCount":1,"dataSet":[{{"instanceId":"i","tags":{{"tags":[{tag}]}}}}]}}"#
            );
            let page = read(&json).unwrap();
            let got = page.instances.first().map(|one| one.tags.look("keep"));
            assert_eq!(got, expected, "{tag}");
            assert_eq!(page.unreadable.len(), usize::from(expected.is_none()), "{tag}");
        }
    }

    #[test]
    fn an_address_that_cannot_be_read_leaves_the_addresses_untold() {
        for (address, told) in [
            ("10.0.0.5", true),
            ("::ffff:10.0.0.5", true),
            ("2001:DB8::1", true),
            ("", false),
            (" 10.0.0.5", false),
            ("010.0.0.5", false),
            ("10.0.0.5/32", false),
            ("host", false),
        ] {
            let fields = format!(r#""publicIpAddresses":["{address}"],"privateIpAddresses":[]"#);
            assert_eq!(one(&fields).addresses_told, told, "{address:?}");
        }
    }

    #[test]
    fn a_time_of_creation_that_cannot_be_one_is_not_told() {
        for (text, is_told) in [
            ("2014-01-01T00:00:00Z", true),
            ("2026-11-01T00:00:00Z", true),
            ("2013-12-31T23:59:59Z", false),
            ("0001-01-01T00:00:00Z", false),
            ("1970-01-01T00:00:00Z", false),
            ("1970-01-01T08:00:00+08:00", false),
            ("2026-11-01", false),
            ("20261101T000000Z", false),
            ("2026-11-01 00:00:00Z", false),
            ("2026-11-01T00:00:00", false),
            ("2026-11-01T23:59:60Z", false),
            ("2026-11-01T00:00:00+25:00", false),
            ("2026-11-01T00:00:00+01:00[Europe/Berlin]", false),
            ("1793491200", false),
            ("", false),
        ] {
            let json = format!(r#"{{"instanceId":"i","createTime":"{text}"}}"#);
            let page = read(&format!(r#"{{"totalCount":1,"dataSet":[{json}]}}"#)).unwrap();
            assert_eq!(page.instances[0].created.is_some(), is_told, "{text}");
        }
    }

    #[test]
    fn no_tags_are_told_by_an_empty_list_or_by_nothing_at_all() {
        for (tags, is_readable) in [
            ("null", true),
            ("{}", true),
            (r#"{"tags":null}"#, true),
            (r#"{"tags":[]}"#, true),
            (r#"{"tags":[],"total":0}"#, true),
            (r#"{"tagList":[{"key":"keep","value":"x"}]}"#, false),
            (r#"{"Tags":[]}"#, false),
            (r#"{"tags":null,"error":"timeout"}"#, false),
        ] {
            let json = format!(r#"{{"instanceId":"i","tags":{tags}}}"#);
            let page = read(&format!(r#"{{"totalCount":1,"dataSet":[{json}]}}"#)).unwrap();
            assert_eq!(page.unreadable.is_empty(), is_readable, "{tags}");
        }
    }

    #[test]
    fn an_entry_with_more_tags_than_are_read_is_unreadable() {
        for (count, readable) in [(TAGS_MAX, 1), (TAGS_MAX + 1, 0)] {
            let tags: Vec<_> = (0..count).map(|n| format!(r#"{{"key":"k{n}"}}"#)).collect();
            let entry = format!(r#"{{"instanceId":"i","tags":{{"tags":[{}]}}}}"#, tags.join(","));
            let page = read(&format!(r#"{{"totalCount":1,"dataSet":[{entry}]}}"#)).unwrap();
            assert_eq!((page.instances.len(), page.unreadable.len()), (readable, 1 - readable));
        }
    }

    #[test]
    fn an_entry_of_another_shape_is_unreadable_and_the_others_are_kept() {
        for odd in [
            r#""instanceName":5"#,
            r#""tags":[{"key":"env","value":"dev"}]"#,
            r#""tags":{"tags":[{"value":"x"}]}"#,
            r#""tags":{"tags":[{"key":"env","value":"dev"},{"key":"env","value":"prod"}]}"#,
            r#""instanceStatus":{"a":1}"#,
            r#""publicIpAddresses":"x""#,
            r#""tags":[]"#,
            r#""tags":[[{"key":"env","value":"dev"}]]"#,
            r#""tags":{"tags":[["env","dev"]]}"#,
        ] {
            let json = format!(
                r#"{{"totalCount":2,"dataSet":[{{"instanceId":"odd",{odd}}},{{"instanceId":"i"}}]}}"#
            );
            let page = read(&json).unwrap();
            assert_eq!(page.unreadable[0].id.as_str(), "odd", "{odd}");
            assert_eq!(page.instances[0].id.as_str(), "i", "{odd}");
        }
    }

    #[test]
    fn a_look_keeps_each_readable_entry_as_it_came() {
        let json = r#"{"totalCount":2,"dataSet":[
            { "instanceId" : "i-1", "new": { "b": 1.50, "a": [ 1e400,\tnull ] },\n "instanceName": "a \"b\\\" : c" },
            { "instanceId": "odd", "instanceName": 5 }]}"#;
        let json = json.replace("\\t", "\t").replace("\\n", "\n");
        let raw: Box<RawValue> = serde_json::from_str(&json).unwrap();
        let looked = look(&raw).unwrap();
        assert_eq!((looked.page.instances.len(), looked.page.unreadable.len()), (1, 1));
        let record = &*looked.records[&InstanceId::new("i-1")];
        assert_eq!(
            record,
            r#"{"instanceId":"i-1","new":{"b":1.50,"a":[1e400,null]},"instanceName":"a \"b\\\" : c"}"#
        );
        assert_eq!(looked.records.len(), 1);
    }

    #[test]
    fn a_problem_quotes_no_more_than_a_line_of_what_came() {
        let long = "x".repeat(100_000);
        let page = format!(r#"{{"totalCount":"{long}","dataSet":[]}}"#);
        assert!(read(&page).unwrap_err().len() <= 300);
        let entry =
            format!(r#"{{"totalCount":1,"dataSet":[{{"instanceId":"i","tags":"{long}"}}]}}"#);
        assert!(read(&entry).unwrap().unreadable[0].problem.len() <= 300);
    }

    #[test]
    fn a_page_without_a_count_or_with_a_nameless_entry_is_no_page() {
        for json in [
            "{}",
            r#"{"dataSet":[]}"#,
            r#"{"totalCount":-1,"dataSet":[]}"#,
            r#"{"totalCount":"1","dataSet":[]}"#,
            r#"{"totalCount":1,"dataSet":[{}]}"#,
            r#"{"totalCount":1,"dataSet":[{"instanceId":null}]}"#,
            r#"{"totalCount":1,"dataSet":[{"instanceId":""}]}"#,
            r#"{"totalCount":1,"dataSet":[5]}"#,
            r#"{"totalCount":1,"dataSet":{}}"#,
            r#"[1,[{"instanceId":"i"}]]"#,
            r#"{"totalCount":1,"dataSet":[["i","name","host","HKG-A"]]}"#,
        ] {
            assert!(read(json).is_err(), "{json}");
        }
        assert_eq!(read(r#"{"totalCount":0,"dataSet":null}"#).unwrap().entries, 0);
    }
}
