//! The smallest case that still shows a disagreement: whatever can be left out is.

use crate::case::{
    Case, Expire, Force, Host, Instance, IpOp, Line, Match, Matcher, Op, Rule, Tags, Told, Turn,
    Unless,
};

/// Makes a case smaller for as long as `shows` says that it still shows the same.
pub(crate) fn shrink(mut case: Case, shows: impl Fn(&Case) -> bool) -> Case {
    while let Some(smaller) = smaller(&case).into_iter().find(&shows) {
        case = smaller;
    }
    case
}

/// Every case with one thing less.
fn smaller(case: &Case) -> Vec<Case> {
    let mut all = Vec::new();
    let mut push = |edit: &dyn Fn(&mut Case)| {
        let mut other = case.clone();
        edit(&mut other);
        all.push(other);
    };
    for n in 0..case.instances.len() {
        push(&|case| drop(case.instances.remove(n)));
    }
    for n in 0..case.rules.len() {
        push(&|case| drop(case.rules.remove(n)));
    }
    for n in 0..case.protect.len() {
        push(&|case| drop(case.protect.remove(n)));
    }
    if case.zone != "UTC" {
        push(&|case| case.zone = "UTC");
    }
    if case.owner_tag.is_some() {
        push(&|case| case.owner_tag = None);
    }
    if case.paused {
        push(&|case| case.paused = false);
    }
    if case.host.addresses.len() + case.host.names.len() + case.host.ids.len() > 0 {
        push(&|case| case.host = Host::default());
    }
    if !matches!(&case.turn, Turn::Service(resting) if resting.is_empty()) {
        push(&|case| case.turn = Turn::Service(Vec::new()));
    }
    let mut edited = Vec::new();
    for (n, rule) in case.rules.iter().enumerate() {
        edited.extend(rules(rule).into_iter().map(|rule| {
            let mut other = case.clone();
            other.rules[n] = rule;
            other
        }));
    }
    for (n, matcher) in case.protect.iter().enumerate() {
        edited.extend(matchers(matcher).into_iter().map(|matcher| {
            let mut other = case.clone();
            other.protect[n] = matcher;
            other
        }));
    }
    for (n, instance) in case.instances.iter().enumerate() {
        edited.extend(instances(instance).into_iter().map(|instance| {
            let mut other = case.clone();
            other.instances[n] = instance;
            other
        }));
    }
    all.extend(edited);
    all
}

fn rules(rule: &Rule) -> Vec<Rule> {
    let with = |edit: &dyn Fn(&mut Rule)| {
        let mut other = rule.clone();
        edit(&mut other);
        other
    };
    let mut all = Vec::new();
    if rule.schedule.is_some() {
        all.push(with(&|rule| rule.schedule = None));
    } else if rule.zone.is_some() {
        all.push(with(&|rule| rule.zone = None));
    }
    if rule.notice.is_some() {
        all.push(with(&|rule| rule.notice = None));
    }
    if rule.notice.as_ref().is_some_and(|notice| notice.required.is_some()) {
        all.push(with(&|rule| rule.notice.as_mut().unwrap().required = None));
    }
    match &rule.unless {
        Unless::Nothing => {}
        Unless::One(matcher) => {
            all.push(with(&|rule| rule.unless = Unless::Nothing));
            all.extend(
                matchers(matcher)
                    .into_iter()
                    .map(|own| with(&|rule| rule.unless = Unless::One(own.clone()))),
            );
        }
        Unless::List(list) => {
            all.push(with(&|rule| rule.unless = Unless::Nothing));
            all.extend(list.iter().map(|own| with(&|rule| rule.unless = Unless::One(own.clone()))));
        }
    }
    if let Match::Matcher(matcher) = &rule.matches {
        all.push(with(&|rule| rule.matches = Match::Everything));
        all.extend(
            matchers(matcher)
                .into_iter()
                .map(|own| with(&|rule| rule.matches = Match::Matcher(own.clone()))),
        );
    }
    if !matches!(rule.expire, Expire::AtOnce) {
        all.push(with(&|rule| rule.expire = Expire::AtOnce));
    }
    if let Expire::Tag { key, default, min, max } = rule.expire {
        let simpler = [
            default.map(|_| Expire::Tag { key, default: None, min, max }),
            min.map(|_| Expire::Tag { key, default, min: None, max }),
            max.map(|_| Expire::Tag { key, default, min, max: None }),
        ];
        all.extend(
            simpler.into_iter().flatten().map(|expire| with(&|rule| rule.expire = expire.clone())),
        );
    }
    all
}

fn matchers(matcher: &Matcher) -> Vec<Matcher> {
    let mut all = Vec::new();
    for (n, line) in matcher.iter().enumerate() {
        if matcher.len() > 1 {
            let mut other = matcher.clone();
            other.remove(n);
            all.push(other);
        }
        if let Line::All(list) | Line::Any(list) | Line::Not(list) = line {
            all.extend(list.iter().cloned());
        }
        all.extend(lines(line).into_iter().map(|line| {
            let mut other = matcher.clone();
            other[n] = line;
            other
        }));
    }
    all
}

