//! The functions on the way of a message, in this process: their real handlers, over tables and
//! queues in memory.

use std::io;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use greenhub::clock::Clock;
use greenhub::crypto::DataKeys;
use greenhub::domain::delivery::Lane;
use greenhub::ghl::client::Ghl;
use greenhub::ghl::oauth::OAuth;
use greenhub::ghl::signature::{self, PublicKeys};
use greenhub::green_api::client::GreenApi;
use greenhub::http;
use greenhub::media::link::Links;
use greenhub::pipeline::crm::Crm;
use greenhub::pipeline::ids::IdSource;
use greenhub::pipeline::whatsapp::Whatsapp;
use greenhub::pipeline::{Hub, Settings};
use greenhub::queue::memory::MemoryQueue;
use greenhub::queue::{Queue, WakeUp};
use greenhub::secrets::Secrets;
use greenhub::store::db::Db;
use greenhub::store::kept::Kept;
use greenhub::store::memory::MemoryDb;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::Value;
use tower::ServiceExt as _;
use url::Url;

use crate::counted::{Counted, Counter};
use crate::seed::{self, Tenant};
use crate::standin::providers::Providers;

/// Longer than any limit of the providers' holds up the next call.
const PACE: Duration = Duration::from_secs(1);

/// A worker's time.
const WORKER_MS: i64 = 117_000;

/// Everything on the way of a message.
pub(crate) struct World<D, Q> {
    /// Whose messages they are.
    pub(crate) tenant: Tenant,
    hub: Hub<D, Q>,
    routes: Router,
    green: GreenApi,
    ghl: Ghl,
    oauth: OAuth,
    links: Links,
    keys: Arc<DataKeys>,
    signer: Ed25519KeyPair,
    queue: MemoryQueue,
    ahead_ms: Arc<AtomicI64>,
    rng: Mutex<StdRng>,
}

/// How often the senders were run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Runs {
    pub(crate) outbound: u64,
    pub(crate) crm: u64,
}

impl World<Counted<MemoryDb>, Counted<MemoryQueue>> {
    /// With everything counted.
    pub(crate) async fn counted(providers: &Providers, counter: &Counter) -> io::Result<Self> {
        let (clock, ahead_ms) = clock();
        let queue = MemoryQueue::new(clock.clone());
        let db = Counted::new(MemoryDb::new(), counter);
        let counted = Counted::new(queue.clone(), counter);
        World::new(providers, db, counted, queue, clock, ahead_ms).await
    }
}

impl World<MemoryDb, MemoryQueue> {
    /// With nothing that costs time beside the product.
    pub(crate) async fn plain(providers: &Providers) -> io::Result<Self> {
        let (clock, ahead_ms) = clock();
        let queue = MemoryQueue::new(clock.clone());
        World::new(
            providers,
            MemoryDb::new(),
            queue.clone(),
            queue,
            clock,
            ahead_ms,
        )
        .await
    }
}

fn clock() -> (Clock, Arc<AtomicI64>) {
    let ahead_ms = Arc::new(AtomicI64::new(0));
    (Clock::shifted(Arc::clone(&ahead_ms)), ahead_ms)
}

