//! Style sheet, scripts, icon: in the binary, with their hash in the address, so that browsers may keep them.

use std::sync::LazyLock;

pub(crate) const FILES: &[(&str, &str, &str)] = &[
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
