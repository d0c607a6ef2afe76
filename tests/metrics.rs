//! The whole page of metrics after one fixed run, and `docs/metrics.md`, which is made of it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{
    Seen, Stage, due,
    page::{Page, Sample},
    promql,
    service::Service,
    value,
};
use expect_test::expect_file;
use jiff::{SignedDuration, tz::TimeZone};
use zenreaper::{
    clock,
    cloud::{Action, DOCUMENTED},
    inventory::{ChargeType, Status},
    plan::{Decision, Delay, Keep, Skip, Telling, guard::Guard},
    report::{Dropout, Outcome, RunResult, Settlement},
    rules::Field,
    sandbox::Machine,
};

const GOLDEN: &str = "tests/fixtures/metrics.txt";

/// One machine for each thing that can happen to one.
fn machines() -> Vec<Machine> {
    vec![
        due("i-gone"),
        due("i-committed"),
        due("i-broken"),
        due("i-kept").with_tag("keep", "yes"),
        due("i-protected").with_tag("protected", "yes"),
        due("i-odd").with_tag("ttl", "a while"),
        due("i-young").with_tag("ttl", "never"),
        due("i-subscribed").with("instanceChargeType", "PREPAID"),
        due("i-new").with("instanceStatus", "INSTALLING"),
        due("i-waiting").with_tag("ttl", "9000d"),
        due("i-to-tell").with("zoneId", "SEL-A"),
        due("i-elsewhere").with("zoneId", "SIN-A"),
    ]
}

/// Those of the stage, and one that tells owners before.
fn rules() -> String {
    let telling = "  - { name: told, match: { zone: SEL-A }, expire: { after: 1h }, notice: 1d }\n";
    let releasing = "  - { name: freed, match: { zone: NONE }, action: release }\n";
    format!("{}{telling}{releasing}", common::RULES)
}

/// The page after the run, with words for what is another at each run.
fn normal(page: &str) -> String {
    let varies = |name: &str| {
        name.starts_with("process_")
            || ["_bucket", "_sum"].iter().any(|end| name.ends_with(end))
            || name.ends_with("_timestamp_seconds")
    };
    let line = |line: &str| match line.rsplit_once(' ') {
        Some((series, value)) if !line.starts_with('#') => {
            let name = series.split('{').next().unwrap();
            let series = if name == "zenreaper_build_info" {
                r#"zenreaper_build_info{revision="REVISION",tzdb="TZDB",version="VERSION"}"#
            } else {
                series
            };
            let value = if varies(name) && value != "0" { "SOME" } else { value };
            let value = if name.ends_with("_bucket") || name.starts_with("process_") {
                "SOME"
            } else {
                value
            };
            format!("{series} {value}\n")
        }
        _ => format!("{line}\n"),
    };
    page.lines().map(line).collect()
}

#[tokio::test]
async fn the_whole_page_after_one_run() {
    let stage = Stage::with(machines())
        .await
        .rules(&rules())
        .more("allow_release: true")
        .fault("error=OPERATION_DENIED_POSTPAID_PROMISE,status=403,action=TerminateInstance,instance=i-committed")
        .fault("error=SOME_NEW_CODE,status=418,action=TerminateInstance,instance=i-broken");
    // Late enough for the service to be up, and not again before next year.
    let at = (clock::now() + SignedDuration::from_secs(4)).to_zoned(TimeZone::UTC);
    let service = Service::on(stage, &at.strftime("%-S %-M %-H %-d %-m *").to_string()).await;
    let ended = r#"zenreaper_last_run_result{account="main",result="partial"}"#;
    service.metric(ended, |is_last| is_last > 0.5).await;
    let page = service.get("/metrics").await.1;
    let requested = r#"zenreaper_terminations_total{account="main",outcome=""#;
    let requested = page.lines().filter(|line| line.starts_with(requested));
    let requested: u32 =
        requested.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u32>().unwrap()).sum();
    assert_eq!(requested, 3, "over all outcomes");
    assert_eq!(service.stage.count_of("intents").await, 3, "the journal says the same");
    service.ends_after("TERM").await.exits(0);
    expect_file!["fixtures/metrics.txt"].assert_eq(&normal(&page));
}

