//! The status page and its API, of the real daemon against a sandbox cloud.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::collections::BTreeSet;

use common::{Stage, due, many_due, service::Service};
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;
use zenreaper::sandbox;

/// Far enough away that no run begins.
const NEVER: &str = "0 0 0 1 1 *";
const OFTEN: &str = "* * * * * *";

const TOKEN: &str = "page-token-7f3a";

async fn ask(service: &Service, method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.request(method, format!("{}{path}", service.base));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

async fn json(service: &Service, path: &str) -> (u16, Value) {
    let (status, text) = service.get(path).await;
    (status, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}")))
}

/// The page once it says so.
async fn page_with(service: &Service, text: &str) -> String {
    service.until("/", |(status, page)| *status == 200 && page.contains(text)).await
}

#[track_caller]
fn says(page: &str, texts: &[&str]) {
    for text in texts {
        let body = page.split("</style>").last().unwrap();
        assert!(body.contains(text), "the page does not say {text:?}:\n{body}");
    }
}

#[tokio::test]
async fn before_the_first_run_it_says_so_and_promises_nothing() {
    let service = Service::on(Stage::with(many_due(3)).await, NEVER).await;
    let page = service.get("/").await.1;
    let expected =
        ["Waiting for its next run", "Nothing can be said before the first run", "enforce"];
    says(&page, &expected);
    says(&page, &["No machine was terminated in the last 14 days", "No machine is held"]);
    for path in ["/api/v1/plan", "/api/v1/forecast"] {
        let (status, answer) = json(&service, path).await;
        assert_eq!((status, answer["error"]["code"].as_str()), (503, Some("not_yet")), "{path}");
    }
    let (status, answer) = json(&service, "/api/v1/status").await;
    assert_eq!((status, &answer["accounts"][0]["last_run"]), (200, &Value::Null));
    assert_eq!(json(&service, "/api/v1/history").await, (200, serde_json::json!([])));
    service.ends_after("TERM").await.exits(0);
}

#[tokio::test]
async fn after_a_run_it_tells_what_went_and_why_and_until_when_it_can_be_undone() {
    let kept = due("kept").with_tag("keep", "yes");
    let later = due("later").with_tag("ttl", "36500d");
    let service = Service::on(Stage::with(vec![due("i-1"), kept, later]).await, OFTEN).await;
    let page = page_with(&service, "confirmed").await;
    says(&page, &["Healthy", "Enforcing", "1 machine was terminated", "name-of-i-1", "1 not due"]);
    says(&page, &["name-of-i-1</bdi>", "terminated</span>", "zone=HKG-A", "1 excepted"]);
    let (_, history) = json(&service, "/api/v1/history").await;
    let went = history.as_array().unwrap().iter().find(|entry| entry["what"] == "terminate");
    let went = went.unwrap();
    assert_eq!((&went["outcome"], &went["recoverable"]), (&"terminated".into(), &true.into()));
    let until: jiff::Timestamp = went["recoverable_until"].as_str().unwrap().parse().unwrap();
    says(&page, &[&format!("datetime=\"{until:.0}\"")]);
    service.ends_after("TERM").await.exits(0);
}

#[tokio::test]
async fn a_first_run_under_way_is_neither_waiting_nor_failing() {
    let stage = Stage::with(vec![due("i-1")]).await.timeout("9s");
    stage.sandbox.inject("latency=4s,action=TerminateInstance".parse().unwrap());
    let service = Service::on(stage, OFTEN).await;
    let page = page_with(&service, "1 call is under way or not settled yet").await;
    says(
        &page,
        &["In its first run since it started", "running, for ", "1 open, 0 refused, 0 failed"],
    );
    assert!(!page.contains("failed or unknown.</p>"), "{page}");
    page_with(&service, "1 machine was terminated").await;
    service.ends_after("TERM").await.exits(0);
}

#[tokio::test]
async fn a_dry_run_says_that_it_is_one_and_what_would_go() {
    let service = Service::on(Stage::with(many_due(3)).await.dry(), OFTEN).await;
    let page = page_with(&service, "3 machines would go in the next run").await;
    says(
        &page,
        &["Dry run: it decides and tells, and terminates nothing", "In dry-run none of it is done"],
    );
    assert!(service.stage.terminated().is_empty());
    let (_, plan) = json(&service, "/api/v1/plan").await;
    assert_eq!(
        (&plan["mode"], &plan["accounts"][0]["guard"]["approved"]),
        (&"dry-run".into(), &true.into())
    );
    service.ends_after("TERM").await.exits(0);
}

#[tokio::test]
async fn what_operators_do_shows_at_once_without_another_run() {
    let service = Service::on(Stage::with(many_due(2)).await.dry(), NEVER).await;
    let on_the_hour = "schedule: \"0 * * * *\"";
    once(&service, on_the_hour).await;
    page_with(&service, "2 machines would go in the next run").await;
    let stage = &service.stage;
    let pause = ["pause", "--reason", "release <day>", "--by", "ana"];
    stage.run(&pause).await.exits(0);
    let page = page_with(&service, "Paused by an operator").await;
    says(&page, &["Needs a look", "by <bdi>ana</bdi>", "release &lt;day&gt;"]);
    let page = page_with(&service, "A run would terminate nothing: ").await;
    says(&page, &["2 machines are due, but do not go in the next run", "due, but held back"]);
    let (_, status) = json(&service, "/api/v1/status").await;
    assert_eq!((&status["pause"]["by"], &status["ready"]), (&"ana".into(), &true.into()));
    stage.run(&["resume"]).await.exits(0);
    let keep = ["hold", "i-0001", "--for", "3d", "--reason", "needed"];
    stage.run(&keep).await.exits(0);
    let page = page_with(&service, "1 machine would go in the next run").await;
    says(&page, &["1 held", "needed", "resume"]);
    service.ends_after("TERM").await.exits(0);
}

/// Has the service run once, soon, and go by another schedule from then on.
async fn once(service: &Service, then: &str) {
    let config = service.stage.path("config.yaml");
    let text = std::fs::read_to_string(&config).unwrap();
    let line = text.lines().find(|line| line.starts_with("schedule:")).unwrap().to_owned();
    let success = r#"zenreaper_runs_total{account="main",result="success"}"#;
    for (schedule, is_done) in [("schedule: \"* * * * * *\"", false), (then, true)] {
        std::fs::write(&config, text.replace(&line, schedule)).unwrap();
        service.running.signal("HUP");
        if !is_done {
            service.metric(success, |runs| runs >= 1.0).await;
        }
    }
    let pattern = then.trim_start_matches("schedule: ").trim_matches('"').to_owned();
    service.until("/api/v1/status", |(_, text)| text.contains(&pattern)).await;
}

#[tokio::test]
async fn refused_credentials_are_told_by_their_code_and_not_shown() {
    let stage = Stage::with(many_due(1)).await.secret("wrong-secret-9c2e");
    let service = Service::on(stage, OFTEN).await;
    let page = page_with(&service, "auth failed").await;
    says(&page, &["Not working", "AUTHFAILURE_SIGNATURE_FAILURE", "DescribeInstances"]);
    says(&page, &["Enforcing, but something stands in the way", "account and its permissions"]);
    says(&page, &["are not known while it cannot be listed"]);
    assert_eq!(page.matches("class=\"alert\"").count(), 1, "told once:\n{page}");
    assert!(!page.contains("the listing before it"), "there is none:\n{page}");
    let (_, status) = json(&service, "/api/v1/status").await;
    assert_eq!(
        (&status["ready"], &status["errors"][0]["code"]),
        (&false.into(), &"AUTHFAILURE_SIGNATURE_FAILURE".into())
    );
    let (_, plan) = json(&service, "/api/v1/plan").await;
    assert_eq!(plan["accounts"][0]["inventory"]["complete"], false);
    for path in EVERYTHING {
        let text = service.get(path).await.1;
        assert!(
            !text.contains("wrong-secret-9c2e") && !text.contains(sandbox::ACCESS_KEY_ID),
            "{path}"
        );
    }
}

const EVERYTHING: [&str; 9] = [
    "/",
    "/api/v1/status",
    "/api/v1/plan",
    "/api/v1/history",
    "/api/v1/forecast",
    "/api/v1/openapi.json",
    "/metrics",
    "/readyz",
    "/nothing",
];

#[tokio::test]
async fn a_listing_that_fails_after_one_that_did_not_is_told_and_nothing_goes() {
    let service = Service::on(Stage::with(many_due(2)).await.dry(), OFTEN).await;
    page_with(&service, "2 machines would go").await;
    service.stage.sandbox.inject("total-count=1".parse().unwrap());
    let page = page_with(&service, "The last listing failed, so nothing is terminated").await;
    says(
        &page,
        &["Not working", "2 machines would go", "the listing promises 3 instances and holds 2"],
    );
    let (_, plan) = json(&service, "/api/v1/plan").await;
    let account = &plan["accounts"][0];
    assert_eq!(
        (&account["guard"]["approved"], &account["decisions"]),
        (&false.into(), &serde_json::json!([]))
    );
    service.ends_after("TERM").await.exits(0);
}

#[tokio::test]
async fn names_that_mean_to_do_harm_are_shown_as_what_they_are() {
    let evil = "<script>alert(1)</script>\u{202e}gpj.exe\u{200f}\"'&";
    let machine = due("i-\"><img/src=x>").with("instanceName", evil).with_tag("ttl", "<b>1h");
    let rules = "
rules:
  - name: all
    description: \"<i>all</i> & 'more'\"
    match: { tags: { ttl: '*' } }
";
    let service = Service::on(Stage::with(vec![machine]).await.dry().rules(rules), OFTEN).await;
    let page = page_with(&service, "1 machine would go").await;
    for raw in ["<script", "<img", "<b>", "<i>all", "\u{202e}", "\u{200f}"] {
        assert!(!page.contains(raw), "{raw:?}:\n{page}");
    }
    says(&page, &["&lt;script&gt;alert(1)&lt;/script&gt;\\u{202e}gpj", "&lt;i&gt;all&lt;/i&gt;"]);
    let (_, plan) = json(&service, "/api/v1/plan").await;
    assert_eq!(plan["accounts"][0]["decisions"][0]["name"], evil, "programs get it as it is");
    service.ends_after("TERM").await.exits(0);
}

#[tokio::test]
async fn every_answer_forbids_what_a_browser_could_do_with_it() {
    let service = Service::on(Stage::with(many_due(1)).await, NEVER).await;
    for (path, status) in
        [("/", 200), ("/api/v1/status", 200), ("/api/v1/plan", 503), ("/api/no", 404), ("/no", 404)]
    {
        let answer = ask(&service, Method::GET, path, &[]).await;
        assert_eq!(answer.status(), status, "{path}");
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        let policy = header("content-security-policy");
        for part in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "form-action 'none'",
            "style-src 'sha256-",
        ] {
            assert!(policy.contains(part) && !policy.contains("unsafe"), "{path}: {policy}");
        }
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(header("cache-control"), "no-store", "{path}");
    }
    for (method, expected) in
        [(Method::POST, 405), (Method::DELETE, 405), (Method::OPTIONS, 405), (Method::HEAD, 200)]
    {
        for path in ["/", "/api/v1/status", "/metrics"] {
            let answer = ask(&service, method.clone(), path, &[]).await;
            assert_eq!(answer.status(), expected, "{method} {path}");
        }
    }
    let page = service.get("/").await.1;
    for outside in ["<script", "http://", "https://", "src=", "@import", "url("] {
        assert!(!page.replace("http://www.w3.org/2000/svg", "").contains(outside), "{outside}");
    }
    service.ends_after("TERM").await.exits(0);
}

