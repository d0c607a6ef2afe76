//! README.md and docs/*.md, held to what the program does: their rules are read, their tests are run, their sessions are executed in
//! order and the answers compared, and the keys, words, codes, commands, flags and links that they name are there.
//!
//! What a block is stands behind its language, where a reader of the page does not see it:
//!
//! - `yaml` with a list `rules:` is a file of rules without any problem, `yaml bad ZR012` one that has just these;
//! - `yaml test` tests the rules above it, `yaml config` is a part of a config;
//! - `sh run` is executed, all such blocks of a page in one session, and the `text` after it is its answer.
//!
//! A comment `<!-- keys: rule -->` says what the table below it lists. What else the pages name (metrics and alerts, codes of the API,
//! variables, credentials, paths, tests) is looked for in the program and in what it ships: `claims.rs`. `UPDATE_EXPECT=1 cargo test --test docs` writes the answers and
//! docs/diagnostics.md anew: read them with the eyes of a newcomer.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its own files has failed")]

mod blocks;
mod claims;
mod commands;
mod configuration;
mod document;
mod language;
mod links;
mod sessions;
mod tables;
