//! Lists of addresses as people write them into a form: written and read by the library that also writes mail.

use lettre::message::Mailbox;
use vorgang_core::mail::Address;

/// `"Miller, Anna" <anna@example.org>, otto@example.org`
pub fn list(all: &[Address]) -> String {
    all.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn one(address: &Address) -> String {
    match address.address.parse() {
        Ok(email) => Mailbox::new(Some(address.name.clone()).filter(|n| !n.is_empty()), email).to_string(),
        // Not an address that mail goes to: sending refuses it, and shows it.
        Err(_) => address.to_string(),
    }
}

/// The addresses of a list that is separated by commas, semicolons or line breaks. An entry that is no address is kept as
/// it was written; sending refuses it.
pub fn parse(text: &str) -> Vec<Address> {
    entries(text).into_iter().filter(|e| !e.is_empty()).map(read).collect()
}

fn read(entry: &str) -> Address {
    match entry.parse::<Mailbox>() {
        Ok(mailbox) => Address::new(mailbox.name.as_deref().unwrap_or_default(), mailbox.email.as_ref()),
        Err(_) => Address::new("", entry),
    }
}

/// Separators inside quotes, angle brackets and comments separate nothing.
fn entries(text: &str) -> Vec<&str> {
    let (mut all, mut from) = (vec![], 0);
    let (mut quoted, mut escaped, mut depth) = (false, false, 0_u32);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '<' | '(' if !quoted => depth += 1,
            '>' | ')' if !quoted => depth = depth.saturating_sub(1),
            ',' | ';' | '\n' if !quoted && depth == 0 => {
                all.push(text[from..at].trim());
                from = at + c.len_utf8();
            }
            _ => {}
        }
    }
    all.push(text[from..].trim());
    all
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
    }
}
