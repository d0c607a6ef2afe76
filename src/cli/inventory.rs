//! `zenreaper inventory`: what there is, to look at or to save. It never acts, and needs no rules.

use std::{
    collections::BTreeMap,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::Args;
use jiff::Timestamp;

use super::{
    Output,
    exit::Exit,
    ignore_closed_pipe, operator,
    progress::Console,
    table::{table, text},
    tell, write_private,
};
use crate::{
    clock,
    cloud::{self, Client, Unlisted, saved::Entries},
    config,
    inventory::{ChargeType, Instance, Inventory, Status, Unreadable},
    lifetime::{counted, relative, shorten},
    site::{self, process_env, side_by_side},
};

/// What `inventory` takes.
#[derive(Debug, Args)]
pub(super) struct InventoryArgs {
    /// A table for people, or the listing as the API wrote it, for programs.
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    output: Output,
    /// Write the listing to this file too, for `--inventory` of other commands.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Only this account; needed for `--out` and `-o json` if the config has several.
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
}

impl InventoryArgs {
    /// Whether the entries are wanted as the API wrote them.
    fn is_for_programs(&self) -> bool {
        self.out.is_some() || self.output == Output::Json
    }

    fn wanted<'a>(
        &self,
        accounts: &'a [config::Account],
    ) -> Result<Vec<&'a config::Account>, String> {
        if self.account.is_none() && !self.is_for_programs() {
            return Ok(accounts.iter().collect());
        }
        let one = operator::one_of(accounts, self.account.as_deref());
        one.map(|account| vec![account]).map_err(|problem| match self.account {
            Some(_) => problem,
            None => format!("--out and -o json are about one account: {problem}"),
        })
    }
}

/// Shows what there is, or saves it.
pub(super) async fn inventory(
    path: &Path,
    args: &InventoryArgs,
    console: &Console,
) -> anyhow::Result<Exit> {
    let config = match operator::settings(path, &["accounts"]) {
        Ok(config) => config,
        Err(exit) => return Ok(exit),
    };
    let accounts = match args.wanted(&config.accounts) {
        Ok(accounts) => accounts,
        Err(problem) => return Ok(operator::wrong_usage(&problem)),
    };
    let client = |account: &&config::Account| {
        let (client, _) = site::client(account, process_env)?;
        anyhow::Ok((account.name.clone(), client))
    };
    let clients: Vec<_> = accounts.iter().map(client).collect::<anyhow::Result<_>>()?;
    let mut exit = Exit::Done;
    let listings = side_by_side(clients, |(account, client)| async move {
        let listed = list(&client, args, console).await;
        (account, listed)
    });
    for (account, listed) in listings.await {
        match listed {
            Ok(listed) => hand_over(&account, &listed, args)?,
            Err(unlisted) => {
                let saved = if args.out.is_some() { "; nothing is saved" } else { "" };
                tell(&format!("error: account {account}: {unlisted}{saved}\n"));
                exit = Exit::Failed;
            }
        }
    }
    Ok(exit)
}

/// A whole listing, with its entries as the API wrote them if they are wanted.
struct Listed {
    inventory: Inventory,
    entries: Option<Entries>,
}

async fn list(
    client: &Client,
    args: &InventoryArgs,
    console: &Console,
) -> Result<Listed, Unlisted> {
    let progress = console.reading();
    if args.is_for_programs() {
        let (inventory, entries) = cloud::list_to_save(client, &progress).await?;
        return Ok(Listed { inventory, entries: Some(entries) });
    }
    Ok(Listed { inventory: cloud::list(client, &progress).await?, entries: None })
}

/// Saves the listing if that was asked for, and shows it.
fn hand_over(account: &str, listed: &Listed, args: &InventoryArgs) -> anyhow::Result<()> {
    let Listed { inventory, entries } = listed;
    if let (Some(file), Some(entries)) = (&args.out, entries) {
        let mut saved = Vec::new();
        entries.write(&mut saved).with_context(|| format!("cannot save {}", file.display()))?;
        write_private(file, &saved)?;
    }
    let mut out = BufWriter::new(io::stdout().lock());
    match (args.output, entries) {
        (Output::Json, Some(entries)) => entries.write(&mut out),
        (Output::Table, _) | (Output::Json, None) => {
            inventory_table(account, inventory, clock::now(), &mut out)
        }
    }
    .and_then(|()| out.flush())
    .or_else(ignore_closed_pipe)?;
    Ok(())
}

