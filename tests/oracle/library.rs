//! What zenreaper decides: the library, asked through the texts that it reads.

use std::sync::Arc;

use jiff::Timestamp;
use zenreaper::{
    cloud, config,
    diagnostic::{self, Source},
    inventory::{InstanceId, Listing, Page, Unreadable},
    plan::{
        self, Plan, Policy, Scope, Subject,
        eligibility::Host,
        memory::{self, HoldKind, Memory, Pause},
    },
    rules::{self, RuleName},
};

use crate::{
    case::{Case, Force, Instance, Millis, Promise, Turn},
    write,
};

/// A decision of the library.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Got {
    pub(crate) decision: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) rule: Option<usize>,
    pub(crate) due: Option<Millis>,
    pub(crate) terminate: Option<Millis>,
}

/// The decisions on the instances of a case, in their order, or why its texts are refused.
pub(crate) fn decide(case: &Case) -> Result<Vec<Got>, String> {
    let now = at(case.now);
    let policy = policy(case)?;
    let mut listing = Listing::default();
    listing.add(page(&case.instances));
    let inventory = listing.finish().map_err(|incomplete| incomplete.to_string())?;
    let turn = match &case.turn {
        Turn::Asked(_) => plan::Turn::Asked,
        Turn::Service(resting) => {
            plan::Turn::AllBut(resting.iter().map(|number| name(*number)).collect())
        }
    };
    let memory = memory(case).at_turn(&turn, &policy.rules, now);
    let plan = Plan::draft(&inventory, &policy, &memory, &Scope::All, now);
    case.instances.iter().map(|instance| got(&plan, instance)).collect()
}

fn got(plan: &Plan<'_>, instance: &Instance) -> Result<Got, String> {
    let id = InstanceId::new(&instance.id);
    let found = plan.decision(&id);
    let (_, judgement): &(Subject<'_>, _) = found.ok_or(format!("no decision on {id:?}"))?;
    let millis = |at: Timestamp| at.as_millisecond();
    Ok(Got {
        decision: judgement.decision.as_str(),
        reason: judgement.decision.reason(),
        rule: judgement.rule.map(|rule| rule.name.as_str()[1..].parse().unwrap()),
        due: judgement.due_at.map(millis),
        terminate: judgement.terminate_at.map(millis),
    })
}

/// Whether a rule with this `expire` is read, and if not, why.
pub(crate) fn reads_rules(text: &str) -> Result<(), String> {
    let source = Arc::new(Source { name: "rules.yaml".into(), text: text.to_owned() });
    let read = rules::parse(&[source], &rules::Terms::default());
    read.map(drop).map_err(|problems| diagnostic::render(&problems, false))
}

fn policy(case: &Case) -> Result<Policy, String> {
    let source = |name: &str, text| Arc::new(Source { name: name.into(), text });
    let (config, problems) =
        config::read(&source("config.yaml", write::config(case)), at(case.now));
    let config = config.ok_or_else(|| diagnostic::render(&problems, false))?;
    let rules = rules::parse(&[source("rules.yaml", write::rules(case))], &config.terms());
    let rules = rules.map_err(|problems| diagnostic::render(&problems, false))?;
    let host = Host {
        addresses: case.host.addresses.iter().map(|text| text.parse().unwrap()).collect(),
        hostnames: case.host.names.iter().map(|name| (*name).to_owned()).collect(),
        ids: case.host.ids.iter().map(|id| id.as_str().into()).collect(),
    };
    Ok(Policy { rules, protect: config.protect, host })
}

fn page(instances: &[Instance]) -> Page {
    let total = instances.len();
    let mut page = Page { total: total as u64, entries: total, ..Page::default() };
    for instance in instances {
        match cloud::read_record(&write::record(instance)) {
            Some(read) => page.instances.push(read),
            None => page.unreadable.push(Unreadable {
                id: InstanceId::new(&instance.id),
                problem: "not of the documented shape".into(),
            }),
        }
    }
    page
}

fn at(millis: Millis) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap()
}

fn name(number: usize) -> RuleName {
    RuleName::new(&format!("r{number}")).unwrap()
}

fn memory(case: &Case) -> Memory {
    let mut memory = Memory { owner_tag: case.owner_tag.map(str::to_owned), ..Memory::default() };
    if let Turn::Asked(last_run) = case.turn {
        memory.last_run_at = last_run.map(at);
    }
    memory.pause =
        case.paused.then(|| Pause { since: at(case.now), until: None, reason: None, by: None });
    for instance in &case.instances {
        let id = InstanceId::new(&instance.id);
        if let Some(hold) = &instance.hold {
            let kind = HoldKind::ALL.into_iter().find(|kind| kind.as_str() == hold.reason).unwrap();
            memory.holds.insert(id.clone(), memory::Hold { kind, until: at(hold.until) });
        }
        if instance.unprotected {
            memory.inventory.unprotected.insert(id.clone());
        }
        if !instance.promises.is_empty() {
            memory.promises.insert(id, instance.promises.iter().map(promise).collect());
        }
    }
    memory
}

fn promise(own: &Promise) -> memory::Promise {
    memory::Promise {
        key: String::new(),
        rule: name(own.rule),
        owner: own.owner.map(str::to_owned),
        begun_at: at(own.begun),
        told_at: own.told.map(at),
        terminate_at: at(own.terminate),
        force: match own.force {
            Force::Stands => memory::Force::Stands,
            Force::Orphaned => memory::Force::Orphaned,
            Force::TimeOnly => memory::Force::TimeOnly,
        },
    }
}
