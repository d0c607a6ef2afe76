//! The state machine of the simulated cloud: which machines there are and what a call does to
//! them. Pure: the caller brings the time.
//!
//! It follows the reference page of `TerminateInstance`. Where that page is silent about a
//! machine (an unknown status, an absent charge type) the call is accepted, because that is the
//! worst case for a client that should not have asked.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::action::Version;
use super::fleet::Machine;
use super::page::Page;
use super::record::Record;
use super::refusal::Refusal;
use super::request::Query;

/// What becomes of a machine by itself.
#[derive(Clone, Copy)]
enum Next {
    Status(&'static str),
    Gone,
}

/// How long a machine stays in a status, from when the sandbox first saw it there.
fn next(status: Option<&str>) -> Option<(SignedDuration, Next)> {
    match status? {
        "PENDING" => Some((SignedDuration::from_mins(10), Next::Status("CREATING"))),
        "CREATING" => Some((SignedDuration::from_mins(10), Next::Status("INSTALLING"))),
        "INSTALLING" => Some((SignedDuration::from_mins(20), Next::Status("RUNNING"))),
        "RECYCLE" => Some((SignedDuration::from_hours(24), Next::Gone)),
        _ => None,
    }
}

/// Every machine of the account.
#[derive(Debug, Default)]
pub(super) struct State {
    /// In the order of their ids, so that a page of an unfiltered listing is a slice.
    records: Vec<Record>,
    /// When machines change by themselves. An item is void unless its machine is due just then.
    agenda: BTreeSet<(Timestamp, String)>,
}

impl State {
    /// A state with these machines, none of which has been in its status for any time.
    #[must_use]
    pub(super) fn new(machines: Vec<Machine>, now: Timestamp) -> Self {
        let mut state = Self::default();
        // One by one, so that a large fleet is not there twice.
        for machine in machines {
            let record = state.pack(&machine, now);
            state.records.push(record);
        }
        let by_key = |left: &Record, right: &Record| left.key().cmp(right.key());
        state.records.sort_by(by_key);
        state
    }

    /// Every machine, in the order of the ids.
    pub(super) fn machines(&self) -> impl Iterator<Item = Machine> {
        self.records.iter().map(Record::unpack)
    }

    /// One machine.
    #[must_use]
    pub(super) fn machine(&self, id: &str) -> Option<Machine> {
        self.record(id).map(Record::unpack)
    }

    /// Puts a machine beside the others, even under an id that is taken.
    pub(super) fn add(&mut self, machine: &Machine, now: Timestamp) {
        let record = self.pack(machine, now);
        self.insert(record);
    }

    /// Takes a machine away; false if it is not there.
    pub(super) fn remove(&mut self, id: &str) -> bool {
        let position = self.position(id);
        position.map(|position| self.records.remove(position)).is_some()
    }

    /// Changes a machine in any way, its id included; false if it is not there.
    pub(super) fn edit(
        &mut self,
        id: &str,
        now: Timestamp,
        change: impl FnOnce(&mut Machine),
    ) -> bool {
        let Some(mut machine) = self.machine(id) else {
            return false;
        };
        change(&mut machine);
        let Some(position) = self.position(id) else {
            return false;
        };
        let before = self.records.remove(position);
        let is_same = machine.status() == before.status() && machine.id() == before.id();
        let record =
            if is_same { Record::pack(&machine, before.due) } else { self.pack(&machine, now) };
        self.insert(record);
        true
    }

    /// `DescribeInstances`.
    pub(super) fn describe(&mut self, query: &Query, percent: u32, now: Timestamp) -> Page {
        self.advance(now);
        if query.is_everything() {
            let shown = self.records.len() * percent as usize / 100;
            let shown = self.records.get(..shown).unwrap_or_default();
            return Page::of(shown, query, Record::json);
        }
        let admitted: Vec<_> = if query.ids.is_empty() {
            let all = self.records.iter();
            all.filter(|record| query.admits(&record.unpack())).collect()
        } else {
            let ids: BTreeSet<_> = query.ids.iter().collect();
            let named = ids.into_iter().filter_map(|id| self.record(id));
            named.filter(|record| query.admits(&record.unpack())).collect()
        };
        Page::of(&admitted, query, |record| record.json())
    }

    /// `TerminateInstance`.
    pub(super) fn terminate(
        &mut self,
        id: &str,
        version: Version,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.advance(now);
        let machine = self.machine(id).ok_or_else(|| Refusal::not_found(id))?;
        match termination(&machine, version)? {
            Termination::Delete => {
                self.remove(id);
            }
            Termination::Recycle => {
                self.edit(id, now, |machine| machine.set_status("RECYCLE"));
            }
            Termination::CancelSubscription => {
                self.edit(id, now, |machine| machine.set("autoRenew", false));
            }
        }
        Ok(())
    }

