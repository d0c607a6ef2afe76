//! zenreaper.

pub mod cli;
pub mod clock;
pub mod cloud;
pub mod config;
mod confirm;
pub mod credentials;
pub mod daemon;
pub mod diagnostic;
mod execute;
pub mod health;
pub mod host;
pub mod inventory;
pub mod lifetime;
pub mod log;
pub mod metrics;
pub mod plan;
pub mod report;
pub mod rules;
pub mod run;
pub mod sandbox;
pub mod schedule;
pub mod web;
mod yaml;
