//! `zenreaper explain`: why one machine lives or dies. It never acts.

mod text;

use std::{io::Write, path::Path};

use clap::{ArgGroup, Args};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    Output,
    exit::Exit,
    ignore_closed_pipe,
    look::{self, LookArgs},
    operator,
    progress::Console,
    tell,
};
use crate::{
    clock,
    config::Mode,
    explain::{Explanation, explain},
    inventory::{Instance, Inventory, Unreadable},
    lifetime::shorten,
    plan::{Decision, Keep, Plan, Scope, Subject, memory::Memory},
    view::{self, Seen, View},
    yaml::nearest,
};

/// The most machines of one name that are listed.
const LISTED_MAX: usize = 20;

/// What `explain` takes.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("machine").required(true))]
pub(super) struct ExplainArgs {
    /// The machine's id.
    #[arg(value_name = "INSTANCE_ID", group = "machine")]
    instance_id: Option<String>,
    /// The machine's name, instead of its id.
    #[arg(long, value_name = "NAME", group = "machine")]
    name: Option<String>,
    /// Judge it as of this instant, such as 2026-12-01T00:00:00Z, instead of now; the machine itself is looked at as it is today, or
    /// as it was saved.
    #[arg(long, value_name = "TIMESTAMP", value_parser = look::instant)]
    at: Option<Timestamp>,
    /// A text for people, JSON for programs.
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    output: Output,
    #[command(flatten)]
    look: LookArgs,
}

/// By what a machine is asked for.
#[derive(Clone, Copy)]
enum Wanted<'a> {
    Id(&'a str),
    Name(&'a str),
}

/// A machine in what was seen of its account.
#[derive(Clone, Copy)]
struct Found<'a> {
    seen: &'a Seen,
    inventory: &'a Inventory,
    subject: Subject<'a>,
}

/// What is said of a machine.
#[derive(Serialize)]
struct Answer<'a> {
    account: &'a str,
    #[serde(flatten)]
    told: Told<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Told<'a> {
    Explained(Box<Explanation>),
    Unreadable(Odd<'a>),
}

/// A record that cannot be read, in the words of an explanation.
#[derive(Serialize)]
struct Odd<'a> {
    instance_id: &'a str,
    as_of: Timestamp,
    sentence: String,
    decision: &'static str,
    reason: &'static str,
    problem: &'a str,
}

impl ExplainArgs {
    fn wanted(&self) -> Wanted<'_> {
        match (&self.instance_id, &self.name) {
            (Some(id), _) => Wanted::Id(id),
            (None, name) => Wanted::Name(name.as_deref().unwrap_or_default()),
        }
    }
}

impl Wanted<'_> {
    fn is(self, subject: Subject<'_>) -> bool {
        match self {
            Self::Id(id) => subject.id().as_str() == id,
            Self::Name(name) => subject.name() == Some(name),
        }
    }

    fn words(self) -> String {
        match self {
            Self::Id(id) => format!("the id `{}`", shorten(id)),
            Self::Name(name) => format!("the name `{}`", shorten(name)),
        }
    }
}

/// Explains a machine.
pub(super) async fn explained(
    path: &Path,
    args: &ExplainArgs,
    console: &Console,
) -> anyhow::Result<Exit> {
    let lookout = match args.look.lookout(path) {
        Ok(lookout) => lookout,
        Err(exit) => return Ok(exit),
    };
    let view = lookout.about(args.at).look(console).await?;
    let now = args.at.unwrap_or_else(clock::now);
    let wanted = args.wanted();
    let found: Vec<_> = subjects(&view).filter(|found| wanted.is(found.subject)).collect();
    match found.as_slice() {
        [] => Ok(nobody(wanted, &view)),
        [found] => {
            let told = found.told(view.mode, now);
            show(&Answer { account: &found.seen.account, told }, args.output)?;
            Ok(Exit::Done)
        }
        several => Ok(several_of(wanted, several)),
    }
}

/// Every machine that was seen.
fn subjects(view: &View) -> impl Iterator<Item = Found<'_>> {
    view.accounts.iter().flat_map(|seen| {
        let inventory = seen.listed.as_ref().ok();
        inventory.into_iter().flat_map(move |inventory| {
            let instances = inventory.instances().iter().map(Subject::Instance);
            let unreadable = inventory.unreadable().iter().map(Subject::Unreadable);
            let found = move |subject| Found { seen, inventory, subject };
            instances.chain(unreadable).map(found)
        })
    })
}

