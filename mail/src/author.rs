//! The author of a mail: one reading of `From`, or the reason why parsers may disagree.
//!
//! A mail is ambiguous where the program that proves it (DKIM, DMARC) may take another author than the program that shows it:
//! several lines of a kind of which RFC 5322, 3.6, allows one, several addresses, or an address that is hidden
//! in a name, a comment or a broken quote.

use crate::lexical::{comment, quoted};
use mail_parser::{HeaderName, Message};
use vorgang_core::mail::Address;

/// Header lines that may stand once.
const ONCE: [(HeaderName<'static>, &str); 7] = [
    (HeaderName::From, "From"),
    (HeaderName::Sender, "Sender"),
    (HeaderName::Subject, "Subject"),
    (HeaderName::ReplyTo, "Reply-To"),
    (HeaderName::To, "To"),
    (HeaderName::Cc, "Cc"),
    (HeaderName::MessageId, "Message-ID"),
];

/// Why the author is not certain; `from` is what the mail's own parser reads.
pub fn ambiguous(message: &Message, from: &[Address]) -> Option<String> {
    for (name, word) in &ONCE {
        let count = message.headers().iter().filter(|h| h.name == *name).count();
        if count > 1 {
            return Some(format!("{count} `{word}` lines"));
        }
    }
    let raw = message.raw_message();
    let Some(header) = message.headers().iter().find(|h| h.name == HeaderName::From) else { return Some("no `From` line".into()) };
    let value = raw.get(header.offset_start as usize..header.offset_end as usize).unwrap_or_default();
    if hides_a_line(raw) {
        return Some("a carriage return alone begins another `From` line".into());
    }
    let read = one_address(&String::from_utf8_lossy(value));
    match (read, from) {
        (Err(why), _) => Some(why.into()),
        (Ok(address), [one]) if one.is(&address) => None,
        (Ok(address), _) => Some(format!("`From` can be read as {address} and otherwise")),
    }
}

/// Some programs end a line at a carriage return alone, and read the rest as a header of its own.
fn hides_a_line(raw: &[u8]) -> bool {
    let end = [&b"\n\n"[..], b"\n\r\n"].iter().filter_map(|e| raw.windows(e.len()).position(|w| w == *e)).min();
    let head = &raw[..end.unwrap_or(raw.len())];
    let begins = |rest: &[u8]| {
        let name: Vec<u8> = rest.iter().take(40).take_while(|b| **b != b':').map(u8::to_ascii_lowercase).collect();
        matches!(name.trim_ascii(), b"from" | b"sender" | b"subject")
    };
    head.iter().enumerate().any(|(at, b)| *b == b'\r' && head.get(at + 1) != Some(&b'\n') && begins(&head[at + 1..]))
}

/// The only address of a `From` value, which any parser finds: `name <local@domain>` or `local@domain`, with comments.
///
/// The error says what parsers read differently. Quoted local parts, routes and groups are such: none of them is in use.
fn one_address(value: &str) -> Result<String, &'static str> {
    // The text outside, between angle brackets, and inside quotes and comments.
    let (mut outside, mut inside, mut hidden) = (String::new(), None::<String>, vec![]);
    let (mut in_angle, mut closed) = (false, false);
    let mut rest = value.chars();
    while let Some(c) = rest.next() {
        match c {
            '"' if in_angle => return Err("the address has a quote"),
            '"' => hidden.push(quoted(&mut rest).ok_or("a quote does not end")?),
            '(' => hidden.push(comment(&mut rest).ok_or("a comment does not end")?),
            '<' if in_angle || closed => return Err("several addresses in `From`"),
            '<' => {
                in_angle = true;
                inside = Some(String::new());
            }
            '>' if !in_angle => return Err("an angle bracket closes nothing"),
            '>' => (in_angle, closed) = (false, true),
            '\r' | '\n' | '\t' => outside.push(' '),
            c if c.is_control() => return Err("a control character in `From`"),
            c if in_angle => inside.get_or_insert_default().push(c),
            c => outside.push(c),
        }
    }
    if in_angle {
        return Err("an angle bracket does not close");
    }
    let address = match inside {
        Some(_) if outside.contains('@') => return Err("several addresses in `From`"),
        Some(address) => address,
        None => outside,
    };
    let address = address.trim();
    let (local, domain) = address.split_once('@').ok_or("no address in `From`")?;
    let atom = |c: char| c.is_alphanumeric() || !c.is_ascii() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let label = |c: char| c.is_alphanumeric() || !c.is_ascii() || matches!(c, '-' | '.' | '_');
    if local.is_empty() || domain.is_empty() || !local.chars().all(atom) || !domain.chars().all(label) || address.contains("=?") {
        return Err("an address that parsers read differently");
    }
    // A parser that knows no quotes or comments finds the address in them.
    let other = |text: &String| {
        let words = text.split(|c: char| c.is_whitespace() || "<>()[],;:\"'".contains(c));
        let framed = text.contains(['<', '>']);
        let mut named = words.filter(|w| w.contains('@') && w.len() > 1);
        named.any(|w| framed && !w.eq_ignore_ascii_case(address))
    };
    if hidden.iter().any(other) {
        return Err("another address inside a name or a comment");
    }
    Ok(address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_reading_or_none() {
        for (value, address) in [
            ("anna@good.example", "anna@good.example"),
            (" Anna <anna@good.example>\r\n", "anna@good.example"),
            ("\"Miller, Anna\" <anna@good.example>", "anna@good.example"),
            ("Miller, Anna <anna@good.example>", "anna@good.example"),
            ("\"anna@good.example\" <anna@good.example>", "anna@good.example"),
            ("\"evil@x.example, d\" <anna@good.example>", "anna@good.example"),
            ("=?utf-8?Q?M=C3=BCller?= <anna@good.example> (home)", "anna@good.example"),
            ("Anna\r\n <anna@good.example>", "anna@good.example"),
            ("jörg@bücher.example", "jörg@bücher.example"),
        ] {
            assert_eq!(one_address(value).as_deref(), Ok(address), "{value:?}");
        }
        for value in [
            "",
            "Anna",
            "a@x.example, b@y.example",
            "a@x.example <b@y.example>",
            "<a@x.example> <b@y.example>",
            "<a@x.example>, b@y.example",
            "\"a\\\" <evil@x.example>, \\\"\" <b@y.example>",
            "anna@good.example (<evil@x.example>)",
            "\"Anna <evil@x.example>\" <anna@good.example>",
            "\"a b\"@x.example",
            "<@route.example:a@x.example>",
            "friends: a@x.example;",
            "a@x.example\0@y.example",
            "a@[127.0.0.1]",
            "=?utf-8?Q?a=40x.example=3E?=@y.example",
            "\"Anna <anna@good.example>",
            "Anna (at work <anna@good.example>",
            "Anna <anna@good.example",
        ] {
            assert!(one_address(value).is_err(), "{value:?} is read as {:?}", one_address(value));
        }
    }
}
