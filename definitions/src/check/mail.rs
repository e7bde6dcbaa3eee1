//! Mail: accounts, filters, automatic responses.

use crate::cel::env::Env;
use crate::cel::types::{Field, Ty};
use crate::check::context::Cx;
use crate::check::place::{self, Relies};
use crate::check::{env, texts};
use crate::diagnostic::Diagnostic;
use crate::kinds::auto_response::AutoResponse;
use crate::kinds::mail_account::{MailAccount, MailUrl, OAuth, Protocol, Provider};
use crate::kinds::mail_filter::MailFilter;
use crate::name::Name;
use crate::names::Names;
use crate::phase::{Phase, Written};
use std::collections::BTreeMap;

/// What can be set on a ticket that does not have to be there yet; `customer_user` follows from the sender.
const NOT_BY_MAIL: &[&str] = &["lock", "pending"];

pub fn check(cx: &mut Cx) {
    let names = cx.names;
    let mut taken = BTreeMap::new();
    for account in names.accounts.iter() {
        self::account(account, cx);
        for mailbox in account.addresses() {
            if let Some(first) = taken.insert(mailbox.address.to_ascii_lowercase(), mailbox.span) {
                let d = Diagnostic::error("duplicate-definition", mailbox.span, format!("`{}` is an address twice", mailbox.address));
                cx.push(d.related(first, "first here"));
            }
        }
    }
    for queue in names.queues.iter() {
        if let Some(account) = queue.account.as_ref().filter(|a| names.accounts.get(a).is_none()) {
            cx.unknown("mail account", account, names.accounts.iter().map(|a| a.name.as_str()));
        }
    }
    for filter in &names.mail_filters {
        self::filter(filter, cx);
    }
    for response in &names.auto_responses {
        self::response(response, cx);
    }
}

fn queue(name: &Name, cx: &mut Cx) {
    let names = cx.names;
    if names.queues.get(name).is_none() {
        cx.unknown("queue", name, names.queues.iter().map(|q| q.name.as_str()));
    }
}

fn account(account: &MailAccount, cx: &mut Cx) {
    let names = cx.names;
    texts::text(account.title.as_ref(), cx);
    queue(&account.queue, cx);
    match names.types.get(&account.ticket_type) {
        None => cx.unknown("ticket type", &account.ticket_type, names.types.iter().map(|t| t.name.as_str())),
        // A mail fills in no form: what has to be there has to come by itself.
        Some(t) => {
            let bare = t.fields.iter().filter(|f| f.required && f.default.as_ref().is_none_or(|d| d.is_unset()));
            for field in bare {
                let message = format!("a mail cannot give `{}`, which tickets of the type `{}` must have", field.field, t.name);
                let d = Diagnostic::error("required-field", account.ticket_type.span, message);
                cx.push(d.help("give it a default in the type, or take another type for mail"));
            }
        }
    }
    let fits = |url: &Option<MailUrl>, wanted: &[Protocol], what: &str, cx: &mut Cx| {
        if let Some(url) = url.as_ref().filter(|u| !wanted.contains(&u.protocol)) {
            cx.push(Diagnostic::error("wrong-type", url.span, format!("this is no server that {what}")));
        }
    };
    fits(&account.receive, &[Protocol::Imap, Protocol::Pop3], "mail is fetched from", cx);
    fits(&account.send, &[Protocol::Smtp], "takes mail", cx);
    if let Some(oauth) = &account.oauth {
        self::oauth(oauth, account, cx);
    }
}

fn oauth(oauth: &OAuth, account: &MailAccount, cx: &mut Cx) {
    let own = oauth.provider == Provider::Own;
    if own && oauth.token_url.is_none() {
        cx.push(Diagnostic::error("missing-key", oauth.at, "the provider `own` needs `token_url`"));
    }
    // `http://127.0.0.1.example.org` and `http://127.0.0.1:x@example.org` are other machines.
    let is_here = |url: &str| {
        let place = url.strip_prefix("http://127.0.0.1").map(|rest| rest.split('/').next().unwrap_or(rest));
        place.is_some_and(|p| p.is_empty() || p.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok()))
    };
    if let Some(url) = oauth.token_url.as_ref().filter(|u| !u.starts_with("https://") && !is_here(u)) {
        cx.push(Diagnostic::error("wrong-type", oauth.at, format!("`{url}`: tokens come over https only")));
    }
    if account.receive.is_none() && account.send.is_none() {
        cx.push(Diagnostic::error("unknown-key", oauth.at, "`oauth` signs in at a server, and the account names none"));
    }
}