impl<D: Db + Clone, Q: Queue + Clone> World<D, Q> {
    async fn new(
        providers: &Providers,
        db: D,
        queue: Q,
        taken: MemoryQueue,
        clock: Clock,
        ahead_ms: Arc<AtomicI64>,
    ) -> io::Result<Self> {
        let tenant = Tenant(1);
        let keys = Arc::new(seed::secret().data_keys().map_err(io::Error::other)?);
        let origin = format!("http://{}", providers.addr);
        let rows = tenant
            .rows(&keys, &origin, clock.now_ms())
            .map_err(io::Error::other)?;
        db.write(rows).await.map_err(io::Error::other)?;
        let hub = || Hub {
            db: db.clone(),
            queue: queue.clone(),
            clock: clock.clone(),
            ids: IdSource::random(),
            settings: Settings::default(),
        };
        let signer = Ed25519KeyPair::generate().map_err(io::Error::other)?;
        let spki = signer.public_key().as_der().map_err(io::Error::other)?;
        let http = http::client(Duration::from_secs(10)).map_err(io::Error::other)?;
        let base: Url = origin.parse().map_err(io::Error::other)?;
        let ghl = Ghl::new(http.clone(), base.clone());
        let hook = ghl_webhook::Hook {
            hub: hub(),
            secrets: Secrets::fixed(seed::secret()),
            public_keys: PublicKeys::parse(&BASE64.encode(spki.as_ref()))
                .map_err(io::Error::other)?,
            app_id: seed::APP.into(),
            providers: seed::providers(),
            ghl: ghl.clone(),
            tenants: Kept::default(),
        };
        Ok(World {
            tenant,
            hub: hub(),
            routes: green_api_webhook::router(hub()).merge(ghl_webhook::router(hook)),
            green: GreenApi::new(http.clone()),
            ghl,
            links: Links::new(&origin.parse().expect("an address")),
            oauth: OAuth::new(
                http,
                base,
                "client".into(),
                "client-secret".into(),
                format!("{origin}/oauth/callback"),
            ),
            keys,
            signer,
            queue: taken,
            ahead_ms,
            rng: Mutex::new(StdRng::seed_from_u64(1)),
        })
    }

    /// A request as GREEN-API makes it.
    #[expect(clippy::expect_used, reason = "nothing in it is from outside")]
    pub(crate) fn notification(&self, body: &Value) -> Request<Body> {
        let path = format!("/webhooks/green-api/{}", self.tenant.hook_key());
        Request::post(path)
            .header(
                header::AUTHORIZATION,
                format!("Bearer {}", self.tenant.hook_token()),
            )
            .body(Body::from(body.to_string()))
            .expect("a request")
    }

    /// A request as GoHighLevel makes it.
    #[expect(clippy::expect_used, reason = "nothing in it is from outside")]
    pub(crate) fn delivery(&self, body: &Value) -> Request<Body> {
        let body = body.to_string();
        Request::post("/webhooks/ghl")
            .header(
                signature::HEADER,
                BASE64.encode(self.signer.sign(body.as_bytes())),
            )
            .body(Body::from(body))
            .expect("a request")
    }

    /// Has the webhook's function answer it, a while after whatever came before.
    pub(crate) async fn post(&self, request: Request<Body>) {
        self.ahead_ms
            .fetch_add(PACE.as_millis() as i64, Ordering::SeqCst);
        let answer = self.routes.clone().oneshot(request).await;
        let status = answer.map(|answer| answer.status());
        assert_eq!(status, Ok(StatusCode::OK), "a webhook was not taken");
    }

    /// Has the senders work off what the queues have for them now, one wake-up at a time.
    pub(crate) async fn work(&self) -> Runs {
        let mut runs = Runs::default();
        loop {
            let visible = {
                let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
                self.queue.take_visible(&mut *rng)
            };
            if visible.is_empty() {
                return runs;
            }
            for wake_up in visible {
                self.run(&wake_up, &mut runs).await;
            }
        }
    }

    async fn run(&self, wake_up: &WakeUp, runs: &mut Runs) {
        let (hub, keys) = (&self.hub, Arc::clone(&self.keys));
        let deadline_ms = hub.clock.now_ms() + WORKER_MS;
        let answer = if wake_up.lane() == Lane::Whatsapp {
            runs.outbound += 1;
            let whatsapp = Whatsapp::new(hub, &self.green, keys);
            outbound_sender::handle(hub, &whatsapp, batch(wake_up), deadline_ms).await
        } else {
            runs.crm += 1;
            let providers = seed::providers();
            let crm = Crm::new(hub, &self.ghl, &self.oauth, keys, &providers, &self.links);
            crm_sender::handle(hub, &crm, batch(wake_up), deadline_ms).await
        };
        assert!(answer.batch_item_failures.is_empty(), "a wake-up failed");
    }
}

#[expect(clippy::expect_used, reason = "a wake-up is always JSON")]
fn batch(wake_up: &WakeUp) -> SqsEvent {
    let mut message = SqsMessage::default();
    message.message_id = Some("1".into());
    message.body = Some(serde_json::to_string(wake_up).expect("JSON"));
    let mut event = SqsEvent::default();
    event.records = vec![message];
    event
}
