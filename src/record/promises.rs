//! What the owners of machines are promised, and when that is withdrawn.

use jiff::Timestamp;

use super::{Recorder, audience::Topic};
use crate::{
    inventory::Instance,
    journal::{Ended, Error, MoreNotices, NewPromise, Written},
    notice::{Notice, Stage},
    plan::{
        Decision, Judgement, Plan, Subject, Telling, VANISHED,
        memory::{Force, Memory, Promise, whole_seconds},
    },
    report::Event,
    rules::Rule,
};

impl Recorder<'_> {
    /// Withdraws the promises of machines that do not go after all.
    pub(crate) async fn withdraw(&self, plan: &Plan<'_>, memory: &Memory) -> Result<(), Error> {
        if !self.tells() || memory.promises.is_empty() {
            return Ok(());
        }
        let mut promises: Vec<_> = memory.promises.iter().collect();
        promises.sort_unstable_by(|a, b| a.0.cmp(b.0));
        let all = promises.into_iter().flat_map(|(id, all)| all.iter().map(move |one| (id, one)));
        let (mut ended, mut told, mut adopted) = (Vec::new(), Vec::new(), Vec::new());
        for (id, promise) in all.filter(|(_, promise)| promise.stands()) {
            let decided = plan.decision(id);
            let is_orphaned = promise.force == Force::Orphaned;
            match why_withdrawn(decided, promise) {
                // It may be about an instance of another account.
                Some(_) if is_orphaned && decided.is_none() => {}
                Some(why) => {
                    ended.push(self.withdrawn(id.as_str(), promise, (decided, &why), plan.now));
                    told.push((id, &promise.rule, why));
                }
                None if is_orphaned => adopted.push(promise.key.as_str()),
                None => {}
            }
        }
        if !adopted.is_empty() {
            self.journal().adopted(self.account, &adopted).await?;
        }
        if !ended.is_empty() {
            self.journal().ended(&ended).await?;
        }
        for (id, rule, why) in told {
            self.events.emit(Event::Withdrawn(id.as_str(), rule, &why));
        }
        Ok(())
    }

    fn withdrawn(
        &self,
        id: &str,
        promise: &Promise,
        (decided, why): (Option<&(Subject<'_>, Judgement<'_>)>, &str),
        now: Timestamp,
    ) -> Ended {
        let subject = decided.map(|(subject, _)| *subject);
        let present = subject.and_then(|subject| match subject {
            Subject::Instance(instance) if promise.is_about(instance) => {
                self.settings.audience.owner(instance)
            }
            Subject::Instance(_) | Subject::Unreadable(_) => None,
        });
        // Whoever got the notice is to know that it does not hold any more, whoever owns the instance by now.
        let told = promise.owner.as_deref();
        let owner =
            told.map_or(present, |owner| Some(owner).filter(|owner| !owner.trim().is_empty()));
        let machine = (id, subject.and_then(Subject::name));
        let notice = Notice::about(Some(machine), Some(promise.rule.as_str()), why);
        let key = format!("withdrawn/{}", promise.key);
        let notices = self.written(&Topic { key: &key, stage: Stage::Withdrawn, owner }, &notice);
        Ended { key: promise.key.clone(), ended_as: "withdrawn", ended_at: now, notices }
    }

    /// Writes the promises that an approved plan makes, and notices for sinks that came later.
    pub(crate) async fn promise(&self, plan: &Plan<'_>, memory: &Memory) -> Result<(), Error> {
        if !self.tells() {
            return Ok(());
        }
        let (mut begun, mut more, mut told) = (Vec::new(), Vec::new(), Vec::new());
        for (subject, judgement) in &plan.decisions {
            let (Subject::Instance(instance), Some(rule), Decision::Notice(telling)) =
                (subject, judgement.rule, judgement.decision)
            else {
                continue;
            };
            match (telling, memory.promise(instance)) {
                (Telling::ToTell, _) => {
                    let promise = self.promised(instance, rule, judgement, plan.now);
                    told.push((*instance, &rule.name, promise.terminate_at));
                    begun.push(promise);
                }
                (Telling::Undelivered, Some(promise)) if promise.is_to(memory.owner(instance)) => {
                    more.push(self.promised_more(promise, instance, rule, judgement));
                }
                (Telling::Told | Telling::Undelivered, _) => {}
            }
        }
        if !more.is_empty() {
            self.journal().promised_more(&more).await?;
        }
        if !begun.is_empty() {
            self.journal().promised(&begun).await?;
        }
        for (instance, rule, terminate_at) in told {
            self.events.emit(Event::Promised(instance, rule, terminate_at));
        }
        Ok(())
    }

    fn promised(
        &self,
        instance: &Instance,
        rule: &Rule,
        judgement: &Judgement<'_>,
        now: Timestamp,
    ) -> NewPromise {
        let (account, id, name) = (self.account, instance.id.as_str(), rule.name.as_str());
        let terminate_at = whole_seconds(judgement.terminate_at.unwrap_or(Timestamp::MAX));
        let key = format!("noticed/{account}/{id}/{name}/{}", now.as_millisecond());
        NewPromise {
            account: account.to_owned(),
            instance_id: id.to_owned(),
            rule: name.to_owned(),
            owner: self.settings.audience.owner(instance).unwrap_or_default().to_owned(),
            begun_at: now,
            terminate_at,
            notices: self.noticed(&key, instance, rule, judgement),
            key,
        }
    }

    /// Returns the notices of a promise that stands, for the sinks that have none yet.
    fn promised_more(
        &self,
        promise: &Promise,
        instance: &Instance,
        rule: &Rule,
        judgement: &Judgement<'_>,
    ) -> MoreNotices {
        MoreNotices {
            key: promise.key.clone(),
            terminate_at: judgement.terminate_at.map_or(promise.terminate_at, whole_seconds),
            notices: self.noticed(&promise.key, instance, rule, judgement),
        }
    }

    fn noticed(
        &self,
        key: &str,
        instance: &Instance,
        rule: &Rule,
        judgement: &Judgement<'_>,
    ) -> Vec<Written> {
        let (id, rule_name) = (instance.id.as_str(), rule.name.as_str());
        let machine = (id, instance.name.as_deref());
        let notice = Notice {
            due_at: judgement.due_at,
            terminate_at: judgement.terminate_at.map(whole_seconds),
            ..Notice::about(Some(machine), Some(rule_name), &rule.seen(instance))
        };
        let owner = self.settings.audience.owner(instance);
        self.written(&Topic { key, stage: Stage::Noticed, owner }, &notice)
    }
}

/// Why a promise is withdrawn: `None` if it stands.
fn why_withdrawn(
    decided: Option<&(Subject<'_>, Judgement<'_>)>,
    promise: &Promise,
) -> Option<String> {
    match decided {
        None => Some(VANISHED.to_owned()),
        Some((subject, judgement)) => judgement.breaks(promise, *subject),
    }
}
