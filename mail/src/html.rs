//! HTML of strangers: an allow-list of what is left of it. It is shown in a frame of its own that runs and loads nothing,
//! so that neither of the two has to be without a fault.

use ammonia::{Builder, UrlRelative};
use mail_parser::decoders::html::html_to_text;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

/// Longest HTML that is shown, in bytes: beyond it the text is.
pub const BYTES_MAX: usize = 4 * 1024 * 1024;
/// Deepest nesting that is shown.
const DEPTH_MAX: usize = 500;

/// Most references to characters: each may cost the parser as much as all the text before it.
const REFERENCES_MAX: usize = 20_000;

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
    let mut known = without_others(html);
    if references(&known) > REFERENCES_MAX {
        known = Cow::Owned(known.replace("&nbsp;", " ").replace('\u{a0}', " "));
    }
    if html.len() > BYTES_MAX || depth(html) > DEPTH_MAX || references(&known) > REFERENCES_MAX {
        return of_text(&to_text(html));
    }
    let mut now = clean(&known, pictures);
    for _ in 0..ROUNDS {
        let next = clean(&now, BTreeMap::new());
        if next == now {
            // What the parser adds, rows of tables and references, counts too.
            let too_much = depth(&now) > DEPTH_MAX || references(&now) > REFERENCES_MAX;
            return if too_much { of_text(&to_text(html)) } else { now };
        }
        now = next;
    }
    of_text(&to_text(html))
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

fn references(html: &str) -> usize {
    html.chars().filter(|c| matches!(c, '&' | '\u{a0}')).count()
}

/// An address that carries one of the kinds of pictures that nothing can be hidden in.
fn is_picture(address: &str) -> bool {
    let kinds = ["gif", "jpeg", "png", "webp", "bmp"];
    let data = address.strip_prefix("data:image/").and_then(|rest| rest.split_once(";base64,"));
    data.is_some_and(|(kind, data)| kinds.contains(&kind) && data.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b)))
}

fn clean(html: &str, pictures: BTreeMap<String, String>) -> String {
    let filter = move |element: &str, attribute: &str, value: &str| -> Option<String> {
        match (element, attribute) {
            // Nothing is loaded from elsewhere: whoever sent it would know that it was read.
            ("img", "src") if is_picture(value) => Some(value.to_owned()),
            ("img", "src") => value.strip_prefix("cid:").and_then(|cid| pictures.get(cid).cloned()),
            // Only pictures are carried in an address, and only they are shown.
            (_, _) if value.trim_start().get(..5).is_some_and(|s| s.eq_ignore_ascii_case("data:")) => None,
            (_, "style") => {
                let plain = |c: char| c.is_alphanumeric() || " :;,.#%-'\"()!\t\n".contains(c);
                let fetches = ["url", "image", "expression", "import"].iter().any(|w| value.to_ascii_lowercase().contains(w));
                (!fetches && value.chars().all(plain)).then(|| value.to_owned())
            }
            _ => Some(value.to_owned()),
        }
    };
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
        .attribute_filter(move |e, a, v| filter(e, a, v).map(Cow::Owned))
        .clean(html)
        .to_string()
}

/// How deep it could be nested: tags that are begun and not ended. Nobody writes so; whoever does wants the stack.
fn depth(html: &str) -> usize {
    const VOID: [&str; 14] =
        ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"];
    let (mut now, mut deepest) = (0_usize, 0);
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let closes = rest.starts_with('/');
        let name: &str = rest.trim_start_matches('/');
        let name = &name[..name.find(|c: char| !c.is_ascii_alphanumeric() && c != ':').unwrap_or(name.len())];
        if name.is_empty() || !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            continue;
        }
        if closes {
            now = now.saturating_sub(1);
        } else if !VOID.contains(&name.to_ascii_lowercase().as_str()) {
            now += 1;
            deepest = deepest.max(now);
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

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
