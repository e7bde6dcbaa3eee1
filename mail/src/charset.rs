//! Letters of bytes: what programs declare is not always what they send.

use mail_parser::decoders::charsets::map::charset_decoder;

/// How far into HTML a `meta` tag is looked for, in bytes (HTML, 13.2.3.2).
const META_MAX: usize = 1_024;
/// Charsets whose bytes may look like ASCII and are none.
const SEVEN_BIT: [&str; 6] = ["iso-2022", "utf-7", "utf-16", "utf-32", "ucs-2", "hz-gb"];

/// The text of these bytes. Valid UTF-8 is UTF-8, whatever is declared; then the declared charset counts, then that of HTML's `meta`
/// tag, then windows-1252. A reading that has letters which cannot be read gives way to the next.
pub fn text(bytes: &[u8], declared: Option<&str>, html: bool) -> String {
    let declared = declared.map(|d| d.trim().trim_matches(['"', '\'']).to_ascii_lowercase());
    let plain = declared.as_deref().is_none_or(|d| !SEVEN_BIT.iter().any(|s| d.starts_with(s)));
    if plain && let Ok(text) = std::str::from_utf8(bytes) {
        return text.trim_start_matches('\u{feff}').to_owned();
    }
    let meta = if html { of_meta(bytes) } else { None };
    let named = declared.iter().chain(&meta).map(String::as_str).filter(|c| *c != "utf-8" && *c != "utf8");
    let clean = |charset: &str| charset_decoder(charset.as_bytes()).map(|d| d(bytes)).filter(|t| !t.contains('\u{fffd}'));
    named
        .clone()
        .find_map(clean)
        .or_else(|| clean("windows-1252"))
        // Nothing is clean: the declared one, with marks where letters are missing.
        .or_else(|| named.clone().find_map(|c| charset_decoder(c.as_bytes()).map(|d| d(bytes))))
        .unwrap_or_else(|| String::from_utf8_lossy(bytes).into_owned())
}

/// `<meta charset="…">`, or `charset=` of its older form.
fn of_meta(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(META_MAX)]).to_ascii_lowercase();
    let mut tags = head.match_indices("<meta").map(|(at, _)| head[at..].split('>').next().unwrap_or_default());
    tags.find_map(|tag| {
        let value = tag.split_once("charset")?.1.trim_start().strip_prefix('=')?.trim_start().trim_start_matches(['"', '\'']);
        let name: String = value.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_.:".contains(*c)).collect();
        (!name.is_empty()).then_some(name)
    })
}
