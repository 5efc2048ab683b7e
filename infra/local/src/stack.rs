//! The system as a whole: started in order, stopped in reverse.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use greenhub_sandbox::{Sandbox, SandboxConfig};
use serde_json::Value;

use crate::{
    demo::{AdminCommand, Credentials, Demo},
    deploy::{self, Order, Outputs},
    emulator::Emulator,
    error::Error,
    functions,
    keys::Keys,
    layout::Layout,
    origin::Origin,
    ports::Ports,
    prerequisites,
    progress::Progress,
    python,
    settings::Options,
    site,
};

const STACK: &str = "greenhub";

/// A running system. [`Stack::stop`] ends it in order; dropping it ends its processes as well, but
/// blocks while it does.
#[derive(Debug)]
pub struct Stack {
    /// The origin, e.g. `http://localhost:3000`.
    pub base_url: String,
    /// The stand-ins for the providers.
    pub sandbox: Sandbox,
    /// The emulated AWS, e.g. `http://127.0.0.1:4566`.
    pub emulator_url: String,
    /// The outputs of the template, e.g. `ChatsTableName`.
    pub outputs: Outputs,
    /// The demo data, if they were asked for.
    pub credentials: Option<Credentials>,
    emulator: Emulator,
    origin: Origin,
}

impl Stack {
    /// Starts everything; when this returns, `/healthz` is 200. A future that is dropped on the way
    /// leaves no process behind.
    ///
    /// # Errors
    ///
    /// Whatever is missing, taken or broken, each as its own variant of [`Error`].
    pub async fn start(options: Options) -> Result<Self, Error> {
        let progress = Progress::new(options.quiet);
        let layout = Layout::create(&options.dir)?;
        let tools = prerequisites::check().await?;
        let ports = options.ports.settle(&layout)?;
        let keys = Keys::load_or_generate(&layout.data.join("secrets.json"))?;
        let client = client()?;
        let base_url = format!("http://localhost:{}", ports.origin);
        let origin = Origin::start(ports.origin, client.clone()).await?;

        // Side by side: on a first start one waits for the network and the other for the compiler.
        let aws = async {
            let step = progress.loud_step("Python environment");
            let made = python::prepare(&layout, &tools.python).await?;
            step.done(if made { "made" } else { "" });
            let step = progress.loud_step("emulated AWS");
            let emulator = Emulator::start(&layout, ports.emulator, client.clone()).await?;
            step.done(emulator.url());
            Ok::<_, Error>(emulator)
        };
        let build = async {
            let step = progress.loud_step("functions");
            let binaries = functions::build(&layout, &tools.cargo, progress).await?;
            step.done(&format!("{} built", binaries.len()));
            Ok(binaries)
        };
        let pages = async {
            let step = progress.loud_step("site");
            let built = site::build(&layout.logs()).await?;
            step.done(if built.is_new { "built" } else { "" });
            Ok(built)
        };
        let (emulator, mut binaries, pages) = tokio::try_join!(aws, build, pages)?;
        let admin = binaries.remove(functions::ADMIN).unwrap_or_default();

        let step = progress.step("sandbox");
        let config = sandbox_config(&options, &layout, &keys, ports, &base_url);
        let app = config.ghl.clone();
        let sandbox = greenhub_sandbox::start(config).await?;
        step.done(&sandbox.url());

        let step = progress.step("deployment");
        let public = options.public_base_url.as_deref().unwrap_or(&base_url);
        let order = Order {
            endpoint: emulator.url(),
            stack: STACK,
            template: layout.root.join("template.yaml"),
            only: None,
            parameters: parameters(&options, &sandbox, &app, public),
            binaries,
            secret: secret(&options, &sandbox, keys),
        };
        let outputs = deploy::deploy(&layout, &order, &step).await?;
        let output = |name: &str| outputs.get(name).map_or("", String::as_str);
        let apis = (output("ApiId"), output("SocketApiId"));
        origin.connect(emulator.url(), apis, sandbox.url(), &pages.files);
        step.done("");

        let mut credentials = None;
        if options.demo {
            let step = progress.step("demo data");
            let (base, sandbox) = (&*base_url, &*sandbox.url());
            let admin = AdminCommand {
                binary: admin,
                emulator: emulator.url().to_owned(),
                stack: STACK,
                base: base.to_owned(),
            };
            let demo = Demo {
                admin: &admin,
                client: &client,
                base,
                public,
                sandbox,
                client_id: &app.client_id,
            };
            let (found, made) = demo.ensure(&layout.data.join("credentials.json")).await?;
            credentials = Some(found);
            step.done(if made { "made" } else { "there already" });
        }
        origin.ready();
        let emulator_url = emulator.url().to_owned();
        Ok(Self {
            base_url,
            sandbox,
            emulator_url,
            outputs,
            credentials,
            emulator,
            origin,
        })
    }

    /// Runs a function of the template once, outside of its trigger.
    ///
    /// `logical_name` is the function's name in the template without `Function`, e.g. `Sweeper`.
    ///
    /// # Errors
    ///
    /// [`Error::Function`] when there is no such function or it failed.
    pub async fn invoke(&self, logical_name: &str, event: &Value) -> Result<Value, Error> {
        match self.outputs.get(&format!("{logical_name}FunctionName")) {
            Some(name) => self.emulator.invoke(name, event).await,
            None => Err(Error::Function {
                function: logical_name.to_owned(),
                reason: "the template has no output for it".into(),
            }),
        }
    }

