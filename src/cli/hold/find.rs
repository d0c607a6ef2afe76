//! Finds the instances that an operator means: by id in the journal, by id, name or matcher in the inventory of the accounts.
//!
//! A hold on what is not there protects nothing, so what neither journal nor inventory knows is refused. An id that the journal
//! knows needs no call. Names change hands, so a name is looked for in the inventory, and in the journal only if that cannot be had.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    clock,
    cloud::{self, Retry},
    config::{Account, Config},
    inventory::{Instance, Inventory, Status},
    journal::{self, Journal, Known},
    lifetime::shorten,
    rules::{Condition, Truth},
    site::{self, process_env, side_by_side},
    yaml::nearest,
};

/// The most instances that one command holds: more belong into `protect`.
pub(super) const MATCHES_MAX: usize = 1_000;

/// The most instances or problems that are listed in a message.
const LISTED_MAX: usize = 20;

/// How long somebody waits at a terminal for one account: a call, its next try, and all of it.
const CALL_MAX: Duration = Duration::from_secs(10);
const TRIES: u32 = 2;
const LOOK_MAX: Duration = Duration::from_secs(20);

/// What an operator names.
pub(super) enum Wanted<'a> {
    /// An id, or else a name.
    IdOrName(&'a str),
    /// A name.
    Name(&'a str),
    /// Whatever matches.
    Match(&'a Condition),
}

/// An instance that was found.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) account: String,
    pub(super) instance_id: String,
    pub(super) name: Option<String>,
    /// What somebody should know of it, a sentence.
    pub(super) note: Option<String>,
}

/// Why nothing is held.
pub(super) enum Refusal {
    /// The command line does not say which one is meant.
    Ambiguous(String),
    /// There is no such instance, or it cannot be told.
    Unknown(String),
    /// The journal cannot be read.
    Journal(journal::Error),
}

impl From<journal::Error> for Refusal {
    fn from(error: journal::Error) -> Self {
        Self::Journal(error)
    }
}

/// Where it is looked.
pub(super) struct Search<'a> {
    pub(super) config: &'a Config,
    pub(super) journal: &'a Journal,
    /// The account that was named.
    pub(super) account: Option<&'a str>,
}

/// What the accounts have.
struct Listed {
    inventories: Vec<(String, Inventory)>,
    /// Why an account could not be listed.
    problems: Vec<String>,
}

