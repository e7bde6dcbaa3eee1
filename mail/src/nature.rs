//! Who wrote it: a person, a machine, or a mail server that says what became of a mail (RFC 3834, 3464, 5965, 8098).

use crate::report;
use mail_parser::{Message, MimeHeaders};
use vorgang_core::mail::{Address, Nature, Report};

/// Their presence alone says it.
const PRESENT: &[&str] = &[
    "list-id",
    "list-unsubscribe",
    "list-post",
    "mailing-list",
    "x-loop",
    "x-no-loop",
    "x-otrs-loop",
    "x-autorespond",
    "x-autoreply",
    "x-autoreply-from",
    "x-mail-autoreply",
    "feedback-id",
];

pub fn of(message: &Message, headers: &[(String, String)], from: Option<&Address>, raw: &[u8], body: &str) -> Nature {
    let header = |name: &str| headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.trim());
    let nobody = header("return-path").is_some_and(|r| r == "<>" || r.is_empty());
    let root = message.part(0);
    let report_type = root.and_then(|p| p.content_type()).and_then(|c| c.attribute("report-type")).map(str::to_ascii_lowercase);
    match report_type.as_deref() {
        Some("delivery-status" | "feedback-report") => {
            return Nature::Report(Report { declared: true, ..report::read(message, headers, raw) });
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
    if let Some(auto) = header("auto-submitted").filter(|a| !a.to_ascii_lowercase().starts_with("no")) {
        return machine(format!("Auto-Submitted is `{auto}`"));
    }
    if let Some(precedence) =
        header("precedence").filter(|p| ["bulk", "junk", "list", "auto_reply"].contains(&p.to_ascii_lowercase().as_str()))
    {
        return machine(format!("Precedence is `{precedence}`"));
    }
    if let Some(name) = PRESENT.iter().find(|n| header(n).is_some()) {
        return machine(format!("it has the header `{name}`"));
    }
    if let Some(suppress) = header("x-auto-response-suppress").filter(|s| !s.eq_ignore_ascii_case("none")) {
        return machine(format!("X-Auto-Response-Suppress is `{suppress}`"));
    }
    if nobody {
        return machine("nobody takes answers to it (an empty return path)".into());
    }
    if daemon || ["noreply", "no-reply", "no_reply", "donotreply", "do-not-reply"].contains(&local.as_str()) {
        return machine(format!("`{local}` takes no answers"));
    }
    Nature::Person
}
