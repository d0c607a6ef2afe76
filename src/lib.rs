//! zenreaper.

pub mod clock;
pub mod cloud;
pub mod sandbox;
