//! Any text as a duration, as a date or instant, and as a schedule, in zones with and without gaps.

#![no_main]

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use libfuzzer_sys::fuzz_target;
use zenreaper::{lifetime, schedule::Schedule};
use zenreaper_fuzz::{now, parts};

const ZONES: [&str; 5] =
    ["UTC", "Asia/Shanghai", "America/Sao_Paulo", "Europe/Berlin", "Pacific/Apia"];

fuzz_target!(|data: &[u8]| {
    let (text, rest) = parts(data);
    if let Ok(life) = lifetime::duration(&text) {
        assert!(life >= SignedDuration::from_mins(1) && life <= SignedDuration::from_hours(36_525 * 24));
    }
    let n = rest.first().map_or(0, |byte| usize::from(*byte)) % ZONES.len();
    let zone = TimeZone::get(ZONES[n]).expect("a zone");
    let _ = lifetime::instant(&text, &zone);
    let seconds = rest.get(1..).and_then(|rest| rest.first_chunk()).map(|it| i64::from_le_bytes(*it));
    let from = seconds.and_then(|it| Timestamp::from_second(it).ok()).unwrap_or_else(now);
    if let Ok(schedule) = Schedule::parse(&text, zone, from) {
        let next = schedule.next_after(from).expect("one that fires");
        assert!(next > from, "{text:?} fires at {next}, asked for after {from}");
        assert!(schedule.fires_within(from, next) && schedule.first_from(next) == Some(next));
        let _ = schedule.next_after(next);
    }
});
