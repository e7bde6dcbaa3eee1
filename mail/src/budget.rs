//! What HTML would cost to clean, estimated in one pass before any of it is parsed.

/// Deepest nesting that is shown.
pub const DEPTH_MAX: usize = 500;
/// Most references to characters: each may cost the parser as much as all the text before it.
pub const REFERENCES_MAX: usize = 20_000;
/// Most bytes that are copied for references: for each of them the parser copies what it has not read.
const COPIED_MAX: usize = 1_000_000_000;
/// Most attributes of one tag: the parser compares each with all before it.
const ATTRIBUTES_MAX: usize = 100;
/// Most tags.
const TAGS_MAX: usize = 100_000;
/// Most elements that a parser may open again: formatting that is not closed is repeated in each block after it (HTML, 13.2.4.3).
const REPEATED_MAX: usize = 100_000;
/// How often each byte may be looked at: a tag without an end is looked at again in each tag after it.
const LOOKS_MAX: usize = 8;
/// Longest style of one element, in bytes.
const STYLE_MAX: usize = 8 * 1024;
const VOID: [&str; 14] = ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"];
const FORMATTING: [&str; 14] = ["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"];

/// Would it cost more than it is worth? Nobody writes so; somebody who does wants the stack, the memory or the time.
pub fn is_too_much(html: &str) -> bool {
    let references = references(html);
    references > REFERENCES_MAX || references * html.len() > COPIED_MAX || tags(html).is_none()
}

pub fn references(html: &str) -> usize {
    html.chars().filter(|c| matches!(c, '&' | '\u{a0}')).count()
}

/// How deep it could be nested; `None` beyond a limit.
pub fn tags(html: &str) -> Option<usize> {
    let (mut depth, mut deepest, mut formatting, mut repeated, mut count) = (0_usize, 0, 0_usize, 0_usize, 0);
    let mut rest = html;
    let mut looks = html.len() * LOOKS_MAX + STYLE_MAX;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let closes = rest.starts_with('/');
        let name = rest.trim_start_matches('/');
        let name = &name[..name.find(|c: char| !c.is_ascii_alphanumeric() && c != ':').unwrap_or(name.len())];
        if name.is_empty() || !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            continue;
        }
        count += 1;
        let name = name.to_ascii_lowercase();
        let formats = FORMATTING.contains(&name.as_str());
        match closes {
            true => {
                depth = depth.saturating_sub(1);
                formatting = formatting.saturating_sub(usize::from(formats));
            }
            false => {
                if attributes(rest, &mut looks) > ATTRIBUTES_MAX || looks == 0 {
                    return None;
                }
                if !VOID.contains(&name.as_str()) {
                    depth += 1;
                    deepest = deepest.max(depth);
                }
                repeated += formatting;
                formatting += usize::from(formats);
            }
        }
        if deepest > DEPTH_MAX || count > TAGS_MAX || repeated > REPEATED_MAX {
            return None;
        }
    }
    Some(deepest)
}

/// Attributes of the tag that begins here, at least, found with so many looks at a byte.
fn attributes(tag: &str, looks: &mut usize) -> usize {
    let (mut quote, mut between, mut count, mut length) = (None, true, 0, 0);
    for b in tag.bytes() {
        *looks = looks.saturating_sub(1);
        if *looks == 0 {
            break;
        }
        match (quote, b) {
            (Some(q), b) if b == q => {
                quote = None;
                between = true;
            }
            (Some(_), _) => length += 1,
            (None, b'>') => break,
            (None, b'"' | b'\'') => quote = Some(b),
            (None, b) if b.is_ascii_whitespace() || b == b'/' => between = true,
            (None, _) => {
                count += usize::from(between);
                between = false;
            }
        }
        if count > ATTRIBUTES_MAX {
            return count;
        }
    }
    // Pictures are carried in long attributes; nothing else is.
    if length > STYLE_MAX && !tag.get(..3).is_some_and(|t| t.eq_ignore_ascii_case("img")) { ATTRIBUTES_MAX + 1 } else { count }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_within_and_what_grows_is_not() {
        let row = "<tr><td style=\"padding:4px\"><font face=\"Arial\" size=2><b>x</b></font></td></tr>";
        let table = format!("<html><body><table>{}</table></body></html>", row.repeat(5_000));
        assert_eq!(tags(&table), Some(7));
        let fonts: String = (0..400).map(|n| format!("<font color=\"#{n:06x}\">")).collect();
        for (what, html) in [
            ("formatting in each block", format!("{fonts}{}", "<p>x".repeat(10_000))),
            ("attributes", format!("<p {}>", (0..101).map(|n| format!("a{n} ")).collect::<String>())),
            ("a style without end", format!("<p style=\"{}\">", "color:red;".repeat(10_000))),
            ("depth", "<div>".repeat(501)),
            ("tags", "<br>".repeat(100_001)),
            ("tags without an end", "<br".repeat(30_000)),
            ("a quote without an end", format!("<br a=\"{}", "<br ".repeat(30_000))),
            ("references", "&a".repeat(20_001)),
            ("references before much else", format!("{}{}", "&amp;".repeat(2_000), "x".repeat(1_000_000))),
        ] {
            assert!(is_too_much(&html), "{what}");
        }
    }
}
