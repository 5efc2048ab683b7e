//! All functions in this process, over the tables, queues and the secret that the template makes in
//! the emulator: webhooks and pages behind one address, workers fed from SQS.

use std::collections::BTreeMap;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use aws_sdk_sqs::types::Message;
use greenhub::account::keyring::Keyring;
use greenhub::account::numbers::Numbers;
use greenhub::clock::{Clock, Millis};
use greenhub::config;
use greenhub::crypto;
use greenhub::domain::ids::LocationId;
use greenhub::domain::sms::Providers;
use greenhub::ghl::client::Ghl;
use greenhub::ghl::signature::PublicKeys;
use greenhub::green_api::client::GreenApi;
use greenhub::http::address::Addresses;
use greenhub::media::link::Links;
use greenhub::media::s3::S3Store;
use greenhub::pipeline::ids::IdSource;
use greenhub::pipeline::sweep;
use greenhub::pipeline::{Hub, crm::Crm, whatsapp::Whatsapp};
use greenhub::queue::sqs::Sqs;
use greenhub::queue::{ImportWakeUp, Queue, QueueError, WakeUp};
use greenhub::secrets::Secrets;
use greenhub::store::dynamo::Dynamo;
use greenhub::store::kept::Kept;
use greenhub::wiring;
use greenhub_admin::{Whose, setup_link};
use greenhub_local::{Admin, Aws, Credentials, Demo, Error, Outputs};
use greenhub_sandbox::{GhlApp, Sandbox, SandboxConfig};
use instance_api::{Api, PageConfig};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use sweeper::{Report, Sweeper};
use url::Url;

use super::world::{Outcome, Place, World, ensure, pause};

/// How long a worker may take for a batch, as its function may.
const WORK_MS: Millis = 117_000;

pub struct InProcess {
    base_url: String,
    sandbox: Sandbox,
    sqs: aws_sdk_sqs::Client,
    outputs: Outputs,
    sweeper: Sweeper<Dynamo, Sqs, S3Store>,
    ahead_ms: Arc<AtomicI64>,
    fails_next: Arc<AtomicBool>,
    aws: Aws,
}

impl Place for InProcess {
    fn base_url(&self) -> &str {
        &self.base_url
    }

    fn sandbox_url(&self) -> String {
        self.sandbox.url()
    }
}

/// A queue that refuses a wake-up when it is told to.
struct Failing {
    queue: Sqs,
    fails_next: Arc<AtomicBool>,
}

impl Queue for Failing {
    async fn wake(&self, wake_up: WakeUp, delay: Duration) -> Result<(), QueueError> {
        if self.fails_next.swap(false, Ordering::SeqCst) {
            return Err(QueueError {
                lane: wake_up.lane().as_str(),
                why: "the story says so".to_owned(),
            });
        }
        self.queue.wake(wake_up, delay).await
    }

    async fn wake_import(&self, wake_up: ImportWakeUp, delay: Duration) -> Result<(), QueueError> {
        self.queue.wake_import(wake_up, delay).await
    }
}

/// What every function is wired with.
struct Wiring<'a> {
    aws: &'a aws_config::SdkConfig,
    outputs: &'a Outputs,
    clock: Clock,
    app: GhlApp,
    base_url: Url,
    sandbox: Url,
    http: reqwest::Client,
}

