//! The key `notices`: who is told, in which words, and through which sinks.

use lettre::Address;

use super::values::own_name;
use crate::{
    diagnostic::Code,
    inventory::text::trimmed,
    lifetime::shorten,
    notice::Stage,
    notify::{self, Domain, Kind, Settings, SinkSettings, SinkUrl, Smtp, Tls},
    rules::RuleName,
    yaml::{At, Fields, Reader, Value},
};

/// The most sinks, the most addresses that a mail goes to, and the most domains of owners.
const SINKS_MAX: usize = 20;
const ADDRESSES_MAX: usize = 50;
const DOMAINS_MAX: usize = 50;

/// The longest key of a tag, in characters.
const TAG_CHARS_MAX: usize = 128;

pub(super) const NOTICES_KEYS: [&str; 5] =
    ["owner_tag", "owner_domains", "subject", "text", "sinks"];
pub(super) const LOG_KEYS: [&str; 3] = ["name", "type", "stages"];
pub(super) const URL_KEYS: [&str; 4] = ["name", "type", "stages", "url"];
pub(super) const EMAIL_KEYS: [&str; 7] = ["name", "type", "stages", "smtp", "tls", "from", "to"];
const ANY_KEYS: [&str; 8] = ["name", "type", "stages", "url", "smtp", "tls", "from", "to"];

const TYPES: [(&str, Type); 4] = [
    ("log", Type::Log),
    ("webhook", Type::Webhook),
    ("slack", Type::Slack),
    ("email", Type::Email),
];

/// The type of a sink.
#[derive(Clone, Copy)]
enum Type {
    Log,
    Webhook,
    Slack,
    Email,
}

/// Reads `notices`, with defaults in the place of what is not there or wrong.
pub(super) fn notices(reader: &mut Reader, at: &At<'_>) -> Settings {
    let default = Settings::default();
    let Some(fields) = reader.fields(at, &NOTICES_KEYS) else {
        return default;
    };
    let owner_tag = fields.get("owner_tag").and_then(|at| {
        reader.value(&at, Code::NotATagKey, "the key of a tag, 1 to 128 characters", tag)
    });
    let owner_domains = fields.get("owner_domains").map(|at| domains(reader, &at));
    let mut template = |key: &str| fields.get(key).and_then(|at| template(reader, &at));
    let (subject, text) = (template("subject"), template("text"));
    let sinks = fields.get("sinks").map(|at| sinks(reader, &at));
    Settings {
        owner_tag: owner_tag.unwrap_or(default.owner_tag),
        owner_domains,
        subject: subject.unwrap_or(default.subject),
        text: text.unwrap_or(default.text),
        sinks: sinks.unwrap_or(default.sinks),
        tries: default.tries,
    }
}

fn tag(text: &str) -> Result<String, String> {
    let length = text.chars().count();
    // White space around a key would be no part of the key that people see.
    let is_plain = !text.chars().any(char::is_control) && trimmed(text) == text;
    let fits = (1..=TAG_CHARS_MAX).contains(&length) && is_plain;
    if fits { Ok(text.to_owned()) } else { Err(format!("`{}` is not a tag's key", shorten(text))) }
}

fn domains(reader: &mut Reader, at: &At<'_>) -> Vec<Domain> {
    let expected =
        "a mail domain such as example.com, in plain ASCII; each subdomain is listed by itself";
    let items = some(reader, at, DOMAINS_MAX, "mail domains; without the key, owners of any");
    let domain = |at| reader.value(at, Code::NotMail, expected, Domain::parse);
    items.iter().filter_map(domain).collect()
}

fn template(reader: &mut Reader, at: &At<'_>) -> Option<String> {
    let expected =
        "a template over stage, account, owner, machines and detail, as in docs/notices.md";
    reader.value(at, Code::NotATemplate, expected, |text| {
        notify::check_template(text).map(|()| text.to_owned())
    })
}

fn sinks(reader: &mut Reader, at: &At<'_>) -> Vec<SinkSettings> {
    let items = some(reader, at, SINKS_MAX, "sinks, each with a `name` and a `type`");
    let mut sinks: Vec<SinkSettings> = Vec::new();
    for item in items {
        let Some(sink) = sink(reader, &item) else {
            continue;
        };
        if sinks.iter().any(|other| other.name == sink.name) {
            reader.wrong(
                &item,
                Code::DuplicateName,
                format!("`{}` is the name of another sink", sink.name),
                "expected another name",
            );
        }
        sinks.push(sink);
    }
    sinks
}

