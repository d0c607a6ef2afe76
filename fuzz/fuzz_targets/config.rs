//! Any bytes as a config file. A config that comes of it is one whose `protect` can be asked.

#![no_main]

use libfuzzer_sys::fuzz_target;
use zenreaper::config;
use zenreaper_fuzz::{draw, machine, now, parts, source};

fuzz_target!(|data: &[u8]| {
    let (text, _) = parts(data);
    let (config, problems) = config::read(&source(text), now());
    draw(&problems);
    if let Some(config) = config {
        let _ = config.protect.test(&machine(None, Vec::new()), now());
        let _ = config.schedule.next_after(now());
    } else {
        assert!(!problems.is_empty(), "no config, and nothing is wrong with it");
    }
});
