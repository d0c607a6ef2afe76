//! Who is told what.

use super::Recorder;
use crate::{
    clock,
    inventory::Instance,
    journal::Written,
    notice::{Notice, Stage},
    notify,
};

/// Who is told what.
#[derive(Clone, Debug)]
pub struct Audience {
    /// The tag whose value is the owner of a machine.
    pub owner_tag: String,
    /// The sinks, and the stages that each is told of.
    pub sinks: Vec<(String, Vec<Stage>)>,
}

impl Audience {
    /// Everybody whom these settings tell.
    #[must_use]
    pub fn of_all(notices: &notify::Settings) -> Self {
        let sinks = notices.sinks.iter().map(|sink| (sink.name.clone(), sink.stages.clone()));
        Self { owner_tag: notices.owner_tag.clone(), sinks: sinks.collect() }
    }

    /// The sinks that are told of a stage.
    pub(super) fn of(&self, stage: Stage) -> impl Iterator<Item = &String> {
        let told = move |(_, stages): &&(String, Vec<Stage>)| stages.contains(&stage);
        self.sinks.iter().filter(told).map(|(name, _)| name)
    }

    /// The owner of a machine.
    pub(super) fn owner<'a>(&self, instance: &'a Instance) -> Option<&'a str> {
        instance.tags.get(&self.owner_tag)
    }
}

/// What a notice is about, and to whom it goes.
pub(super) struct Topic<'a> {
    /// What it is about: the same key is told once through each sink.
    pub(super) key: &'a str,
    /// What there is to tell.
    pub(super) stage: Stage,
    /// The value of the owner tag.
    pub(super) owner: Option<&'a str>,
}

impl Recorder<'_> {
    /// A notice as it is written for each sink that is told of its stage; in a dry run, for none.
    pub(super) fn written(&self, topic: &Topic<'_>, notice: &Notice) -> Vec<Written> {
        let Topic { key, stage, owner } = *topic;
        if !self.tells() {
            return Vec::new();
        }
        let written_at = clock::now();
        let one = |sink: &String| Written {
            key: key.to_owned(),
            sink: sink.clone(),
            account: self.account.to_owned(),
            stage,
            owner: owner.map(str::to_owned),
            notice: notice.clone(),
            written_at,
        };
        self.settings.audience.of(stage).map(one).collect()
    }
}
