//! Style sheet, scripts, icon: in the binary, with their hash in the address, so that browsers may keep them.

use crate::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::LazyLock;

const FILES: &[(&str, &str, &str)] = &[
    ("portal.css", "text/css; charset=utf-8", include_str!("assets/portal.css")),
    ("enhance.js", "text/javascript; charset=utf-8", include_str!("assets/enhance.js")),
    ("live.js", "text/javascript; charset=utf-8", include_str!("assets/live.js")),
    ("icon.svg", "image/svg+xml", include_str!("assets/icon.svg")),
];

static HASH: LazyLock<String> = LazyLock::new(|| {
    let all: String = FILES.iter().map(|(_, _, text)| *text).collect();
    vorgang_core::chain::hex(&vorgang_runtime::sha256(all.as_bytes())[..6])
});

pub fn url(name: &str) -> String {
    format!("/assets/{}/{name}", *HASH)
}

pub async fn serve(Path((_, name)): Path<(String, String)>) -> Response {
    match FILES.iter().find(|(n, ..)| *n == name) {
        Some((_, content_type, text)) => {
            ([(header::CONTENT_TYPE, *content_type), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")], *text).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