    /// How many wake-ups have ended in a dead-letter queue: each is a bug.
    ///
    /// # Errors
    ///
    /// When the emulator does not answer.
    pub async fn dead_letters(&self) -> Result<u64, Error> {
        let mut count = 0;
        for (_, url) in self
            .outputs
            .iter()
            .filter(|(name, _)| name.ends_with("DeadLettersUrl"))
        {
            count += self.emulator.queue_length(url).await?;
        }
        Ok(count)
    }

    /// Stops everything; the state is kept for the next start in the same directory.
    pub async fn stop(self) {
        self.origin.stop().await;
        // Before the emulator, so that no provider calls into functions that are going away.
        self.sandbox.shutdown().await;
        self.emulator.stop().await;
    }
}

/// For our own servers: no redirects, no proxy, and a limit for what hangs.
pub(crate) fn client() -> Result<reqwest::Client, Error> {
    let builder = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(130));
    Ok(builder.build()?)
}

fn sandbox_config(
    options: &Options,
    layout: &Layout,
    keys: &Keys,
    ports: Ports,
    base_url: &str,
) -> SandboxConfig {
    let mut config = SandboxConfig {
        addr: SocketAddr::from(([127, 0, 0, 1], ports.sandbox)),
        app_url: base_url.to_owned(),
        time_scale: options.time_scale,
        data_file: Some(layout.data.join("sandbox.json")),
        ..SandboxConfig::default()
    };
    config.ghl.client_secret = keys.ghl_client_secret.clone();
    config.ghl.shared_secret = keys.ghl_shared_secret.clone();
    config.ghl.signing_key_pkcs8 = keys.sandbox_signing_pkcs8();
    config
}

/// The template's parameters; what is not named here keeps its default.
fn parameters(
    options: &Options,
    sandbox: &Sandbox,
    app: &greenhub_sandbox::GhlApp,
    public: &str,
) -> BTreeMap<String, String> {
    let port = sandbox.addr.port();
    let architecture = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "x86_64"
    };
    let mut named = vec![
        ("PublicBaseUrl", public.to_owned()),
        ("Architecture", architecture.to_owned()),
        (
            "AllowedLocalHosts",
            format!("localhost:{port},127.0.0.1:{port}"),
        ),
    ];
    match &options.ghl {
        Some(app) => named.extend([
            ("GhlClientId", app.client_id.clone()),
            ("GhlAppId", app.app_id.clone()),
            (
                "GhlConversationProviderId",
                app.conversation_provider_id.clone(),
            ),
        ]),
        None => named.extend([
            ("GhlClientId", app.client_id.clone()),
            ("GhlAppId", app.app_id.clone()),
            (
                "GhlConversationProviderId",
                app.conversation_provider_id.clone(),
            ),
            ("GhlDefaultProviderId", app.default_provider_id.clone()),
            ("GhlApiBase", sandbox.url()),
            ("GhlMarketplaceBase", sandbox.url()),
            (
                "GhlPublicKeys",
                without_armour(&sandbox.ghl_public_key_pem()),
            ),
        ]),
    }
    let green = options
        .green_api_base
        .clone()
        .unwrap_or_else(|| sandbox.url());
    named.push(("GreenApiDefaultBase", green));
    if options.telegram_bot_token.is_none() {
        named.push(("TelegramApiBase", sandbox.url()));
    }
    let mut all: BTreeMap<_, _> = named
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    all.extend(options.parameters.clone());
    all
}

fn secret(options: &Options, sandbox: &Sandbox, keys: Keys) -> BTreeMap<&'static str, String> {
    let (client, shared) = match &options.ghl {
        Some(app) => (app.client_secret.0.clone(), app.shared_secret.0.clone()),
        None => (keys.ghl_client_secret, keys.ghl_shared_secret),
    };
    BTreeMap::from([
        ("ghl_client_secret", client),
        ("ghl_shared_secret", shared),
        ("data_key_1", keys.data_key_1),
        (
            "telegram_bot_token",
            match &options.telegram_bot_token {
                Some(token) => token.0.clone(),
                None => sandbox.telegram_bot_token().to_owned(),
            },
        ),
        ("telegram_webhook_secret", keys.telegram_webhook_secret),
    ])
}

/// The base64 of a PEM document.
fn without_armour(pem: &str) -> String {
    pem.lines()
        .filter(|line| !line.starts_with("-----"))
        .map(str::trim)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_key_loses_its_armour() {
        let check = |pem: &str, expect: &str| assert_eq!(without_armour(pem), expect);
        check(
            "-----BEGIN PUBLIC KEY-----\nTUNv\nd0JR\n-----END PUBLIC KEY-----\n",
            "TUNvd0JR",
        );
        check(
            "-----BEGIN PUBLIC KEY-----\r\nTUNv\r\n-----END PUBLIC KEY-----",
            "TUNv",
        );
    }
}
