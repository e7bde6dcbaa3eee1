//! How a mail finds its ticket: by the id of what it answers, and by a token in the subject. Both are made with a key, so
//! that nobody who has not had a mail of the ticket can write one.

use crate::secrets::is_secret;
use ring::hmac;
use vorgang_core::ids::TicketId;

/// What stands before our domain's part in a Message-ID.
const MARK: &str = ".vorgang";
/// Letters of a token: five bits each.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Letters in a token: 60 bits.
const LENGTH: usize = 12;

pub struct Threads(hmac::Key);

impl Threads {
    pub fn new(key: [u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &key))
    }

    fn token(&self, what: &str) -> String {
        let tag = hmac::sign(&self.0, what.as_bytes());
        tag.as_ref().iter().take(LENGTH).map(|b| char::from(LETTERS[usize::from(b & 31)])).collect()
    }

    /// The id of a mail of ours up to its `@`: the same however often it is sent.
    pub fn id(&self, key: &str) -> String {
        format!("{key}.{}{MARK}", self.token(&format!("mail {key}")))
    }

    /// The key of the mail in the outbox, if the Message-ID is one that we made.
    pub fn key_of<'id>(&self, message_id: &'id str) -> Option<&'id str> {
        let (local, _) = message_id.rsplit_once('@')?;
        let (key, token) = local.strip_suffix(MARK)?.rsplit_once('.')?;
        is_secret(token, &self.token(&format!("mail {key}"))).then_some(key)
    }

    /// The ticket's id, if the Message-ID is one that we made.
    pub fn ticket_of(&self, message_id: &str) -> Option<TicketId> {
        self.key_of(message_id)?.split_once('-')?.0.parse().ok().map(TicketId)
    }

    /// A subject with what leads back to its ticket.
    pub fn subject(&self, subject: &str, number: &str) -> String {
        let mark = format!("[#{number}.{}]", self.token(&format!("ticket {number}")));
        if subject.contains(&mark) { subject.to_owned() } else { format!("{} {mark}", without_marks(subject)) }
    }

    /// The numbers of tickets that a subject names, and whether with the token.
    pub fn named(&self, subject: &str) -> Vec<(String, bool)> {
        let good = |mark: &str| {
            let (number, token) = mark.split_once('.').unwrap_or((mark, ""));
            let known = !number.is_empty() && number.len() <= 40 && number.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            known.then(|| (number.to_owned(), is_secret(token, &self.token(&format!("ticket {number}")))))
        };
        // Mail programs may break the subject anywhere.
        let joined: String = subject.split_whitespace().collect();
        joined.match_indices("[#").take(5).filter_map(|(at, _)| good(joined[at + 2..].split(']').next()?)).collect()
    }
}

/// Without the marks of any ticket.
pub fn without_marks(subject: &str) -> String {
    let mut out = String::new();
    let mut rest = subject;
    while let Some(at) = rest.find("[#") {
        let Some(end) = rest[at..].find(']') else { break };
        out.push_str(rest[..at].trim_end());
        rest = &rest[at + end + 1..];
    }
    out.push_str(rest);
    out.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_tokens_come_back_and_cannot_be_made_up() {
        let (ours, other) = (Threads::new([1; 32]), Threads::new([2; 32]));
        let id = format!("{}@example.org", ours.id("7-3"));
        assert_eq!(ours.ticket_of(&id), Some(TicketId(7)), "{id}");
        assert_eq!(ours.ticket_of(&id.replace("7-3", "8-3")), None);
        assert_eq!((other.ticket_of(&id), ours.ticket_of("7-3.vorgang@example.org"), ours.ticket_of("x")), (None, None, None));
        let subject = ours.subject("Printer", "1000123");
        assert_eq!(ours.subject(&subject, "1000123"), subject, "once is enough");
        assert_eq!(ours.named(&format!("Re: {subject}")), [("1000123".to_owned(), true)]);
        assert_eq!(other.named(&subject), [("1000123".to_owned(), false)]);
        assert_eq!(ours.named("Re: [#1000123] x"), [("1000123".to_owned(), false)]);
        assert_eq!(ours.named(&subject.replace('.', ".\r\n ")), [("1000123".to_owned(), true)], "broken by a mail program");
        assert_eq!(without_marks("Re: Printer [#1.abc] now"), "Re: Printer now");
    }
}
