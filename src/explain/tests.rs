//! That an explanation says what a run does.
