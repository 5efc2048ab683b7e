//! Others, as little of them as it takes: a measurement is of our own code, and whoever answers it
//! does so from another thread, whose time and allocations are not counted.

pub(crate) mod aws;
pub(crate) mod lambda;
pub(crate) mod providers;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;

use axum::Router;
use tokio::runtime::Builder;

/// Serves `routes` from a thread of its own until the program ends.
pub(crate) fn serve(routes: Router) -> io::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let addr = listener.local_addr()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new()
        .name("stand-in".into())
        .spawn(move || {
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                axum::serve(listener, routes).await
            })
        })?;
    Ok(addr)
}