#[tokio::test]
async fn a_name_that_somebody_had_point_to_loopback_is_refused() {
    let service = Service::on(Stage::with(many_due(1)).await, NEVER).await;
    for path in ["/", "/api/v1/status", "/api/v1/openapi.json", "/nothing"] {
        let rebound = ask(&service, Method::GET, path, &[("host", "evil.example:9464")]).await;
        assert_eq!(rebound.status(), StatusCode::MISDIRECTED_REQUEST, "{path}");
        let local = ask(&service, Method::GET, path, &[("host", "localhost")]).await;
        assert_ne!(local.status(), StatusCode::MISDIRECTED_REQUEST, "{path}");
    }
    for path in ["/metrics", "/healthz"] {
        let proxied = ask(&service, Method::GET, path, &[("host", "reaper.example")]).await;
        assert_eq!(proxied.status(), 200, "{path} goes by any name");
    }
    service.ends_after("TERM").await.exits(0);
}

#[tokio::test]
async fn a_token_is_asked_for_by_page_and_api_and_never_shown() {
    let stage = Stage::with(many_due(1)).await;
    let env = [("ZENREAPER_HTTP_TOKEN", TOKEN)];
    let service = Service::at("0.0.0.0", stage, NEVER, &env).await;
    let bearer = format!("Bearer {TOKEN}");
    for path in ["/", "/api/v1/status", "/api/v1/openapi.json", "/nothing"] {
        let answer = ask(&service, Method::GET, path, &[]).await;
        assert_eq!(answer.status(), 401, "{path}");
        let challenges = answer.headers().get_all("www-authenticate").iter();
        assert_eq!(challenges.count(), 2, "a bearer for programs, a password for browsers");
        let wrong = ask(&service, Method::GET, path, &[("authorization", "Bearer nonsense")]).await;
        assert_eq!(wrong.status(), 401, "{path}");
        let answer = ask(&service, Method::GET, path, &[("authorization", &bearer)]).await;
        assert_ne!(answer.status(), 401, "{path}");
        assert!(!answer.text().await.unwrap().contains(TOKEN), "{path}");
    }
    for path in ["/metrics", "/healthz", "/readyz"] {
        assert_ne!(ask(&service, Method::GET, path, &[]).await.status(), 401, "{path}");
    }
    let seen = service.ends_after("TERM").await;
    assert!(!seen.err.contains(TOKEN) && !seen.err.contains("OPEN"), "{}", seen.err);
}

