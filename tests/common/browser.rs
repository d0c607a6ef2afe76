//! A headless Chromium, driven through chromedriver in the words of `WebDriver`.

use std::{
    io::{Read, Write},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

use super::service::free_port;

/// A browser that ends with the test.
pub struct Browser {
    driver: Child,
    session: String,
    client: reqwest::Client,
    profile: tempfile::TempDir,
}

/// How long a browser may take to end.
const END_MAX: Duration = Duration::from_secs(5);

/// What the browser is told before it starts. The sandbox of Chromium needs what a container may not have.
fn arguments(profile: &str) -> Vec<String> {
    let flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars";
    flags.split(' ').map(str::to_owned).chain([format!("--user-data-dir={profile}")]).collect()
}

impl Browser {
    /// Starts one; `None` if there is no chromium or no chromedriver here.
    pub async fn start() -> Option<Self> {
        let is_there = |program: &str| {
            let mut command = Command::new(program);
            command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        };
        if !is_there("chromium") || !is_there("chromedriver") {
            return None;
        }
        let port = free_port();
        let mut driver = Command::new("chromedriver");
        driver.arg(format!("--port={port}")).stdout(Stdio::null()).stderr(Stdio::null());
        let driver = driver.spawn().unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let profile = tempfile::tempdir().unwrap();
        let mut browser =
            Self { driver, session: format!("http://127.0.0.1:{port}"), client, profile };
        for _ in 0..200 {
            if browser.ready().await {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let args = arguments(browser.profile.path().to_str().unwrap());
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": { "args": args },
        } } });
        let made = browser.post("/session", wanted).await;
        browser.session =
            format!("{}/session/{}", browser.session, made["sessionId"].as_str().unwrap());
        Some(browser)
    }

    async fn ready(&self) -> bool {
        let answer = self.client.get(format!("{}/status", self.session)).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let request = self.client.post(format!("{}{path}", self.session));
        let request = request.header("content-type", "application/json").body(body.to_string());
        let text = request.send().await.unwrap().text().await.unwrap();
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert!(answer["value"]["error"].is_null(), "{path}: {answer}");
        answer["value"].clone()
    }

    async fn devtools(&self, command: &str, params: Value) -> Value {
        self.post("/goog/cdp/execute", json!({ "cmd": command, "params": params })).await
    }

    /// A screen of this size, for somebody who likes it light or dark.
    pub async fn screen(&self, width: u32, height: u32, scheme: &str) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }

    pub async fn open(&self, url: &str) {
        self.post("/url", json!({ "url": url })).await;
    }

    /// What a script returns.
    pub async fn script(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// Presses the tabulator.
    pub async fn tab(&self) {
        let press = |kind: &str| json!({ "type": kind, "value": "\u{e004}" });
        let keys =
            json!({ "type": "key", "id": "keys", "actions": [press("keyDown"), press("keyUp")] });
        self.post("/actions", json!({ "actions": [keys] })).await;
    }

    /// What the browser complained about since it was asked last.
    pub async fn complaints(&self) -> Vec<String> {
        let entries = self.post("/se/log", json!({ "type": "browser" })).await;
        let entries = entries.as_array().unwrap().iter();
        entries.map(|entry| format!("{} {}", entry["level"], entry["message"])).collect()
    }

    /// The whole page as a picture, in a file.
    pub async fn picture(&self, file: &std::path::Path) {
        let params = json!({ "format": "png", "captureBeyondViewport": true });
        let shot = self.devtools("Page.captureScreenshot", params).await;
        let encoded = shot["data"].as_str().unwrap();
        let decoded = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, encoded);
        std::fs::write(file, decoded.unwrap()).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends the browser when its session is over; a driver that is killed leaves it running.
        let (address, session) =
            self.session.trim_start_matches("http://").split_once('/').unwrap();
        if let Ok(mut driver) = std::net::TcpStream::connect(address) {
            let request = format!(
                "DELETE /{session} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
            );
            drop(driver.write_all(request.as_bytes()));
            drop(driver.set_read_timeout(Some(END_MAX)));
            drop(driver.read(&mut [0; 512]));
        }
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}
