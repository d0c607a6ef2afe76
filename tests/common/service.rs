//! The daemon, with what it serves.

use std::time::Duration;

use super::{Running, Seen, Stage, value};

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A daemon that runs every second, and where it serves.
pub struct Service {
    pub stage: Stage,
    pub running: Running,
    pub base: String,
}

impl Service {
    pub async fn on(stage: Stage, schedule: &str) -> Self {
        Self::at("127.0.0.1", stage, schedule, &[]).await
    }

    /// The same at another address, with more in its environment.
    pub async fn at(address: &str, stage: Stage, schedule: &str, env: &[(&str, &str)]) -> Self {
        let port = free_port();
        let more = format!("schedule: \"{schedule}\"\nhttp: {{ listen: \"{address}:{port}\" }}");
        let stage = stage.also(&more);
        let mut command = stage.command(&["run"]);
        command.envs(env.iter().copied());
        let running = Running::of(command);
        let service = Self { stage, running, base: format!("http://127.0.0.1:{port}") };
        service.until("/healthz", |(status, _)| *status == 200).await;
        service
    }

    pub async fn get(&self, path: &str) -> (u16, String) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        match client.get(format!("{}{path}", self.base)).send().await {
            Ok(answer) => (answer.status().as_u16(), answer.text().await.unwrap()),
            Err(error) => (0, error.to_string()),
        }
    }

    /// Asks until an answer is as it should be, for ten seconds at the most.
    pub async fn until(&self, path: &str, wanted: impl Fn(&(u16, String)) -> bool) -> String {
        self.within(200, path, wanted).await
    }

    /// The same, asking so often at the most.
    pub async fn within(
        &self,
        times: u32,
        path: &str,
        wanted: impl Fn(&(u16, String)) -> bool,
    ) -> String {
        let mut last = (0, String::new());
        for _ in 0..times {
            last = self.get(path).await;
            if wanted(&last) {
                return last.1;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{path} stays at {last:?}");
    }

    pub async fn metric(&self, series: &str, wanted: impl Fn(f64) -> bool) {
        self.until("/metrics", |(_, page)| value(page, series).is_some_and(&wanted)).await;
    }

    pub async fn ends_after(self, signal: &str) -> Seen {
        self.running.signal(signal);
        self.running.end(&self.stage).await
    }
}
