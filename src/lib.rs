//! zenreaper returns Zenlayer bare-metal machines that nobody needs any more.
//!
//! # The flow, one way
//!
//! ```text
//! schedule ─▶ inventory ─▶ rules ─▶ plan ─▶ guard ─▶ confirm ─▶ execute ─▶ record ─▶ deliver
//!  when        what is      what     what may          is it      do it,     journal    whoever is
//!                           we want  be done           still true paced      first      to be told
//! ```
//!
//! [`run::run_once`] is that line as code. `plan` is the same line stopped earlier; a dry run is the same line but for the
//! calls to terminate; the demo is the same line against the embedded sandbox.
//!
//! # The rooms, in reading order
//!
//! A file imports only from files above it here (`tests/tidy.rs` holds this table as data).
//!
//! | row | module | holds | never |
//! | --- | --- | --- | --- |
//! | core | [`inventory`] | instances as compact records; a listing that adds up, or none | JSON |
//! | core | [`lifetime`] | durations, dates and instants, strictly read | a guess |
//! | core | [`diagnostic`], `yaml` | what is wrong with a file and where; YAML as a tree that knows its places | files |
//! | core | [`schedule`] | when a run is due, in a time zone, across DST | sleep |
//! | core | [`rules`] | conditions in three values, expiries; YAML to rules, or to all that is wrong; what is probably not meant | files |
//! | core | [`plan`] | one decision for every instance; eligibility; the guards that approve | cloud, clock |
//! | core | [`explain`] | why one machine lives or dies, condition by condition | decisions |
//! | core | [`forecast`] | what will go when, if all stays as it is: virtual time over the same plans and guards | a real clock |
//! | core | [`cases`] | tests of rules: machines that somebody thought up, and what is to happen to them | files |
//! | core | [`notice`] | what is told to the owner of a machine, at each stage | any sink |
//! | port | [`clock`] | the one place that asks for the time | |
//! | port | [`cloud`] | the signed client: pace, retries, what each answer means; the whole listing or none, live or saved | rules |
//! | core | [`report`] | what happened, as events, and what they add up to | formatting |
//! | port | [`journal`] | what is remembered: a SQLite file, written before a call is made | decisions |
//! | port | [`sandbox`] | a simulated Zenlayer endpoint over real HTTP, with faults on demand | the real cloud |
//! | port | [`metrics`], [`log`], [`health`] | what Prometheus, people and probes see of the events; whether the work goes on | decisions |
//! | port | [`notify`] | notices to people: log, webhook, chat, mail; at least once, under a stable id | who is told |
//! | port | [`host`], [`credentials`] | who this machine is; who we are to the cloud | |
//! | shell | [`config`] | the config file to something usable, all defaults; finds the rule files | defaults elsewhere |
//! | shell | [`hindsight`] | warnings on config and rules in the light of earlier runs | errors |
//! | shell | [`view`] | what there is and what is remembered of it; plan, forecast and history as programs read them | calls |
//! | shell | [`board`] | what there is to be seen of the service: what runs report, and what follows, worked out once a run | readers |
//! | shell | [`lease`] | that one process at a time acts on an account | calls |
//! | shell | `confirm`, [`record`], `deliver`, [`execute`] | reads targets again; what follows from what is done; what is told goes out; terminates what is approved and still true | choosing targets |
//! | shell | [`run`], [`site`] | the line above; a config come to life, account by account | |
//! | shell | [`web`], [`daemon`] | the status page and its API, `/metrics`, `/healthz`, `/readyz`; the loop: schedule, reload, stop | rules |
//! | edge | [`cli`] | the commands, their output and exit codes | |
//!
//! # Invariants
//!
//! - The core reads no clock, environment, file or network: the same input gives the same plan, in the order of the ids.
//! - Only [`plan::guard::approve`] can make what [`execute`] takes, and every target is read and judged again before its call.
//! - Nothing is called that is not on disk before, with the whole record of the machine; a call without an outcome is settled by
//!   a later inventory that is accepted, and never sent again blindly.
//! - No instance is terminated before the time that a notice named, nor before its owner had the notice period, whatever
//!   restarts, sinks and clocks do and whoever edits rules, names and owners.
//! - Unknown keeps: an unreadable record, an unknown status, an absent field or an incomplete listing never leads to a
//!   termination, and is counted. In `unless` and `protect`, unknown protects.
//! - Every event goes to log, metrics, health and board through one place, so they cannot disagree.
//! - What comes from outside is bounded: bodies, pages, retries, waits, files, nesting. A secret is never shown.

pub mod inventory;
pub mod lifetime;

pub mod diagnostic;
mod yaml;

pub mod cases;
pub mod explain;
pub mod forecast;
pub mod notice;
pub mod plan;
pub mod rules;
pub mod schedule;

pub mod clock;
pub mod cloud;
pub mod journal;
pub mod report;
pub mod sandbox;

pub mod credentials;
pub mod health;
pub mod host;
pub mod log;
pub mod metrics;
pub mod notify;

pub mod board;
pub mod config;
mod confirm;
mod deliver;
pub mod execute;
pub mod hindsight;
pub mod lease;
pub mod record;
pub mod run;
pub mod site;
pub mod view;

pub mod daemon;
pub mod web;

pub mod cli;