#[tokio::test]
async fn without_a_token_it_is_said_loudly_that_it_is_open() {
    let service = Service::at("0.0.0.0", Stage::with(many_due(1)).await, NEVER, &[]).await;
    assert_eq!(ask(&service, Method::GET, "/", &[("host", "reaper.example")]).await.status(), 200);
    let seen = service.ends_after("TERM").await;
    let said = seen.lines("level", "WARN");
    assert!(said.iter().any(|line| line.to_string().contains("OPEN")), "{}", seen.err);
    let service = Service::on(Stage::with(many_due(1)).await, NEVER).await;
    assert!(
        !service.ends_after("TERM").await.err.contains("OPEN"),
        "at loopback there is nothing to warn of"
    );
}

#[tokio::test]
async fn requests_are_bounded() {
    let service = Service::on(Stage::with(many_due(1)).await, NEVER).await;
    let long = "x".repeat(40_000);
    let answer = ask(&service, Method::GET, "/", &[("x-long", &long)]).await;
    assert_eq!(answer.status(), 431);
    let names: Vec<_> = (0..100).map(|n| format!("x-{n}")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), "y")).collect();
    assert_eq!(ask(&service, Method::GET, "/", &many).await.status(), 431);
    service.ends_after("TERM").await.exits(0);
}