fn filter(filter: &MailFilter<Written>, cx: &mut Cx) {
    texts::text(filter.title.as_ref(), cx);
    let mut env = environment(cx.names);
    place::condition(filter.when.as_ref(), &env, &mut Relies::new(), cx);
    let proved = place::proved(filter.when.as_ref(), &env, cx);
    env.set.extend(proved);
    env.from_outside = true;
    for (name, value) in filter.set.iter() {
        let Some(slot) = place::slot(name, None, cx) else { continue };
        if NOT_BY_MAIL.contains(&slot.name()) {
            cx.push(Diagnostic::error("unknown-name", name.span, format!("a filter cannot set `{name}`")));
            continue;
        }
        place::value(value, &slot, &env, &mut Relies::new(), cx);
    }
    if filter.set.is_empty() && filter.then.is_none() && !filter.stop {
        let d = Diagnostic::error("missing-key", filter.name.span, "a filter does something: it needs `set`, `then` or `stop`");
        cx.push(d);
    }
}

fn response(response: &AutoResponse<Written>, cx: &mut Cx) {
    texts::text(Some(&response.subject.text), cx);
    texts::text(Some(&response.body.text), cx);
    for name in response.queues.iter().flat_map(|q| q.iter()) {
        queue(name, cx);
    }
    let env = response_environment(cx.names);
    let _ = cx.compile_text(&response.subject, &env);
    let _ = cx.compile_text(&response.body, &env);
}

fn field(name: &str, ty: Ty, doc: &str) -> Field {
    env::field(name, ty, false, doc)
}

/// What filters see: the mail.
pub fn environment<S: Phase>(names: &Names<S>) -> Env {
    let header = Ty::object("header", vec![field("name", Ty::Text, "in small letters"), field("value", Ty::Text, "decoded")]);
    let attachment = Ty::object(
        "attachment",
        vec![
            field("name", Ty::Text, "the file's name"),
            field("type", Ty::Text, "the type that the sender gave"),
            field("size", Ty::Int, "in bytes"),
        ],
    );
    let result = || Ty::word("result", ["pass", "fail", "softfail", "neutral", "none", "temperror", "permerror"]);
    let mail = vec![
        field("subject", Ty::Text, "the subject, decoded"),
        field("body", Ty::Text, "the text; of HTML what can be read"),
        field("from", Ty::Text, "the sender's address, in small letters"),
        field("from_name", Ty::Text, "the name beside it"),
        field("reply_to", Ty::list(Ty::Text), "where answers are wanted"),
        field("to", Ty::list(Ty::Text), "addresses, in small letters"),
        field("cc", Ty::list(Ty::Text), "addresses, in small letters"),
        field("recipients", Ty::list(Ty::Text), "addresses of the envelope, where it is known"),
        field("account", Ty::word("mail account", names.accounts.iter().map(|a| a.name.to_string())), "the account it came to"),
        field("message_id", Ty::Text, "its Message-ID; empty where there is none"),
        field("headers", Ty::list(header), "every header, in its order"),
        field("attachments", Ty::list(attachment), "files"),
        field("size", Ty::Int, "of the whole mail, in bytes"),
        field("auto", Ty::Bool, "sent by a machine: nothing answers it by itself"),
        field("bounce", Ty::Bool, "a report that a mail could not be delivered"),
        field("authenticated", Ty::Bool, "the domain of the sender stands for it (DMARC, or an aligned SPF or DKIM)"),
        field("spf", result(), "of the server that sent it"),
        field("dkim", result(), "of the best signature"),
        field("dmarc", result(), "of the sender's domain"),
        field("arc", result(), "of the chain of those that passed it on"),
        field("customer", Ty::Text, "the login of the customer whose address it is; empty where there is none"),
        field("ticket", Ty::Text, "at `sorted`: the number of the ticket that it belongs to; empty for a new one"),
    ];
    env::of_site(names).with("mail", Ty::object("mail", mail))
}

/// What automatic responses see: nothing that a stranger could have written.
pub fn response_environment<S: Phase>(names: &Names<S>) -> Env {
    let ticket = vec![
        field("number", Ty::Text, "the number that people see"),
        field("queue", names.queue_ty.clone(), "the queue"),
        field("type", names.type_ty.clone(), "the ticket type"),
        field("state", names.state_ty.clone(), "the state"),
        field("created", Ty::Timestamp, "when it was created"),
    ];
    env::of_site(names).with("ticket", Ty::object("ticket", ticket)).with("customer", env::person(names))
}
