//! The Zenlayer Bare Metal Cloud API, as a client sees it.

pub mod sign;
