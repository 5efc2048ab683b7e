//! A function as Lambda runs it: a process that is told everything by its environment.

use std::fs;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::Instant;

use super::build::Binary;
use crate::error::Error;
use crate::standin::lambda::{RuntimeApi, Told};

/// A start that takes longer has failed.
const START: Duration = Duration::from_secs(10);

/// A run that takes longer has failed.
const RUN: Duration = Duration::from_secs(30);

/// Where nobody listens: whoever calls somebody before the first poll does not come so far.
const NOBODY: &str = "http://127.0.0.1:9";

/// What Lambda itself tells every function.
const LAMBDA: [(&str, &str); 9] = [
    ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
    ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench"),
    ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
    ("AWS_REGION", "us-east-1"),
    ("AWS_ACCESS_KEY_ID", "made-up"),
    ("AWS_SECRET_ACCESS_KEY", "made-up"),
    ("AWS_SESSION_TOKEN", "made-up"),
];

/// What the template tells one function or another: each is told all of it.
const TEMPLATE: [(&str, &str); 31] = [
    ("DIRECTORY_TABLE", "directory"),
    ("CHATS_TABLE", "chats"),
    ("RUNTIME_TABLE", "runtime"),
    (
        "OUTBOUND_QUEUE_URL",
        "http://127.0.0.1:9/000000000000/outbound",
    ),
    ("CRM_QUEUE_URL", "http://127.0.0.1:9/000000000000/crm"),
    ("MEDIA_QUEUE_URL", "http://127.0.0.1:9/000000000000/media"),
    (
        "HISTORY_QUEUE_URL",
        "http://127.0.0.1:9/000000000000/history",
    ),
    (
        "TELEGRAM_QUEUE_URL",
        "http://127.0.0.1:9/000000000000/telegram",
    ),
    ("TELEGRAM_API_BASE", NOBODY),
    ("SOCKETS_ENDPOINT", NOBODY),
    ("MEDIA_BUCKET", "media"),
    ("FILE_RETENTION_DAYS", "30"),
    ("BACKUP_INTERVAL_HOURS", "12"),
    ("BACKUPS_KEPT", "10"),
    ("APP_SECRET", "app"),
    ("PUBLIC_BASE_URL", "https://greenhub.example"),
    ("GHL_CLIENT_ID", "64f000000000000000000002-bench123"),
    ("GHL_APP_ID", crate::seed::APP),
    ("GHL_PROVIDER_ID", crate::seed::PROVIDER),
    ("GHL_DEFAULT_PROVIDER_ID", ""),
    ("WHITELABEL_DOMAINS", ""),
    ("EDGE_KEY", ""),
    ("GHL_API_BASE", NOBODY),
    ("GHL_MARKETPLACE_BASE", NOBODY),
    (
        "GHL_PUBLIC_KEYS",
        "MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg=",
    ),
    ("GREEN_API_DEFAULT_BASE", ""),
    ("ALLOWED_LOCAL_HOSTS", ""),
    ("HOLD_SECONDS", "600"),
    ("UNKNOWN_AFTER_SECONDS", "600"),
    ("LOG_LEVEL", "info"),
    ("AWS_ENDPOINT_URL", NOBODY),
];

/// A running function.
pub(crate) struct Process {
    name: String,
    child: Child,
    api: RuntimeApi,
    /// From its start to its first poll.
    pub(crate) start: Duration,
    logged: Arc<AtomicU64>,
}

