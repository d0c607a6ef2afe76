//! An explanation as text for people: the sentence first, then what led to it. Pure.

use jiff::Timestamp;

use super::{Answer, Odd, Told};
use crate::{
    cli::table::printable,
    explain::{
        Caps, Decider, ExpiryTerms, Explanation, Kept, Kind, Length, Node, NoticeView, Own,
        Reckoning, RuleCaps, RuleView, Says, ScheduleView, Standing, TagTerms, distance, instant,
    },
    rules::Truth,
};

/// The whole page.
pub(super) fn page(answer: &Answer<'_>) -> String {
    let lines = match &answer.told {
        Told::Explained(explanation) => explained(answer.account, explanation),
        Told::Unreadable(odd) => {
            let Odd { instance_id, as_of, sentence, .. } = odd;
            vec![sentence.clone(), String::new(), head(answer.account, instance_id, None, *as_of)]
        }
    };
    lines.iter().map(|line| printable(line) + "\n").collect()
}

fn explained(account: &str, explanation: &Explanation) -> Vec<String> {
    let Explanation { instance_id, name, as_of, sentence, decision, reason, .. } = explanation;
    let mut lines = vec![
        sentence.clone(),
        String::new(),
        head(account, instance_id, name.as_deref(), *as_of),
        format!("{decision}: {reason}"),
    ];
    for view in &explanation.rules {
        lines.push(String::new());
        lines.extend(rule(view, *as_of));
    }
    lines.push(String::new());
    lines.extend(standing(&explanation.eligibility));
    // Without a journal there are no caps either.
    let none = match explanation.caps {
        Some(_) => "no pause",
        None => "not known whether there is a pause",
    };
    lines.push(explanation.pause.clone().unwrap_or_else(|| none.to_owned()));
    lines.extend(explanation.caps.iter().flat_map(caps));
    lines
}

fn head(account: &str, id: &str, name: Option<&str>, now: Timestamp) -> String {
    let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
    format!("{id}{name} in {account}, as of {}", instant(now))
}

fn rule(view: &RuleView, now: Timestamp) -> Vec<String> {
    let RuleView { rule, description, file, line, enabled, action, verdict, .. } = view;
    let off = if *enabled { "" } else { ", switched off" };
    let mut lines = vec![format!("rule {rule} ({file}:{line}{off}): {verdict}")];
    lines.extend(description.iter().map(|text| format!("  {text}")));
    tree("match: ", &view.matches, 1, &mut lines);
    if let Some(unless) = &view.unless {
        tree("unless: ", unless, 1, &mut lines);
    }
    lines.push(format!("  expire: {}", expiry(&view.expiry, now)));
    lines.extend(view.notice.iter().map(|view| format!("  notice: {}", notice(view, now))));
    lines.extend(view.schedule.iter().map(|view| format!("  schedule: {}", schedule(view, now))));
    let at = view.terminate_at;
    lines.extend(at.map(|at| format!("  {action}: not before {}", dated(at, now))));
    lines
}

/// A condition with its parts; a frame around one part is not shown.
fn tree(label: &str, node: &Node, depth: usize, lines: &mut Vec<String>) {
    let Node { kind, asked, seen, truth, parts } = node;
    if let (Kind::All | Kind::Any, [only]) = (kind, parts.as_slice()) {
        return tree(label, only, depth, lines);
    }
    let seen = seen.as_ref().map(|seen| format!("  [{seen}]")).unwrap_or_default();
    lines.push(format!("{}{label}{} {asked}{seen}", "  ".repeat(depth), mark(*truth)));
    for part in parts {
        tree("", part, depth + 1, lines);
    }
}

fn mark(truth: Truth) -> char {
    match truth {
        Truth::True => '✓',
        Truth::False => '✗',
        Truth::Unknown(_) => '?',
    }
}

fn dated(at: Timestamp, now: Timestamp) -> String {
    format!("{} ({})", instant(at), distance(at, now))
}

fn expiry(reckoning: &Reckoning, now: Timestamp) -> String {
    let Reckoning { created, terms, due: word, due_at } = reckoning;
    let due = due_at.map(|at| dated(at, now));
    let due = due.unwrap_or_else(|| "not known".to_owned());
    match terms {
        ExpiryTerms::AtOnce => "at once".to_owned(),
        ExpiryTerms::After { life } => format!("{} = {due}", sum(*created, *life)),
        ExpiryTerms::At { at } if *word == "never" => {
            format!("{}, before it was created: never", instant(*at))
        }
        ExpiryTerms::At { at } if due_at.is_none() => {
            format!("{}, if it was created before that, which the cloud did not tell", instant(*at))
        }
        ExpiryTerms::At { .. } => due,
        ExpiryTerms::Tag(tag) => of_tag(tag, *created, &due),
    }
}