#[tokio::test]
async fn what_one_run_leaves_for_node_exporter_has_no_name_of_its_own_metrics() {
    let stage = Stage::with(machines()).await;
    stage.once().await.exits(0);
    let left = std::fs::read_to_string(stage.path("metrics.prom")).unwrap();
    let whole = Page::read(&common::read(GOLDEN)).metrics.into_keys();
    let ours: BTreeSet<_> = whole.filter(|name| name.starts_with("zenreaper_")).collect();
    let left: BTreeSet<_> = Page::read(&left).metrics.into_keys().collect();
    let missing: Vec<_> = ours.symmetric_difference(&left).collect();
    let expected = ["zenreaper_releases_total", "zenreaper_success_deadline_timestamp_seconds"];
    assert_eq!(missing, expected, "no rule releases, and the service tells the deadline");
}

#[tokio::test]
async fn what_a_run_leaves_can_be_read_by_all_and_what_is_private_cannot() {
    use std::os::unix::fs::PermissionsExt;
    let stage = Stage::with(machines()).await.dry();
    let mode =
        |name: &str| std::fs::metadata(stage.path(name)).unwrap().permissions().mode() & 0o777;
    let binary = env!("CARGO_BIN_EXE_zenreaper");
    for umask in ["0077", "0027", "0022", "0000"] {
        let stage = &stage;
        let within = async |args: &str| {
            // The config and the environment of the stage, under another umask.
            let plain = stage.command(&[]);
            let mut command = std::process::Command::new("sh");
            let line = format!("umask {umask}; exec {binary} {args} --config config.yaml");
            command.args(["-c", &line]).current_dir(stage.path("")).env_clear();
            command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
            stage.run_command(command).await.exits(0);
        };
        // A half-written file of a crash, which others own by its mode, is no way in.
        std::fs::write(stage.path("left.tmp"), "old").unwrap();
        within("inventory --out fleet.json").await;
        assert_eq!(mode("fleet.json"), 0o600, "{umask}");
        within("run --once --metrics-file left.prom").await;
        assert_eq!(mode("left.prom"), 0o644, "{umask}");
        drop(std::fs::remove_file(stage.path("journal.db")));
    }
    assert!(!stage.path("left.tmp").exists());
}

/// The series of a file, without their values.
fn series(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
}

#[tokio::test]
async fn two_files_of_one_host_have_no_series_in_common() {
    let folder = tempfile::tempdir().unwrap();
    let run = async |stage: &Stage, name: &str| {
        let file = folder.path().join(name);
        let args = ["run", "--once", "--metrics-file", file.to_str().unwrap()];
        let seen = stage.run(&args).await;
        let text = std::fs::read_to_string(file).unwrap();
        (seen, text)
    };
    let (one, other) = (Stage::with(machines()).await, Stage::with(Vec::new()).await);
    let other = other.fault("total-count=1");
    // Each has an account `main`; the first file is written before there is another.
    let (seen, first) = run(&one, "one.prom").await;
    assert!(!seen.err.contains("another file"), "{}", seen.err);
    let (seen, second) = run(&other, "other.prom").await;
    seen.exits(1)
        .says("another file in the folder of")
        .says("better give each account a name of its own");
    let config = other.path("config.yaml");
    let config = config.to_str().unwrap();
    assert!(second.contains(&format!("zenreaper_ready{{config=\"{config}\"}} 0")), "{second}");
    assert!(first.contains("zenreaper_runs_total{account=\"main\",result=\"success\"} 1"));
    let check = |first: &str, second: &str| {
        let (first_series, second_series) = (series(first), series(second));
        let both: Vec<_> = first_series.intersection(&second_series).collect();
        assert!(both.is_empty(), "{both:?}");
        let helps = |text: &str| {
            let lines = text.lines().filter(|line| line.starts_with("# HELP"));
            let named = lines.filter_map(|line| {
                line.split(' ').nth(2).map(|name| (name.to_owned(), line.to_owned()))
            });
            named.collect::<BTreeMap<_, _>>()
        };
        for (name, help) in helps(first) {
            assert!(helps(second).get(&name).is_none_or(|other| *other == help), "{help}");
        }
    };
    check(&first, &second);
    let (_, again) = run(&one, "one.prom").await;
    check(&again, &second);
}

#[tokio::test]
async fn a_run_that_fails_leaves_when_the_one_before_succeeded() {
    let metric = |seen: &Seen, name: &str, more: &str| {
        let series = format!("zenreaper_{name}{{account=\"main\"{more}}}");
        value(&seen.metrics, &series).unwrap()
    };
    let success = |seen: &Seen| metric(seen, "last_success_timestamp_seconds", "");
    let stage = Stage::with(Vec::new()).await.dry();
    let first = stage.once_exits(0).await;
    let stage = stage.fault("total-count=1");
    let second = stage.once_exits(1).await;
    assert!(
        (success(&second) - success(&first)).abs() < 0.5,
        "{} {}",
        success(&second),
        success(&first)
    );
    assert!(metric(&second, "last_run_timestamp_seconds", "") > success(&second));
    let results = ["success", "incomplete_inventory"].map(|result| {
        let of = format!(",result=\"{result}\"");
        (metric(&second, "last_run_result", &of), metric(&second, "runs_total", &of))
    });
    assert_eq!(results, [(0.0, 0.0), (1.0, 1.0)], "what was before is remembered and not counted");
}