    /// `ReleaseInstances`: all of them, or none and the reason.
    pub(super) fn release(&mut self, ids: &[String], now: Timestamp) -> Result<(), Refusal> {
        self.advance(now);
        for id in ids {
            let record = self.record(id).ok_or_else(|| Refusal::not_found(id))?;
            if record.status() != Some("RECYCLE") {
                return Err(Refusal::denied(
                    "OPERATION_DENIED_INSTANCE_NOT_RECYCLED",
                    format!("instance {id} is not in the recycle bin"),
                ));
            }
        }
        for id in ids {
            self.remove(id);
        }
        Ok(())
    }

    /// Lets everything happen that is due.
    pub(super) fn advance(&mut self, now: Timestamp) {
        while let Some((due, id)) = self.agenda.pop_first() {
            if due > now {
                self.agenda.insert((due, id));
                return;
            }
            self.progress(&id, due);
        }
    }

    fn progress(&mut self, id: &str, due: Timestamp) {
        let record = self.record(id).filter(|record| record.due == Some(due));
        let Some(record) = record else {
            return;
        };
        match next(record.status()) {
            Some((_, Next::Status(status))) => {
                self.edit(id, due, |machine| machine.set_status(status));
            }
            Some((_, Next::Gone)) => {
                self.remove(id);
            }
            None => {}
        }
    }

    /// A machine that comes into its status now.
    fn pack(&mut self, machine: &Machine, now: Timestamp) -> Record {
        let due = next(machine.status()).and_then(|(stay, _)| now.saturating_add(stay).ok());
        if let (Some(due), Some(id)) = (due, machine.id()) {
            self.agenda.insert((due, id.to_owned()));
        }
        Record::pack(machine, due)
    }

    fn insert(&mut self, record: Record) {
        let is_before = |other: &Record| other.key() <= record.key();
        let place = self.records.partition_point(is_before);
        self.records.insert(place, record);
    }

    fn record(&self, id: &str) -> Option<&Record> {
        self.records.get(self.position(id)?)
    }

