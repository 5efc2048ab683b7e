//! The functions as processes, fed with events as Lambda feeds them: their CPU time with everything
//! in it, AWS's client included. Only TLS is missing, since the stand-ins speak plain HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use greenhub::clock::Clock;
use greenhub::store::db::Db as _;
use serde_json::{Value, json};

use crate::cost::CpuMs;
use crate::effort;
use crate::error::Error;
use crate::functions::build::Binary;
use crate::functions::process::Process;
use crate::progress::step;
use crate::seed::{self, Tenant};
use crate::standin::aws::Aws;
use crate::standin::providers::{Providers, whatsapp_id};
use crate::table::Row;

/// So many tenants take turns, so that no limit of a provider holds any of them up.
const N_TENANTS: u64 = 100;

/// How often each tenant has a turn; the first is not measured.
const N_TURNS: u64 = 6;

/// What was measured for one message.
#[derive(Clone, Copy, Debug)]
struct Each {
    cpu: Duration,
    /// What the functions logged, in bytes.
    logged: u64,
}

/// The functions on the way of a message, running.
struct Running {
    aws: Aws,
    clock: Clock,
    signer: Arc<Ed25519KeyPair>,
    functions: BTreeMap<String, Process>,
    n_sent: u64,
}

const GREEN_WEBHOOK: &str = "green-api-webhook";
const GHL_WEBHOOK: &str = "ghl-webhook";
const OUTBOUND: &str = "outbound-sender";
const CRM: &str = "crm-sender";

impl Running {
    async fn start(binaries: &[Binary]) -> Result<Self, Error> {
        let failed = || Error::io("the stand-ins");
        let (aws, providers) = (
            Aws::start().map_err(failed())?,
            Providers::start().map_err(failed())?,
        );
        let clock = Clock::system();
        let unusable = |error: &dyn std::fmt::Display| Error::Functions(error.to_string());
        let keys = seed::secret()
            .data_keys()
            .map_err(|error| unusable(&error))?;
        let origin = format!("http://{}", providers.addr);
        for n in 1..=N_TENANTS {
            let rows = Tenant(n)
                .rows(&keys, &origin, clock.now_ms())
                .map_err(|error| unusable(&error))?;
            aws.tables
                .write(rows)
                .await
                .map_err(|error| unusable(&error))?;
        }
        let signer = Ed25519KeyPair::generate().map_err(|error| unusable(&error))?;
        let spki = signer
            .public_key()
            .as_der()
            .map_err(|error| unusable(&error))?;
        let queue = |name: &str| format!("http://{}/000000000000/{name}", aws.addr);
        let environment = [
            ("AWS_ENDPOINT_URL", format!("http://{}", aws.addr)),
            ("OUTBOUND_QUEUE_URL", queue("outbound")),
            ("CRM_QUEUE_URL", queue("crm")),
            ("GHL_API_BASE", origin.clone()),
            ("GREEN_API_DEFAULT_BASE", origin),
            ("ALLOWED_LOCAL_HOSTS", providers.addr.to_string()),
            ("GHL_PUBLIC_KEYS", BASE64.encode(spki.as_ref())),
        ];
        let mut functions = BTreeMap::new();
        for name in [GREEN_WEBHOOK, GHL_WEBHOOK, OUTBOUND, CRM] {
            let binary = binaries
                .iter()
                .find(|binary| binary.name == name)
                .ok_or_else(|| Error::Functions(format!("there is no {name}")))?;
            let process = Process::start(binary, &environment).await?;
            functions.insert(name.to_owned(), process);
        }
        Ok(Running {
            aws,
            clock,
            signer: Arc::new(signer),
            functions,
            n_sent: 0,
        })
    }

    async fn run(&mut self, function: &str, event: Value) -> Result<bytes::Bytes, Error> {
        match self.functions.get_mut(function) {
            Some(process) => process.run(event).await,
            None => Err(Error::Functions(format!("there is no {function}"))),
        }
    }

    /// Posts to a webhook; its answer has to be 200.
    async fn post(
        &mut self,
        function: &str,
        path: String,
        header: (&str, String),
        body: String,
    ) -> Result<(), Error> {
        let event = http_event(&path, header, body, self.clock.now_ms());
        let answer = self.run(function, event).await?;
        let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
        match answer["statusCode"].as_u64() {
            Some(200) => Ok(()),
            _ => Err(Error::Function {
                function: function.to_owned(),
                why: format!("answered {}", answer["statusCode"]),
            }),
        }
    }

    async fn notify(&mut self, tenant: Tenant, body: Value) -> Result<(), Error> {
        let path = format!("/webhooks/green-api/{}", tenant.hook_key());
        let token = format!("Bearer {}", tenant.hook_token());
        self.post(
            GREEN_WEBHOOK,
            path,
            ("authorization", token),
            body.to_string(),
        )
        .await
    }

    async fn deliver(&mut self, body: Value) -> Result<(), Error> {
        let body = body.to_string();
        let signature = BASE64.encode(self.signer.sign(body.as_bytes()));
        let path = "/webhooks/ghl".to_owned();
        self.post(GHL_WEBHOOK, path, ("x-ghl-signature", signature), body)
            .await
    }

