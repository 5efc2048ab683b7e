//! Which ports are used. A free one, once picked, stays: queue addresses and webhook addresses in
//! the saved state contain it.

use std::{fs, net::TcpListener};

use serde::{Deserialize, Serialize};

use crate::{error::Error, layout::Layout};

/// Where the three servers listen, on 127.0.0.1; 0 picks a free port and remembers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ports {
    /// The origin: what browsers and providers see.
    pub origin: u16,
    /// The sandbox.
    pub sandbox: u16,
    /// The emulated AWS.
    pub emulator: u16,
}

impl Ports {
    /// Replaces zeros by the ports of last time or by free ones, and checks that all are free.
    pub(crate) fn settle(self, layout: &Layout) -> Result<Self, Error> {
        let file = layout.data.join("ports.json");
        let last: Self = fs::read(&file)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let pick = |wanted: u16, last: u16, what, variable| match (wanted, last) {
            (0, 0) => free_port(),
            (0, last) => check(last, what, variable),
            (wanted, _) => check(wanted, what, variable),
        };
        let ports = Self {
            origin: pick(self.origin, last.origin, "the origin", "PORT")?,
            sandbox: pick(self.sandbox, last.sandbox, "the sandbox", "SANDBOX_PORT")?,
            emulator: pick(
                self.emulator,
                last.emulator,
                "the emulated AWS",
                "EMULATOR_PORT",
            )?,
        };
        let text = serde_json::to_vec(&ports).unwrap_or_default();
        fs::write(&file, text).map_err(Error::file(&file))?;
        Ok(ports)
    }
}

fn check(port: u16, what: &'static str, variable: &'static str) -> Result<u16, Error> {
    match TcpListener::bind(("127.0.0.1", port)) {
        Ok(_) => Ok(port),
        Err(_) => Err(Error::PortTaken {
            port,
            what,
            variable,
        }),
    }
}

fn free_port() -> Result<u16, Error> {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|addr| addr.port())
        .map_err(Error::file("127.0.0.1:0"))
}
