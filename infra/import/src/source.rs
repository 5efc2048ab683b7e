//! Where the older adapter's data are, and what its settings say.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use mysql_async::{Opts, OptsBuilder, SslOpts};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::error::Error;
use crate::options::Options;

/// The older adapter.
#[derive(Debug)]
pub struct Source {
    /// Its database.
    pub(crate) database: SecretString,
    /// Its OAuth client.
    pub(crate) client_id: Option<String>,
    /// Its conversation provider.
    pub(crate) provider_id: Option<String>,
    /// What its workflows show.
    pub(crate) workflow_token: Option<SecretString>,
}

impl Source {
    /// Reads the older adapter's settings, as far as the options name them.
    ///
    /// # Errors
    /// A file that cannot be read, or no database.
    pub fn read(options: &Options) -> Result<Self, Error> {
        let mut vars = match &options.env {
            Some(path) => dot_env(path)?,
            None => HashMap::new(),
        };
        let mut var = |name: &str| vars.remove(name).filter(|value| !value.is_empty());
        let in_file = var("DATABASE_URL").map(SecretString::from);
        Ok(Source {
            database: options.from.clone().or(in_file).ok_or(Error::NoDatabase)?,
            client_id: var("GHL_CLIENT_ID"),
            provider_id: var("GHL_CONVERSATION_PROVIDER_ID"),
            workflow_token: var("GHL_WORKFLOW_TOKEN").map(SecretString::from),
        })
    }
}

/// The variables of a `.env` file.
fn dot_env(path: &Path) -> Result<HashMap<String, String>, Error> {
    let wrong = |why| Error::Settings {
        path: path.to_owned(),
        why,
    };
    let text = fs::read_to_string(path).map_err(|_| wrong("it cannot be read"))?;
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let line = line.strip_prefix("export ").unwrap_or(line);
            let (name, value) = line.split_once('=')?;
            Some((name.trim().to_owned(), unquoted(value).to_owned()))
        })
        .collect::<Option<_>>()
        .ok_or_else(|| wrong("a line of it is not NAME=value"))
}

/// A value as the older adapter reads it: nothing in it is replaced, a dollar least of all.
fn unquoted(value: &str) -> &str {
    let value = value.trim();
    let quote = value.chars().next().filter(|first| "\"'`".contains(*first));
    let inner = quote.and_then(|quote| value[1..].split_once(quote));
    match inner {
        Some((inner, _)) => inner,
        None => value.split('#').next().unwrap_or_default().trim(),
    }
}

/// How to reach the database. Its address has the form that the older adapter's ORM takes, of whose
/// parameters `socket`, `sslaccept` and `sslcert` mean something here as well.
///
/// # Errors
/// The address is none.
pub fn database(address: &SecretString) -> Result<Opts, Error> {
    let url = Url::parse(address.expose_secret()).map_err(|_| Error::Address("cannot be read"))?;
    if !matches!(url.scheme(), "mysql" | "mariadb") {
        return Err(Error::Address("is none of MySQL's"));
    }
    let host = url.host_str().filter(|host| !host.is_empty());
    let host = host.ok_or(Error::Address("has no host"))?;
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let name = decoded(url.path().trim_start_matches('/'));
    if name.is_empty() {
        return Err(Error::Address("does not name the database"));
    }
    let parameters: HashMap<_, _> = url.query_pairs().into_owned().collect();
    let socket = parameters.get("socket").cloned();
    let user = Some(decoded(url.username())).filter(|user| !user.is_empty());
    let opts = OptsBuilder::default()
        .ip_or_hostname(host.trim_matches(['[', ']']))
        .tcp_port(url.port().unwrap_or(3306))
        .user(user)
        .pass(url.password().map(decoded))
        .db_name(Some(name))
        .prefer_socket(false)
        .socket(socket.clone())
        .ssl_opts(ssl(&parameters));
    Ok(match socket {
        Some(_) => opts.prefer_socket(true).into(),
        None => opts.into(),
    })
}

