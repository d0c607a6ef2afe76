//! zenreaper.

pub mod clock;
pub mod cloud;
pub mod config;
pub mod credentials;
pub mod diagnostic;
pub mod host;
pub mod inventory;
pub mod lifetime;
pub mod metrics;
pub mod plan;
pub mod report;
pub mod rules;
pub mod sandbox;
pub mod schedule;
mod yaml;