impl Wiring<'_> {
    fn hub(&self) -> Hub<Dynamo, Sqs> {
        Hub {
            clock: self.clock.clone(),
            ..wiring::hub_of_stack(self.aws, self.outputs)
        }
    }

    fn failing(&self, fails_next: &Arc<AtomicBool>) -> Hub<Dynamo, Failing> {
        let hub = self.hub();
        let queue = Failing {
            queue: hub.queue,
            fails_next: Arc::clone(fails_next),
        };
        Hub {
            db: hub.db,
            queue,
            clock: hub.clock,
            ids: hub.ids,
            settings: hub.settings,
        }
    }

    fn secrets(&self) -> Secrets {
        let client = aws_sdk_secretsmanager::Client::new(self.aws);
        Secrets::new(client, &self.outputs["AppSecretName"], self.clock.clone())
    }

    fn providers(&self) -> Providers {
        Providers {
            extra: self.app.conversation_provider_id.clone(),
            default: Some(self.app.default_provider_id.clone()),
        }
    }

    fn ghl(&self) -> Ghl {
        Ghl::new(self.http.clone(), self.sandbox.clone())
    }

    fn green(&self) -> GreenApi {
        GreenApi::new(self.http.clone())
    }

    fn oauth_callback(&self, public_keys: &str) -> axum::Router {
        oauth_callback::router(oauth_callback::Callback {
            db: self.hub().db,
            clock: self.clock.clone(),
            ids: IdSource::random(),
            keyring: Keyring::fetched(self.secrets()),
            http: self.http.clone(),
            app: config::Ghl {
                client_id: self.app.client_id.clone(),
                app_id: self.app.app_id.clone(),
                providers: self.providers(),
                api_base: self.sandbox.clone(),
                marketplace_base: self.sandbox.clone(),
                public_keys: public_keys.to_owned(),
            },
            public_base_url: self.base_url.clone(),
            addresses: Addresses::default(),
        })
    }

    fn instance_api(&self) -> axum::Router {
        instance_api::router(Api {
            numbers: Numbers {
                db: self.hub().db,
                clock: self.clock.clone(),
                ids: IdSource::random(),
                green: self.green(),
                hosts: config::Green {
                    default_base: Some(self.sandbox.clone()),
                    allowed_local_hosts: vec![self.sandbox.origin().ascii_serialization()],
                },
                public_base_url: self.base_url.clone(),
            },
            hub: self.hub(),
            keyring: Keyring::fetched(self.secrets()),
            addresses: Addresses::default(),
            page: PageConfig {
                parent_origins: Vec::new(),
                install_url: self.sandbox.to_string(),
            },
        })
    }

    fn panel_api(&self) -> axum::Router {
        panel_api::router(panel_api::Api {
            hub: self.hub(),
            green: self.green(),
            files: Arc::new(S3Store::new(
                self.aws,
                self.outputs["MediaBucketName"].clone(),
            )),
            keyring: Keyring::fetched(self.secrets()),
            addresses: Addresses::default(),
            public_base_url: self.base_url.clone(),
            install_url: self.sandbox.clone(),
            telegram: Default::default(),
            codes: None,
        })
    }

    fn ghl_webhook(&self, public_keys: &str, fails_next: &Arc<AtomicBool>) -> axum::Router {
        ghl_webhook::router(ghl_webhook::Hook {
            hub: self.failing(fails_next),
            secrets: self.secrets(),
            public_keys: PublicKeys::parse(public_keys).unwrap(),
            app_id: self.app.app_id.clone(),
            providers: self.providers(),
            ghl: self.ghl(),
            tenants: Kept::default(),
        })
    }

    async fn sweeper(&self) -> Sweeper<Dynamo, Sqs, S3Store> {
        let secret = self.secrets().get().await.unwrap();
        let api = config::GhlApi {
            client_id: self.app.client_id.clone(),
            providers: self.providers(),
            api_base: self.sandbox.clone(),
        };
        let app = config::App {
            public_base_url: self.base_url.clone(),
            app_secret: self.outputs["AppSecretName"].clone(),
        };
        Sweeper {
            hub: self.hub(),
            files: S3Store::new(self.aws, self.outputs["MediaBucketName"].clone()),
            green: self.green(),
            ghl: self.ghl(),
            oauth: wiring::oauth(self.http.clone(), &api, &app, &secret),
            data_keys: Arc::new(secret.data_keys().unwrap()),
            providers: api.providers,
            public_base_url: app.public_base_url,
            telegram: None,
        }
    }
}

/// Makes the owner's link as the command does.
#[derive(Debug)]
struct Deployer(Dynamo);

impl Admin for Deployer {
    fn owner_token<'a>(
        &'a self,
        location: Option<&'a str>,
    ) -> Pin<Box<dyn Future<Output = Result<Option<String>, Error>> + Send + 'a>> {
        Box::pin(async move {
            let whose = match location {
                Some(location) => Whose::Location(LocationId::new(location)),
                None => Whose::New("Shop".to_owned()),
            };
            let made = setup_link(&self.0, &Clock::system(), &whose).await;
            let (_, offer) = made.map_err(|error| Error::Demo {
                step: "the link for the first owner",
                reason: error.to_string(),
            })?;
            Ok(Some(offer.token.expose_secret().to_owned()))
        })
    }
}

impl InProcess {
    /// Starts everything and makes the demo data, as `cargo run` does.
    pub async fn start(aws: Aws, dir: &Path) -> (Self, Credentials) {
        let sandbox = greenhub_sandbox::start(SandboxConfig {
            time_scale: 0.01,
            ..SandboxConfig::default()
        })
        .await
        .unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        sandbox.set_app_url(&base_url);
        let app = GhlApp::default();
        let secret = BTreeMap::from([
            ("ghl_client_secret", app.client_secret.clone()),
            ("ghl_shared_secret", app.shared_secret.clone()),
            ("data_key_1", crypto::random_token(32)),
        ]);
        let outputs = aws.stores("in-process", secret).await.unwrap();
        let sdk = config::aws_at(aws.url()).unwrap();
        let ahead_ms = Arc::new(AtomicI64::new(0));
        let fails_next = Arc::new(AtomicBool::new(false));
        let wiring = Wiring {
            aws: &sdk,
            outputs: &outputs,
            clock: Clock::shifted(Arc::clone(&ahead_ms)),
            app: app.clone(),
            base_url: base_url.parse().unwrap(),
            sandbox: sandbox.url().parse().unwrap(),
            http: greenhub::http::client(Duration::from_secs(30)).unwrap(),
        };
        let pem = sandbox.ghl_public_key_pem();
        let spki: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let routes = green_api_webhook::router(wiring.failing(&fails_next))
            .merge(wiring.ghl_webhook(&spki, &fails_next))
            .merge(wiring.oauth_callback(&spki))
            // What is nobody's is the panel's to refuse.
            .merge(wiring.instance_api().reset_fallback())
            .fallback_service(wiring.panel_api());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let admin = Deployer(wiring.hub().db);
        let demo = Demo {
            admin: &admin,
            client: &wiring.http,
            base: &base_url,
            public: &base_url,
            sandbox: &sandbox.url(),
            client_id: &app.client_id,
        };
        let (demo, _) = demo.ensure(&dir.join("credentials.json")).await.unwrap();
        let sweeper = wiring.sweeper().await;
        let place = InProcess {
            sqs: aws_sdk_sqs::Client::new(&sdk),
            base_url,
            sandbox,
            sweeper,
            ahead_ms,
            fails_next,
            aws,
            outputs,
        };
        (place, demo)
    }

