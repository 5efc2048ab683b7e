//! The emulated AWS as a child process that cannot outlive us.

use std::{fs, path::PathBuf, process::Stdio, time::Duration};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use tokio::{
    process::{Child, ChildStdin, Command},
    time::Instant,
};

use crate::{command::last_line, error::Error, layout::Layout, settings, wait};

const START: Duration = Duration::from_secs(60);
/// Longer than the child's own patience, which ends in killing the whole group.
const STOP: Duration = Duration::from_secs(25);
/// Names the emulator's own root, whose signature it does not look at; with policies enforced, a
/// call without any is refused.
const AS_ROOT: &str = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/lambda/aws4_request, \
                       SignedHeaders=host, Signature=none";
/// How long a drop may take, where nothing can be awaited.
const DROP_STEPS: u32 = 100;
const DROP_STEP: Duration = Duration::from_millis(100);

/// A running emulator. Dropping it stops it too, but blocks while it does.
#[derive(Debug)]
pub(crate) struct Emulator {
    child: Child,
    /// Open as long as we live; closing it asks the emulator to save its state and end.
    lifeline: Option<ChildStdin>,
    group: Option<Pid>,
    url: String,
    client: reqwest::Client,
}

impl Emulator {
    /// Starts it and waits until it answers.
    pub(crate) async fn start(
        layout: &Layout,
        port: u16,
        client: reqwest::Client,
    ) -> Result<Self, Error> {
        let log = layout.logs().join("emulator-start.log");
        let output = fs::File::create(&log).map_err(Error::file(&log))?;
        let errors = output.try_clone().map_err(Error::file(&log))?;
        let mut command = Command::new(layout.python());
        command
            .arg("-u")
            .arg(layout.own("emulator.py"))
            .arg(layout.logs())
            .env_clear()
            .envs(environment(layout, port)?)
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors)
            .process_group(0);
        let failed = |reason: String, log: PathBuf| Error::Command {
            what: "the emulated AWS".into(),
            reason,
            log: Some(log),
        };
        let mut child = command
            .spawn()
            .map_err(|error| failed(error.to_string(), log.clone()))?;
        let lifeline = child.stdin.take();
        let group = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
        let url = format!("http://127.0.0.1:{port}");
        let mut emulator = Self {
            child,
            lifeline,
            group,
            url,
            client,
        };
        let deadline = Instant::now() + START;
        while !emulator.answers().await {
            if let Ok(Some(_)) = emulator.child.try_wait() {
                let words = last_line(&fs::read_to_string(&log).unwrap_or_default());
                return Err(failed(words, log));
            }
            if Instant::now() > deadline {
                return Err(failed("it does not answer".into(), log));
            }
            wait::pause(Duration::from_millis(100)).await;
        }
        Ok(emulator)
    }

    /// Its address.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    async fn answers(&self) -> bool {
        let request = self.client.get(format!("{}/_ministack/ready", self.url));
        let answer = request.timeout(Duration::from_secs(2)).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    /// Runs a function once and returns what it returned.
    pub(crate) async fn invoke(&self, function: &str, event: &Value) -> Result<Value, Error> {
        let failed = |reason: String| Error::Function {
            function: function.to_owned(),
            reason,
        };
        let answer = self
            .client
            .post(format!(
                "{}/2015-03-31/functions/{function}/invocations",
                self.url
            ))
            .header("authorization", AS_ROOT)
            .json(event)
            .send()
            .await?;
        let status = answer.status();
        let faulty = answer.headers().contains_key("x-amz-function-error");
        let body = answer.text().await?;
        if !status.is_success() || faulty {
            return Err(failed(format!("{status}: {body}")));
        }
        serde_json::from_str(&body).map_err(|error| failed(error.to_string()))
    }

    /// How many messages wait in a queue.
    pub(crate) async fn queue_length(&self, queue_url: &str) -> Result<u64, Error> {
        let failed = |reason: String| Error::Function {
            function: "SQS".into(),
            reason,
        };
        let answer = self
            .client
            .post(&self.url)
            .header("authorization", AS_ROOT)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", "AmazonSQS.GetQueueAttributes")
            .body(
                serde_json::json!({
                    "QueueUrl": queue_url,
                    "AttributeNames": ["ApproximateNumberOfMessages"],
                })
                .to_string(),
            )
            .send()
            .await?;
        let body = answer.text().await?;
        let answer: Value =
            serde_json::from_str(&body).map_err(|error| failed(format!("{error}: {body}")))?;
        answer["Attributes"]["ApproximateNumberOfMessages"]
            .as_str()
            .and_then(|count| count.parse().ok())
            .ok_or_else(|| failed(body))
    }

    /// Stops it; its state is on disk afterwards.
    pub(crate) async fn stop(mut self) {
        self.lifeline = None;
        // Whatever the outcome, the group is ended below.
        let _ = tokio::time::timeout(STOP, self.child.wait()).await;
        self.kill_group();
    }

    /// Ends what is left: the functions' processes, or all of it if it hangs.
    fn kill_group(&self) {
        if let Some(group) = self.group {
            // An error means that nobody is left.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.lifeline = None;
        for _ in 0..DROP_STEPS {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(DROP_STEP),
                _ => break,
            }
        }
        self.kill_group();
    }
}

/// All that the emulator and, through it, the functions see. Nothing of the developer's own
/// environment: a real AWS profile must not reach them.
fn environment(layout: &Layout, port: u16) -> Result<Vec<(&'static str, String)>, Error> {
    let dir = layout.emulator();
    let part = |name: &str| dir.join(name).display().to_string();
    for name in ["home", "tmp"] {
        fs::create_dir_all(dir.join(name)).map_err(Error::file(dir.join(name)))?;
    }
    let mut variables = vec![
        ("GATEWAY_PORT", port.to_string()),
        // Otherwise it listens on every address.
        ("BIND_HOST", "127.0.0.1".into()),
        ("IOT_MTLS_ENABLED", "0".into()),
        ("SFTP_ENABLED", "0".into()),
        // For queue addresses; `localhost` may be another machine's idea of ::1.
        ("MINISTACK_HOST", "127.0.0.1".into()),
        // Policies count: a function may do here what it may do on AWS.
        ("AUTH", "true".into()),
        // Where functions find "AWS".
        ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}")),
        ("PERSIST_STATE", "1".into()),
        ("STATE_DIR", part("state")),
        ("S3_PERSIST", "1".into()),
        ("S3_DATA_DIR", part("s3")),
        // The binaries are unpacked there, apart from those of other emulators.
        ("TMPDIR", part("tmp")),
        ("HOME", part("home")),
    ];
    variables.extend(settings::environment("PATH").map(|path| ("PATH", path)));
    Ok(variables)
}
