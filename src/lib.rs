//! zenreaper.

pub mod clock;
pub mod cloud;
pub mod diagnostic;
pub mod inventory;
pub mod lifetime;
pub mod metrics;
pub mod plan;
pub mod report;
pub mod rules;
pub mod schedule;
mod yaml;
