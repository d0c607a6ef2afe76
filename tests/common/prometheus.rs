//! A real Prometheus that scrapes what a test runs, each second.

use std::{
    fs::File,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

use super::{service::free_port, skip};

/// Whether a program of the Debian package `prometheus` is here; says so loudly if it is not.
pub fn have(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    let is_here = command.status().is_ok_and(|status| status.success());
    if !is_here {
        skip(&format!("{program} is not installed: what it would tell is not checked"));
    }
    is_here
}

/// Runs promtool in the repository; what it says, if it is content.
#[track_caller]
pub fn promtool(args: &[&str]) -> String {
    let mut command = Command::new("promtool");
    let output = command.args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "promtool {args:?}:\n{said}");
    said
}

/// An alert that is pending or firing.
#[derive(Clone, Debug)]
pub struct Alert {
    pub scenario: String,
    pub name: String,
    pub is_firing: bool,
    pub labels: Value,
    pub annotations: Value,
}

/// A Prometheus that ends with the test.
pub struct Prometheus {
    process: Child,
    folder: tempfile::TempDir,
    base: String,
}

impl Prometheus {
    /// Scrapes each target under the label `scenario`, and evaluates these rules.
    pub async fn start(targets: &[(&str, &str)], rules: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let targets: Vec<_> = targets
            .iter()
            .map(|(scenario, address)| json!({ "targets": [address], "labels": { "scenario": scenario } }))
            .collect();
        let config = json!({
            "global": { "scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s" },
            "rule_files": ["rules.yaml"],
            "scrape_configs": [{ "job_name": "zenreaper", "static_configs": targets }],
        });
        std::fs::write(folder.path().join("prometheus.yaml"), config.to_string()).unwrap();
        std::fs::write(folder.path().join("rules.yaml"), rules).unwrap();
        let address = format!("127.0.0.1:{}", free_port());
        let process = Command::new("prometheus")
            .args(["--config.file=prometheus.yaml", "--storage.tsdb.path=data"])
            .arg(format!("--web.listen-address={address}"))
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(folder.path().join("log")).unwrap())
            .spawn();
        let prometheus =
            Self { process: process.unwrap(), folder, base: format!("http://{address}") };
        prometheus
            .until("Prometheus answers", async |one| {
                one.get("/api/v1/rules", &[]).await.err().into_iter().collect()
            })
            .await;
        prometheus
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, String> {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let query: Vec<_> =
            query.iter().map(|(key, value)| format!("{key}={}", encoded(value))).collect();
        let url = format!("{}{path}?{}", self.base, query.join("&"));
        let answer = client.get(url).send().await.map_err(|error| error.to_string())?;
        let text = answer.text().await.map_err(|error| error.to_string())?;
        let mut answer: Value =
            serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
        if answer["status"] == "success" { Ok(answer["data"].take()) } else { Err(text) }
    }

    /// The series that answer a query now.
    pub async fn query(&self, expression: &str) -> Vec<Value> {
        let data = self.get("/api/v1/query", &[("query", expression)]).await;
        let data = data.unwrap_or_else(|error| panic!("{expression}: {error}"));
        match data["resultType"].as_str() {
            Some("vector") => data["result"].as_array().unwrap().clone(),
            _ => vec![data["result"].clone()],
        }
    }

    /// The alerts that are pending or firing now.
    pub async fn alerts(&self) -> Vec<Alert> {
        let data = self.get("/api/v1/alerts", &[]).await.unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let alert = |alert: &Value| Alert {
            scenario: text(&alert["labels"]["scenario"]),
            name: text(&alert["labels"]["alertname"]),
            is_firing: alert["state"] == "firing",
            labels: alert["labels"].clone(),
            annotations: alert["annotations"].clone(),
        };
        data["alerts"].as_array().unwrap().iter().map(alert).collect()
    }

    /// Waits until so many targets are scraped.
    pub async fn until_up(&self, count: usize) {
        self.until("all targets are up", async |one| {
            let up = one.query("up == 1").await.len();
            if up == count { Vec::new() } else { vec![format!("{up} of {count}")] }
        })
        .await;
    }

    /// Waits until nothing is missing any more, for forty seconds at the most.
    pub async fn until(&self, what: &str, missing: impl AsyncFn(&Self) -> Vec<String>) {
        let mut last = Vec::new();
        for _ in 0..400 {
            last = missing(self).await;
            if last.is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        panic!("{what}: not within forty seconds, for want of {last:#?}\n{log}");
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// A text as it may stand in the query of a URL.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}