fn sum(created: Option<Timestamp>, life: Length) -> String {
    let created = created.map_or_else(|| "not told".to_owned(), instant);
    format!("created {created} + {life}")
}

fn of_tag(tag: &TagTerms, created: Option<Timestamp>, due: &str) -> String {
    let TagTerms { key, value, says, default, min: _, max, max_at: _, timezone: _, decides } = tag;
    let head = match value {
        Some(value) => format!("the tag {key}={value}"),
        None => format!("no tag {key}"),
    };
    let bought = match (says, default) {
        (Says::Nothing, None) => " and no default: never".to_owned(),
        (Says::Nothing, Some(life)) => format!(", so the default: {}", sum(created, *life)),
        (Says::Life(life), _) => format!(": {}", sum(created, *life)),
        (Says::Until(at), _) => format!(": until {}", instant(*at)),
        (Says::Never, _) => ": never".to_owned(),
        (Says::Unreadable(why), _) => format!(" cannot be read: {why}"),
    };
    let end = match (decides, max) {
        (None, _) => String::new(),
        (Some(Decider::Max), Some(max)) => {
            format!("; but at most max: {} = {due}", sum(created, *max))
        }
        (Some(Decider::Tag | Decider::Default | Decider::Max), _) => format!(" = {due}"),
    };
    format!("{head}{bought}{end}")
}

fn notice(view: &NoticeView, now: Timestamp) -> String {
    let NoticeView { period, required, telling, begun_at, told_at, promised_at, .. } = view;
    let how = if *required { ", and no termination without" } else { "" };
    let mut parts = vec![format!("{period} before{how}")];
    parts.extend(telling.map(str::to_owned));
    parts.extend(begun_at.map(|at| format!("written {}", dated(at, now))));
    parts.extend(told_at.map(|at| format!("told {}", dated(at, now))));
    parts.extend(promised_at.map(|at| format!("promised not before {}", dated(at, now))));
    parts.extend(view.told_of_rule.iter().map(|rule| format!("sent under the rule {rule}")));
    if view.owner_changed {
        parts.push("the owner changed since the notice".to_owned());
    }
    parts.join("; ")
}

fn schedule(view: &ScheduleView, now: Timestamp) -> String {
    let ScheduleView { pattern, resting, next_at } = view;
    let turn = if *resting { "not its turn" } else { "its turn" };
    let next = next_at.map(|at| format!("; next {}", dated(at, now))).unwrap_or_default();
    format!("{pattern}: {turn}{next}")
}

fn standing(standing: &Standing) -> Vec<String> {
    let Standing { skip, status, charge_type, by_status, protect, own, hold } = standing;
    let verdict = skip.map_or_else(|| "yes".to_owned(), |skip| format!("no, {skip}"));
    let told = |text: &Option<String>| text.clone().unwrap_or_else(|| "not told".to_owned());
    let against = by_status.map(|skip| format!(": {skip}")).unwrap_or_default();
    let charge = told(charge_type);
    let mut lines = vec![
        format!("may be touched: {verdict}"),
        format!("  status: {}, charge type {charge}{against}", told(status)),
    ];
    if let Some(protect) = protect {
        tree("protect: ", protect, 1, &mut lines);
    }
    lines.extend(own.as_ref().map(|own| format!("  own host: {}", own_by(own))));
    lines.extend(
        hold.as_ref().map(|Kept { kind, until }| format!("  {kind} until {}", instant(*until))),
    );
    lines
}

fn own_by(own: &Own) -> String {
    match own {
        Own::Address(address) => format!("it has the address {address} too"),
        Own::Hostname(name) => format!("it has the name {name} too"),
        Own::Id => "it has the same id".to_owned(),
    }
}

fn caps(caps: &Caps) -> Vec<String> {
    let Caps { live, terminates, terminated_in_a_day, refusal, refused_by: _, rules, .. } = caps;
    let verdict = match refusal {
        Some(refusal) => format!("REFUSED: {refusal}"),
        None => "approved".to_owned(),
    };
    let mut lines = vec![
        format!("plan of this run: {verdict}"),
        format!(
            "  terminates {terminates} of {live} live (max_terminations {}, max_percent {})",
            caps.max_terminations, caps.max_percent
        ),
        format!("  {terminated_in_a_day} in the 24h before (max_per_day {})", caps.max_per_day),
    ];
    lines.extend(rules.iter().map(of_rule));
    lines
}

fn of_rule(caps: &RuleCaps) -> String {
    let RuleCaps { rule, terminates, max_terminations, leaves, min_remaining } = caps;
    let max = max_terminations.map(|max| format!(" (max_terminations {max})")).unwrap_or_default();
    format!(
        "  rule {rule} terminates {terminates}{max} and leaves {leaves} (min_remaining {min_remaining})"
    )
}