/// The values that a label has in some metrics.
struct Values {
    label: &'static str,
    /// Beginnings of the names of those metrics.
    of: &'static [&'static str],
    /// Those that are known beforehand.
    closed: Vec<&'static str>,
    /// Where the others come from, and what bounds them.
    open: &'static str,
}

impl Values {
    fn covers(&self, metric: &str, label: &str) -> bool {
        let short = metric.trim_start_matches("zenreaper_");
        self.label == label && self.of.iter().any(|start| short.starts_with(start))
    }

    fn row(&self) -> String {
        let of = self.of.iter().map(|of| format!("`{of}`")).collect::<Vec<_>>().join(", ");
        let of = if self.of == [""] { "all".to_owned() } else { of };
        let closed: Vec<_> = self.closed.iter().map(|value| format!("`{value}`")).collect();
        let parts = [closed.join(", "), self.open.to_owned()];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        format!("| `{}` | {of} | {} |\n", self.label, parts.join("; "))
    }
}

fn decisions() -> Vec<Decision> {
    let skips = Skip::ALL.map(Decision::Skip);
    let notices = [Telling::ToTell, Telling::Undelivered, Telling::Told].map(Decision::Notice);
    let waits = Delay::ALL.map(Decision::Wait);
    let keeps = [Keep::NoRule, Keep::Excepted, Keep::Never, Keep::Unreadable].map(Decision::Keep);
    let unknown = Field::ALL.map(|field| Decision::Keep(Keep::Unknown(field)));
    let first = std::iter::once(Decision::Terminate);
    first.chain(notices).chain(waits).chain(skips).chain(keeps).chain(unknown).collect()
}

