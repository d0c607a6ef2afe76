//! A case as the texts that zenreaper reads: the rules, the config's protection, the API's records.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use crate::{
    case::{Case, Expire, Instance, IpOp, Line, Match, Matcher, Op, Rule, Tags, Told, Unless},
    truth::names,
};

fn one_or_list<T: serde::Serialize>(list: &[T]) -> Value {
    if let [one] = list { json!(one) } else { json!(list) }
}

fn ops(ops: &[Op]) -> Value {
    let mut map = Map::new();
    for op in ops {
        let (name, value) = match op {
            Op::Plain(list) => return one_or_list(list),
            Op::In(list) => ("in", one_or_list(list)),
            Op::NotIn(list) => ("not_in", one_or_list(list)),
            Op::Glob(list) => ("glob", one_or_list(list)),
            Op::Regex(list) => {
                let texts: Vec<_> = list.iter().map(|regex| regex.text).collect();
                ("regex", one_or_list(&texts))
            }
            Op::Exists(wanted) => ("exists", json!(wanted)),
        };
        map.insert(name.to_owned(), value);
    }
    Value::Object(map)
}

fn ip_ops(ops: &[IpOp]) -> Value {
    let mut map = Map::new();
    for op in ops {
        let (name, value) = match op {
            IpOp::Plain(list) => return one_or_list(list),
            IpOp::In(list) => ("in", one_or_list(list)),
            IpOp::NotIn(list) => ("not_in", one_or_list(list)),
            IpOp::Exists(wanted) => ("exists", json!(wanted)),
        };
        map.insert(name.to_owned(), value);
    }
    Value::Object(map)
}

fn list(matchers: &[Matcher]) -> Value {
    matchers.iter().map(matcher).collect()
}

pub(crate) fn matcher(matcher: &Matcher) -> Value {
    let (mut map, mut tags) = (Map::new(), Map::new());
    for line in matcher {
        let (key, value) = match line {
            Line::Tag(key, own) => {
                tags.insert((*key).to_owned(), ops(own));
                continue;
            }
            Line::Text(field, own) => (names(*field).0, ops(own)),
            Line::Ip(own) => ("ip", ip_ops(own)),
            Line::Age(tests) => {
                let text =
                    |(sign, form): &(&str, crate::words::Form)| format!("{sign} {}", form.text);
                ("age", one_or_list(&tests.iter().map(text).collect::<Vec<_>>()))
            }
            Line::All(all) => ("all", list(all)),
            Line::Any(any) => ("any", list(any)),
            Line::Not(none) => {
                ("not", if let [one] = &none[..] { self::matcher(one) } else { list(none) })
            }
        };
        map.insert(key.to_owned(), value);
    }
    if !tags.is_empty() {
        map.insert("tags".to_owned(), Value::Object(tags));
    }
    Value::Object(map)
}

fn expire(expire: &Expire) -> Option<Value> {
    match expire {
        Expire::AtOnce => None,
        Expire::After(form) => Some(json!({ "after": form.text })),
        Expire::At(form) => Some(json!({ "at": form.text })),
        Expire::Tag { key, default, min, max } => {
            let mut map = json!({ "tag": key });
            for (key, form) in [("default", default), ("min", min), ("max", max)] {
                if let Some(form) = form {
                    map[key] = json!(form.text);
                }
            }
            Some(map)
        }
    }
}

fn rule(rule: &Rule) -> String {
    let mut text = format!("  - name: r{}\n", rule.number);
    let mut line = |key: &str, value: &Value| writeln!(text, "    {key}: {value}").unwrap();
    match &rule.matches {
        Match::Everything => line("match", &json!("everything")),
        Match::Matcher(own) => line("match", &matcher(own)),
    }
    match &rule.unless {
        Unless::Nothing => {}
        Unless::One(own) => line("unless", &matcher(own)),
        Unless::List(all) => line("unless", &list(all)),
    }
    if let Some(expire) = expire(&rule.expire) {
        line("expire", &expire);
    }
    if let Some(notice) = &rule.notice {
        line("notice", &json!(notice.length.text));
        if let Some(required) = notice.required {
            line("notice_required", &json!(required));
        }
    }
    for (key, value) in [("schedule", rule.schedule), ("timezone", rule.zone)] {
        if let Some(value) = value {
            line(key, &json!(value));
        }
    }
    if !rule.enabled {
        line("enabled", &json!(false));
    }
    text
}

/// The file of rules.
pub(crate) fn rules(case: &Case) -> String {
    if case.rules.is_empty() {
        return "rules: []\n".to_owned();
    }
    let rules: String = case.rules.iter().map(rule).collect();
    format!("rules:\n{rules}")
}

/// The config.
pub(crate) fn config(case: &Case) -> String {
    let mut text = format!("timezone: {}\n", case.zone);
    if !case.protect.is_empty() {
        writeln!(text, "protect: {}", list(&case.protect)).unwrap();
    }
    text
}

fn told(told: &Told) -> Option<Value> {
    match told {
        Told::Absent => None,
        Told::Null => Some(Value::Null),
        Told::Text(text) => Some(json!(text)),
        Told::Number => Some(json!(5)),
    }
}

fn tags(tags: &Tags) -> Option<Value> {
    match tags {
        Tags::Absent => None,
        Tags::Null => Some(Value::Null),
        Tags::Empty => Some(json!({})),
        Tags::NoList => Some(json!({ "tags": null })),
        Tags::List(list) => {
            let one = |(key, value): &(String, Told)| {
                let mut map = json!({ "key": key });
                if let Some(value) = self::told(value) {
                    map["value"] = value;
                }
                map
            };
            let list: Vec<_> = list.iter().map(one).collect();
            Some(json!({ "tags": list }))
        }
    }
}

/// The API's record of an instance.
pub(crate) fn record(instance: &Instance) -> String {
    let mut map = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            map.insert(key.to_owned(), value);
        }
    };
    put("instanceId", Some(json!(instance.id)));
    for (key, text) in &instance.texts {
        put(key, told(text));
    }
    put("createTime", told(&instance.created.told));
    put("primaryPublicIpAddress", told(&instance.primary));
    put("publicIpAddresses", instance.public.as_ref().map(|list| json!(list)));
    put("privateIpAddresses", instance.private.as_ref().map(|list| json!(list)));
    put("tags", tags(&instance.tags));
    Value::Object(map).to_string()
}
