//! What holds for every rule and every machine, as far as chance can tell.
//!
//! [`Model`] is the language of the design a second time, written from its text as plainly as it can be said: no compiled
//! patterns, hours instead of instants. The real thing must decide the same.

#![expect(clippy::unwrap_used, reason = "a model that the real thing does not take is a failure")]

use std::{fmt::Write, sync::Arc};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};
use zenreaper::{
    config,
    diagnostic::{self, Source},
    inventory::{ChargeType, Instance, InstanceId, Inventory, Listing, Page, Status, Tags},
    lifetime,
    plan::{Plan, Policy, Scope, Target, eligibility::Host, memory::Memory},
    rules::{self, Condition, RuleSet, Terms},
    schedule::Schedule,
};

// ---- The model ----

/// What stands in the fleet's fields, and what rules ask of them.
const TEXTS: [&str; 6] = ["a", "b", "ab", "A", "a/b", "[a]"];
const PATTERNS: [&str; 9] = ["a", "b", "ab", "A", "*", "a*", "?", "*b", "[[]a]?*"];
const STATUSES: [&str; 12] = [
    "RUNNING",
    "STOPPED",
    "BOOTING",
    "STOPPING",
    "INSTALL_FAILED",
    "CREATE_FAILED",
    "PENDING",
    "CREATING",
    "INSTALLING",
    "RECYCLE",
    "MIGRATING",
    "",
];
const CHARGES: [&str; 3] = ["POSTPAID", "PREPAID", "SPOT"];

/// Now; the model counts hours from here.
const NOW: &str = "2026-11-24T00:00:00Z";

/// What a tag's value means.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Meaning {
    Life(i64),
    At(i64),
    Never,
    Unreadable,
}

const TTLS: [(&str, Meaning); 15] = [
    ("1h", Meaning::Life(1)),
    (" 3d 12h ", Meaning::Life(84)),
    ("P1D", Meaning::Life(24)),
    ("2w", Meaning::Life(336)),
    ("2026-11-20", Meaning::At(-72)),
    ("2026-12-31", Meaning::At(912)),
    ("2026-11-24T02:00:00+02:00", Meaning::At(0)),
    ("never", Meaning::Never),
    ("Forever", Meaning::Never),
    ("soon", Meaning::Unreadable),
    ("48", Meaning::Unreadable),
    ("1mo", Meaning::Unreadable),
    ("-1h", Meaning::Unreadable),
    ("2026-02-31", Meaning::Unreadable),
    ("", Meaning::Unreadable),
];