    pub async fn stop(self) {
        self.sandbox.shutdown().await;
        self.aws.stop().await;
    }

    /// Works the queues off, for ever.
    pub async fn work(&self) {
        let Sweeper {
            hub,
            green,
            ghl,
            oauth,
            data_keys,
            providers,
            ..
        } = &self.sweeper;
        let whatsapp = Whatsapp::new(hub, green, Arc::clone(data_keys));
        let links = Links::new(&self.base_url.parse().unwrap());
        let crm = Crm::new(hub, ghl, oauth, Arc::clone(data_keys), providers, &links);
        let deadline_ms = || hub.clock.now_ms() + WORK_MS;
        let outbound = self.feed(&self.outputs["OutboundQueueUrl"], async |batch| {
            outbound_sender::handle(hub, &whatsapp, batch, deadline_ms()).await
        });
        let to_crm = self.feed(&self.outputs["CrmQueueUrl"], async |batch| {
            crm_sender::handle(hub, &crm, batch, deadline_ms()).await
        });
        tokio::join!(outbound, to_crm);
    }

    /// Hands one batch of a queue after another to a function, and deletes what it took.
    async fn feed(&self, url: &str, handle: impl AsyncFn(SqsEvent) -> SqsBatchResponse) {
        loop {
            let received = self
                .sqs
                .receive_message()
                .queue_url(url)
                .max_number_of_messages(10);
            let messages = received.send().await.unwrap().messages.unwrap_or_default();
            if messages.is_empty() {
                pause(Duration::from_millis(30)).await;
                continue;
            }
            let answer = handle(batch(&messages)).await;
            let failed = answer.batch_item_failures;
            assert!(failed.is_empty(), "{failed:?}");
            for message in messages {
                let handle = message.receipt_handle.unwrap_or_default();
                let gone = self.sqs.delete_message().queue_url(url);
                gone.receipt_handle(handle).send().await.unwrap();
            }
        }
    }

    async fn sweep(&self) -> Result<Report, String> {
        let deadline_ms = self.sweeper.hub.clock.now_ms() + WORK_MS;
        let swept = Box::pin(self.sweeper.sweep(deadline_ms)).await;
        swept.map_err(|error| error.to_string())
    }
}

fn batch(messages: &[Message]) -> SqsEvent {
    let records = messages.iter().map(|received| {
        let mut message = SqsMessage::default();
        message.message_id.clone_from(&received.message_id);
        message.body.clone_from(&received.body);
        message
    });
    let mut event = SqsEvent::default();
    event.records = records.collect();
    event
}

// AC 46, promise 1
pub async fn a_queue_that_fails_after_the_write_is_made_good_by_the_sweeper(
    world: &World<InProcess>,
) -> Outcome {
    let place = &world.stack;
    place.fails_next.store(true, Ordering::SeqCst);
    world
        .customer_writes("79001234573", "Gil", "hello?")
        .await?;
    world
        .eventually("the queue's failure", || async {
            Ok((!place.fails_next.load(Ordering::SeqCst)).then_some(()))
        })
        .await?;
    pause(Duration::from_secs(1)).await;
    let deliveries = world.control("GET", "deliveries", Value::Null).await?;
    let last = deliveries.as_array().and_then(|all| all.last());
    ensure!(
        last.is_some_and(|last| last["status"] == 200),
        "the webhook was not answered 200: {last:?}"
    );
    let contacts = world.contacts().await?;
    let is_there = contacts.iter().any(|one| one["phone"] == "+79001234573");
    ensure!(!is_there, "it was delivered without a wake-up");

    place
        .ahead_ms
        .fetch_add(sweep::GRACE_MS + 1_000, Ordering::SeqCst);
    let report = place.sweep().await?;
    ensure!(report.chats_woken > 0, "{report:?}");
    let contact = world.contact("+79001234573").await?;
    world
        .eventually("the message", || async {
            let shown = world.conversation(&contact).await?;
            Ok((shown.len() == 1 && shown[0]["message"] == "hello?").then_some(()))
        })
        .await
}