    fn position(&self, id: &str) -> Option<usize> {
        let place = self.records.partition_point(|record| record.key() < id);
        let record = self.records.get(place)?;
        (record.id() == Some(id)).then_some(place)
    }
}

enum Termination {
    Recycle,
    Delete,
    CancelSubscription,
}

/// What `TerminateInstance` does to a machine.
fn termination(machine: &Machine, version: Version) -> Result<Termination, Refusal> {
    let denied = |code, why| Err(Refusal::denied(code, format!("the instance {why}")));
    match machine.status() {
        Some("RECYCLE") => {
            let code = "OPERATION_DENIED_INSTANCE_RECYCLED";
            return denied(code, "is already in the recycle bin");
        }
        Some("PENDING" | "CREATING") => {
            return denied("OPERATION_DENIED_INSTANCE_CREATING", "is being created");
        }
        Some("INSTALLING") => {
            let code = "OPERATION_DENIED_INSTANCE_STATUS_INSTALLING";
            return denied(code, "is being installed");
        }
        Some("CREATE_FAILED") => return Ok(Termination::Delete),
        Some(_) | None => {}
    }
    match (machine.charge_type(), version) {
        (Some("PREPAID"), Version::V20221120) => {
            let code = "OPERATION_DENIED_INSTANCE_SUBSCRIPTION";
            denied(code, "is a subscription")
        }
        (Some("PREPAID"), Version::V20260201) => Ok(Termination::CancelSubscription),
        _ if machine.is_in_commitment() => {
            let code = "OPERATION_DENIED_POSTPAID_PROMISE";
            denied(code, "is within its pay-as-you-go commitment period")
        }
        _ => Ok(Termination::Recycle),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::sandbox::request::Parameters;

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    fn at(minutes: i64) -> Timestamp {
        START + SignedDuration::from_mins(minutes)
    }

    fn state(status: &str, charge_type: &str) -> State {
        let machine = Machine::new("i-1").with("instanceChargeType", charge_type);
        State::new(vec![machine.with("instanceStatus", status)], START)
    }

    fn query(parameters: Value) -> Query {
        let parameters = serde_json::from_value::<Map<_, _>>(parameters).unwrap();
        Query::read(Parameters(&parameters)).unwrap()
    }

    fn served(page: &Page) -> Vec<Machine> {
        let json = page.data_set.iter().map(|json| json.get());
        json.map(|json| serde_json::from_str(json).unwrap()).collect()
    }

    fn ids(page: &Page) -> Vec<String> {
        let machines = served(page).into_iter();
        machines.map(|m| m.id().unwrap().to_owned()).collect()
    }

    #[test]
    fn terminate_instance_follows_its_reference_page() {
        use Version::{V20221120 as OLD, V20260201 as NEW};
        let refused = |code: &str| Err((403, code.to_owned()));
        let after = |status: Option<&str>| Ok(status.map(str::to_owned));
        for (status, charge_type, version, expected) in [
            ("RUNNING", "POSTPAID", OLD, after(Some("RECYCLE"))),
            ("STOPPED", "POSTPAID", OLD, after(Some("RECYCLE"))),
            ("BOOTING", "POSTPAID", OLD, after(Some("RECYCLE"))),
            ("STOPPING", "POSTPAID", NEW, after(Some("RECYCLE"))),
            ("INSTALL_FAILED", "POSTPAID", NEW, after(Some("RECYCLE"))),
            ("MAINTENANCE", "POSTPAID", OLD, after(Some("RECYCLE"))),
            ("RUNNING", "BARTER", OLD, after(Some("RECYCLE"))),
            ("CREATE_FAILED", "POSTPAID", OLD, after(None)),
            ("CREATE_FAILED", "PREPAID", OLD, after(None)),
            ("RUNNING", "PREPAID", OLD, refused("OPERATION_DENIED_INSTANCE_SUBSCRIPTION")),
            ("RUNNING", "PREPAID", NEW, after(Some("RUNNING"))),
            ("RECYCLE", "POSTPAID", OLD, refused("OPERATION_DENIED_INSTANCE_RECYCLED")),
            ("RECYCLE", "PREPAID", NEW, refused("OPERATION_DENIED_INSTANCE_RECYCLED")),
            ("PENDING", "POSTPAID", OLD, refused("OPERATION_DENIED_INSTANCE_CREATING")),
            ("CREATING", "PREPAID", NEW, refused("OPERATION_DENIED_INSTANCE_CREATING")),
            ("INSTALLING", "POSTPAID", OLD, refused("OPERATION_DENIED_INSTANCE_STATUS_INSTALLING")),
        ] {
            let mut state = state(status, charge_type);
            let found = state
                .terminate("i-1", version, START)
                .map(|()| state.machine("i-1"))
                .map(|machine| machine.map(|m| m.status().unwrap().to_owned()))
                .map_err(|refusal| (refusal.status, refusal.code.into_owned()));
            assert_eq!(found, expected, "{status} {charge_type} {version:?}");
        }
    }

    #[test]
    fn an_unknown_machine_is_not_found() {
        let mut state = state("RUNNING", "POSTPAID");
        for id in ["", "i", "i-2", "\u{0}"] {
            let refusal = state.terminate(id, Version::V20221120, START).unwrap_err();
            assert_eq!(refusal, Refusal::not_found(id));
        }
    }

    #[test]
    fn a_machine_in_commitment_is_refused_and_unchanged() {
        let mut state = State::new(vec![Machine::new("i-1").in_commitment()], START);
        let refusal = state.terminate("i-1", Version::V20221120, START).unwrap_err();
        assert_eq!(refusal.code, "OPERATION_DENIED_POSTPAID_PROMISE");
        assert_eq!(state.machine("i-1").unwrap().status(), Some("RUNNING"));
    }

    #[test]
    fn a_cancelled_subscription_runs_on_without_renewal() {
        let mut state = state("RUNNING", "PREPAID");
        state.terminate("i-1", Version::V20260201, START).unwrap();
        assert_eq!(state.machine("i-1").unwrap().get("autoRenew"), Some(&json!(false)));
    }

    #[test]
    fn a_machine_is_created_then_installed_then_runs() {
        let mut state = state("PENDING", "POSTPAID");
        for (minute, status) in [
            (9, "PENDING"),
            (10, "CREATING"),
            (19, "CREATING"),
            (20, "INSTALLING"),
            (40, "RUNNING"),
            (9999, "RUNNING"),
        ] {
            state.advance(at(minute));
            assert_eq!(state.machine("i-1").unwrap().status(), Some(status), "{minute}");
        }
    }

    #[test]
    fn a_long_silence_is_caught_up_stage_by_stage() {
        let mut state = state("CREATING", "POSTPAID");
        state.advance(at(29));
        assert_eq!(state.machine("i-1").unwrap().status(), Some("INSTALLING"));
        state.advance(at(30));
        assert_eq!(state.machine("i-1").unwrap().status(), Some("RUNNING"));
    }

    #[test]
    fn the_recycle_bin_holds_a_machine_for_a_day() {
        let mut state = state("RUNNING", "POSTPAID");
        state.terminate("i-1", Version::V20221120, at(7)).unwrap();
        state.advance(at(7 + 24 * 60 - 1));
        assert!(state.machine("i-1").is_some());
        state.advance(at(7 + 24 * 60));
        assert!(state.machine("i-1").is_none());
    }

    #[test]
    fn a_machine_restored_from_the_recycle_bin_does_not_go_at_its_first_deadline() {
        let mut state = state("RECYCLE", "POSTPAID");
        state.edit("i-1", at(60), |machine| machine.set_status("RUNNING"));
        state.edit("i-1", at(120), |machine| machine.set_status("RECYCLE"));
        state.advance(at(24 * 60));
        assert!(state.machine("i-1").is_some());
        state.advance(at(26 * 60));
        assert!(state.machine("i-1").is_none());
    }

    #[test]
    fn release_is_all_or_nothing_and_only_from_the_recycle_bin() {
        let recycled = Machine::new("i-2").with("instanceStatus", "RECYCLE");
        let mut state = State::new(vec![recycled, Machine::new("i-1")], START);
        let both = ["i-2".to_owned(), "i-1".to_owned()];
        let refusal = state.release(&both, START).unwrap_err();
        assert_eq!(refusal.code, "OPERATION_DENIED_INSTANCE_NOT_RECYCLED");
        let unknown = ["i-2".to_owned(), "i-3".to_owned()];
        assert_eq!(state.release(&unknown, START), Err(Refusal::not_found("i-3")));
        assert!(state.machine("i-2").is_some());
        let twice = ["i-2".to_owned(), "i-2".to_owned()];
        state.release(&twice, START).unwrap();
        assert!(state.machine("i-2").is_none());
    }

    #[test]
    fn pages_walk_the_fleet_in_the_order_of_the_ids() {
        let fleet = ["c", "a", "e", "b", "d"].map(Machine::new).to_vec();
        let mut state = State::new(fleet, START);
        for (page, expected) in [(1, &["a", "b"][..]), (2, &["c", "d"]), (3, &["e"]), (4, &[])] {
            let page = state.describe(&query(json!({"pageNum": page, "pageSize": 2})), 100, START);
            assert_eq!(ids(&page), expected);
            assert_eq!(page.total_count, 5);
        }
    }

    #[test]
    fn the_last_possible_page_is_empty() {
        let mut state = state("RUNNING", "POSTPAID");
        let page =
            state.describe(&query(json!({"pageNum": u32::MAX, "pageSize": 1000})), 100, START);
        assert_eq!((page.data_set.len(), page.total_count), (0, 1));
    }

    #[test]
    fn ids_and_filters_narrow_together_and_pages_count_what_is_left() {
        let fleet = ["a", "b", "c"].map(|id| Machine::new(id).with("zoneId", "HKG-A"));
        let mut state = State::new(fleet.to_vec(), START);
        state.edit("b", START, |machine| machine.set("zoneId", "SEL-A"));
        for (parameters, expected) in [
            (json!({"instanceIds": ["c", "a", "a", "nope"]}), &["a", "c"][..]),
            (json!({"zoneId": "HKG-A"}), &["a", "c"]),
            (json!({"instanceIds": ["a", "b"], "zoneId": "HKG-A"}), &["a"]),
            (json!({"instanceIds": []}), &["a", "b", "c"]),
        ] {
            let page = state.describe(&query(parameters.clone()), 100, START);
            assert_eq!(ids(&page), expected, "{parameters}");
            assert_eq!(page.total_count, expected.len().cast_signed() as i64);
        }
    }

    #[test]
    fn odd_machines_are_kept_and_served() {
        let nameless = Machine::default().with("instanceId", 7);
        let mut state =
            State::new(vec![Machine::new("a"), nameless.clone(), Machine::new("a")], START);
        state.add(&Machine::default(), START);
        let page = state.describe(&query(json!({})), 100, START);
        assert_eq!(page.total_count, 4);
        assert!(served(&page).contains(&nameless));
        assert!(!state.remove(""));
    }

    #[test]
    fn a_machine_may_change_its_id() {
        let mut state = State::new(["a", "b", "c"].map(Machine::new).to_vec(), START);
        assert!(state.edit("a", START, |machine| machine.set("instanceId", "z")));
        assert!(!state.edit("a", START, |_| {}));
        assert_eq!(ids(&state.describe(&query(json!({})), 100, START)), ["b", "c", "z"]);
    }
}