fn unique(values: impl IntoIterator<Item = &'static str>) -> Vec<&'static str> {
    let mut seen = BTreeSet::new();
    values.into_iter().filter(|value| seen.insert(*value)).collect()
}

fn values() -> Vec<Values> {
    const NONE: &str = "";
    let closed = |label, of, closed: Vec<&'static str>| Values { label, of, closed, open: NONE };
    let open = |label, of, open| Values { label, of, closed: Vec::new(), open };
    let settlements = Settlement::ALL.map(Settlement::as_str).to_vec();
    let skips = Skip::ALL.map(Skip::as_str).into_iter().chain(Dropout::ALL.map(Dropout::as_str));
    vec![
        open("account", &[""], "the names under `accounts` in the config"),
        open("rule", &[""], "the names of the rules, also of those that are gone since the start"),
        open("sink", &[""], "the names under `notices.sinks` in the config"),
        closed("action", &["api_", "rate_limit_"], Action::ALL.map(Action::as_str).to_vec()),
        Values {
            label: "code",
            of: &["api_errors_total"],
            closed: DOCUMENTED.to_vec(),
            open: "50 that are not documented under their own names, among them `HTTP_<status>`; then `OTHER`",
        },
        Values {
            label: "status",
            of: &["api_requests_total"],
            closed: vec!["none"],
            open: "50 HTTP statuses, then `OTHER`",
        },
        closed("status", &["instances"], [&Status::KNOWN[..], &["ABSENT", "OTHER"]].concat()),
        closed(
            "charge_type",
            &["instances"],
            [&ChargeType::KNOWN[..], &["ABSENT", "OTHER"]].concat(),
        ),
        closed("decision", &["decisions"], unique(decisions().iter().map(|one| one.as_str()))),
        closed("reason", &["decisions"], unique(decisions().iter().map(|one| one.reason()))),
        closed("reason", &["skipped_total"], unique(skips)),
        closed("outcome", &["terminations_total"], Outcome::ALL.map(Outcome::as_str).to_vec()),
        closed("outcome", &["releases_total"], Outcome::ALL.map(Outcome::as_released).to_vec()),
        closed("result", &["settled_total"], settlements),
        closed("result", &["notices_total"], vec!["sent", "failed"]),
        closed(
            "result",
            &["runs_total", "last_run_result"],
            RunResult::ALL.map(RunResult::as_str).to_vec(),
        ),
        closed("guard", &["guard_refusals_total"], Guard::ALL.map(Guard::as_str).to_vec()),
        open("version", &["build_info"], "of the program"),
        open("revision", &["build_info"], "that was built, or `unknown`"),
        open(
            "tzdb",
            &["build_info"],
            "the edition of the time zone rules that are built in, such as `2026f`",
        ),
        open("le", &[""], "the upper bounds of a histogram's buckets, in seconds"),
    ]
}

#[test]
fn every_label_has_values_that_are_told_beforehand() {
    let values = values();
    let mut used = BTreeSet::new();
    for Sample { metric, labels, .. } in Page::read(&common::read(GOLDEN)).samples() {
        for (label, value) in labels {
            let covering: Vec<_> =
                values.iter().enumerate().filter(|(_, one)| one.covers(metric, label)).collect();
            let [(n, one)] = covering[..] else {
                panic!("{metric} {label}: {} rows tell of it", covering.len());
            };
            let is_told = !one.open.is_empty() || one.closed.contains(&&**value);
            assert!(is_told, "{metric}: {label}={value:?} is not among {:?}", one.closed);
            used.insert(n);
        }
    }
    let unused = values.iter().enumerate().filter(|(n, _)| !used.contains(n));
    let unused: Vec<_> = unused.map(|(_, one)| one.label).collect();
    assert!(unused.is_empty(), "no metric has {unused:?}");
}

/// What is generated of `docs/metrics.md`, between the marks.
fn tables() -> String {
    let page = Page::read(&common::read(GOLDEN));
    let head = "| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n";
    let row = |(name, metric): (&String, &common::page::Metric)| {
        let labels = metric.labels.iter().filter(|label| *label != "le");
        let labels: Vec<_> = labels.map(|label| format!("`{label}`")).collect();
        format!("| `{name}` | {} | {} | {} |\n", metric.kind, labels.join(", "), metric.help)
    };
    let is_own = |name: &str| name.starts_with("zenreaper_");
    let (own, process): (BTreeMap<_, _>, BTreeMap<_, _>) =
        page.metrics.iter().partition(|(name, _)| is_own(name));
    let own: String = own.into_iter().map(row).collect();
    let process: String = process.into_iter().map(row).collect();
    let values: String = values().iter().map(Values::row).collect();
    format!(
        "{head}{own}\n## Labels\n\n| label | of `zenreaper_` + ... | values |\n| --- | --- | --- |\n{values}\n## Of the process\n\n{head}{process}"
    )
}

#[test]
fn the_document_tells_of_every_metric_and_of_no_other() {
    const BEGIN: &str =
        "<!-- made by `UPDATE_EXPECT=1 cargo test --test metrics`, from here -->\n\n";
    const END: &str = "\n<!-- to here -->";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    expect_file![path].assert_eq(&format!("{before}{BEGIN}{}{END}{after}", tables()));
}

/// What a text names in its code, and the page does not have.
fn unknown(text: &str, page: &Page) -> Vec<String> {
    let code = text.split('`').skip(1).step_by(2);
    // A bar within a table is escaped.
    code.flat_map(|code| promql::unknown(&code.replace("\\|", "|"), page)).collect()
}

#[test]
fn what_is_not_on_the_page_is_found() {
    let page = Page::read(&common::read(GOLDEN));
    for (query, wrong) in [
        ("sum(zenreaper_terminations)", "no metric zenreaper_terminations"),
        (r#"zenreaper_paused{account="a"} > 0"#, "zenreaper_paused has no label account"),
        (
            r#"instance:zenreaper_settled:increase1d{result=~"confirmed|absent"}"#,
            r#"zenreaper_settled_total never has result="absent""#,
        ),
    ] {
        assert_eq!(promql::unknown(query, &page), [wrong]);
    }
    let right = r#"rate(zenreaper_run_duration_seconds_bucket{account=~"$account", job="x"}[1h])"#;
    assert!(promql::unknown(right, &page).is_empty());
}

#[test]
fn what_the_documents_name_is_on_the_page() {
    let page = Page::read(&common::read(GOLDEN));
    for name in common::names("docs") {
        let text = common::read(&format!("docs/{name}"));
        let (prose, code): (Vec<_>, Vec<_>) =
            text.split("```").enumerate().partition(|(n, _)| n % 2 == 0);
        let code = code.into_iter().flat_map(|(_, block)| promql::unknown(block, &page));
        let prose = prose.into_iter().flat_map(|(_, text)| unknown(text, &page));
        let unknown: Vec<_> = prose.chain(code).collect();
        assert!(unknown.is_empty(), "docs/{name}: {unknown:?}");
    }
}
