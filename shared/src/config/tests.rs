use super::*;

/// A whole environment, as the template sets it.
const SET: [(&str, &str); 28] = [
    ("DIRECTORY_TABLE", "directory"),
    ("CHATS_TABLE", "chats"),
    ("RUNTIME_TABLE", "runtime"),
    ("OUTBOUND_QUEUE_URL", "http://127.0.0.1/1/outbound"),
    ("CRM_QUEUE_URL", "http://127.0.0.1/1/crm"),
    ("MEDIA_QUEUE_URL", "http://127.0.0.1/1/media"),
    ("TELEGRAM_QUEUE_URL", "http://127.0.0.1/1/telegram"),
    ("TELEGRAM_API_BASE", "http://localhost:3100"),
    ("MEDIA_BUCKET", "media"),
    ("FILE_RETENTION_DAYS", "31"),
    ("BACKUP_INTERVAL_HOURS", "6"),
    ("BACKUPS_KEPT", "3"),
    ("PUBLIC_BASE_URL", "https://hub.example"),
    ("APP_SECRET", "app"),
    ("HOLD_SECONDS", "0"),
    ("UNKNOWN_AFTER_SECONDS", "60"),
    ("GHL_CLIENT_ID", "client"),
    ("GHL_APP_ID", "app"),
    ("GHL_PROVIDER_ID", "provider"),
    ("GHL_DEFAULT_PROVIDER_ID", "default"),
    ("GHL_API_BASE", "https://crm.example"),
    ("GHL_MARKETPLACE_BASE", "https://market.example"),
    ("GHL_PUBLIC_KEYS", "key"),
    ("WHITELABEL_DOMAINS", "crm.agency.example"),
    ("SOCKETS_ENDPOINT", "https://abc.example/ws"),
    ("LOG_LEVEL", "debug"),
    ("AWS_REGION", "eu-west-1"),
    ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566"),
];

/// Reads everything with one variable changed, and tells what went wrong.
fn read_with(name: &str, value: Option<&str>) -> Result<(), ConfigError> {
    let lookup = |wanted: &'static str| {
        if wanted == name {
            return value.map(str::to_owned);
        }
        SET.iter()
            .find(|(set, _)| *set == wanted)
            .map(|(_, value)| (*value).to_owned())
    };
    let vars: Lookup<'_> = Vars(&lookup);
    Tables::read(&vars)?;
    Queues::read(&vars)?;
    App::read(&vars)?;
    Waits::read(&vars)?;
    Backups::read(&vars)?;
    Files::read(&vars)?;
    Ghl::read(&vars)?;
    GhlApi::read(&vars)?;
    GhlHook::read(&vars)?;
    Green::read(&vars)?;
    TelegramApi::read(&vars)?;
    Web::read(&vars)?;
    Sockets::read(&vars)?;
    read_log_level(&vars)?;
    read_aws(&vars)?;
    Ok(())
}

// AC 162
#[test]
fn a_missing_variable_is_named() {
    let may_be_missing = [
        "CHATS_TABLE",
        "BACKUPS_KEPT",
        "BACKUP_INTERVAL_HOURS",
        "FILE_RETENTION_DAYS",
        "GHL_DEFAULT_PROVIDER_ID",
        "HOLD_SECONDS",
        "TELEGRAM_API_BASE",
        "UNKNOWN_AFTER_SECONDS",
        "WHITELABEL_DOMAINS",
        "LOG_LEVEL",
        "AWS_ENDPOINT_URL",
    ];
    for (name, _) in SET {
        let expect = if may_be_missing.contains(&name) {
            Ok(())
        } else {
            Err(ConfigError::Missing { name })
        };
        assert_eq!(read_with(name, None), expect, "{name}");
        assert_eq!(read_with(name, Some(" ")), expect, "{name}");
    }
}