/// The items of a list that has 1 to `max` of them.
fn some<'a>(reader: &mut Reader, at: &At<'a>, max: usize, what: &str) -> Vec<At<'a>> {
    let expected = format!("expected a list of 1 to {max} {what}");
    let items = reader.list(at, &expected).unwrap_or_default();
    let is_list = matches!(at.node.value, Value::List(_));
    if is_list && items.is_empty() {
        reader.wrong(at, Code::EmptyValue, "the list is empty", expected);
    } else if items.len() > max {
        reader.wrong(at, Code::TooMuch, format!("the list has {} items", items.len()), expected);
    }
    items
}

fn sink(reader: &mut Reader, at: &At<'_>) -> Option<SinkSettings> {
    let allowed: &[&str] = match known_type(at) {
        Some(Type::Log) => &LOG_KEYS,
        Some(Type::Webhook | Type::Slack) => &URL_KEYS,
        Some(Type::Email) => &EMAIL_KEYS,
        None => &ANY_KEYS,
    };
    let fields = reader.fields(at, allowed)?;
    let name = fields
        .require(reader, "name", RuleName::HELP)
        .and_then(|at| own_name(reader, &at, "a sink's"));
    let stages = match fields.get("stages") {
        Some(at) => stages(reader, &at),
        None => Stage::ALL.to_vec(),
    };
    let kind = fields
        .require(reader, "type", "one of log, webhook, slack, email")
        .and_then(|at| reader.word(&at, &TYPES))
        .and_then(|kind| kind_of(reader, &fields, kind));
    Some(SinkSettings { name: name?, stages, kind: kind? })
}

/// The type of a sink if it has one that is known: it says which keys there may be.
fn known_type(at: &At<'_>) -> Option<Type> {
    let Value::Map(entries) = &at.node.value else {
        return None;
    };
    let (_, node) = entries.iter().find(|(key, _)| key.name == "type")?;
    let Value::Text(text) = &node.value else {
        return None;
    };
    TYPES.iter().find(|(name, _)| name == text).map(|(_, kind)| *kind)
}

fn stages(reader: &mut Reader, at: &At<'_>) -> Vec<Stage> {
    let words = Stage::ALL.map(|stage| (stage.as_str(), stage));
    let mut stages = Vec::new();
    for item in some(reader, at, Stage::ALL.len(), "stages; without the key it is all of them") {
        match reader.word(&item, &words) {
            Some(stage) if stages.contains(&stage) => {
                let help = "expected every stage once";
                reader.wrong(&item, Code::DuplicateName, "the stage is named twice", help);
            }
            Some(stage) => stages.push(stage),
            None => {}
        }
    }
    stages
}

fn kind_of(reader: &mut Reader, fields: &Fields<'_>, kind: Type) -> Option<Kind> {
    match kind {
        Type::Log => Some(Kind::Log),
        Type::Webhook => Some(Kind::Webhook { url: url(reader, fields) }),
        Type::Slack => Some(Kind::Slack { url: url(reader, fields) }),
        Type::Email => email(reader, fields),
    }
}

fn url(reader: &mut Reader, fields: &Fields<'_>) -> Option<SinkUrl> {
    let expected = "an https URL such as https://hooks.example.com/zenreaper";
    fields.get("url").and_then(|at| reader.value(&at, Code::NotASinkUrl, expected, SinkUrl::parse))
}

fn email(reader: &mut Reader, fields: &Fields<'_>) -> Option<Kind> {
    let server = "a host and a port such as smtp.example.com:587";
    let smtp = fields
        .require(reader, "smtp", server)
        .and_then(|at| reader.value(&at, Code::NotMail, server, Smtp::parse));
    let smtp = secured(reader, fields, smtp);
    let from = fields.require(reader, "from", ADDRESS).and_then(|at| mailbox(reader, &at));
    let to = fields.require(reader, "to", "a list of mail addresses");
    let to = to.map(|at| some(reader, &at, ADDRESSES_MAX, "mail addresses")).unwrap_or_default();
    let to: Vec<_> = to.iter().filter_map(|at| mailbox(reader, at)).collect();
    Some(Kind::Email { smtp: smtp?, from: from?, to })
}

const ADDRESS: &str = "a mail address such as ops@example.com, in plain ASCII and without a name";

fn mailbox(reader: &mut Reader, at: &At<'_>) -> Option<Address> {
    reader.value(at, Code::NotMail, ADDRESS, notify::address)
}

/// The server with what `tls` says of it.
fn secured(reader: &mut Reader, fields: &Fields<'_>, smtp: Option<Smtp>) -> Option<Smtp> {
    let words = [("starttls", Tls::StartTls), ("implicit", Tls::Implicit), ("none", Tls::None)];
    let Some(at) = fields.get("tls") else {
        return smtp;
    };
    let (tls, smtp) = (reader.word(&at, &words)?, smtp?);
    match smtp.secured_by(tls) {
        Ok(smtp) => Some(smtp),
        Err(message) => {
            reader.wrong(&at, Code::NotMail, message, "expected starttls or implicit");
            None
        }
    }
}