/// Writes every machine, and how many there are by their status.
fn inventory_table(
    account: &str,
    inventory: &Inventory,
    now: Timestamp,
    out: &mut dyn Write,
) -> io::Result<()> {
    if !inventory.instances().is_empty() {
        let header =
            ["INSTANCE", "NAME", "STATUS", "CHARGE", "ZONE", "TYPE", "CREATED", "", "TAGS"];
        table(header, || inventory.instances().iter().map(|one| row(one, now)), out)?;
        writeln!(out)?;
    }
    for Unreadable { id, problem } in inventory.unreadable() {
        writeln!(out, "{} cannot be read: {}", shorten(id.as_str()), text(problem))?;
    }
    writeln!(out, "account {account}: {}", totals(inventory))
}

fn row(instance: &Instance, now: Timestamp) -> [String; 9] {
    let short = |told: Option<&str>| told.map(shorten).unwrap_or_default();
    let created = instance.created;
    let tags: Vec<_> = instance
        .tags
        .iter()
        .map(|(key, value)| format!("{}={}", shorten(key), shorten(value)))
        .collect();
    [
        shorten(instance.id.as_str()),
        short(instance.name.as_deref()),
        short(instance.status.as_ref().map(Status::as_str)),
        short(instance.charge_type.as_ref().map(ChargeType::as_str)),
        short(instance.zone.as_deref()),
        short(instance.instance_type.as_deref()),
        created.map(|at| format!("{at:.0}")).unwrap_or_default(),
        created.map(|at| relative(at, now)).unwrap_or_default(),
        text(&tags.join(" ")),
    ]
}

/// How many machines there are, and how many of each status: `3 instances (2 RUNNING, 1 STOPPED)`.
fn totals(inventory: &Inventory) -> String {
    let mut by_status = BTreeMap::<&str, usize>::new();
    for instance in inventory.instances() {
        let status = instance.status.as_ref().map_or("without a status", Status::as_str);
        *by_status.entry(status).or_default() += 1;
    }
    let unreadable = inventory.unreadable().len();
    let mut counts: Vec<_> =
        by_status.iter().map(|(status, count)| format!("{count} {}", shorten(status))).collect();
    counts.extend((unreadable > 0).then(|| format!("{unreadable} that cannot be read")));
    let instances = counted(inventory.len(), "instance", "instances");
    if counts.is_empty() {
        return instances;
    }
    format!("{instances} ({})", counts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{
        InstanceId, Listing, Page,
        tests::{instance, tags},
    };

    fn shown(instances: Vec<Instance>, unreadable: Vec<Unreadable>) -> String {
        let entries = instances.len() + unreadable.len();
        let mut listing = Listing::default();
        listing.add(Page { total: entries as u64, entries, instances, unreadable });
        let now = "2026-11-04T12:00:00Z".parse().unwrap();
        let mut out = Vec::new();
        inventory_table("main", &listing.finish().unwrap(), now, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_table_shows_what_is_told_and_nothing_that_steers_a_terminal() {
        let mut told = instance("i-1");
        told.tags = tags(&[("env", "dev"), ("evil", "\u{1b}[31m")]);
        let mut untold = instance("i-2");
        (untold.name, untold.status, untold.created) = (None, None, None);
        let mut new = instance("i-3");
        new.status = Some(Status::Other("MELTING".into()));
        let odd = Unreadable { id: InstanceId::new("i-0"), problem: "two\nlines".into() };
        expect_test::expect![[r#"
            INSTANCE  NAME        STATUS   CHARGE    ZONE   TYPE  CREATED                       TAGS
            i-1       dev-api-01  RUNNING  POSTPAID  HKG-A  M6C   2026-11-01T00:00:00Z  3d ago  env=dev evil=\u{1b}[31m
            i-2                            POSTPAID  HKG-A  M6C
            i-3       dev-api-01  MELTING  POSTPAID  HKG-A  M6C   2026-11-01T00:00:00Z  3d ago

            i-0 cannot be read: two\nlines
            account main: 4 instances (1 MELTING, 1 RUNNING, 1 without a status, 1 that cannot be read)
        "#]].assert_eq(&shown(vec![told, untold, new], vec![odd]));
    }

    #[test]
    fn an_empty_account_is_told_in_one_line() {
        assert_eq!(shown(Vec::new(), Vec::new()), "account main: 0 instances\n");
    }
}
