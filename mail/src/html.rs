//! HTML of strangers: an allow-list of what is left of it. It is shown in a frame of its own that runs and loads nothing,
//! so that neither of the two has to be without a fault.

use crate::budget::{self, REFERENCES_MAX};
use ammonia::{Builder, UrlRelative};
use mail_parser::decoders::html::html_to_text;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

/// Longest HTML that is shown, in bytes: beyond it the text is.
pub const BYTES_MAX: usize = 4 * 1024 * 1024;
/// All pictures that are put into one mail's HTML, in bytes: one that is named often is there once each time.
const PICTURES_MAX: usize = 8 * 1024 * 1024;
/// Changes with the rules below: what was cleaned by others is cleaned again.
pub const RULES: u32 = 1;

/// What a style may say: nothing that moves out of its place, and nothing that is fetched.
const PROPERTIES: &[&str] = &[
    "background-color",
    "border",
    "border-bottom",
    "border-collapse",
    "border-color",
    "border-left",
    "border-radius",
    "border-right",
    "border-spacing",
    "border-style",
    "border-top",
    "border-width",
    "color",
    "direction",
    "font",
    "font-family",
    "font-size",
    "font-style",
    "font-variant",
    "font-weight",
    "height",
    "letter-spacing",
    "line-height",
    "list-style-type",
    "margin",
    "margin-bottom",
    "margin-left",
    "margin-right",
    "margin-top",
    "max-width",
    "min-width",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
    "text-align",
    "text-decoration",
    "text-indent",
    "text-transform",
    "vertical-align",
    "white-space",
    "width",
    "word-break",
    "word-wrap",
];

/// What can be read of it.
pub fn to_text(html: &str) -> String {
    html_to_text(&html[..html.floor_char_boundary(BYTES_MAX)])
}

/// A text as HTML, written as the sanitiser writes it.
pub fn of_text(text: &str) -> String {
    let mut out = String::from("<div style=\"white-space:pre-wrap\">");
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\u{a0}' => out.push_str("&nbsp;"),
            '\r' | '\0' => {}
            c => out.push(c),
        }
    }
    out.push_str("</div>");
    out
}

/// What is left of it. Sanitising that again changes nothing: what a browser would read otherwise than we do would show there,
/// and is shown as text. `pictures` are those that the mail brings along: by their ids, the addresses that carry them.
pub fn sanitise(html: &str, pictures: BTreeMap<String, String>) -> String {
    /// How often it may change before it has to stay as it is.
    const ROUNDS: usize = 4;
    let text = || of_text(&to_text(html));
    if html.len() > BYTES_MAX {
        return text();
    }
    let mut known = without_others(html);
    if budget::references(&known) > REFERENCES_MAX {
        known = Cow::Owned(known.replace("&nbsp;", " ").replace('\u{a0}', " "));
    }
    if budget::tags(html).is_none() || budget::is_too_much(&known) {
        return text();
    }
    let most = known.len() * GROWTH_MAX + PICTURES_MAX;
    // Pictures are put in at the end: cleaning them again and again would cost as much each time.
    let mut now = clean(&known);
    for _ in 0..ROUNDS {
        if now.len() > most || budget::is_too_much(&now) {
            return text();
        }
        let next = clean(&now);
        if next == now {
            return with_pictures(&now, &pictures);
        }
        now = next;
    }
    text()
}

/// How much longer cleaned HTML may be, without its pictures.
const GROWTH_MAX: usize = 10;