impl<'a> Found<'a> {
    fn told(self, mode: Mode, now: Timestamp) -> Told<'a> {
        match self.subject {
            Subject::Instance(instance) => {
                Told::Explained(Box::new(self.explanation(instance, mode, now)))
            }
            Subject::Unreadable(odd) => Told::Unreadable(Odd::of(odd, now)),
        }
    }

    fn explanation(&self, instance: &Instance, mode: Mode, now: Timestamp) -> Explanation {
        let Seen { policy, limits, memory, .. } = self.seen;
        let forgetful = Memory::default();
        let known = memory.as_ref().unwrap_or(&forgetful);
        let explanation = explain(policy, instance, known, now);
        let explanation = match memory {
            Ok(memory) => {
                let plan = Plan::draft(self.inventory, policy, memory, &Scope::All, now);
                explanation.within(&plan, limits, memory)
            }
            Err(error) => {
                tell(&format!("error: {error}\n"));
                explanation.forgetful()
            }
        };
        match mode {
            Mode::DryRun => explanation.rehearsed(),
            Mode::Enforce => explanation,
        }
    }
}

impl<'a> Odd<'a> {
    fn of(odd: &'a Unreadable, now: Timestamp) -> Self {
        let Unreadable { id, problem } = odd;
        let decision = Decision::Keep(Keep::Unreadable);
        Self {
            instance_id: id.as_str(),
            as_of: now,
            sentence: format!("It stays: its record cannot be read: {problem}."),
            decision: decision.as_str(),
            reason: decision.reason(),
            problem,
        }
    }
}

fn show(answer: &Answer<'_>, output: Output) -> anyhow::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    match output {
        Output::Json => view::json(answer, &mut out),
        Output::Table => out.write_all(text::page(answer).as_bytes()),
    }
    .and_then(|()| out.flush())
    .or_else(ignore_closed_pipe)?;
    Ok(())
}

/// Tells that there is no such machine, or that it is not known whether there is.
fn nobody(wanted: Wanted<'_>, view: &View) -> Exit {
    for seen in &view.accounts {
        if let Err(unlisted) = &seen.listed {
            tell(&format!("error: account {}: {unlisted}\n", seen.account));
        }
    }
    let places: Vec<_> = view.accounts.iter().map(|seen| seen.account.as_str()).collect();
    let (words, places) = (wanted.words(), places.join(", "));
    tell(&format!("error: no machine in {places} has {words}{}\n", nearest_to(wanted, view)));
    Exit::Failed
}

/// The machine that somebody who asked so most likely meant.
fn nearest_to(wanted: Wanted<'_>, view: &View) -> String {
    let (Wanted::Id(word) | Wanted::Name(word)) = wanted;
    let of_id = || subjects(view).map(|found| found.subject.id().as_str());
    let of_name = || subjects(view).filter_map(|found| found.subject.name());
    let id = |id: &str| format!("; did you mean the id `{}`?", shorten(id));
    let name = |name: &str| format!("; did you mean `--name {}`?", shorten(name));
    let equal = match wanted {
        Wanted::Id(word) => of_name().find(|name| *name == word).map(name),
        Wanted::Name(word) => of_id().find(|id| *id == word).map(id),
    };
    let near_id = || nearest(word, &of_id().collect::<Vec<_>>()).map(id);
    let near_name = || nearest(word, &of_name().collect::<Vec<_>>()).map(name);
    let near = || match wanted {
        Wanted::Id(_) => near_id().or_else(near_name),
        Wanted::Name(_) => near_name().or_else(near_id),
    };
    equal.or_else(near).unwrap_or_else(|| "; see `zenreaper inventory`".to_owned())
}

/// Lists the machines of which one is to be named.
fn several_of(wanted: Wanted<'_>, found: &[Found<'_>]) -> Exit {
    let line = |found: &Found<'_>| {
        format!("\n  {} in {}", shorten(found.subject.id().as_str()), found.seen.account)
    };
    let lines: String = found.iter().take(LISTED_MAX).map(line).collect();
    let more = found.len().saturating_sub(LISTED_MAX);
    let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
    let how = match wanted {
        Wanted::Id(_) => "name one of their accounts by --account",
        Wanted::Name(_) => "explain one of them by its id",
    };
    let words = wanted.words();
    operator::wrong_usage(&format!("{} machines have {words}; {how}:{lines}{more}", found.len()))
}
