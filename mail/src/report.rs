//! What became of a mail: reports of delivery (RFC 3464), complaints (RFC 5965), and what servers write that know neither.

use crate::{files, flat};
use mail_parser::{Message, MessagePart, MimeHeaders, PartType};
use vorgang_core::mail::DeliveryReport;

/// Most recipients and Message-IDs that are read.
const MAX: usize = 50;
/// How much of a text is looked through.
const TEXT_MAX: usize = 256 * 1024;

/// What servers without standards write into subject or text.
const WORDS: &[&str] = &[
    "undeliver",
    "delivery status",
    "delivery failure",
    "failure notice",
    "returned mail",
    "mail delivery",
    "delivery has failed",
    "could not be delivered",
    "couldn't be delivered",
    "wasn't delivered",
    "unzustellbar",
    "message not delivered",
    "delivery problem",
    "mail system error",
    "nicht zugestellt",
];

/// One that is not marked as a report, and is one.
pub fn looks_like(headers: &[(String, String)], daemon: bool, nobody: bool, body: &str) -> bool {
    let header = |name: &str| headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.to_lowercase());
    if header("x-failed-recipients").is_some() {
        return true;
    }
    if !daemon && !nobody {
        return false;
    }
    let says = |text: &str| WORDS.iter().any(|w| text.contains(w));
    let auto_reply = header("auto-submitted").is_some_and(|a| a.starts_with("auto-replied"));
    let subject = header("subject").unwrap_or_default();
    says(&subject) || (daemon && !auto_reply && says(&body[..body.floor_char_boundary(4_096)].to_lowercase()))
}

pub fn read(message: &Message, headers: &[(String, String)], raw: &[u8]) -> DeliveryReport {
    let mut report = DeliveryReport::default();
    for part in &message.parts {
        let is = |sub: &str| part.is_content_type("message", sub);
        if is("delivery-status") || is("global-delivery-status") {
            delivery_status(&text(part, raw), &mut report);
        } else if is("feedback-report") {
            report.complaint = true;
        } else if flat::is_mail(part) {
            report.originals.extend(flat::head(&files::content(part, raw)).1.as_deref().map(id));
        } else if part.is_content_type("text", "rfc822-headers") || is("global-headers") {
            report.originals.extend(flat::head(text(part, raw).as_bytes()).1.as_deref().map(id));
        }
    }
    let failed = headers.iter().filter(|(n, _)| n == "x-failed-recipients").flat_map(|(_, v)| v.split(','));
    for address in failed.map(|a| a.trim().trim_matches(['<', '>']).to_owned()).filter(|a| a.contains('@')) {
        add(&mut report, address, "");
        report.failed = true;
    }
    if report.originals.is_empty() || (report.recipients.is_empty() && !report.complaint) {
        free_text(&String::from_utf8_lossy(&raw[..raw.len().min(TEXT_MAX)]), &mut report);
    }
    report.originals.retain(|id| !id.is_empty());
    report.originals.dedup();
    report.originals.truncate(MAX);
    report
}

fn id(id: &str) -> String {
    id.trim().trim_matches(['<', '>']).chars().filter(|c| !c.is_control() && !c.is_whitespace()).take(500).collect()
}

fn add(report: &mut DeliveryReport, address: String, reason: &str) {
    let full = report.recipients.len() >= MAX;
    let known = report.recipients.iter_mut().find(|(a, _)| a.eq_ignore_ascii_case(&address));
    match known {
        Some((_, why)) if why.is_empty() => *why = reason.to_owned(),
        Some(_) => {}
        None if !full => report.recipients.push((address, reason.to_owned())),
        None => {}
    }
}

fn text(part: &MessagePart, raw: &[u8]) -> String {
    let text = match &part.body {
        PartType::Text(text) | PartType::Html(text) => text.to_string(),
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        // It looks like a mail to whoever takes it apart: its fields are what stands between its offsets.
        _ => String::from_utf8_lossy(raw.get(part.offset_body as usize..part.offset_end as usize).unwrap_or_default()).into_owned(),
    };
    let text = text.replace("\r\n", "\n");
    text[..text.floor_char_boundary(TEXT_MAX)].to_owned()
}

/// Groups of fields, one group for each recipient.
fn delivery_status(text: &str, report: &mut DeliveryReport) {
    let unfolded = text.replace("\n ", " ").replace("\n\t", " ");
    for group in unfolded.split("\n\n") {
        let field = |name: &str| {
            let mut lines = group.lines().filter_map(|l| l.split_once(':'));
            lines.find(|(n, _)| n.trim().eq_ignore_ascii_case(name)).map(|(_, v)| v.trim())
        };
        let address = |value: &str| value.rsplit(';').next().unwrap_or(value).trim().trim_matches(['<', '>']).to_owned();
        let Some(recipient) = field("Original-Recipient").or(field("Final-Recipient")).map(address).filter(|a| a.contains('@')) else {
            continue;
        };
        let action = field("Action").unwrap_or_default().to_ascii_lowercase();
        let status = field("Status").unwrap_or_default();
        let failed = action == "failed" || (action.is_empty() && status.starts_with('5'));
        let why = field("Diagnostic-Code").map(|d| d.split_once(';').map_or(d, |(_, text)| text).trim()).unwrap_or_default();
        let reason = [status, why].iter().filter(|t| !t.is_empty()).copied().collect::<Vec<_>>().join(" ");
        if failed {
            report.failed = true;
            add(report, recipient, &reason);
        }
    }
}

/// Out of a text that follows no standard: ids of mails, and addresses beside a code of failure.
fn free_text(text: &str, report: &mut DeliveryReport) {
    let (mut in_body, mut last): (bool, Option<String>) = (false, None);
    for line in text.lines().take(20_000) {
        in_body |= line.trim().is_empty();
        if !in_body {
            continue;
        }
        let lower = line.trim_start_matches(['>', ' ']).to_ascii_lowercase();
        if let Some(rest) = lower.strip_prefix("message-id:")
            && report.originals.len() < MAX
        {
            // As it was written, not in small letters.
            let at = line.len() - rest.len();
            report.originals.push(id(&line[at..]));
            continue;
        }
        let found = address(line);
        let code = ["550", "551", "552", "553", "554", "5.1.", "5.2.", "5.4.", "5.7."].iter().any(|c| lower.contains(c));
        let unknown = [
            "user unknown",
            "no such user",
            "does not exist",
            "unknown user",
            "mailbox unavailable",
            "mailbox not found",
            "unknown local part",
        ];
        if (code || unknown.iter().any(|u| lower.contains(u)))
            && let Some(address) = found.clone().or(last.clone())
        {
            report.failed = true;
            add(report, address, line.trim());
        }
        last = found.or(last);
    }
}

fn address(line: &str) -> Option<String> {
    let words = line.split(|c: char| c.is_whitespace() || "<>()[]\",;:".contains(c));
    let good = |w: &&str| {
        w.split_once('@').is_some_and(|(l, d)| {
            !l.is_empty() && d.contains('.') && !d.ends_with('.') && d.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b))
        })
    };
    words.map(|w| w.trim_end_matches('.')).find(good).map(str::to_owned)
}
