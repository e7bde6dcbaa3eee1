//! The bytes of a mail that goes out.

use lettre::Address;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, Message, MultiPart, SinglePart};
use vorgang_core::mail;
use vorgang_runtime::outbox::{Mail, Origin};

fn mailbox(address: &mail::Address) -> Result<Mailbox, String> {
    let parsed: Address = address.address.parse().map_err(|e| format!("`{}` is no address: {e}", address.address))?;
    // A line that begins in a name would be a header of its own.
    let name: String = address.name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    Ok(Mailbox::new(Some(name.trim().to_owned()).filter(|n| !n.is_empty()), parsed))
}

/// Whom it is from, where the mail does not say so itself.
pub fn message(mail: &Mail, default: &Mailbox) -> Result<Message, String> {
    let from = mail.from.as_ref().map_or(Ok(default.clone()), mailbox)?;
    let domain = from.email.domain().to_owned();
    let subject: String = mail.subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut builder = Message::builder().from(from).subject(subject).message_id(Some(format!("<{}@{domain}>", mail.id)));
    for to in &mail.to {
        builder = builder.to(mailbox(to)?);
    }
    for cc in &mail.cc {
        builder = builder.cc(mailbox(cc)?);
    }
    if let Some(last) = mail.references.last().filter(|id| is_id(id)) {
        builder = builder.in_reply_to(format!("<{last}>"));
        let all: Vec<String> = mail.references.iter().filter(|id| is_id(id)).map(|id| format!("<{id}>")).collect();
        builder = builder.references(all.join(" "));
    }
    let built = if mail.attachments.is_empty() {
        builder.header(ContentType::TEXT_PLAIN).body(mail.body.clone())
    } else {
        let text = SinglePart::builder().header(ContentType::TEXT_PLAIN).body(mail.body.clone());
        let mut parts = MultiPart::mixed().singlepart(text);
        for (name, kind, bytes) in &mail.attachments {
            let kind = ContentType::parse(kind).unwrap_or_else(|_| ContentType::parse("application/octet-stream").expect("a type"));
            parts = parts.singlepart(Attachment::new(name.clone()).body(bytes.to_vec(), kind));
        }
        builder.multipart(parts)
    };
    let mut message = built.map_err(|e| e.to_string())?;
    let mut add = |name: &'static str, value: &str| {
        message.headers_mut().insert_raw(HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned()));
    };
    match mail.origin {
        Origin::Person => {}
        // RFC 3834: no out-of-office replies to what nobody wrote by hand.
        Origin::Generated => {
            add("Auto-Submitted", "auto-generated");
            add("X-Auto-Response-Suppress", "All");
        }
        Origin::Replied => {
            add("Auto-Submitted", "auto-replied");
            add("X-Auto-Response-Suppress", "All");
        }
    }
    if let Some(url) = mail.unsubscribe.as_ref().filter(|u| !u.contains(|c: char| c.is_control() || c.is_whitespace() || "<>".contains(c)))
    {
        add("List-Unsubscribe", &format!("<{url}>"));
    }
    Ok(message)
}

/// What strangers call a Message-ID is not always one.
fn is_id(id: &str) -> bool {
    id.contains('@') && id.len() <= 500 && id.bytes().all(|b| b.is_ascii_graphic() && !b"<>".contains(&b))
}