#[derive(Clone, Debug)]
struct Machine {
    /// Name, hostname, zone, type, image, id and name of the resource group.
    texts: [Option<&'static str>; 7],
    status: Option<&'static str>,
    charge: Option<&'static str>,
    /// Hours before now.
    age: Option<i64>,
    env: Option<&'static str>,
    keep: Option<&'static str>,
    ttl: Option<(&'static str, Meaning)>,
}

#[derive(Clone, Debug)]
enum Test {
    AnyOf(Vec<&'static str>),
    Exists(bool),
}

/// Lines of a matcher: a key (`tags.x` for a tag) and its test.
type Matcher = Vec<(&'static str, Test)>;

#[derive(Clone, Debug)]
enum Expire {
    AtOnce,
    After(i64),
    At(i64),
    Tag { default: Option<i64>, max: Option<i64> },
}

#[derive(Clone, Debug)]
struct ModelRule {
    /// `None` is `everything`.
    matches: Option<Matcher>,
    unless: Vec<Matcher>,
    expire: Expire,
}

#[derive(Clone, Debug)]
struct Model {
    rules: Vec<ModelRule>,
    protect: Vec<Matcher>,
}

// ---- The naive evaluator: true, false, or unknown as `None` ----

fn every(values: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let values: Vec<_> = values.into_iter().collect();
    if values.contains(&Some(false)) {
        Some(false)
    } else if values.contains(&None) {
        None
    } else {
        Some(true)
    }
}

fn some(values: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    every(values.into_iter().map(|value| value.map(|value| !value))).map(|value| !value)
}

/// A glob; a pattern without `*` and `?` is a plain text.
fn glob(pattern: &str, text: &str) -> bool {
    if !pattern.contains(['*', '?']) {
        return pattern == text;
    }
    glob_from(pattern.as_bytes(), text.as_bytes())
}

/// Letter by letter; of the classes it knows the one of [`PATTERNS`]: `[[]`, a bracket.
fn glob_from(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], _) => text.is_empty(),
        ([b'*', rest @ ..], _) => (0..=text.len()).any(|n| glob_from(rest, &text[n..])),
        ([b'?', rest @ ..], [_, after @ ..])
        | ([b'[', b'[', b']', rest @ ..], [b'[', after @ ..]) => glob_from(rest, after),
        ([own, rest @ ..], [other, after @ ..]) => own == other && glob_from(rest, after),
        (_, []) => false,
    }
}

fn line_holds(key: &str, test: &Test, machine: &Machine) -> Option<bool> {
    let [name, hostname, zone, kind, image, group_id, group_name] = machine.texts;
    let (values, is_tag) = match key {
        "name" => (vec![name], false),
        "hostname" => (vec![hostname], false),
        "zone" => (vec![zone], false),
        "type" => (vec![kind], false),
        "image" => (vec![image], false),
        "resource_group" => (vec![group_id, group_name], false),
        "status" => (vec![machine.status], false),
        "charge_type" => (vec![machine.charge], false),
        "tags.env" => (vec![machine.env], true),
        "tags.keep" => (vec![machine.keep], true),
        "tags.ttl" => (vec![machine.ttl.map(|(text, _)| text)], true),
        other => panic!("{other}"),
    };
    let folded = |text: &str| match key {
        "status" | "charge_type" => text.to_uppercase(),
        _ => text.to_owned(),
    };
    match test {
        Test::Exists(wanted) => Some(values.iter().any(Option::is_some) == *wanted),
        Test::AnyOf(patterns) => some(values.into_iter().map(|value| match value {
            None if is_tag => Some(false),
            None => None,
            Some(value) => Some(patterns.iter().any(|one| glob(&folded(one), &folded(value)))),
        })),
    }
}

fn holds(matcher: &Matcher, machine: &Machine) -> Option<bool> {
    every(matcher.iter().map(|(key, test)| line_holds(key, test, machine)))
}

/// When a match is due, in hours from now.
#[derive(Clone, Copy, Debug, PartialEq)]
enum ModelDue {
    At(i64),
    Never,
    Unknown,
    Unreadable,
}

fn due(expire: &Expire, machine: &Machine) -> ModelDue {
    let life = |hours: i64| machine.age.map_or(ModelDue::Unknown, |age| ModelDue::At(hours - age));
    match *expire {
        Expire::AtOnce => ModelDue::At(0),
        Expire::After(hours) => life(hours),
        Expire::At(at) => ModelDue::At(at),
        Expire::Tag { default, max } => {
            let Some((_, meaning)) = machine.ttl else {
                return default.map_or(ModelDue::Never, life);
            };
            let bought = match meaning {
                Meaning::Unreadable => return ModelDue::Unreadable,
                Meaning::Never => ModelDue::Never,
                Meaning::Life(hours) => life(hours),
                Meaning::At(at) => ModelDue::At(at),
            };
            match (bought, max.map(life)) {
                (bought, None) => bought,
                (ModelDue::At(bought), Some(ModelDue::At(cap))) => ModelDue::At(bought.min(cap)),
                (ModelDue::Never, Some(cap)) => cap,
                _ => ModelDue::Unknown,
            }
        }
    }
}

fn eligible(protect: &[Matcher], machine: &Machine) -> Result<(), &'static str> {
    if some(protect.iter().map(|one| holds(one, machine))) != Some(false) {
        return Err("protected");
    }
    let usual = ["RUNNING", "STOPPED", "BOOTING", "STOPPING", "INSTALL_FAILED"];
    match (machine.status, machine.charge) {
        (Some("PENDING" | "CREATING"), _) => Err("creating"),
        (Some("INSTALLING"), _) => Err("installing"),
        (Some("RECYCLE"), _) => Err("recycled"),
        (Some("CREATE_FAILED"), Some("POSTPAID" | "PREPAID")) => Ok(()),
        (Some(status), Some("POSTPAID")) if usual.contains(&status) => Ok(()),
        (Some(status), Some("PREPAID")) if usual.contains(&status) => Err("subscription"),
        (Some(status), _) if usual.contains(&status) || status == "CREATE_FAILED" => {
            Err("unknown_charge_type")
        }
        _ => Err("unknown_status"),
    }
}

