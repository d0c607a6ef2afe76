//! From the model to the real thing: rules as the text of a file, machines as instances, what is remembered.

use std::{fmt::Write, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use zenreaper::{
    diagnostic::{self, Source},
    inventory::{ChargeType, Instance, InstanceId, Inventory, Listing, Page, Status, Tags},
    plan::{
        self, Plan, Policy, Scope,
        eligibility::Host,
        memory::{self, Force, Hold, HoldKind, Memory},
    },
    rules::{self, Condition, RuleName, RuleSet, Terms},
};

use crate::model::{
    Expire, Line, Machine, Match, Matcher, Model, NOW, Notice, Op, Past, Rule, Turn,
};

/// The instant so many hours from now.
pub(crate) fn hours(hours: i64) -> Timestamp {
    NOW.parse::<Timestamp>().unwrap() + SignedDuration::from_hours(hours)
}

/// How many hours from now an instant is.
pub(crate) fn from_now(at: Timestamp) -> i64 {
    let exact = at.duration_since(hours(0));
    assert_eq!(exact, SignedDuration::from_hours(exact.as_hours()), "{at} is no whole hour");
    exact.as_hours()
}

fn one_or_list(texts: &[&str]) -> Value {
    if let [text] = texts { json!(text) } else { json!(texts) }
}

fn ops_json(ops: &[Op]) -> Value {
    let mut map = Map::new();
    for op in ops {
        let (name, value) = match op {
            Op::Plain(texts) => return one_or_list(texts),
            Op::In(texts) => ("in", one_or_list(texts)),
            Op::NotIn(texts) => ("not_in", one_or_list(texts)),
            Op::Glob(texts) => ("glob", one_or_list(texts)),
            Op::Regex(texts) => ("regex", one_or_list(texts)),
            Op::Exists(wanted) => ("exists", json!(wanted)),
        };
        map.insert(name.into(), value);
    }
    map.into()
}

fn matches_json(all: &[Match]) -> Value {
    all.iter().map(match_json).collect()
}

pub(crate) fn match_json(one: &Match) -> Value {
    match one {
        Match::Everything => json!("everything"),
        Match::Matcher(matcher) => matcher_json(matcher),
    }
}

pub(crate) fn matcher_json(matcher: &Matcher) -> Value {
    let (mut fields, mut tags) = (Map::new(), Map::new());
    for line in matcher {
        let (key, value) = match line {
            Line::Text(key, ops) => match key.strip_prefix("tags.") {
                Some(tag) => {
                    tags.insert(tag.into(), ops_json(ops));
                    continue;
                }
                None => (*key, ops_json(ops)),
            },
            Line::Ip(ops) => ("ip", ops_json(ops)),
            Line::Age(tests) => {
                ("age", tests.iter().map(|(own, limit)| json!(format!("{own} {limit}h"))).collect())
            }
            Line::All(all) => ("all", matches_json(all)),
            Line::Any(any) => ("any", matches_json(any)),
            Line::Not(none) => match &**none {
                [one] => ("not", match_json(one)),
                none => ("not", matches_json(none)),
            },
        };
        fields.insert(key.into(), value);
    }
    if !tags.is_empty() {
        fields.insert("tags".into(), tags.into());
    }
    fields.into()
}

fn expire_json(expire: &Expire) -> Option<Value> {
    let text = |hours: i64| format!("{hours}h");
    match expire {
        Expire::AtOnce => None,
        Expire::After(life) => Some(json!({ "after": text(*life) })),
        Expire::At(at) => Some(json!({ "at": hours(*at).to_string() })),
        Expire::Tag { default, min, max } => {
            let mut expire = json!({ "tag": "ttl" });
            for (key, value) in [("default", default), ("min", min), ("max", max)] {
                if let Some(value) = value {
                    expire[key] = json!(text(*value));
                }
            }
            Some(expire)
        }
    }
}

pub(crate) fn rule_json(n: usize, rule: &Rule) -> Value {
    let Rule { matches, unless, expire, notice, schedule, zone, enabled } = rule;
    let mut map = json!({
        "name": format!("r{n}"),
        "match": match_json(matches),
        "timezone": zone.0,
        "enabled": enabled,
    });
    if !unless.is_empty() {
        map["unless"] = unless.iter().map(matcher_json).collect();
    }
    if let Some(expire) = expire_json(expire) {
        map["expire"] = expire;
    }
    if let Some(Notice { hours, required }) = notice {
        map["notice"] = json!(format!("{hours}h"));
        map["notice_required"] = json!(required);
    }
    if let Some((pattern, _, _)) = schedule {
        map["schedule"] = json!(pattern);
    }
    map
}

pub(crate) fn parse(rules: &[Value]) -> RuleSet {
    let text = json!({ "rules": rules }).to_string();
    let source = Arc::new(Source { name: "rules.yaml".into(), text });
    rules::parse(&[source], &Terms::default())
        .unwrap_or_else(|problems| panic!("{}", diagnostic::render(&problems, false)))
}

/// The condition of such a `match`.
pub(crate) fn condition(matches: &Value) -> Condition {
    parse(&[json!({ "name": "c", "match": matches })]).rules.remove(0).matches
}

/// The condition of a matcher that protects.
pub(crate) fn protecting(matcher: &Value) -> Condition {
    parse(&[json!({ "name": "c", "match": "everything", "unless": matcher })])
        .rules
        .remove(0)
        .unless
}

pub(crate) fn policy(model: &Model) -> Policy {
    let rules: Vec<_> = model.rules.iter().enumerate().map(|(n, one)| rule_json(n, one)).collect();
    // A matcher of `protect` reads as that of an exception.
    let protect = model.protect.iter().map(|matcher| protecting(&matcher_json(matcher)));
    Policy {
        rules: parse(&rules),
        protect: Condition::Any(protect.collect()),
        host: Host::default(),
    }
}

pub(crate) fn instance(machine: &Machine) -> Instance {
    let shared = |text: Option<&str>| text.map(Arc::from);
    let [name, hostname, zone, kind, image, internet, group_id, group_name] = machine.texts;
    let tags =
        [("env", machine.env), ("keep", machine.keep), ("ttl", machine.ttl.map(|ttl| ttl.0))];
    let near = machine.near.iter().map(|(_, own, value)| (*own, Some(*value)));
    let own = tags.into_iter().map(|(key, value)| {
        let is_untold = machine.untold.contains(&key);
        (key, if is_untold { Some(None) } else { value.map(Some) })
    });
    let tags =
        own.chain(near).filter_map(|(key, value)| Some((Arc::from(key), value?.map(Arc::from))));
    Instance {
        id: InstanceId::new(&machine.id),
        name: name.map(Into::into),
        hostname: hostname.map(Into::into),
        zone: shared(zone),
        instance_type: shared(kind),
        image: shared(image),
        status: machine.status.map(|text| Status::from(Arc::from(text))),
        charge_type: machine.charge.map(|text| ChargeType::from(Arc::from(text))),
        created: machine.age.map(|age| hours(-age)),
        resource_group_id: shared(group_id),
        resource_group_name: shared(group_name),
        internet_charge_type: shared(internet),
        addresses: machine.addresses.iter().map(|one| one.parse().unwrap()).collect(),
        addresses_told: machine.addresses_told,
        tags: Tags::told(tags.collect()).unwrap(),
    }
}

fn rule_name(n: usize) -> RuleName {
    RuleName::new(&format!("r{n}")).unwrap()
}

fn promise(own: &crate::model::Promise, force: Force) -> memory::Promise {
    memory::Promise {
        key: String::new(),
        rule: rule_name(own.rule),
        owner: Some(if own.to_owner { "" } else { "somebody else" }.to_owned()),
        force,
        begun_at: hours(own.begun),
        told_at: own.told.map(hours),
        terminate_at: hours(own.terminate),
    }
}

/// What is remembered of one machine, whoever's turn it is.
pub(crate) fn memory(machine: &Machine, past: &Past, turn: &Turn, rules: &RuleSet) -> Memory {
    let mut memory = Memory::default();
    let id = InstanceId::new(&machine.id);
    let standing = past.promise.iter().map(|own| promise(own, Force::Stands));
    let withdrawn = past.withdrawn.iter().map(|own| promise(own, Force::TimeOnly));
    memory.promises.insert(id.clone(), withdrawn.chain(standing).collect());
    if let Some((reason, until)) = past.hold {
        let kind = HoldKind::ALL.into_iter().find(|kind| kind.as_str() == reason).unwrap();
        memory.holds.insert(id, Hold { kind, until: hours(until) });
    }
    let turn = match turn {
        Turn::Asked(last_run) => {
            memory.last_run_at = last_run.map(hours);
            plan::Turn::Asked
        }
        Turn::AllBut(resting) => {
            plan::Turn::AllBut(resting.iter().copied().map(rule_name).collect())
        }
    };
    memory.at_turn(&turn, rules, hours(0))
}

/// Whether it is terminated now, as far as nothing is remembered of it.
pub(crate) fn terminates(policy: &Policy, machine: &Machine) -> bool {
    let judgement = policy.judge(&instance(machine), &Memory::default(), hours(0));
    judgement.decision.as_str() == "terminate"
}

/// The inventory of instances that are listed in this order, three a page.
pub(crate) fn listed(instances: &[Instance]) -> Inventory {
    let mut listing = Listing::default();
    for page in instances.chunks(3) {
        let (total, entries) = (instances.len() as u64, page.len());
        listing.add(Page { total, entries, instances: page.to_vec(), unreadable: Vec::new() });
    }
    listing.finish().unwrap()
}

/// The plan as text, with all that it says.
pub(crate) fn plan_text(inventory: &Inventory, policy: &Policy) -> String {
    let plan = Plan::draft(inventory, policy, &Memory::default(), &Scope::All, hours(0));
    let mut text = String::new();
    for (subject, judgement) in &plan.decisions {
        let rule = judgement.rule.map(|rule| rule.name.as_str());
        let plan::Judgement { decision, due_at, terminate_at, .. } = judgement;
        writeln!(text, "{} {decision:?} {rule:?} {due_at:?} {terminate_at:?}", subject.id())
            .unwrap();
    }
    let matches: Vec<_> = plan.tallies.iter().map(|tally| tally.matches).collect();
    text + &format!("{} live, {matches:?}", plan.summary.live)
}
