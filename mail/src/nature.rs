//! Who wrote it: a person, a machine, or a mail server that says what became of a mail (RFC 3834, 3464, 5965, 8098).

use crate::report;
use mail_parser::{Message, MimeHeaders};
use vorgang_core::mail::{Address, DeliveryReport, Nature};

/// Their presence alone says it.
const PRESENT: &[&str] = &[
    "list-id",
    "list-unsubscribe",
    "list-post",
    "list-help",
    "list-owner",
    "list-archive",
    "list-subscribe",
    "mailing-list",
    "x-mailing-list",
    "x-mailman-version",
    "x-beenthere",
    "x-loop",
    "x-no-loop",
    "x-otrs-loop",
    "x-autorespond",
    "x-autoreply",
    "x-auto-reply",
    "x-ms-exchange-inbox-rules-loop",
    "x-ms-exchange-generated-message-source",
    "x-autoreply-from",
    "x-mail-autoreply",
    "feedback-id",
];

pub fn nature_of(message: &Message, headers: &[(String, String)], from: Option<&Address>, raw: &[u8], body: &str) -> Nature {
    // Whatever stands above or below it: one line that says so is enough.
    let lines = |name: &'static str| headers.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.trim());
    let nobody = lines("return-path").any(|r| r.trim_matches(|c: char| c.is_whitespace() || "<>".contains(c)).is_empty());
    let root = message.part(0);
    let report_type = root.and_then(|p| p.content_type()).and_then(|c| c.attribute("report-type")).map(str::to_ascii_lowercase);
    match report_type.as_deref() {
        Some("delivery-status" | "feedback-report") => {
            return Nature::Report(DeliveryReport { declared: true, ..report::read(message, headers, raw) });
        }
        Some("disposition-notification") => return Nature::Machine("it only says that a mail was read or not".into()),
        _ => {}
    }
    let local = from.map(|f| f.address.split('@').next().unwrap_or_default().to_ascii_lowercase()).unwrap_or_default();
    let daemon = ["mailer-daemon", "mail-daemon", "mdaemon", "postmaster"].iter().any(|d| local.starts_with(d));
    if report::looks_like(headers, daemon, nobody, body) {
        return Nature::Report(report::read(message, headers, raw));
    }
    let machine = |why: String| Nature::Machine(why);
    if let Some(auto) = lines("auto-submitted").find(|a| word(a) != "no") {
        return machine(format!("Auto-Submitted is `{auto}`"));
    }
    let bulk = |p: &&str| ["bulk", "junk", "list", "auto_reply", "auto-reply"].contains(&word(p).as_str());
    if let Some(precedence) = lines("precedence").find(bulk) {
        return machine(format!("Precedence is `{precedence}`"));
    }
    if let Some(name) = PRESENT.iter().find(|n| lines(n).next().is_some()) {
        return machine(format!("it has the header `{name}`"));
    }
    if let Some(suppress) = lines("x-auto-response-suppress").find(|s| word(s) != "none") {
        return machine(format!("X-Auto-Response-Suppress is `{suppress}`"));
    }
    if nobody {
        return machine("nobody takes answers to it (an empty return path)".into());
    }
    if daemon || takes_no_answers(&local) {
        return machine(format!("`{local}` takes no answers"));
    }
    Nature::Person
}

/// The first word of a value, in small letters, without comments (RFC 5322, 3.2.2) and parameters.
fn word(value: &str) -> String {
    let mut depth = 0_u32;
    let outside = value.chars().filter(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => return depth == 0,
        }
        false
    });
    let text: String = outside.collect();
    let mut words = text.split(|c: char| c == ';' || c.is_whitespace());
    words.find(|w| !w.is_empty()).unwrap_or_default().to_ascii_lowercase()
}

/// `noreply@`, `no.reply-x@`, `bounces+17@`: dots, dashes and what stands behind a plus are no part of the name.
fn takes_no_answers(local: &str) -> bool {
    let name: String = local.split('+').next().unwrap_or_default().chars().filter(|c| !"._-".contains(*c)).collect();
    name.starts_with("noreply") || name.starts_with("donotreply") || matches!(name.as_str(), "bounce" | "bounces")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nature(head: &str) -> Nature {
        let raw = format!("{head}\r\nTo: desk@example.org\r\nSubject: Hello\r\n\r\nText\r\n");
        crate::read(raw.as_bytes(), "0", 1_000_000).expect("a mail").nature
    }

    #[test]
    fn one_line_that_says_so_makes_it_automatic() {
        for head in [
            "From: a@x.example\r\nAuto-Submitted: no\r\nAuto-Submitted: auto-replied",
            "From: a@x.example\r\nPrecedence: first-class\r\nPrecedence: bulk",
            "From: a@x.example\r\nX-Auto-Response-Suppress: none\r\nX-Auto-Response-Suppress: All",
            "From: a@x.example\r\nAuto-Submitted: notification",
            "From: a@x.example\r\nAuto-Submitted: no-reply",
            "From: a@x.example\r\nAuto-Submitted: (no) auto-generated",
            "From: a@x.example\r\nPrecedence: bulk; x",
            "From: a@x.example\r\nPrecedence: (x) BULK",
            "From: a@x.example\r\nPrecedence: auto-reply",
            "From: a@x.example\r\nList-Help: <mailto:help@x.example>",
            "From: a@x.example\r\nX-BeenThere: list@x.example",
            "From: a@x.example\r\nX-Auto-Reply: yes",
            "From: a@x.example\r\nX-MS-Exchange-Inbox-Rules-Loop: a@x.example",
            "Return-Path: < >\r\nFrom: a@x.example",
            "From: noreply+1@x.example",
            "From: no.reply@x.example",
            "From: donotreply-x@x.example",
            "From: bounces+17@x.example",
        ] {
            assert!(matches!(nature(head), Nature::Machine(_)), "{head}");
        }
        for head in [
            "From: a@x.example",
            "From: a@x.example\r\nAuto-Submitted: no",
            "From: a@x.example\r\nAuto-Submitted: NO (by hand)",
            "From: a@x.example\r\nAuto-Submitted: no; x=y",
            "From: a@x.example\r\nPrecedence: special-delivery",
            "From: a@x.example\r\nX-Auto-Response-Suppress: None",
            "Return-Path: <a@x.example>\r\nFrom: a@x.example",
            "From: nora.reply@x.example",
            "From: bouncer@x.example",
        ] {
            assert!(matches!(nature(head), Nature::Person), "{head}");
        }
    }
}