/// The decision and its reason, the number of the rule that is named, and when the match is due.
fn decide(model: &Model, machine: &Machine) -> (String, Option<usize>, Option<i64>) {
    let mut said = Vec::new();
    for (n, rule) in model.rules.iter().enumerate() {
        let matches = rule.matches.as_ref().map_or(Some(true), |one| holds(one, machine));
        let excepted = some(rule.unless.iter().map(|one| holds(one, machine)));
        match (matches, excepted) {
            (Some(false), _) => {}
            (None, Some(true)) => said.push((n, "unknown", None)),
            // A rule that may match keeps a machine whose tag cannot be read, as one that does.
            (None, _) | (Some(true), None) => said.push(match due(&rule.expire, machine) {
                ModelDue::Unreadable => (n, "unreadable", None),
                _ => (n, "unknown", None),
            }),
            (Some(true), Some(true)) => said.push((n, "excepted", None)),
            (Some(true), Some(false)) => said.push(match due(&rule.expire, machine) {
                ModelDue::Unreadable => (n, "unreadable", None),
                ModelDue::Unknown => (n, "unknown", None),
                ModelDue::Never => (n, "never", None),
                ModelDue::At(at) if at <= 0 => (n, "due", Some(at)),
                ModelDue::At(at) => (n, "to come", Some(at)),
            }),
        }
    }
    let first = |what: &str| said.iter().copied().find(|(_, own, _)| *own == what);
    if let Some((n, _, _)) = first("unreadable") {
        return ("skip unreadable_expiry".into(), Some(n), None);
    }
    if let Some((n, _, at)) = first("due") {
        let decision = match eligible(&model.protect, machine) {
            Ok(()) => "terminate due".into(),
            Err(reason) => format!("skip {reason}"),
        };
        return (decision, Some(n), at);
    }
    let to_come = said.iter().filter(|(_, own, _)| *own == "to come");
    if let Some((n, _, at)) = to_come.min_by_key(|(_, _, at)| *at) {
        return ("wait not_due".into(), Some(*n), *at);
    }
    for what in ["unknown", "never", "excepted"] {
        if let Some((n, _, _)) = first(what) {
            return (format!("keep {what}"), Some(n), None);
        }
    }
    ("keep no_rule".into(), None, None)
}

// ---- From the model to the real thing ----

fn hours(hours: i64) -> Timestamp {
    NOW.parse::<Timestamp>().unwrap() + SignedDuration::from_hours(hours)
}

fn matcher_json(matcher: &Matcher) -> Value {
    let (mut fields, mut tags) = (serde_json::Map::new(), serde_json::Map::new());
    for (key, test) in matcher {
        let test = match test {
            Test::AnyOf(patterns) if patterns.len() == 1 => json!(patterns[0]),
            Test::AnyOf(patterns) => json!(patterns),
            Test::Exists(wanted) => json!({ "exists": wanted }),
        };
        match key.strip_prefix("tags.") {
            Some(tag) => tags.insert(tag.into(), test),
            None => fields.insert((*key).into(), test),
        };
    }
    if !tags.is_empty() {
        fields.insert("tags".into(), tags.into());
    }
    fields.into()
}