/// Encryption, if the address asks for it.
fn ssl(parameters: &HashMap<String, String>) -> Option<SslOpts> {
    let certificate = parameters.get("sslcert");
    let accepts = parameters.get("sslaccept");
    if certificate.is_none() && accepts.is_none() {
        return None;
    }
    let certificates = certificate.map(|path| PathBuf::from(path).into());
    let opts = SslOpts::default().with_root_certs(certificates.into_iter().collect());
    let is_lax = accepts.is_some_and(|accepts| accepts == "accept_invalid_certs");
    Some(opts.with_danger_accept_invalid_certs(is_lax))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn an_address_is_read_as_the_older_adapter_reads_it() {
        let opts = |address: &str| database(&address.into());
        let plain = opts("mysql://ann:p%40ss%2Fword@db.test/old").unwrap();
        assert_eq!(plain.ip_or_hostname(), "db.test");
        assert_eq!(plain.tcp_port(), 3306);
        assert_eq!(plain.user(), Some("ann"));
        assert_eq!(plain.pass(), Some("p@ss/word"));
        assert_eq!(plain.db_name(), Some("old"));
        assert!(plain.ssl_opts().is_none() && plain.socket().is_none());

        // What only the older adapter's ORM knows is no mistake.
        let more = "mysql://ann:x@[::1]:3307/old?connection_limit=5&sslaccept=strict&socket=/tmp/s";
        let more = opts(more).unwrap();
        assert_eq!((more.ip_or_hostname(), more.tcp_port()), ("::1", 3307));
        assert_eq!(more.socket(), Some("/tmp/s"));
        assert!(!more.ssl_opts().unwrap().accept_invalid_certs());
        let lax = opts("mysql://ann:x@h/old?sslaccept=accept_invalid_certs").unwrap();
        assert!(lax.ssl_opts().unwrap().accept_invalid_certs());
    }

    #[test]
    fn a_wrong_address_is_told_without_its_text() {
        let check = |address: &str, expect: &str| {
            let error = database(&address.into()).unwrap_err().to_string();
            assert!(error.contains(expect), "{error}");
            assert!(!error.contains("hunter"), "{error}");
        };
        check("hunter", "cannot be read");
        check("postgres://u:hunter@h/d", "none of MySQL's");
        check("mysql://u:hunter@h", "does not name the database");
        check("mysql:///hunter", "has no host");
        check("mysql://u:hunter@h:port/d", "cannot be read");
    }

    #[test]
    fn a_value_is_what_stands_there() {
        let check = |value: &str, expect: &str| assert_eq!(unquoted(value), expect, "{value}");
        check(" a b ", "a b");
        check("pa$word", "pa$word");
        check("a # of old", "a");
        check("\"a # b\" # of old", "a # b");
        check("'a\"b'", "a\"b");
        check("\"not closed", "\"not closed");
        check("", "");
    }

    #[test]
    fn the_settings_of_the_older_adapter_are_read_and_not_shown() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let text = "DATABASE_URL=\"mysql://u:hunter@db/d\"\nGHL_CLIENT_ID=c-1\n\
                    GHL_WORKFLOW_TOKEN=hunter-2\nGHL_APP_ID=\n";
        file.write_all(text.as_bytes()).unwrap();
        let path = file.path().to_owned();
        let options = |from: Option<&str>| Options {
            env: Some(path.clone()),
            from: from.map(SecretString::from),
            ..Options::default()
        };
        let source = Source::read(&options(None)).unwrap();
        assert_eq!(source.database.expose_secret(), "mysql://u:hunter@db/d");
        assert_eq!(source.client_id.as_deref(), Some("c-1"));
        assert_eq!(source.provider_id, None);
        let token = source.workflow_token.as_ref().unwrap();
        assert_eq!(token.expose_secret(), "hunter-2");
        assert!(!format!("{source:?}").contains("hunter"));
        // The host of a container is another one from here.
        let elsewhere = Source::read(&options(Some("mysql://u:x@127.0.0.1/d"))).unwrap();
        assert_eq!(
            elsewhere.database.expose_secret(),
            "mysql://u:x@127.0.0.1/d"
        );

        file.write_all(b"hunter and no sign of a name\n").unwrap();
        let error = Source::read(&options(None)).unwrap_err().to_string();
        assert!(
            error.contains("NAME=value") && !error.contains("hunter"),
            "{error}"
        );
        let nothing = Source::read(&Options::default()).unwrap_err();
        assert!(matches!(nothing, Error::NoDatabase));
    }
}
