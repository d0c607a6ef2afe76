//! Services that meet one fault each, and the alerts that are to fire for it.

use crate::common::{Stage, disk::Disk, due, many_due, receiver::Receiver, service::Service};

/// What the alerts of one scenario are to be.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) service: Service,
    /// The alerts that fire, each with the value of a label that tells it apart.
    pub(crate) fires: &'static [(&'static str, &'static str)],
    /// What `/readyz` says.
    pub(crate) readyz: (u16, &'static str),
}

impl Scenario {
    async fn of(
        name: &'static str,
        stage: Stage,
        fires: &'static [(&'static str, &'static str)],
        readyz: (u16, &'static str),
    ) -> Self {
        let service = Service::on(stage, "*/2 * * * * *").await;
        Self { name, service, fires, readyz }
    }

    pub(crate) fn address(&self) -> &str {
        self.service.base.strip_prefix("http://").unwrap()
    }
}

const SUCCESS: &str = r#"zenreaper_runs_total{account="main",result="success"}"#;

pub(crate) async fn fine() -> Scenario {
    Scenario::of("fine", Stage::with(many_due(3)).await, &[], (200, "ready")).await
}

pub(crate) async fn stopped_cloud() -> Scenario {
    let fires = &[
        ("ZenreaperListingIncomplete", "incomplete_inventory"),
        ("ZenreaperApiErrorsRising", "CONNECT_FAILED"),
        ("ZenreaperNotReady", "warning"),
        ("ZenreaperNoSuccess", "main"),
    ];
    let stage = Stage::with(many_due(1)).await;
    let scenario = Scenario::of("stopped cloud", stage, fires, (503, "CONNECT_FAILED")).await;
    scenario.service.metric(SUCCESS, |runs| runs >= 1.0).await;
    scenario.service.stage.sandbox.stop().await;
    scenario
}

pub(crate) async fn wrong_credentials() -> Scenario {
    let fires = &[
        ("ZenreaperAuthFailing", "auth_failed"),
        ("ZenreaperNotReady", "warning"),
        ("ZenreaperNoSuccess", "main"),
    ];
    let stage = Stage::with(many_due(1)).await.secret("not-it");
    Scenario::of("wrong credentials", stage, fires, (503, "AUTHFAILURE_SIGNATURE_FAILURE")).await
}

pub(crate) async fn storm() -> Scenario {
    let fires = &[
        ("ZenreaperApiErrorsRising", "REQUEST_LIMIT_EXCEEDED"),
        ("ZenreaperListingIncomplete", "incomplete_inventory"),
        ("ZenreaperNotReady", "warning"),
        ("ZenreaperNoSuccess", "main"),
    ];
    let stage = Stage::with(many_due(1)).await.retry_for("1s").fault("too-many");
    Scenario::of("storm of 429", stage, fires, (503, "REQUEST_LIMIT_EXCEEDED")).await
}

pub(crate) async fn challenge() -> Scenario {
    let fires = &[("ZenreaperBlocked", "blocked"), ("ZenreaperNotReady", "warning")];
    let stage = Stage::with(many_due(1)).await.fault("challenge");
    Scenario::of("challenge", stage, fires, (503, "SECURITY_CHALLENGE")).await
}

/// None, where no disk can be had that may be filled.
pub(crate) async fn full_disk() -> Option<(Scenario, Disk)> {
    let fires = &[("ZenreaperJournalFailing", "journal_failed"), ("ZenreaperNotReady", "warning")];
    let (stage, disk) = Disk::under(Stage::with(many_due(1)).await, "2m").await?;
    let scenario = Scenario::of("full disk", stage, fires, (503, "journal")).await;
    scenario.service.metric(SUCCESS, |runs| runs >= 1.0).await;
    disk.fill();
    Some((scenario, disk))
}

pub(crate) async fn refused() -> Scenario {
    let fires = &[("ZenreaperGuardRefused", "max_terminations"), ("ZenreaperNoSuccess", "main")];
    let limits = "{ max_terminations: 2, max_percent: 100, max_per_day: 100 }";
    let stage = Stage::with(many_due(3)).await.limits(limits);
    Scenario::of("refused", stage, fires, (200, "ready")).await
}

pub(crate) async fn dead_sink(receiver: &Receiver) -> Scenario {
    receiver.answer(503);
    let sink = format!(
        "notices: {{ sinks: [{{ name: hook, type: webhook, url: \"{}\" }}] }}",
        receiver.origin
    );
    let stage = Stage::with(many_due(1)).await.also(&sink).rules(
        "rules: [{ name: told, match: { zone: HKG-A }, expire: { after: 1h }, notice: 1h }]",
    );
    Scenario::of("dead sink", stage, &[("ZenreaperNoticesFailing", "hook")], (200, "ready")).await
}

/// One termination that the API refuses under a new code, and one that [`take_back`] undoes.
pub(crate) async fn odd_answers() -> Scenario {
    let fires = &[
        ("ZenreaperApiCodeUnexpected", "SOME_NEW_CODE"),
        ("ZenreaperTerminationsFailing", "old"),
        ("ZenreaperStillPresent", "still_present"),
        ("ZenreaperNoSuccess", "main"),
    ];
    let fault = "error=SOME_NEW_CODE,status=418,action=TerminateInstance,instance=i-odd";
    let stage = Stage::with(vec![due("i-odd")]).await.fault(fault);
    Scenario::of("odd answers", stage, fires, (200, "ready")).await
}

/// Adds a machine, waits until it is terminated, and takes it back from the recycle bin.
pub(crate) async fn take_back(odd: &Scenario) {
    // Not when its call arrives: that takes effect a moment later, and would undo what is done here.
    let is_back = |stage: &Stage| {
        let mut is_back = false;
        stage.sandbox.edit("i-back", |machine| {
            is_back = machine.status() == Some("RECYCLE");
            if is_back {
                machine.set_status("RUNNING");
            }
        });
        is_back
    };
    odd.service.stage.sandbox.add(&due("i-back"));
    odd.service.stage.until("a machine is terminated and back", is_back).await;
}

/// In dry-run, paused, and with rules that became wrong.
pub(crate) async fn left_alone() -> Scenario {
    let fires = &[
        ("ZenreaperDryRunLong", "info"),
        ("ZenreaperPausedLong", "warning"),
        ("ZenreaperReloadFailed", "warning"),
    ];
    let stage = Stage::with(many_due(1)).await.dry();
    let scenario = Scenario::of("left alone", stage, fires, (200, "paused")).await;
    let service = &scenario.service;
    // In its first run the service makes the journal that the command needs.
    service.metric(SUCCESS, |runs| runs >= 1.0).await;
    pause(&service.stage).await;
    service.stage.write_rules("rules: [{ nam: x }]");
    service.running.signal("HUP");
    scenario
}

/// By its own config: that of the stage is the service's.
async fn pause(stage: &Stage) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_zenreaper"));
    command.args(["pause", "--reason", "a test", "--config"]).arg(stage.path("config.yaml"));
    stage.run_command(command).await.exits(0);
}
