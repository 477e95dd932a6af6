//! The `sos` binary as a process.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use sos_proto::alert::v1::alert_service_client::AlertServiceClient;
use sos_proto::alert::v1::{Alert, ListAlertsRequest};
use sos_proto::log::v1::GetHeadRequest;
use sos_proto::log::v1::event_log_service_client::EventLogServiceClient;
use tempfile::TempDir;
use tonic::Request;
use tonic::transport::Channel;

use crate::eventually;

/// A running `sos`; killed when dropped.
pub struct Server {
    child: Child,
    ports: Value,
    // Dropped last: the process writes into it.
    _scratch: TempDir,
}

/// The binary under test, beside the test's own.
///
/// # Panics
/// If it was not built.
#[must_use]
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let profile = test.parent().and_then(Path::parent).expect("the folder of the profile");
    let binary = profile.join("sos");
    assert!(binary.is_file(), "{} is missing: run `cargo build -p sos`", binary.display());
    binary
}

/// Runs `sos` to its end.
///
/// # Panics
/// If it cannot be run.
#[must_use]
pub fn sos(args: &[&str]) -> Output {
    Command::new(binary()).args(args).stdin(Stdio::null()).output().expect("sos runs")
}

/// What a command printed on standard output.
#[must_use]
pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What a command printed on standard error.
#[must_use]
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// One value for each line that a command printed.
///
/// # Panics
/// If a line is no JSON.
#[must_use]
pub fn json_lines(output: &Output) -> Vec<Value> {
    stdout(output).lines().map(|l| serde_json::from_str(l).expect("a line of JSON")).collect()
}

impl Server {
    /// `sos up` on a directory, with further arguments, on ports of its own choice.
    pub async fn up(data: &Path, more: &[&str]) -> Self {
        let data = data.to_str().expect("a plain path");
        let base =
            ["up", "--data", data, "--mqtt", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0"];
        Self::start(&[&base, more].concat()).await
    }

    /// Any serving command; waits until it is ready. Without a configuration of its own, no alert escalates:
    /// that would add events to those that a test counts.
    ///
    /// # Panics
    /// If it ends before it is ready.
    pub async fn start(args: &[&str]) -> Self {
        let scratch = tempfile::tempdir().expect("a scratch directory");
        let file = scratch.path().join("ports.json");
        let mut command = Command::new(binary());
        if !args.contains(&"--config") {
            command.env("SOS_ALERTS__ESCALATION", "[]");
        }
        let mut child = command
            .args(args)
            .arg("--ports-file")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("sos starts");
        let ports = eventually("the server is ready", async || {
            if let Some(status) = child.try_wait().expect("the state of the process") {
                panic!("sos {args:?} ended with {status} before it was ready");
            }
            let text = std::fs::read(&file).ok()?;
            Some(serde_json::from_slice(&text).expect("the ports file is whole"))
        })
        .await;
        Self { child, ports, _scratch: scratch }
    }

    /// An address in use: `mqtt`, `grpc`, `http` or `log`.
    ///
    /// # Panics
    /// If it does not listen there.
    #[must_use]
    pub fn address(&self, name: &str) -> &str {
        self.ports.get(name).and_then(Value::as_str).expect("an address of that name")
    }

    /// The port of the embedded broker.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn mqtt_port(&self) -> u16 {
        let (_, port) = self.address("mqtt").rsplit_once(':').expect("host:port");
        port.parse().expect("a port")
    }

    /// A client of the operator contract.
    ///
    /// # Panics
    /// If nobody answers.
    pub async fn alerts(&self) -> AlertServiceClient<Channel> {
        AlertServiceClient::new(self.channel().await)
    }

    async fn channel(&self) -> Channel {
        let address = format!("http://{}", self.address("grpc"));
        let endpoint = Channel::from_shared(address).expect("an address");
        endpoint.connect().await.expect("the server answers")
    }

    /// Every alert, newest first, once live state has come to the head of the log.
    ///
    /// # Panics
    /// If the server does not answer.
    pub async fn list(&self) -> Vec<Alert> {
        let mut client = self.alerts().await;
        let head = EventLogServiceClient::new(self.channel().await).get_head(GetHeadRequest {}).await;
        let head = head.expect("the head of the log").into_inner().position;
        eventually("live state has come to the head", async || {
            let request = ListAlertsRequest { page_size: 1, ..ListAlertsRequest::default() };
            let page = client.clone().list_alerts(request).await.expect("a page of alerts");
            (page.into_inner().position >= head).then_some(())
        })
        .await;
        let mut alerts = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = ListAlertsRequest { page_size: 1_000, page_token, ..ListAlertsRequest::default() };
            let page = client.list_alerts(request).await.expect("a page of alerts").into_inner();
            alerts.extend(page.alerts);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return alerts;
            }
        }
    }

    /// The whole log, as `sos log export` writes it.
    ///
    /// # Panics
    /// If the export fails.
    #[must_use]
    pub fn export(&self) -> Vec<Value> {
        let output = sos(&["log", "export", "--grpc", self.address("grpc")]);
        assert!(output.status.success(), "{}", stderr(&output));
        json_lines(&output)
    }

    /// What `GET path` answers on the HTTP port, head and body.
    ///
    /// # Panics
    /// If nobody answers.
    #[must_use]
    pub fn get(&self, path: &str) -> String {
        let address = self.address("http");
        let mut stream = TcpStream::connect(address).expect("the HTTP port answers");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("the request is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the whole answer");
        answer
    }

    /// Messages from devices that were dealt with, whatever became of them.
    ///
    /// # Panics
    /// If the metrics are no text of Prometheus.
    #[must_use]
    pub fn messages(&self) -> u64 {
        let metrics = self.get("/metrics");
        let counts = metrics.lines().filter_map(|l| l.strip_prefix("sos_ingest_messages_total{"));
        counts.filter_map(|l| l.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    }

    /// Resident memory, in bytes.
    ///
    /// # Panics
    /// If the system does not tell.
    #[must_use]
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("a process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        let kilobytes = line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number");
        kilobytes * 1_024
    }

    /// `kill -9`, as a power cut does it.
    ///
    /// # Panics
    /// If it cannot be killed.
    pub fn kill(mut self) {
        self.child.kill().expect("kill");
        self.child.wait().expect("wait");
    }

    /// SIGTERM. Answers with the exit code and how long it took.
    ///
    /// # Panics
    /// If it does not end.
    pub async fn terminate(mut self) -> (Option<i32>, Duration) {
        let asked = Instant::now();
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().expect("kill").success());
        let status =
            eventually("the server ends", async || self.child.try_wait().expect("the state of the process"))
                .await;
        (status.code(), asked.elapsed())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request in an operator's name.
///
/// # Panics
/// If the name cannot be sent.
pub fn signed<T>(operator: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("sos-operator", operator.parse().expect("a plain name"));
    request
}
