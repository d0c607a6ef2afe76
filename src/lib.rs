//! zenreaper.

pub mod cloud;