/// The pictures in their places, as far as they fit. The sanitiser writes `<` in texts as a reference and each attribute in double
/// quotes: outside of tags every `<` begins one, and inside a quote ends a value.
fn with_pictures(html: &str, pictures: &BTreeMap<String, String>) -> String {
    const PLACE: &str = " src=\"cid:";
    let (mut out, mut rest, mut left) = (String::with_capacity(html.len()), html, PICTURES_MAX);
    while let Some(at) = rest.find('<') {
        let mut quoted = false;
        let end = rest[at..].bytes().position(|b| {
            quoted ^= b == b'"';
            b == b'>' && !quoted
        });
        let Some(end) = end.map(|e| at + e) else { break };
        let tag = &rest[at..end];
        out.push_str(&rest[..at]);
        let mut places = tag.match_indices(PLACE).map(|(at, _)| at).filter(|_| tag.starts_with("<img "));
        let place = places.find(|at| tag[..*at].matches('"').count() % 2 == 0);
        let id = place.and_then(|place| Some((place, tag[place + PLACE.len()..].split_once('"')?)));
        match id {
            Some((place, (id, behind))) => {
                out.push_str(&tag[..place]);
                if let Some(picture) = pictures.get(&id.replace("&amp;", "&")).filter(|p| p.len() <= left) {
                    left -= picture.len();
                    out.push_str(" src=\"");
                    out.push_str(picture);
                    out.push('"');
                }
                out.push_str(behind);
            }
            None => out.push_str(tag),
        }
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// What goes with all that is in it.
const GOES: [&str; 10] = ["script", "style", "title", "head", "template", "noscript", "iframe", "object", "svg", "math"];

/// Tags that are let through, and those that the sanitiser has to see to take out what is in them.
static KNOWN: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let let_through = Builder::default().clone_tags();
    let_through.into_iter().chain(GOES).chain(["font", "u", "big", "html", "body"]).collect()
});

/// Without the tags that would go anyway, such as Word's `<o:p>`: the sanitiser takes each out of its place, which costs as much
/// as there is beside it. What comes of it is sanitised as any other text.
fn without_others(html: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let (mut rest, mut kept) = (html, 0);
    while let Some(at) = rest.find('<') {
        let here = html.len() - rest.len() + at;
        let tag = rest[at + 1..].trim_start_matches('/');
        let name =
            &tag[..tag.find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>' | '<' | '"' | '\'' | '=')).unwrap_or(tag.len())];
        rest = &rest[at + 1..];
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || KNOWN.contains(name.to_ascii_lowercase().as_str()) {
            continue;
        }
        let Some(end) = rest.find('>') else { break };
        out.push_str(&html[kept..here]);
        rest = &rest[end + 1..];
        kept = html.len() - rest.len();
    }
    if kept == 0 {
        return Cow::Borrowed(html);
    }
    out.push_str(&html[kept..]);
    Cow::Owned(out)
}

/// An address that carries one of the kinds of pictures that nothing can be hidden in.
fn is_picture(address: &str) -> bool {
    let kinds = ["gif", "jpeg", "png", "webp", "bmp"];
    let data = address.strip_prefix("data:image/").and_then(|rest| rest.split_once(";base64,"));
    data.is_some_and(|(kind, data)| kinds.contains(&kind) && data.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b)))
}

/// An address as browsers read it: they drop control characters and line breaks, wherever they stand (URL Standard, 4.4).
fn read(address: &str) -> String {
    address.chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned()
}

/// Addresses that links may lead to: whole ones, outside of the desk.
fn leads_outside(address: &str) -> bool {
    let scheme = |s: &str| address.get(..s.len()).is_some_and(|a| a.eq_ignore_ascii_case(s));
    ["http://", "https://", "mailto:", "tel:"].into_iter().any(scheme)
}

fn filter(element: &str, attribute: &str, value: &str) -> Option<String> {
    match (element, attribute) {
        // Nothing is loaded from elsewhere: the sender would know that the mail was read.
        ("img", "src") => Some(read(value)).filter(|v| is_picture(v) || (v.starts_with("cid:") && !v.contains(['"', '<', '>']))),
        (_, "href" | "src" | "cite") => Some(read(value)).filter(|v| leads_outside(v)),
        (_, "style") => {
            let plain = |c: char| c.is_alphanumeric() || " :;,.#%-'\"()!\t\n".contains(c);
            let fetches = ["url", "image", "expression", "import"].iter().any(|w| value.to_ascii_lowercase().contains(w));
            (!fetches && value.chars().all(plain)).then(|| value.to_owned())
        }
        // Only pictures are carried in an address, and only they are shown.
        (_, _) if read(value).get(..5).is_some_and(|s| s.eq_ignore_ascii_case("data:")) => None,
        _ => Some(value.to_owned()),
    }
}