fn rule_json(n: usize, rule: &ModelRule) -> Value {
    let text = |hours: i64| format!("{hours}h");
    let mut map = serde_json::Map::new();
    map.insert("name".into(), json!(format!("r{n}")));
    let matches = rule.matches.as_ref().map_or(json!("everything"), matcher_json);
    map.insert("match".into(), matches);
    map.insert("unless".into(), rule.unless.iter().map(matcher_json).collect());
    let expire = match &rule.expire {
        Expire::AtOnce => return map.into(),
        Expire::After(life) => json!({ "after": text(*life) }),
        Expire::At(at) => json!({ "at": hours(*at).to_string() }),
        Expire::Tag { default, max } => {
            let mut expire = json!({ "tag": "ttl" });
            for (key, value) in [("default", default), ("max", max)] {
                if let Some(value) = value {
                    expire[key] = json!(text(*value));
                }
            }
            expire
        }
    };
    map.insert("expire".into(), expire);
    map.into()
}

fn parse(rules: &[Value]) -> RuleSet {
    let text = json!({ "rules": rules }).to_string();
    let source = Arc::new(Source { name: "rules.yaml".into(), text });
    rules::parse(&[source], &Terms::default())
        .unwrap_or_else(|problems| panic!("{}", diagnostic::render(&problems, false)))
}

fn policy(model: &Model) -> Policy {
    let rules: Vec<_> = model.rules.iter().enumerate().map(|(n, one)| rule_json(n, one)).collect();
    // A matcher of `protect` reads as that of a rule.
    let one = |matcher: &Matcher| json!({ "name": "p", "match": matcher_json(matcher) });
    let protect =
        model.protect.iter().map(|matcher| parse(&[one(matcher)]).rules.remove(0).matches);
    Policy {
        rules: parse(&rules),
        protect: Condition::Any(protect.collect()),
        host: Host::default(),
    }
}

fn instance(n: usize, machine: &Machine) -> Instance {
    let shared = |text: Option<&str>| text.map(Arc::from);
    let [name, hostname, zone, kind, image, group_id, group_name] = machine.texts;
    let tags =
        [("env", machine.env), ("keep", machine.keep), ("ttl", machine.ttl.map(|ttl| ttl.0))];
    let tags = tags.into_iter().filter_map(|(key, value)| Some((key.into(), value?.into())));
    Instance {
        id: InstanceId::new(&format!("i-{n}")),
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
        internet_charge_type: None,
        addresses: Box::default(),
        addresses_told: true,
        tags: Tags::new(tags.collect()).unwrap(),
    }
}

/// The inventory of instances that are listed in this order, three a page.
fn listed(instances: &[Instance]) -> Inventory {
    let mut listing = Listing::default();
    for page in instances.chunks(3) {
        let (total, entries) = (instances.len() as u64, page.len());
        listing.add(Page { total, entries, instances: page.to_vec(), unreadable: Vec::new() });
    }
    listing.finish().unwrap()
}

fn inventory(fleet: &[Machine]) -> Inventory {
    let instances: Vec<_> = fleet.iter().enumerate().map(|(n, one)| instance(n, one)).collect();
    listed(&instances)
}

/// A plan as text, with all that it says.
fn text(plan: &Plan<'_>) -> String {
    let mut text = String::new();
    for (subject, judgement) in &plan.decisions {
        let rule = judgement.rule.map(|rule| rule.name.as_str());
        let (decision, due_at) = (judgement.decision, judgement.due_at);
        writeln!(text, "{} {decision:?} {rule:?} {due_at:?}", subject.id()).unwrap();
    }
    let matches: Vec<_> = plan.tallies.iter().map(|tally| tally.matches).collect();
    text + &format!("{} live, {matches:?}", plan.summary.live)
}

// ---- Chance ----

/// Whether rules may ask of a field whether it is there at all.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Asking {
    OfTagsOnly,
    OfFieldsToo,
}