/// The API's own description, to hold answers against.
struct Description {
    schemas: boon::Schemas,
    compiler: boon::Compiler,
    document: Value,
}

const BASE: &str = "https://zenreaper.test/openapi.json";

impl Description {
    async fn of(service: &Service) -> Self {
        let (status, document) = json(service, "/api/v1/openapi.json").await;
        assert_eq!((status, &document["openapi"]), (200, &"3.1.0".into()));
        let mut compiler = boon::Compiler::new();
        compiler.set_default_draft(boon::Draft::V2020_12);
        compiler.enable_format_assertions();
        compiler.add_resource(BASE, document.clone()).unwrap();
        Self { schemas: boon::Schemas::new(), compiler, document }
    }

    /// Checks what a path answers against what is described of it.
    async fn check(&mut self, service: &Service, path: &str, expected: u16) -> Value {
        let (status, answer) = json(service, path).await;
        assert_eq!(status, expected, "{path}: {answer}");
        let route = path.split('?').next().unwrap();
        let described = &self.document["paths"][route]["get"]["responses"][status.to_string()];
        let schema = &described["content"]["application/json"]["schema"]["$ref"];
        let name = schema.as_str().unwrap_or_else(|| panic!("{path} {status} is not described"));
        let schema = self.compiler.compile(&format!("{BASE}{name}"), &mut self.schemas).unwrap();
        if let Err(error) = self.schemas.validate(&answer, schema) {
            panic!("{path}: {error:#}\n{answer:#}");
        }
        answer
    }
}

const RULES_WITH_NOTICE: &str = "
rules:
  - name: told
    match: { tags: { env: dev } }
    expire: { after: 1h }
    notice: 24h
  - name: old
    match: { zone: HKG-A }
    expire: { tag: ttl, default: 1h }
";

