//! Sessions: their cookies, and forms that come from our own pages.

use crate::App;
use crate::who::Who;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use vorgang_runtime::secrets::is_secret;

/// With https the name is bound to this host by the browser.
pub fn cookie_name(app: &App) -> &'static str {
    if app.config.secure() { "__Host-session" } else { "session" }
}

pub fn session_cookie(app: &App, value: &str, seconds: i64) -> String {
    let secure = if app.config.secure() { "; Secure" } else { "" };
    format!("{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}", cookie_name(app))
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(';'));
    all.filter_map(|pair| pair.trim().split_once('=')).find(|(n, _)| *n == name).map(|(_, v)| v)
}

/// The person whose session or token a request has.
pub async fn who(app: &App, headers: &HeaderMap) -> Result<Option<Who>, StoreGone> {
    if let Some(token) = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).and_then(|v| v.strip_prefix("Bearer ")) {
        let person = app.desk.token_person(token.trim()).await.map_err(|_| StoreGone)?;
        return Ok(person.map(|person| Who { person, csrf: String::new(), session: None }));
    }
    let Some(session) = cookie(headers, cookie_name(app)) else { return Ok(None) };
    let signed_in = app.desk.session_person(session).await.map_err(|_| StoreGone)?;
    Ok(signed_in.map(|s| Who { person: s.person, csrf: s.csrf, session: Some(s.session) }))
}

/// The store could not be asked.
pub struct StoreGone;

/// A session in the API proves itself by its token; reading needs no proof.
pub(crate) fn csrf_ok(who: &Who, request: &Request) -> bool {
    if who.session.is_none() || matches!(*request.method(), Method::GET | Method::HEAD) {
        return true;
    }
    request.headers().get("x-csrf-token").and_then(|v| v.to_str().ok()).is_some_and(|t| is_token(t, &who.csrf))
}

/// The token as it stands in a page: another text in each page, so that the length of a compressed page tells nothing of it
/// (BREACH, 2013).
pub fn masked(csrf: &str) -> String {
    let pad = std::iter::repeat_with(vorgang_runtime::accounts::random_id::<16>).flatten();
    let (mut mask, mut hidden) = (vec![], vec![]);
    for (byte, pad) in csrf.bytes().zip(pad) {
        mask.push(pad);
        hidden.push(byte ^ pad);
    }
    mask.append(&mut hidden);
    URL_SAFE_NO_PAD.encode(mask)
}

/// Is this the session's token, or what [`masked`] made of it?
pub fn is_token(given: &str, csrf: &str) -> bool {
    let unmasked = URL_SAFE_NO_PAD.decode(given).ok().filter(|bytes| bytes.len() % 2 == 0).and_then(|bytes| {
        let (mask, hidden) = bytes.split_at(bytes.len() / 2);
        String::from_utf8(mask.iter().zip(hidden).map(|(a, b)| a ^ b).collect()).ok()
    });
    is_secret(given, csrf) | unmasked.is_some_and(|token| is_secret(&token, csrf))
}

/// The browser says that the form stood on a page of ours ([`same_origin`] has compared it).
pub fn says_own_page(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").map_or_else(|| headers.contains_key("origin"), |s| s == "same-origin")
}

/// What changes something must come from our own pages, as far as the browser says where it comes from.
pub(crate) fn same_origin(app: &App, request: &Request) -> bool {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return true;
    }
    let header = |name: &str| request.headers().get(name).and_then(|v| v.to_str().ok());
    if header("sec-fetch-site").is_some_and(|s| s == "cross-site") {
        return false;
    }
    match header("origin") {
        None => true,
        Some(origin) => {
            let host = header("host").map(|h| format!("http://{h}"));
            origin == app.config.public_url || (!app.config.secure() && host.as_deref() == Some(origin))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_token_is_another_text_each_time_and_is_the_token() {
        let csrf = "a-token-of-some-length-0123456789";
        let (one, other) = (masked(csrf), masked(csrf));
        assert!(one != other && !one.contains(csrf));
        assert!([one.as_str(), other.as_str(), csrf].iter().all(|given| is_token(given, csrf)));
        let wrong = [masked("another-token-of-the-same-length-"), one[..one.len() - 2].to_owned(), String::new(), "%".to_owned()];
        assert!(wrong.iter().all(|given| !is_token(given, csrf)));
    }
}