impl Search<'_> {
    /// Returns the instances that are meant: exactly one, or all that match.
    pub(super) async fn find(&self, wanted: &Wanted<'_>) -> Result<Vec<Target>, Refusal> {
        if let Wanted::IdOrName(text) = wanted
            && let Some(target) = self.in_journal(text).await?
        {
            return Ok(vec![target]);
        }
        let listed = self.list().await;
        match wanted {
            Wanted::Match(condition) => matching(&listed, condition, clock::now()),
            Wanted::IdOrName(text) => match one(listed.by(text, is_id), text, "id")? {
                Some(target) => Ok(vec![target]),
                None => self.by_name(&listed, text).await,
            },
            Wanted::Name(name) => self.by_name(&listed, name).await,
        }
    }

    /// Returns the instance of this id that the journal knows.
    async fn in_journal(&self, id: &str) -> Result<Option<Target>, Refusal> {
        if !self.journal.exists() {
            return Ok(None);
        }
        let known = self.journal.known_by_id(id).await?;
        one(known.into_iter().filter_map(|known| self.target(known)).collect(), id, "id")
    }

    /// What the journal knows of an account that is called otherwise by now is of the only one, if there is only one.
    fn target(&self, known: Known) -> Option<Target> {
        let Known { account, instance_id, name } = known;
        let accounts = &self.config.accounts;
        let account = match &accounts[..] {
            _ if accounts.iter().any(|own| own.name == account) => account,
            [only] => only.name.clone(),
            _ => return None,
        };
        let is_meant = self.account.is_none_or(|named| named == account);
        is_meant.then_some(Target { account, instance_id, name, note: None })
    }

    async fn by_name(&self, listed: &Listed, name: &str) -> Result<Vec<Target>, Refusal> {
        if let Some(target) = one(listed.by(name, is_name), name, "name")? {
            return Ok(vec![target]);
        }
        if listed.problems.is_empty() {
            let known = listed.inventories.iter().flat_map(|(_, inventory)| inventory.instances());
            let ids: Vec<_> = known.clone().map(|one| one.id.as_str()).collect();
            let names: Vec<_> = known.filter_map(|one| one.name.as_deref()).collect();
            return Err(Refusal::Unknown(unknown(name, &ids, &names, "")));
        }
        self.by_old_name(listed, name).await
    }

    /// The same by the names that the journal has, where an account cannot be listed.
    async fn by_old_name(&self, listed: &Listed, name: &str) -> Result<Vec<Target>, Refusal> {
        let known = if self.journal.exists() { self.journal.known().await? } else { Vec::new() };
        let known: Vec<_> = known.into_iter().filter_map(|known| self.target(known)).collect();
        let is_so = |target: &&Target| target.name.as_deref() == Some(name);
        let called: Vec<_> = known.iter().filter(is_so).map(Target::again).collect();
        if let Some(target) = one(called, name, "name")? {
            let note = format!(
                "the name is the last one that the journal has of it; {}",
                listed.problems.join("; ")
            );
            return Ok(vec![Target { note: Some(note), ..target }]);
        }
        let ids: Vec<_> = known.iter().map(|one| one.instance_id.as_str()).collect();
        let names: Vec<_> = known.iter().filter_map(|one| one.name.as_deref()).collect();
        let why = format!("; {}", listed.problems.join("; "));
        Err(Refusal::Unknown(unknown(name, &ids, &names, &why)))
    }

    /// Lists the account that was named, or all.
    async fn list(&self) -> Listed {
        let accounts = self.config.accounts.iter();
        let accounts = accounts.filter(|own| self.account.is_none_or(|named| own.name == named));
        let listings =
            side_by_side(
                accounts,
                |account| async move { (account.name.clone(), list(account).await) },
            );
        let mut listed = Listed { inventories: Vec::new(), problems: Vec::new() };
        for (account, listing) in listings.await {
            match listing {
                Ok(inventory) => listed.inventories.push((account, inventory)),
                Err(why) => {
                    listed.problems.push(format!("cannot list the account {account}: {why}"));
                }
            }
        }
        listed
    }
}

async fn list(account: &Account) -> Result<Inventory, String> {
    let mut account = account.clone();
    let settings = &mut account.settings;
    settings.timeout = settings.timeout.min(CALL_MAX);
    let Retry { attempts, total, first_delay } = settings.retry;
    settings.retry =
        Retry { attempts: attempts.min(TRIES), total: total.min(LOOK_MAX), first_delay };
    let (client, _) = site::client(&account, process_env).map_err(|error| format!("{error:#}"))?;
    cloud::list(&client, &|_, _| {}).await.map_err(|unlisted| unlisted.to_string())
}

impl Listed {
    /// The instances that `is_meant` says are meant by a text, also those whose record cannot be read.
    fn by(&self, text: &str, is_meant: fn(&str, Option<&str>, &str) -> bool) -> Vec<Target> {
        let of = |(account, inventory): &(String, Inventory)| {
            let instances = inventory.instances().iter().map(|one| of_instance(account, one));
            let unreadable = inventory.unreadable().iter().map(|odd| Target {
                account: account.clone(),
                instance_id: odd.id.as_str().to_owned(),
                name: None,
                note: None,
            });
            instances.chain(unreadable).collect::<Vec<_>>()
        };
        let all = self.inventories.iter().flat_map(of);
        all.filter(|one| is_meant(&one.instance_id, one.name.as_deref(), text)).collect()
    }
}

