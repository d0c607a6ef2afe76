//! Any bytes as a rule file. Rules that come of it are asked about machines that tell all, little, and what the input says.

#![no_main]

use std::str::from_utf8;

use libfuzzer_sys::fuzz_target;
use zenreaper::{
    inventory::Instance,
    plan::{Decision, Policy, Turn, memory::Memory},
    rules::{self, Terms, Truth},
};
use zenreaper_fuzz::{draw, machine, now, parts, policy, source};

fuzz_target!(|data: &[u8]| {
    let (text, rest) = parts(data);
    let told = machine_of(rest);
    match rules::parse(&[source(text)], &Terms::default()) {
        Err(problems) => draw(&problems),
        Ok(rules) => {
            draw(&rules::warnings(&rules));
            let policy = policy(rules);
            let memory = Memory { last_run_at: Some(now()), ..Memory::default() };
            let memory = memory.at_turn(&Turn::Asked, &policy.rules, now());
            let untold = machine(None, vec![("env", "dev"), ("ttl", "3d")]);
            let early = machine(Some(jiff::Timestamp::MIN), Vec::new());
            for instance in [&told, &untold, &early] {
                judge(&policy, &memory, instance);
            }
        }
    }
});

/// A machine whose texts stand in `bytes`, one after the other, split at FF.
fn machine_of(bytes: &[u8]) -> Instance {
    let texts: Vec<_> = bytes.split(|byte| *byte == 0xff).map(|text| from_utf8(text).ok()).collect();
    let text = |n: usize| texts.get(n).copied().flatten();
    let tags = [("env", text(0)), ("ttl", text(1)), ("keep", text(2))];
    let tags = tags.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
    Instance {
        name: text(3).map(Into::into),
        hostname: text(4).map(Into::into),
        zone: text(5).map(Into::into),
        instance_type: text(6).map(Into::into),
        image: text(7).map(Into::into),
        resource_group_id: text(8).map(Into::into),
        resource_group_name: text(9).map(Into::into),
        internet_charge_type: text(10).map(Into::into),
        addresses: text(11).and_then(|text| text.parse().ok()).into_iter().collect(),
        addresses_told: true,
        ..machine(Some(now()), tags)
    }
}

/// Only a rule that surely matches and is surely not excepted terminates.
fn judge(policy: &Policy, memory: &Memory, instance: &Instance) {
    let judgement = policy.judge(instance, memory, now());
    for rule in &policy.rules.rules {
        let _ = rule.evaluate(instance, now());
        let _ = rule.seen(instance);
    }
    if judgement.decision == Decision::Terminate {
        let rule = judgement.rule.expect("a rule that terminates");
        assert_eq!(rule.matches.test(instance, now()), Truth::True);
        assert_eq!(rule.unless.test(instance, now()), Truth::False);
        assert!(judgement.due_at.is_some_and(|due| due <= now()));
    }
}