fn lines(line: &Line) -> Vec<Line> {
    match line {
        Line::Text(field, own) => ops(own).into_iter().map(|ops| Line::Text(*field, ops)).collect(),
        Line::Tag(key, own) => ops(own).into_iter().map(|ops| Line::Tag(key, ops)).collect(),
        Line::Ip(own) => ip_ops(own).into_iter().map(Line::Ip).collect(),
        Line::Age(tests) => fewer(tests).into_iter().map(Line::Age).collect(),
        Line::All(list) => lists(list).into_iter().map(Line::All).collect(),
        Line::Any(list) => lists(list).into_iter().map(Line::Any).collect(),
        Line::Not(list) => lists(list).into_iter().map(Line::Not).collect(),
    }
}

fn lists(list: &[Matcher]) -> Vec<Vec<Matcher>> {
    let mut all = fewer(list);
    for (n, matcher) in list.iter().enumerate() {
        all.extend(matchers(matcher).into_iter().map(|matcher| {
            let mut other = list.to_vec();
            other[n] = matcher;
            other
        }));
    }
    all
}

/// A list without each of its items, but never without all.
fn fewer<T: Clone>(list: &[T]) -> Vec<Vec<T>> {
    if list.len() < 2 {
        return Vec::new();
    }
    let without = |n: usize| {
        let mut other = list.to_vec();
        other.remove(n);
        other
    };
    (0..list.len()).map(without).collect()
}

fn ops(own: &[Op]) -> Vec<Vec<Op>> {
    let mut all = fewer(own);
    for (n, op) in own.iter().enumerate() {
        let shorter: Vec<Op> = match op {
            Op::Plain(list) => fewer(list).into_iter().map(Op::Plain).collect(),
            Op::In(list) => fewer(list).into_iter().map(Op::In).collect(),
            Op::NotIn(list) => fewer(list).into_iter().map(Op::NotIn).collect(),
            Op::Glob(list) => fewer(list).into_iter().map(Op::Glob).collect(),
            Op::Regex(list) => fewer(list).into_iter().map(Op::Regex).collect(),
            Op::Exists(_) => Vec::new(),
        };
        all.extend(shorter.into_iter().map(|op| {
            let mut other = own.to_vec();
            other[n] = op;
            other
        }));
    }
    all
}

fn ip_ops(own: &[IpOp]) -> Vec<Vec<IpOp>> {
    let mut all = fewer(own);
    for (n, op) in own.iter().enumerate() {
        let shorter: Vec<IpOp> = match op {
            IpOp::Plain(list) => fewer(list).into_iter().map(IpOp::Plain).collect(),
            IpOp::In(list) => fewer(list).into_iter().map(IpOp::In).collect(),
            IpOp::NotIn(list) => fewer(list).into_iter().map(IpOp::NotIn).collect(),
            IpOp::Exists(_) => Vec::new(),
        };
        all.extend(shorter.into_iter().map(|op| {
            let mut other = own.to_vec();
            other[n] = op;
            other
        }));
    }
    all
}

fn instances(instance: &Instance) -> Vec<Instance> {
    let with = |edit: &dyn Fn(&mut Instance)| {
        let mut other = instance.clone();
        edit(&mut other);
        other
    };
    let mut all = Vec::new();
    if instance.hold.is_some() {
        all.push(with(&|instance| instance.hold = None));
    }
    if instance.unprotected {
        all.push(with(&|instance| instance.unprotected = false));
    }
    for n in 0..instance.promises.len() {
        all.push(with(&|instance| {
            instance.promises.remove(n);
        }));
        if instance.promises[n].force != Force::Stands {
            all.push(with(&|instance| instance.promises[n].force = Force::Stands));
        }
        if instance.promises[n].owner != Some("") {
            all.push(with(&|instance| instance.promises[n].owner = Some("")));
        }
    }
    if instance.primary != Told::Absent {
        all.push(with(&|instance| instance.primary = Told::Absent));
    }
    if instance.public.as_ref().is_none_or(|list| !list.is_empty()) {
        all.push(with(&|instance| instance.public = Some(Vec::new())));
    }
    if instance.private.as_ref().is_none_or(|list| !list.is_empty()) {
        all.push(with(&|instance| instance.private = Some(Vec::new())));
    }
    for n in 0..instance.texts.len() {
        if instance.texts[n].1 != Told::Absent {
            all.push(with(&|instance| instance.texts[n].1 = Told::Absent));
        }
    }
    match &instance.tags {
        Tags::List(list) if list.is_empty() => {}
        Tags::List(list) => {
            let without = |n: usize| {
                let mut other = list.clone();
                other.remove(n);
                with(&|instance| instance.tags = Tags::List(other.clone()))
            };
            all.extend((0..list.len()).map(without));
        }
        _ => all.push(with(&|instance| instance.tags = Tags::List(Vec::new()))),
    }
    all
}
