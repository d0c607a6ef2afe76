//! zenreaper.

pub mod cloud;
pub mod diagnostic;
pub mod inventory;
pub mod lifetime;
pub mod plan;
pub mod rules;
pub mod schedule;
mod yaml;
