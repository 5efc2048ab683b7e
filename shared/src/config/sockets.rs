//! Where the connections of browsers are held.

use url::Url;

use super::{ConfigError, Lookup, Vars, env, web_address};

/// The gateway of the sockets: `SOCKETS_ENDPOINT`, and `PUBLIC_BASE_URL`, where our pages come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sockets {
    /// Where frames are handed over: a stage's address.
    pub endpoint: Url,
    /// Where people reach us.
    pub public_base_url: Url,
}

impl Sockets {
    pub(super) fn read(vars: &Lookup<'_>) -> Result<Self, ConfigError> {
        Ok(Sockets {
            endpoint: endpoint(vars, &vars.text("SOCKETS_ENDPOINT")?)?,
            public_base_url: vars.url("PUBLIC_BASE_URL")?,
        })
    }
}

/// The gateway of the sockets, for a function that only sends: `SOCKETS_ENDPOINT`.
///
/// # Errors
/// It is missing or wrong.
pub fn sockets_endpoint() -> Result<Url, ConfigError> {
    let vars: Lookup<'_> = Vars(&env().0);
    endpoint(&vars, &vars.text("SOCKETS_ENDPOINT")?)
}

/// An address, or a path at the emulator, whose own address no template knows.
fn endpoint(vars: &Lookup<'_>, value: &str) -> Result<Url, ConfigError> {
    let name = "SOCKETS_ENDPOINT";
    if !value.starts_with('/') {
        return web_address(name, value);
    }
    let emulator = vars.url("AWS_ENDPOINT_URL")?;
    let expected = "an address, or a path at the emulator";
    let joined = emulator.join(value);
    joined.map_err(|_| ConfigError::Invalid { name, expected })
}