impl Process {
    /// Starts a function and waits for its first poll. `environment` is what it is to be told
    /// beside what is made up, or instead.
    pub(crate) async fn start(
        binary: &Binary,
        environment: &[(&str, String)],
    ) -> Result<Self, Error> {
        let mut api = RuntimeApi::start().map_err(Error::io("the Runtime API"))?;
        let mut command = Command::new(&binary.path);
        command
            .env_clear()
            .envs(LAMBDA)
            .envs(TEMPLATE)
            .env("AWS_LAMBDA_RUNTIME_API", api.addr.to_string())
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let began = Instant::now();
        let mut child = command
            .spawn()
            .map_err(Error::io(format!("starting {}", binary.name)))?;
        let logged = Arc::new(AtomicU64::new(0));
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(count(stdout, Arc::clone(&logged)));
        }
        let told = api.told(START).await;
        let mut process = Process {
            name: binary.name.clone(),
            child,
            api,
            start: Duration::ZERO,
            logged,
        };
        match told {
            Some(Told::Polled(at)) => {
                process.start = at - began;
                Ok(process)
            }
            told => Err(process.failed(told).await),
        }
    }

    /// Hands the function an event and waits for its answer, and for its next poll.
    pub(crate) async fn run(&mut self, event: serde_json::Value) -> Result<bytes::Bytes, Error> {
        self.api.give(event);
        let answer = match self.api.told(RUN).await {
            Some(Told::Answered(answer)) => answer,
            told => return Err(self.failed(told).await),
        };
        match self.api.told(RUN).await {
            Some(Told::Polled(_)) => Ok(answer),
            told => Err(self.failed(told).await),
        }
    }

    /// What it said instead of what it had to say.
    async fn failed(&mut self, told: Option<Told>) -> Error {
        let why = match told {
            Some(Told::Failed(words)) => format!("failed: {words}"),
            Some(_) => "spoke out of turn".to_owned(),
            None => format!("said nothing: {}", self.last_words().await),
        };
        Error::Function {
            function: self.name.clone(),
            why,
        }
    }

    /// What it wrote to its standard error, which is where a `main` that fails says why.
    async fn last_words(&mut self) -> String {
        // One that lives on keeps its standard error open.
        let _ = self.child.start_kill();
        let mut words = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            let _ = stderr.read_to_string(&mut words).await;
        }
        words.trim().to_owned()
    }

    /// How many bytes it has logged.
    pub(crate) fn logged(&self) -> u64 {
        self.logged.load(Ordering::Relaxed)
    }

    /// The CPU time that all of its threads have taken.
    pub(crate) fn cpu(&self) -> Result<Duration, Error> {
        let stat = self.proc("stat")?;
        let per_second = rustix::param::clock_ticks_per_second();
        ticks(&stat)
            .map(|ticks| Duration::from_secs_f64(ticks as f64 / per_second as f64))
            .ok_or_else(|| self.unreadable("stat"))
    }

    /// The memory that it has, in bytes.
    pub(crate) fn memory(&self) -> Result<u64, Error> {
        memory(&self.proc("status")?).ok_or_else(|| self.unreadable("status"))
    }

    fn proc(&self, file: &str) -> Result<String, Error> {
        let pid = self.child.id().unwrap_or_default();
        let path = format!("/proc/{pid}/{file}");
        fs::read_to_string(&path).map_err(Error::io(format!("{path} of {}", self.name)))
    }

    fn unreadable(&self, file: &str) -> Error {
        Error::Function {
            function: self.name.clone(),
            why: format!("has a {file} that reads differently"),
        }
    }
}

/// Counts what is written, until there is nobody to write.
async fn count(mut from: ChildStdout, into: Arc<AtomicU64>) {
    let mut buffer = [0; 4096];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        into.fetch_add(n as u64, Ordering::Relaxed);
    }
}

/// User and system time in clock ticks, from a process's `stat`. The name, in parentheses, may hold
/// blanks and parentheses itself.
fn ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// The resident set, from a process's `status`.
fn memory(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kb: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kb * 1024)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_process_is_read_as_proc_tells_it() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 531 0 0 0 12 34 5 6 20 0 1 0 99 100 200";
        assert_eq!(ticks(stat), Some(46));
        assert_eq!(ticks("7 (a"), None);
        assert_eq!(
            memory("Name:\ta\nVmRSS:\t    5120 kB\nRssAnon:\t 1 kB\n"),
            Some(5_242_880)
        );
        assert_eq!(memory("Name:\ta\n"), None);
    }

    #[tokio::test]
    async fn what_does_not_start_says_why() {
        let binary = |path: &str| Binary {
            name: "it".into(),
            path: path.into(),
        };
        let error = Process::start(&binary("/nowhere/bootstrap"), &[]).await;
        let error = error.err().unwrap().to_string();
        assert!(error.starts_with("starting it: "), "{error}");
    }

    #[test]
    fn everything_that_the_template_tells_is_made_up() {
        let path = super::super::build::root().join("template.yaml");
        let template: serde_yaml_ng::Value =
            serde_yaml_ng::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let mut told = BTreeSet::new();
        for (_, resource) in template["Resources"].as_mapping().unwrap() {
            if resource["Type"] == "AWS::Serverless::Function" {
                let variables = &resource["Properties"]["Environment"]["Variables"];
                let names = variables.as_mapping().unwrap().keys();
                told.extend(names.map(|name| name.as_str().unwrap().to_owned()));
            }
        }
        let made_up = TEMPLATE.iter().map(|(name, _)| (*name).to_owned());
        let made_up: BTreeSet<_> = made_up.filter(|name| !name.starts_with("AWS_")).collect();
        assert_eq!(made_up, told);
    }
}