fn test(key: &'static str, asking: Asking) -> BoxedStrategy<Test> {
    let patterns: &'static [&'static str] = match key {
        "status" => &["running", "STOPPED", "CREATE_FAILED", "INSTALL_*", "*ING", "recycle"],
        "charge_type" => &["postpaid", "PREPAID", "P*"],
        _ => &PATTERNS,
    };
    let any_of = proptest::collection::vec(select(patterns), 1..3).prop_map(Test::AnyOf);
    if asking == Asking::OfFieldsToo || key.starts_with("tags.") {
        prop_oneof![3 => any_of, 1 => any::<bool>().prop_map(Test::Exists)].boxed()
    } else {
        any_of.boxed()
    }
}

fn matcher(asking: Asking) -> impl Strategy<Value = Matcher> {
    let keys = vec![
        "name",
        "hostname",
        "zone",
        "type",
        "image",
        "resource_group",
        "status",
        "charge_type",
        "tags.env",
        "tags.keep",
        "tags.ttl",
    ];
    proptest::sample::subsequence(keys, 1..3).prop_flat_map(move |keys| {
        keys.into_iter().map(|key| (Just(key), test(key, asking))).collect::<Vec<_>>()
    })
}

fn expire() -> impl Strategy<Value = Expire> {
    let life = || select(&[0_i64, 1, 24, 72, 336][..]);
    let tag =
        (proptest::option::of(life()), proptest::option::of(life())).prop_map(|(default, max)| {
            // A default that is longer than the cap is refused.
            let default = default.map(|default| default.min(max.unwrap_or(default)));
            Expire::Tag { default, max }
        });
    prop_oneof![
        1 => Just(Expire::AtOnce),
        3 => life().prop_map(Expire::After),
        1 => (-48_i64..48).prop_map(Expire::At),
        4 => tag,
    ]
}

fn model(asking: Asking) -> impl Strategy<Value = Model> {
    let matches = prop_oneof![1 => Just(None), 3 => matcher(asking).prop_map(Some)];
    let unless = proptest::collection::vec(matcher(asking), 0..3);
    let rule = (matches, unless, expire()).prop_map(|(matches, unless, expire)| ModelRule {
        matches,
        unless,
        expire,
    });
    let protect = proptest::collection::vec(matcher(asking), 0..2);
    (proptest::collection::vec(rule, 1..4), protect)
        .prop_map(|(rules, protect)| Model { rules, protect })
}

fn machine() -> impl Strategy<Value = Machine> {
    let often = |words: &'static [&'static str]| proptest::option::weighted(0.85, select(words));
    let texts = std::array::from_fn(|_| often(&TEXTS));
    let status = prop_oneof![2 => Just(Some("RUNNING")), 2 => often(&STATUSES)];
    let charge = prop_oneof![2 => Just(Some("POSTPAID")), 1 => often(&CHARGES)];
    let age = proptest::option::weighted(0.9, select(&[0_i64, 1, 2, 24, 72, 100, 1000][..]));
    let env = proptest::option::of(select(&TEXTS[..]));
    let keep = proptest::option::weighted(0.2, select(&["", "a"][..]));
    let ttl = proptest::option::of(select(&TTLS[..]));
    (texts, status, charge, age, env, keep, ttl).prop_map(
        |(texts, status, charge, age, env, keep, ttl)| Machine {
            texts,
            status,
            charge,
            age,
            env,
            keep,
            ttl,
        },
    )
}

fn fleet() -> impl Strategy<Value = Vec<Machine>> {
    proptest::collection::vec(machine(), 0..12)
}

/// A machine without one of its fields.
fn without(machine: &Machine, field: usize) -> Machine {
    let mut poorer = machine.clone();
    match field {
        0..7 => poorer.texts[field] = None,
        7 => poorer.status = None,
        8 => poorer.charge = None,
        _ => poorer.age = None,
    }
    poorer
}

