//! Who asks, by their address: for counting requests that prove nothing else.

use std::net::IpAddr;

use axum::http::HeaderMap;
use axum::http::request::Parts;
use lambda_http::request::RequestContext;
use secrecy::{ExposeSecret, SecretString};

use crate::crypto::constant_time_eq;

/// Carries the edge's key, if the request came through it.
pub const EDGE_HEADER: &str = "x-greenhub-edge";

/// Where the addresses of the hops are listed, the nearest one last.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// How addresses are found out.
///
/// The gateway knows who connected to it. That is the browser, or the content delivery network in
/// front of us, which appends the browser's address to a header. Anybody can send such a header to
/// the gateway directly, so it is believed only together with the network's own key.
#[derive(Debug, Default)]
pub struct Addresses {
    edge_key: Option<SecretString>,
}

impl Addresses {
    /// Believes the network that shows this key; without one, nobody.
    pub fn new(edge_key: Option<SecretString>) -> Self {
        Addresses { edge_key }
    }

    /// The address that a request counts for. Of IPv6 the network, since one customer has all of
    /// its addresses. What is no address counts as one and the same.
    pub fn of(&self, parts: &Parts) -> String {
        let connected = match parts.extensions.get::<RequestContext>() {
            Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.as_deref(),
            _ => None,
        };
        let hops = hops(&parts.headers);
        let told = match (connected, self.came_through_edge(&parts.headers)) {
            (connected, true) => before_last(&hops).or(connected),
            (Some(connected), false) => Some(connected),
            (None, false) => hops.last().copied(),
        };
        told.and_then(|told| told.parse().ok())
            .map_or_else(|| "unknown".to_owned(), network)
    }

    fn came_through_edge(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(EDGE_HEADER);
        shown
            .zip(self.edge_key.as_ref())
            .is_some_and(|(shown, key)| {
                constant_time_eq(shown.as_bytes(), key.expose_secret().as_bytes())
            })
    }
}

fn hops(headers: &HeaderMap) -> Vec<&str> {
    let all = headers.get_all(FORWARDED_FOR).iter();
    all.filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect()
}

/// The last hop is the network itself.
fn before_last<'a>(hops: &[&'a str]) -> Option<&'a str> {
    hops.len().checked_sub(2).map(|at| hops[at])
}

fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;

    use super::*;

    #[test]
    fn an_address_is_believed_if_whoever_tells_it_is() {
        let check = |connected: Option<&str>, hops: &str, edge: Option<&str>, expect: &str| {
            let mut request = Request::builder().header(FORWARDED_FOR, hops);
            if let Some(edge) = edge {
                request = request.header(EDGE_HEADER, edge);
            }
            if let Some(connected) = connected {
                let mut context = ApiGatewayV2httpRequestContext::default();
                context.http.source_ip = Some(connected.to_owned());
                request = request.extension(RequestContext::ApiGatewayV2(context));
            }
            let (parts, ()) = request.body(()).unwrap().into_parts();
            let addresses = Addresses::new(Some("k3y".into()));
            let what = format!("{connected:?} {hops} {edge:?}");
            assert_eq!(addresses.of(&parts), expect, "{what}");
            // Without a key of ours nobody's is right.
            let strict = Addresses::default().of(&parts);
            assert_eq!(strict == expect, edge != Some("k3y"), "{what}: {strict}");
        };
        let gateway = Some("5.6.7.8");
        check(gateway, "1.2.3.4, 5.6.7.8", None, "5.6.7.8");
        check(gateway, "1.2.3.4, 5.6.7.8", Some("guess"), "5.6.7.8");
        check(gateway, "1.2.3.4, 5.6.7.8", Some("k3y"), "1.2.3.4");
        check(gateway, "9.9.9.9, 1.2.3.4,5.6.7.8", Some("k3y"), "1.2.3.4");
        check(None, "1.2.3.4, 5.6.7.8", None, "5.6.7.8");
        check(None, "garbage", None, "unknown");
        check(None, "", None, "unknown");
        check(Some("::ffff:5.6.7.8"), "", None, "5.6.7.8");
        check(Some("2001:db8:1:2:3:4:5:6"), "", None, "2001:db8:1:2::/64");
    }
}