fn clean(html: &str) -> String {
    Builder::default()
        .add_tags(["font", "u", "big"])
        .rm_tags(["map", "area"])
        .add_generic_attributes(["style", "align", "valign", "dir", "bgcolor"])
        .rm_generic_attributes(["title"])
        .add_tag_attributes("font", ["color", "size", "face"])
        .add_tag_attributes("table", ["border", "cellpadding", "cellspacing", "width"])
        .add_tag_attributes("td", ["width", "height"])
        .add_tag_attributes("img", ["width", "height", "alt"])
        .clean_content_tags(HashSet::from(GOES))
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel", "cid", "data"]))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer nofollow"))
        .set_tag_attribute_value("a", "target", "_blank")
        .filter_style_properties(PROPERTIES.iter().copied().collect())
        .attribute_filter(|e, a, v| filter(e, a, v).map(Cow::Owned))
        .clean(html)
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::DEPTH_MAX;

    fn depth(html: &str) -> usize {
        budget::tags(html).unwrap_or(usize::MAX)
    }

    #[test]
    fn addresses_are_judged_as_browsers_read_them() {
        for (href, left) in [
            ("https://a.example/x", "https://a.example/x"),
            ("HTTPS://a.example", "HTTPS://a.example"),
            (" https://a.example", "https://a.example"),
            ("mailto:a@b.example", "mailto:a@b.example"),
            ("java&#10;script:alert(1)", ""),
            ("&#1;javascript:alert(1)", ""),
            ("da&#9;ta:text/html,x", ""),
            ("/admin", ""),
            ("//evil.example", ""),
            ("?x", ""),
            ("https:evil", ""),
            ("\u{200b}javascript:alert(1)", ""),
            ("cid:x", ""),
        ] {
            let shown = sanitise(&format!("<a href=\"{href}\">x</a>"), BTreeMap::new());
            let wanted = if left.is_empty() { None } else { Some(left) };
            let found = shown.split_once("href=\"").and_then(|(_, r)| r.split_once('"')).map(|(h, _)| h);
            assert_eq!(found, wanted, "{href:?}: {shown}");
        }
    }

    #[test]
    fn pictures_are_put_in_as_far_as_they_fit() {
        let picture = format!("data:image/png;base64,{}", "A".repeat(1024 * 1024));
        let pictures = BTreeMap::from([("a&b@x".to_owned(), picture)]);
        let shown = sanitise(&"<img src=\"cid:a&amp;b@x\"><img src=\"cid:other\">".repeat(1_000), pictures);
        assert_eq!(shown.matches("data:image/png").count(), 7);
        assert!(shown.len() < PICTURES_MAX + 100_000 && !shown.contains("cid:"), "{} bytes", shown.len());
        let hostile = "<a href=\"https://x/<img src=cid:y\">\" src=\"cid:z</a><img alt=\"<b> src=&quot;cid:q\" src=\"cid:r\"><p>end</p>";
        let shown = sanitise(hostile, BTreeMap::new());
        assert!(shown.contains("<p>end</p>") && shown.contains("cid:z") && !shown.contains("cid:r"), "{shown}");
    }

    #[test]
    fn what_the_parser_adds_counts_too() {
        // Each table gets a `tbody`: three levels are written, and four are there.
        for levels in [10, DEPTH_MAX / 4, DEPTH_MAX / 3, DEPTH_MAX] {
            let once = sanitise(&format!("<p>Hello</p>{}", "<table><tr><td>".repeat(levels)), BTreeMap::new());
            assert!(depth(&once) <= DEPTH_MAX && once.contains("Hello"), "{levels} levels");
            assert_eq!(sanitise(&once, BTreeMap::new()), once, "{levels} levels");
        }
    }
}
