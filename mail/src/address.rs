//! Lists of addresses as people write them into a form: written and read by the library that also writes mail.

use lettre::message::Mailbox;
use vorgang_core::mail::{Address, RECIPIENTS_MAX};

/// Longest entry of a list that is read as a name and an address, in bytes.
const ENTRY_BYTES_MAX: usize = 2_000;

/// `"Miller, Anna" <anna@example.org>, otto@example.org`
pub fn list(all: &[Address]) -> String {
    all.iter().map(one_address).collect::<Vec<_>>().join(", ")
}

fn one_address(address: &Address) -> String {
    match address.address.parse() {
        Ok(email) => Mailbox::new(Some(address.name.clone()).filter(|n| !n.is_empty()), email).to_string(),
        // Not an address that mail goes to: sending refuses it, and shows it.
        Err(_) => address.to_string(),
    }
}

/// The addresses of a list that is separated by commas, semicolons or line breaks. An entry that is no address is kept as
/// it was written; sending refuses it. Of a list that is too long so much is read that sending refuses it too.
pub fn parse(text: &str) -> Vec<Address> {
    entries(text).filter(|e| !e.is_empty()).take(RECIPIENTS_MAX + 1).map(read).collect()
}

/// The same for lists of which each is in a field of its own.
pub fn parse_all<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<Address> {
    texts.into_iter().flat_map(parse).take(RECIPIENTS_MAX + 1).collect()
}

fn read(entry: &str) -> Address {
    // A name and an address are shorter; reading a long text as one takes long.
    if entry.len() > ENTRY_BYTES_MAX {
        return Address::new("", entry);
    }
    match entry.parse::<Mailbox>() {
        Ok(mailbox) => Address::new(mailbox.name.as_deref().unwrap_or_default(), mailbox.email.as_ref()),
        Err(_) => Address::new("", entry),
    }
}

/// Separators inside quotes, angle brackets and comments separate nothing.
fn entries(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (mut quoted, mut escaped, mut depth) = (false, false, 0_u32);
        let separates = |(_, c): &(usize, char)| {
            match c {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                '<' | '(' if !quoted => depth += 1,
                '>' | ')' if !quoted => depth = depth.saturating_sub(1),
                ',' | ';' | '\n' => return !quoted && depth == 0,
                _ => {}
            }
            false
        };
        let end = text.char_indices().find(separates).map(|(at, _)| at);
        rest = end.map(|at| &text[at + 1..]);
        Some(text[..end.unwrap_or(text.len())].trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for name in ["", "Anna", "Miller, Anna", "evil@x.example, d", "a \"b\" c", "back\\slash", "Jörg; Ä", "<b@x.example>", "(x", "a: b;"]
        {
            let all = vec![Address::new(name, "anna@good.example"), Address::new("", "otto@good.example")];
            assert_eq!(parse(&list(&all)), all, "{}", list(&all));
            assert_eq!(parse(&all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")), all, "{name:?}");
        }
        let typed = "a@x.example; \"B, C\" <b@x.example>\nnobody";
        assert_eq!(parse(typed), [Address::new("", "a@x.example"), Address::new("B, C", "b@x.example"), Address::new("", "nobody")]);
        assert_eq!(parse(" , ;\n"), []);
        assert_eq!(parse(&"a@x.example,".repeat(1_000_000)).len(), RECIPIENTS_MAX + 1);
        assert_eq!(parse_all(std::iter::repeat_n("a@x.example", 1_000_000)).len(), RECIPIENTS_MAX + 1);
        let long = "a".repeat(ENTRY_BYTES_MAX + 1);
        assert_eq!(parse(&long), [Address::new("", &long)]);
    }
}
