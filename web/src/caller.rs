//! The address of a request, and the language that its browser prefers.

use crate::App;
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, header};
use std::net::{IpAddr, SocketAddr};

/// The address that a request counts for.
pub fn caller(app: &App, request: &Request) -> IpAddr {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|c| c.0);
    peer.map_or(IpAddr::from([0, 0, 0, 0]), |peer| address(app, peer, request.headers()))
}

/// Before anybody is known, the browser says the language.
pub fn browser_language(headers: &HeaderMap) -> &'static str {
    let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).unwrap_or("");
    if wanted.trim_start().starts_with("de") { "de" } else { "en" }
}

/// The address that counts. Each proxy appends the one that it saw: from the right, through all lines, the first that is no
/// trusted proxy's is the caller's; what stands left of it the caller may have written.
pub fn address(app: &App, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
    let lines = headers.get_all("x-forwarded-for").iter().filter_map(|v| v.to_str().ok());
    let forwarded: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    let mut address = peer.ip().to_canonical();
    for text in forwarded.into_iter().rev() {
        match text.parse::<IpAddr>() {
            Ok(next) if app.config.trusts(address) => address = next.to_canonical(),
            _ => break,
        }
    }
    address
}
