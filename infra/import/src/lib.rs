//! One command for whoever comes from the older adapter: its locations, their tokens and their
//! numbers, out of its MySQL database into the tables of a stack. `docs/from-the-old-adapter.md` says
//! how it is used and what changes.
//!
//! [`old`] reads the two tables as text, [`plan`] judges the rows, [`bring`] writes what is not here
//! yet, [`report`] tells a person.

pub mod bring;
pub mod error;
pub mod old;
pub mod options;
pub mod plan;
pub mod report;
pub mod source;
pub mod stack;

use std::io::{Write, stderr};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use greenhub::account::common_token::CommonToken;
use greenhub::clock::{Clock, Millis};
use greenhub::pipeline::ids::IdSource;
use greenhub::store::dynamo::Dynamo;

use bring::Importer;
use error::Error;
use options::Options;
use source::Source;
use stack::Target;

/// How long the older adapter's workflow token may go on.
const COMMON_TOKEN_MS: Millis = 90 * 24 * 3600 * 1000;

/// GREEN-API's journals and queues go back one day.
const LONGEST_STOP_MS: Millis = 24 * 3600 * 1000;

/// How often a person is told how far it is.
const TOLD_EVERY_MS: Millis = 2_000;

/// Brings everything over, and writes the report to `out`.
///
/// # Errors
/// [`Error`]. What was written stays, and it can be run again.
pub async fn run(
    options: &Options,
    aws: &SdkConfig,
    clock: &Clock,
    out: &mut impl Write,
) -> Result<(), Error> {
    let told = Told::new(clock);
    let now_ms = clock.now_ms();
    let stopped_ms = options.stopped_at.unwrap_or(now_ms);
    if !(now_ms - LONGEST_STOP_MS..=now_ms).contains(&stopped_ms) {
        return Err(Error::Options("--stopped-at is within the last day".into()));
    }
    let source = Source::read(options)?;
    let common_token = common_token(options, &source, now_ms)?;
    let database = source::database(&source.database)?;

    let aws = &patient(aws);
    let target = Target::find(aws, &options.to, clock).await?;
    compare(&source, &target, &told)?;
    told.say(&format!("the stack {} is there", options.to));
    let dump = old::read(database).await?;
    let (n_locations, n_instances) = (dump.locations.len(), dump.instances.len());
    let plan = plan::plan(dump, &target.green);
    told.say(&format!(
        "read {n_locations} locations and {n_instances} instances"
    ));

    let n_all = plan.locations.len();
    let importer = Importer {
        db: Dynamo::new(aws_sdk_dynamodb::Client::new(aws), target.tables),
        data_keys: target.data_keys,
        ids: IdSource::random(),
        now_ms,
        stopped_ms,
        lang: options.lang,
        common_token,
        dry_run: options.dry_run,
    };
    let brought = importer
        .bring(&plan, |n_done| told.far(n_done, n_all))
        .await?;
    told.say(&format!("{n_all} of {n_all} locations"));
    out.write_all(report::text(&plan, &brought, options.dry_run).as_bytes())?;
    Ok(())
}

/// The same access to AWS with more time: a function has seconds, a person would rather wait than
/// begin again.
fn patient(aws: &SdkConfig) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .operation_attempt_timeout(Duration::from_secs(15))
        .operation_timeout(Duration::from_secs(90))
        .build();
    let retries = RetryConfig::standard().with_max_attempts(6);
    let patient = aws.clone().into_builder().timeout_config(timeouts);
    patient.retry_config(retries).build()
}

fn common_token(
    options: &Options,
    source: &Source,
    now_ms: Millis,
) -> Result<Option<CommonToken>, Error> {
    if !options.keep_workflow_token {
        return Ok(None);
    }
    let token = source.workflow_token.as_ref();
    let kept = token.and_then(|token| CommonToken::new(token, now_ms + COMMON_TOKEN_MS));
    kept.map(Some).ok_or(Error::NoWorkflowToken)
}

/// Whether the stack is the same app at GoHighLevel.
fn compare(source: &Source, target: &Target, told: &Told<'_>) -> Result<(), Error> {
    if let (Some(old), Some(new)) = (&source.client_id, &target.client_id)
        && old != new
    {
        return Err(Error::OtherClient {
            old: old.clone(),
            new: new.clone(),
        });
    }
    if let (Some(old), Some(new)) = (&source.provider_id, &target.provider_id)
        && old != new
    {
        told.say(
            "note: the stack has another conversation provider; what agents write to the older one is \
             not delivered",
        );
    }
    Ok(())
}

/// What is told while somebody waits, with the time since the beginning.
struct Told<'a> {
    clock: &'a Clock,
    started_ms: Millis,
    last_ms: AtomicI64,
}

impl<'a> Told<'a> {
    fn new(clock: &'a Clock) -> Self {
        let started_ms = clock.now_ms();
        Told {
            clock,
            started_ms,
            last_ms: AtomicI64::new(started_ms),
        }
    }

    fn say(&self, what: &str) {
        let ms = self.clock.now_ms() - self.started_ms;
        // Nobody may be there to read it.
        let _ = writeln!(stderr(), "{:6.1} s  {what}", ms as f64 / 1000.0);
    }

    fn far(&self, n_done: usize, n_all: usize) {
        let now_ms = self.clock.now_ms();
        if now_ms - self.last_ms.load(Ordering::Relaxed) >= TOLD_EVERY_MS {
            self.last_ms.store(now_ms, Ordering::Relaxed);
            self.say(&format!("{n_done} of {n_all} locations"));
        }
    }
}