/// Texts that are right but for a few characters.
fn damaged(good: &'static str) -> impl Strategy<Value = String> {
    let edit = (
        any::<proptest::sample::Index>(),
        0..4_usize,
        "[-:{}\\[\\]&*!|>'\"%@`#, \n\ta-z0-9é]{0,3}",
    );
    proptest::collection::vec(edit, 1..6).prop_map(move |edits| {
        let mut text: Vec<char> = good.chars().collect();
        for (at, removed, inserted) in edits {
            let start = at.index(text.len() + 1);
            let end = (start + removed).min(text.len());
            text.splice(start..end, inserted.chars());
        }
        text.into_iter().collect()
    })
}

fn read_rules(text: String) {
    let source = Arc::new(Source { name: "rules.yaml".into(), text });
    if let Err(problems) = rules::parse(&[source], &Terms::default()) {
        assert!(!diagnostic::render(&problems, false).is_empty());
        assert!(!diagnostic::render(&problems, true).is_empty());
    }
}

fn read_config(text: String) {
    let source = Arc::new(Source { name: "config.yaml".into(), text });
    let (_, problems) = config::read(&source, hours(0));
    assert!(!diagnostic::render(&problems, false).is_empty());
}

fn settings() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) }
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn decisions_are_those_of_the_naive_evaluator(
        model in model(Asking::OfFieldsToo),
        fleet in fleet(),
    ) {
        let policy = policy(&model);
        for (n, machine) in fleet.iter().enumerate() {
            let instance = instance(n, machine);
            let judgement = policy.judge(&instance, &Memory::default(), hours(0));
            let reason = judgement.decision.reason();
            let keeps = judgement.decision.as_str() == "keep";
            let reason = if keeps && reason.starts_with("unknown_") { "unknown" } else { reason };
            let (decision, rule, due) = decide(&model, machine);
            prop_assert_eq!(format!("{} {reason}", judgement.decision.as_str()), decision);
            let named = judgement.rule.map(|rule| rule.name.to_string());
            prop_assert_eq!(named, rule.map(|n| format!("r{n}")));
            prop_assert_eq!(judgement.due_at, due.map(hours));
        }
    }

    #[test]
    fn what_must_not_be_touched_is_never_a_target(
        model in model(Asking::OfFieldsToo),
        fleet in fleet(),
    ) {
        let (policy, inventory) = (policy(&model), inventory(&fleet));
        let plan = Plan::draft(&inventory, &policy, &Memory::default(), &Scope::All, hours(0));
        for Target { instance: target, rule, .. } in plan.targets() {
            let n: usize = target.id.as_str()[2..].parse().unwrap();
            let machine = &fleet[n];
            let protected = model.protect.iter().any(|one| holds(one, machine) != Some(false));
            prop_assert!(!protected, "protected: {machine:?}");
            prop_assert!(target.status.is_some() && target.charge_type.is_some());
            let untouchable = ["PENDING", "CREATING", "INSTALLING", "RECYCLE", "MIGRATING", ""];
            prop_assert!(!untouchable.contains(&machine.status.unwrap()), "{machine:?}");
            let paid = machine.charge != Some("POSTPAID") && machine.status != Some("CREATE_FAILED");
            prop_assert!(!paid && machine.charge != Some("SPOT"), "{machine:?}");
            let number: usize = rule.name.as_str()[1..].parse().unwrap();
            let by_tag = matches!(model.rules[number].expire, Expire::Tag { .. });
            let unreadable = machine.ttl.is_some_and(|(_, meaning)| meaning == Meaning::Unreadable);
            prop_assert!(!(by_tag && unreadable), "{machine:?}");
        }
    }

    #[test]
    fn a_plan_does_not_depend_on_the_order_of_the_listing_and_drafting_twice_gives_the_same(
        model in model(Asking::OfFieldsToo),
        (fleet, order) in fleet().prop_flat_map(|fleet| {
            let order: Vec<_> = (0..fleet.len()).collect();
            (Just(fleet), Just(order).prop_shuffle())
        }),
    ) {
        let policy = policy(&model);
        let inventory = inventory(&fleet);
        let shuffled: Vec<_> = order.iter().map(|n| instance(*n, &fleet[*n])).collect();
        let shuffled = listed(&shuffled);
        let plan = text(&Plan::draft(&inventory, &policy, &Memory::default(), &Scope::All, hours(0)));
        prop_assert_eq!(&plan, &text(&Plan::draft(&inventory, &policy, &Memory::default(), &Scope::All, hours(0))));
        prop_assert_eq!(&plan, &text(&Plan::draft(&shuffled, &policy, &Memory::default(), &Scope::All, hours(0))));
    }

    #[test]
    fn to_know_less_never_terminates(
        model in model(Asking::OfTagsOnly),
        machine in machine(),
        field in 0..10_usize,
    ) {
        let policy = policy(&model);
        let terminates = |machine: &Machine| {
            let judgement = policy.judge(&instance(0, machine), &Memory::default(), hours(0));
            judgement.decision.as_str() == "terminate"
        };
        let poorer = without(&machine, field);
        prop_assert!(terminates(&machine) || !terminates(&poorer), "{poorer:?}");
    }

    #[test]
    fn a_tag_keep_keeps_where_every_rule_heeds_it(
        mut model in model(Asking::OfFieldsToo),
        fleet in fleet(),
    ) {
        for rule in &mut model.rules {
            rule.unless.push(vec![("tags.keep", Test::AnyOf(vec!["*"]))]);
        }
        let policy = policy(&model);
        let kept: Vec<_> =
            fleet.iter().map(|one| Machine { keep: Some(""), ..one.clone() }).collect();
        let inventory = inventory(&kept);
        prop_assert_eq!(Plan::draft(&inventory, &policy, &Memory::default(), &Scope::All, hours(0)).targets().count(), 0);
    }

    #[test]
    fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&bytes);
        read_rules(text.clone().into_owned());
        read_config(text.into_owned());
    }

    #[test]
    fn no_damage_makes_reading_panic(
        rules in damaged(include_str!("fixtures/rules/good/every-key.yaml")),
        config in damaged(include_str!("fixtures/config/good/every-key.yaml")),
    ) {
        read_rules(rules);
        read_config(config);
    }

    #[test]
    fn a_lifetime_is_in_bounds_or_refused(
        text in prop_oneof![".{0,30}", "[-+0-9PTDHMSWYdhmsw.: Z]{0,24}", "[0-9]{4}-[0-9]{2}-[0-9]{2}.{0,12}"],
        zone in select(&["UTC", "Asia/Shanghai", "America/New_York", "Africa/Monrovia"][..]),
    ) {
        if let Ok(life) = lifetime::duration(&text) {
            prop_assert!(!life.is_negative() && life <= SignedDuration::from_hours(100 * 366 * 24));
        }
        drop(lifetime::instant(&text, &TimeZone::get(zone).unwrap()));
        let rules = parse(&[json!({ "name": "r", "match": "everything", "expire": { "tag": "ttl" } })]);
        let policy = Policy { rules, protect: Condition::NOTHING, host: Host::default() };
        let mut subject = instance(0, &Machine {
            texts: [None; 7],
            status: Some("RUNNING"),
            charge: Some("POSTPAID"),
            age: Some(1000),
            env: None,
            keep: None,
            ttl: None,
        });
        subject.tags = Tags::new(vec![("ttl".into(), text.as_str().into())]).unwrap();
        let terminates = policy.judge(&subject, &Memory::default(), hours(0)).decision.as_str() == "terminate";
        let (life, at) = (lifetime::duration(&text), lifetime::instant(&text, &TimeZone::UTC));
        prop_assert!(!terminates || life.is_ok() || at.is_ok(), "{text}");
    }

    #[test]
    fn a_schedule_moves_on_or_is_refused(text in prop_oneof![".{0,20}", "[-*/,0-9LW#?]{1,5}( [-*/,0-9LW#?A-Z]{1,5}){4,5}"]) {
        if let Ok(schedule) = Schedule::parse(&text, TimeZone::UTC, hours(0)) {
            prop_assert!(schedule.next_after(hours(0)).is_some_and(|next| next > hours(0)));
        }
    }
}