#[tokio::test]
async fn every_answer_of_the_api_is_as_it_describes_it() {
    let told = due("i-told").with("zoneId", "SEL-A").with_tag("env", "dev");
    let soon = due("i-soon").with_tag("ttl", "36500d");
    let stage = Stage::with(vec![due("i-1"), told, soon]).await.rules(RULES_WITH_NOTICE);
    let service = Service::on(stage, NEVER).await;
    let mut description = Description::of(&service).await;
    let status = description.check(&service, "/api/v1/status", 200).await;
    assert!(status["accounts"][0]["last_run"].is_null());
    description.check(&service, "/api/v1/plan", 503).await;
    description.check(&service, "/api/v1/forecast", 503).await;
    for (path, parameter) in [
        ("/api/v1/plan?days=7", "days"),
        ("/api/v1/status?x", "x"),
        ("/api/v1/forecast?days=31", "days"),
        ("/api/v1/forecast?days=all", "days"),
        ("/api/v1/history?limit=0", "limit"),
        ("/api/v1/history?since=lately", "since"),
        ("/api/v1/history?limit=1&limit=2", "limit"),
    ] {
        let answer = description.check(&service, path, 400).await;
        assert_eq!(answer["error"]["parameter"], parameter, "{path}");
        assert!(answer["error"]["expected"].is_string(), "{path}");
    }
    once(&service, "schedule: \"*/15 * * * *\"").await;
    page_with(&service, "Worked out").await;
    page_with(&service, "name-of-i-1").await;
    let status = description.check(&service, "/api/v1/status", 200).await;
    assert_eq!(status["accounts"][0]["last_run"]["result"], "success");
    let plan = description.check(&service, "/api/v1/plan", 200).await;
    assert_eq!(plan["accounts"][0]["decisions"].as_array().unwrap().len(), 3);
    service.until("/api/v1/forecast?days=30", |(_, text)| text.contains("i-told")).await;
    let forecast = description.check(&service, "/api/v1/forecast?days=30", 200).await;
    assert_eq!(forecast["accounts"][0]["events"][0]["instance_id"], "i-told");
    let history = description.check(&service, "/api/v1/history?since=1d&limit=1000", 200).await;
    let what: BTreeSet<_> =
        history.as_array().unwrap().iter().map(|entry| entry["what"].as_str().unwrap()).collect();
    assert_eq!(what, BTreeSet::from(["hold", "notice", "terminate"]));
    let newest = description.check(&service, "/api/v1/history?limit=1", 200).await;
    assert_eq!(newest[0], history[history.as_array().unwrap().len() - 1]);
    service.ends_after("TERM").await.exits(0);
}

/// The names of all keys, with the place that they have.
fn keys(value: &Value, place: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            let place = format!("{place}.{key}");
            keys(value, &place, found);
            found.insert(place);
        }),
        Value::Array(items) => {
            for item in items {
                keys(item, &format!("{place}[]"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test]
async fn the_api_answers_with_what_the_commands_print() {
    let stage =
        Stage::with(vec![due("i-1"), due("i-2").with("zoneId", "SEL-A").with_tag("env", "dev")])
            .await;
    let service = Service::on(stage.rules(RULES_WITH_NOTICE), NEVER).await;
    once(&service, "schedule: \"*/15 * * * *\"").await;
    page_with(&service, "Worked out").await;
    // A command writes the config of the stage anew, without that schedule.
    let config = service.stage.path("as-it-runs.yaml");
    std::fs::copy(service.stage.path("config.yaml"), &config).unwrap();
    service.until("/api/v1/forecast?days=7", |(_, text)| text.contains("i-2")).await;
    let answers = [
        ("/api/v1/plan", vec!["plan", "-o", "json"]),
        ("/api/v1/forecast?days=7", vec!["forecast", "-o", "json", "--days", "7"]),
        ("/api/v1/history", vec!["history", "-o", "json"]),
    ];
    for (path, command) in answers {
        let (_, answer) = json(&service, path).await;
        let mut command = service.stage.command_without_config(&command);
        command.arg("--config").arg(&config);
        let printed = service.stage.run_command(command).await.exits(0).json();
        let (mut of_api, mut of_command) = (BTreeSet::new(), BTreeSet::new());
        keys(&answer, "", &mut of_api);
        keys(&printed, "", &mut of_command);
        assert_eq!(of_api, of_command, "{path}");
        if path == "/api/v1/history" {
            assert_eq!(answer, printed);
        }
    }
    service.ends_after("TERM").await.exits(0);
}

#[tokio::test]
async fn a_reader_does_not_hold_the_journal_open_beyond_the_end() {
    let service = Service::on(Stage::with(many_due(1)).await, OFTEN).await;
    page_with(&service, "confirmed").await;
    let journal = service.stage.path("journal.db-wal");
    let (running, stage) = (service.running, service.stage);
    running.signal("TERM");
    running.end(&stage).await.exits(0);
    assert!(!journal.exists(), "all of it is in one file");
}
