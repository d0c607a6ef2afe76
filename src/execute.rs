//! Do it: concurrently, paced by the client, one machine at a time in everything that matters.
//!
//! It takes only an [`Approved`] plan, confirms each target right before its call, and tells every step as an event. One
//! machine's failure never stops the others; a failure that no other call could escape (credentials, a challenge page) or an
//! order to stop ends the run before the next call.

use std::{sync::OnceLock, time::Duration};

use futures::{StreamExt, stream};
use tokio_util::sync::CancellationToken;

use crate::{
    cloud::{Class, Client, IDS_MAX},
    config::Mode,
    confirm::{Confirmed, Dropped, Planned, confirm},
    inventory::{Instance, InstanceId, Page, Status},
    plan::{Policy, guard::Approved},
    report::{Act, Event, Events, Outcome},
};

/// How much time's worth of targets is confirmed at once.
const CONFIRM_SPAN: Duration = Duration::from_secs(5);

/// How many batches are confirmed ahead, so that calls need not wait for the next batch.
const CONFIRM_AHEAD: usize = 2;

/// A target that was read longer ago than this is read again before its call.
const CONFIRMED_AGE_MAX: Duration = Duration::from_secs(20);

/// How a plan is executed.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Whether machines are terminated.
    pub mode: Mode,
    /// Calls to terminate under way at once.
    pub max_in_flight: usize,
}

/// What is needed to execute a plan.
pub(crate) struct Executor<'a> {
    client: Client,
    policy: &'a Policy,
    settings: Settings,
    events: &'a Events,
    halt: CancellationToken,
    fatal: OnceLock<Class>,
}

/// A call of which it is not known whether it took effect.
struct Unsettled<'a> {
    target: Confirmed<'a>,
    act: Act,
}

impl<'a> Executor<'a> {
    /// An executor that stops with `stop`.
    pub(crate) fn new(
        client: &Client,
        policy: &'a Policy,
        settings: Settings,
        events: &'a Events,
        stop: &CancellationToken,
    ) -> Self {
        let halt = stop.child_token();
        let client = client.until(halt.clone());
        Self { client, policy, settings, events, halt, fatal: OnceLock::new() }
    }

    /// Executes a plan; the class of the failure that put an end to it, if one did.
    pub(crate) async fn execute(self, approved: &Approved<'_>) -> Option<Class> {
        let targets: Vec<Planned<'_>> = approved.targets().collect();
        let batches: Vec<_> = targets.chunks(self.batch()).map(<[_]>::to_vec).collect();
        let unsettled: Vec<_> = stream::iter(batches)
            .map(|batch| confirm(&self.client, self.policy, batch))
            .buffered(CONFIRM_AHEAD)
            .flat_map(stream::iter)
            .map(|target| self.act(target))
            .buffer_unordered(self.settings.max_in_flight)
            .filter_map(std::future::ready)
            .collect()
            .await;
        for batch in unsettled.chunks(IDS_MAX) {
            self.settle(batch).await;
        }
        self.fatal.into_inner()
    }

    /// How many targets are confirmed at once: as many as can be called within [`CONFIRM_SPAN`].
    fn batch(&self) -> usize {
        let interval = self.client.terminate_interval().as_millis().max(1);
        let within_span = CONFIRM_SPAN.as_millis() / interval;
        usize::try_from(within_span).unwrap_or(IDS_MAX).clamp(1, IDS_MAX)
    }

    async fn act<'t>(&self, target: Result<Confirmed<'t>, Dropped<'t>>) -> Option<Unsettled<'t>> {
        let acted = match (target, self.settings.mode) {
            (Ok(confirmed), Mode::Enforce) => self.terminate(confirmed).await,
            (Ok(confirmed), Mode::DryRun) => {
                self.events.emit(Event::Rehearsed(&confirmed.instance, &confirmed.rule));
                Ok(None)
            }
            (Err(dropped), _) => Err(dropped),
        };
        acted.unwrap_or_else(|Dropped { planned: (instance, rule), reason, why, class }| {
            self.halt_on(class);
            self.events.emit(Event::Dropped(instance, &rule.name, reason, &why));
            None
        })
    }

    async fn terminate<'t>(
        &self,
        target: Confirmed<'t>,
    ) -> Result<Option<Unsettled<'t>>, Dropped<'t>> {
        let planned = target.planned;
        let turn = self.client.turn().await.map_err(|error| Dropped::by(planned, &error))?;
        let target = if target.read.elapsed() > CONFIRMED_AGE_MAX {
            self.confirm_again(planned).await?
        } else {
            target
        };
        let answer = self.client.terminate(&target.instance.id, turn).await;
        self.halt_on(answer.as_ref().err().map(|error| error.class));
        match Act::of(answer).map_err(|error| Dropped::by(planned, &error))? {
            act if act.outcome == Outcome::Unknown => Ok(Some(Unsettled { target, act })),
            act => {
                self.events.emit(Event::Acted(&target.instance, &target.rule, &act));
                Ok(None)
            }
        }
    }

    async fn confirm_again<'t>(&self, planned: Planned<'t>) -> Result<Confirmed<'t>, Dropped<'t>> {
        let mut again = confirm(&self.client, self.policy, vec![planned]).await;
        again.pop().unwrap_or_else(|| Err(Dropped::vanished(planned)))
    }

    fn halt_on(&self, class: Option<Class>) {
        if let Some(class) = class.filter(|class| class.stops_the_run()) {
            self.fatal.get_or_init(|| class);
            self.halt.cancel();
        }
    }

    /// Looks at machines whose call had no answer: one that is in the recycle bin, or gone, is done. A look that does not add up
    /// tells nothing.
    async fn settle(&self, batch: &[Unsettled<'_>]) {
        let ids: Vec<_> = batch.iter().map(|one| &one.target.instance.id).collect();
        let seen = self.client.describe_ids(&ids).await;
        let seen =
            seen.ok().map(|looked| looked.page).filter(|page| page.total == page.entries as u64);
        for Unsettled { target, act } in batch {
            let instance = &target.instance;
            let is_done = seen.as_ref().is_some_and(|page| is_done(page, &instance.id));
            let outcome = if is_done { Outcome::Gone } else { Outcome::Unknown };
            let act = Act { outcome, ..act.clone() };
            self.events.emit(Event::Acted(instance, &target.rule, &act));
        }
    }
}

/// Whether a page that asked for an instance shows it in the recycle bin, or not at all.
fn is_done(page: &Page, id: &InstanceId) -> bool {
    let is_unread = page.unreadable.iter().any(|odd| odd.id == *id);
    let is_live = |now: &Instance| now.id == *id && now.status != Some(Status::Recycle);
    !is_unread && !page.instances.iter().any(is_live)
}