impl Target {
    fn again(&self) -> Self {
        let Self { account, instance_id, name, note } = self;
        Self {
            account: account.clone(),
            instance_id: instance_id.clone(),
            name: name.clone(),
            note: note.clone(),
        }
    }
}

fn is_id(id: &str, _: Option<&str>, text: &str) -> bool {
    id == text
}

fn is_name(_: &str, name: Option<&str>, text: &str) -> bool {
    name == Some(text)
}

fn of_instance(account: &str, instance: &Instance) -> Target {
    let is_binned = instance.status == Some(Status::Recycle);
    let note = is_binned.then(|| {
        "it is in the recycle bin: a hold does not bring it back; restore it in Zenlayer's console".to_owned()
    });
    Target {
        account: account.to_owned(),
        instance_id: instance.id.as_str().to_owned(),
        name: instance.name.as_deref().map(str::to_owned),
        note,
    }
}

/// Everything that matches, and what cannot be told: as in `protect`, unknown protects.
fn matching(
    listed: &Listed,
    condition: &Condition,
    now: Timestamp,
) -> Result<Vec<Target>, Refusal> {
    if !listed.problems.is_empty() {
        return Err(Refusal::Unknown(listed.problems.join("; ")));
    }
    let mut targets = Vec::new();
    for (account, inventory) in &listed.inventories {
        for instance in inventory.instances() {
            let note = match condition.test(instance, now) {
                Truth::True => None,
                Truth::False => continue,
                Truth::Unknown(field) => Some(format!("its {} is unknown", field.as_str())),
            };
            let target = of_instance(account, instance);
            targets.push(Target { note: note.or(target.note.clone()), ..target });
        }
    }
    match targets.len() {
        0 => Err(Refusal::Unknown("no instance matches; see `zenreaper inventory`".to_owned())),
        1..=MATCHES_MAX => Ok(targets),
        many => Err(Refusal::Ambiguous(format!(
            "{many} instances match, and one command holds at most {MATCHES_MAX}; narrow the matcher, or name the instances under \
             `protect` in the config"
        ))),
    }
}

/// The only one of these; several are listed.
fn one(mut found: Vec<Target>, text: &str, what: &str) -> Result<Option<Target>, Refusal> {
    if found.len() <= 1 {
        return Ok(found.pop());
    }
    let line = |one: &Target| format!("\n  {} in {}", shorten(&one.instance_id), one.account);
    let lines: String = found.iter().take(LISTED_MAX).map(line).collect();
    let more = found.len().saturating_sub(LISTED_MAX);
    let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
    let first = found.first().map(|one| one.account.as_str());
    let accounts: Vec<_> = found.iter().map(|one| one.account.as_str()).collect();
    let how = if what == "id" || !accounts.iter().all(|one| Some(*one) == first) {
        format!("--account names one of {}", accounts.join(", "))
    } else {
        "name one by its id".to_owned()
    };
    Err(Refusal::Ambiguous(format!(
        "{} instances have the {what} `{}`; {how}:{lines}{more}",
        found.len(),
        shorten(text)
    )))
}

/// That nothing is known of an instance, and what was most likely meant.
fn unknown(text: &str, ids: &[&str], names: &[&str], why: &str) -> String {
    let is_same = |other: &&&str| other.trim().eq_ignore_ascii_case(text.trim());
    let id = ids.iter().find(is_same).copied().or_else(|| nearest(text, ids));
    let name = names.iter().find(is_same).copied().or_else(|| nearest(text, names));
    let near = match (id, name) {
        (Some(id), _) => format!("; did you mean the id `{}`?", shorten(id)),
        (None, Some(name)) => format!("; did you mean `--name {}`?", shorten(name)),
        (None, None) => String::new(),
    };
    format!(
        "neither the journal nor the inventory has an instance with the id or name `{}`{why}{near}; nothing is held; to hold an \
         instance that is not there yet, give its id and --unseen",
        shorten(text)
    )
}