#[test]
fn a_wrong_variable_is_named_without_its_value() {
    let check = |name: &str, value: &str, expect: Option<&str>| {
        let told = read_with(name, Some(value))
            .err()
            .map(|error| error.to_string());
        assert_eq!(told.as_deref(), expect, "{name}={value}");
    };
    let address =
        |name: &str| format!("the environment variable {name} is not an http or https address");
    for name in [
        "PUBLIC_BASE_URL",
        "GHL_API_BASE",
        "GHL_MARKETPLACE_BASE",
        "TELEGRAM_API_BASE",
        "AWS_ENDPOINT_URL",
    ] {
        check(name, "hub.example", Some(&address(name)));
        check(name, "ftp://hub.example", Some(&address(name)));
        check(name, "http://127.0.0.1:4566", None);
    }
    check(
        "GREEN_API_DEFAULT_BASE",
        "nowhere",
        Some(&address("GREEN_API_DEFAULT_BASE")),
    );
    check(
        "ALLOWED_LOCAL_HOSTS",
        "a:99999",
        Some(&address("ALLOWED_LOCAL_HOSTS")),
    );
    check(
        "WHITELABEL_DOMAINS",
        "crm.agency.example,https://x",
        Some(
            "the environment variable WHITELABEL_DOMAINS is not host names with commas between them",
        ),
    );
    check(
        "HOLD_SECONDS",
        "soon",
        Some("the environment variable HOLD_SECONDS is not a number of seconds"),
    );
    check(
        "UNKNOWN_AFTER_SECONDS",
        "-1",
        Some("the environment variable UNKNOWN_AFTER_SECONDS is not a number of seconds"),
    );
    check(
        "LOG_LEVEL",
        "loud",
        Some("the environment variable LOG_LEVEL is not error, warn, info, debug or trace"),
    );
    check("LOG_LEVEL", "WARN", None);
}

#[test]
fn values_arrive_where_they_belong() {
    let lookup = |wanted: &'static str| match wanted {
        "HOLD_SECONDS" => None,
        "GREEN_API_DEFAULT_BASE" => Some("https://gateway.example".to_owned()),
        "ALLOWED_LOCAL_HOSTS" => Some("127.0.0.1:3100, localhost:3000".to_owned()),
        _ => SET
            .iter()
            .find(|(set, _)| *set == wanted)
            .map(|(_, value)| (*value).to_owned()),
    };
    let vars: Lookup<'_> = Vars(&lookup);
    let waits = Waits::read(&vars).unwrap();
    assert_eq!((waits.hold_s, waits.unknown_after_s), (600, 60));
    let app = App::read(&vars).unwrap();
    assert_eq!(app.public_base_url.as_str(), "https://hub.example/");
    let green = Green::read(&vars).unwrap();
    assert_eq!(
        green.default_base.unwrap().as_str(),
        "https://gateway.example/"
    );
    assert_eq!(
        green.allowed_local_hosts,
        ["http://127.0.0.1:3100", "http://localhost:3000"]
    );
    let web = Web::read(&vars).unwrap();
    assert_eq!(
        web.parent_origins,
        [
            "https://app.gohighlevel.com",
            "https://app.leadconnectorhq.com",
            "https://crm.agency.example",
            "http://127.0.0.1:3100",
            "http://localhost:3000",
        ]
    );
    let tables = Tables::read(&vars).unwrap();
    assert_eq!(
        (&*tables.directory, &*tables.chats, &*tables.runtime),
        ("directory", "chats", "runtime")
    );
    assert_eq!(read_log_level(&vars), Ok(Level::DEBUG));
    let aws = read_aws(&vars).unwrap();
    assert_eq!(
        aws.region().map(|region| region.as_ref()),
        Some("eu-west-1")
    );
    assert_eq!(aws.endpoint_url(), Some("http://127.0.0.1:4566/"));
}

#[test]
fn the_gateway_of_the_sockets_is_an_address_or_at_the_emulator() {
    let check = |value: &str, expect: Option<&str>| {
        let lookup = |name: &'static str| match name {
            "SOCKETS_ENDPOINT" => Some(value.to_owned()),
            "AWS_ENDPOINT_URL" => Some("http://127.0.0.1:4566".to_owned()),
            _ => Some("https://hub.example".to_owned()),
        };
        let vars: Lookup<'_> = Vars(&lookup);
        let endpoint = Sockets::read(&vars).ok().map(|it| it.endpoint.to_string());
        assert_eq!(endpoint.as_deref(), expect, "{value}");
    };
    check(
        "https://abc.execute-api.eu-west-1.amazonaws.com/ws",
        Some("https://abc.execute-api.eu-west-1.amazonaws.com/ws"),
    );
    check(
        "/_aws/execute-api/abc/ws",
        Some("http://127.0.0.1:4566/_aws/execute-api/abc/ws"),
    );
    check("wss://abc.example/ws", None);
    check("", None);
}