    /// Has the senders take what is in the queues and is not for later, one wake-up at a time.
    async fn work(&mut self) -> Result<(), Error> {
        loop {
            let sent = self.aws.take_sent();
            let now: Vec<_> = sent.into_iter().filter(|sent| sent.delay_s == 0).collect();
            if now.is_empty() {
                return Ok(());
            }
            for sent in now {
                let function = if sent.queue_url.ends_with("/crm") {
                    CRM
                } else {
                    OUTBOUND
                };
                let answer = self.run(function, queue_event(&sent.body)).await?;
                let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
                if answer["batchItemFailures"] != json!([]) {
                    return Err(Error::Function {
                        function: function.to_owned(),
                        why: "failed at a wake-up".into(),
                    });
                }
            }
        }
    }

    async fn inbound(&mut self, tenant: Tenant, turn: u64) -> Result<(), Error> {
        let body = tenant.incoming(&format!("3EB0{turn:0>16}"));
        self.notify(tenant, body).await?;
        self.work().await
    }

    async fn outbound(&mut self, tenant: Tenant) -> Result<(), Error> {
        self.n_sent += 1;
        let n = self.n_sent;
        self.deliver(tenant.delivery(&format!("M{n:0>19}"))).await?;
        self.work().await?;
        let id = whatsapp_id(n);
        self.notify(tenant, tenant.echo(&id)).await?;
        for status in ["sent", "delivered", "read"] {
            self.notify(tenant, tenant.receipt(&id, status)).await?;
            self.work().await?;
        }
        Ok(())
    }

    /// CPU time of all functions, and what they logged, since they started.
    fn so_far(&self) -> Result<Each, Error> {
        let (mut cpu, mut logged) = (Duration::ZERO, 0);
        for process in self.functions.values() {
            cpu += process.cpu()?;
            logged += process.logged();
        }
        Ok(Each { cpu, logged })
    }

    fn each(&self, before: Each) -> Result<Each, Error> {
        let n = (N_TURNS - 1) * N_TENANTS;
        let after = self.so_far()?;
        Ok(Each {
            cpu: (after.cpu - before.cpu) / n as u32,
            logged: (after.logged - before.logged) / n,
        })
    }
}

/// An event of API Gateway's HTTP API, payload 2.0.
fn http_event(path: &str, header: (&str, String), body: String, now_ms: i64) -> Value {
    let mut headers = json!({
        "host": "greenhub.example",
        "content-type": "application/json",
        "user-agent": "bench",
        "x-forwarded-proto": "https",
    });
    headers[header.0] = header.1.into();
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "bench",
            "domainName": "greenhub.example",
            "domainPrefix": "greenhub",
            "http": {
                "method": "POST",
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.10",
                "userAgent": "bench",
            },
            "requestId": "bench",
            "routeKey": "$default",
            "stage": "$default",
            "time": "02/Nov/2026:09:30:00 +0000",
            "timeEpoch": now_ms,
        },
        "body": body,
        "isBase64Encoded": false,
    })
}

/// A batch of one message of a queue.
fn queue_event(body: &str) -> Value {
    json!({
        "Records": [{
            "messageId": "6d0f3c52-0000-4000-8000-000000000001",
            "receiptHandle": "bench",
            "body": body,
            "attributes": { "ApproximateReceiveCount": "1" },
            "messageAttributes": {},
            "md5OfBody": "",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:bench",
            "awsRegion": "us-east-1",
        }],
    })
}

/// The rows about whole functions, and the CPU time for what they cost.
pub(crate) async fn rows(binaries: &[Binary]) -> Result<(Vec<Row>, CpuMs), Error> {
    step("messages through the functions as they are deployed");
    let mut running = Running::start(binaries).await?;
    let mut before = running.so_far()?;
    for turn in 1..=N_TURNS {
        for tenant in (1..=N_TENANTS).map(Tenant) {
            running.inbound(tenant, turn).await?;
        }
        if turn == 1 {
            before = running.so_far()?;
        }
    }
    let inbound = running.each(before)?;
    for turn in 1..=N_TURNS {
        for tenant in (1..=N_TENANTS).map(Tenant) {
            running.outbound(tenant).await?;
        }
        if turn == 1 {
            before = running.so_far()?;
        }
    }
    let outbound = running.each(before)?;
    let ms = |each: Each| each.cpu.as_secs_f64() * 1e3;
    let what = "as deployed, AWS's client included, TLS not";
    let logged = |what: &str, each: Each| {
        Row::plain(
            format!("{what}: what the functions log"),
            format!("{:.1} kB", each.logged as f64 / 1e3),
        )
    };
    let rows = vec![
        Row::goal(
            format!("a text taken through to its post in GoHighLevel, {what}: CPU time"),
            format!("at most {} µs", effort::MOST.as_micros()),
            format!("{:.0} µs", ms(inbound) * 1e3),
            inbound.cpu <= effort::MOST,
        ),
        Row::plain(
            format!("an answer with its echo and three statuses, {what}: CPU time"),
            format!("{:.0} µs", ms(outbound) * 1e3),
        ),
        logged("a text into a known chat", inbound),
        logged("an answer with its echo and three statuses", outbound),
    ];
    let cpu_ms = CpuMs {
        inbound: ms(inbound),
        outbound: ms(outbound),
    };
    Ok((rows, cpu_ms))
}
