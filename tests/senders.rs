//! Whom a mail is from, which ticket it belongs to, and whom an answer goes to. Each case is a kind of mail that a stranger, a
//! mail server or a mail program writes.

mod common;

use common::maildesk::{MailDesk, confirmed, person};
use jiff::SignedDuration;
use vorgang_core::article::Sender;
use vorgang_core::commands::{Command, MergeTicket};
use vorgang_core::decision::Remark;
use vorgang_core::filter::Filter;
use vorgang_core::mail::{Address, Auth};
use vorgang_core::people::{Person, PersonKind};
use vorgang_core::rejection::Rejection;
use vorgang_runtime::Error;
use vorgang_runtime::brake::AN_HOUR_MAX;
use vorgang_runtime::intake::Outcome;
use vorgang_store::deliveries::DeliveryState;

const SITE: &str = r#"
- { kind: Site, name: desk, language: 1, languages: en, zone: Europe/Berlin, title: Help desk }
- { kind: State, name: new, type: new }
- { kind: State, name: closed, type: closed }
- { kind: State, name: merged, type: merged }
- { kind: State, name: removed, type: removed }
- { kind: Priority, name: normal, level: 3 }
- { kind: Queue, name: it }
- { kind: Queue, name: finance }
- { kind: Queue, name: anew, follow_up: new_ticket }
- { kind: Queue, name: shut, follow_up: reject }
- { kind: Role, name: clerk, queues: { it: [rw], finance: [rw], anew: [rw], shut: [rw] } }
- { kind: Role, name: admin, admin: true, queues: { it: [rw] } }
- { kind: TicketType, name: case, states: [new, closed, merged, removed] }
- { kind: MailAccount, name: support, address: Desk <support@example.org>, queue: it, type: case }
- { kind: MailAccount, name: finance, address: finance@example.org, queue: finance, type: case }
- { kind: MailAccount, name: gate, address: gate@example.org, queue: it, type: case, trusted: true }
- { kind: MailAccount, name: relay, address: relay@example.org, queue: it, type: case, believes: mx.example.org }
- { kind: MailFilter, name: alarms, when: 'mail.subject.startsWith("Alarm")', then: new_ticket }
- { kind: Notification, name: told, on: article.created, to: owner, by: mail, subject: "{{ticket.title}}", body: "{{article.body}}" }
- { kind: Handler, name: rejected, on: article.rejected, do: [ { note: "nobody reads {{article.body}}" } ] }
"#;

fn mail(head: &str, body: &str) -> String {
    format!("To: support@example.org\n{head}\n{body}\n")
}

/// The desk of these tests, with their people.
async fn desk(name: &str) -> MailDesk {
    let person = |login: &str, kind, company, roles: &[&str]| Person {
        name: format!("{}, the person", login.to_uppercase()),
        email: format!("{login}@example.com"),
        ..person(login, kind, company, roles)
    };
    let people = [
        person("anna", PersonKind::Customer, Some("north"), &[]),
        person("ben", PersonKind::Customer, Some("south"), &[]),
        person("tina", PersonKind::Agent, None, &["clerk"]),
    ];
    MailDesk::new(name, SITE, &people).await
}

/// The proof may be about one author and the page show the other: then it is nobody's, whatever the proof says.
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_with_two_readings_is_nobodys() {
    let d = desk("senders_two").await;
    let agent = "TINA <tina@example.com>";
    for (what, head) in [
        ("two authors", format!("From: x@evil.example\nFrom: {agent}\nSubject: a\n")),
        ("two authors, the other way", format!("From: {agent}\nFrom: x@evil.example\nSubject: a\n")),
        ("two addresses", format!("From: x@evil.example, {agent}\nSubject: a\n")),
        ("a sender twice", format!("From: {agent}\nSender: a@evil.example\nSender: {agent}\nSubject: a\n")),
        ("two subjects", format!("From: {agent}\nSubject: a\nSubject: b\n")),
        ("an address in a name", "From: \"x <x@evil.example>\" <tina@example.com>\nSubject: a\n".into()),
        ("an address in a comment", "From: tina@example.com (<x@evil.example>)\nSubject: a\n".into()),
        ("a quote that escapes", "From: \"a\\\" <x@evil.example>, \\\"\" <tina@example.com>\nSubject: a\n".into()),
        ("a group", format!("From: all: x@evil.example, {agent};\nSubject: a\n")),
        ("a route", "From: <@evil.example:tina@example.com>\nSubject: a\n".into()),
        ("no author", "Sender: tina@example.com\nSubject: a\n".into()),
    ] {
        let number = d.number(&mail(&head, what), confirmed()).await;
        let article = d.last(&number).await;
        let auth = article.head.as_ref().and_then(|h| h.auth.clone()).expect("results");
        assert!(auth.ambiguous.is_some() && !auth.is_good(), "{what}: {auth}");
        assert_eq!((article.sender, article.visible), (Sender::Customer, true), "{what}: no agent wrote it");
        let stored = d.world.stored(&number).await;
        assert!(stored.participants.is_empty() && stored.ticket.customer_user.is_none(), "{what}: {:?}", stored.participants.to_vec());
    }
    let number = d.number(&mail(&format!("From: {agent}\nSubject: a\n"), "one author"), confirmed()).await;
    assert_eq!(d.last(&number).await.sender, Sender::Agent);
    d.sound().await;
}

/// The host that is believed may have read another author than the desk.
#[tokio::test(flavor = "multi_thread")]
async fn a_result_counts_for_the_author_that_it_names() {
    let d = desk("senders_results").await;
    for (results, sender) in [
        ("dmarc=pass header.from=example.com", Sender::Agent),
        ("dmarc=pass header.from=evil.example", Sender::Customer),
        ("dmarc=pass", Sender::Customer),
    ] {
        let head = format!("Authentication-Results: mx.example.org; {results}\nFrom: tina@example.com\nSubject: a\n");
        let raw = mail(&head, results).replace("support@", "relay@");
        let Outcome::Taken { number, .. } = d.take(&raw, &["relay@example.org"], None).await else { panic!("it is taken") };
        assert_eq!(d.last(&number).await.sender, sender, "{results}");
        // A mail does not choose the host that the desk believes about it.
        let raw = raw.replace("Subject: a", "Subject: b");
        assert_eq!(d.last(&d.number(&raw, None).await).await.sender, Sender::Customer, "{results}, named by headers only");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_go_to_those_who_are_confirmed_and_nobody_else() {
    let d = desk("senders_answers").await;
    // What is read in a name is no address, and a comma in a name parts nothing.
    let head = "From: \"evil@x.example, d\" <anna@example.com>\nReply-To: \"Miller, A\" <miller@else.example>\nSubject: a\n";
    let number = d.number(&mail(head, "text"), confirmed()).await;
    assert_eq!(d.suggested(&number).await, (vec!["miller@else.example".into(), "anna@example.com".into()], vec![], vec![]));
    // A stranger whom nobody confirms is offered, and not chosen; so is the address where the stranger wants answers.
    let head = "From: x@else.example\nReply-To: victim@bank.example\nCc: beside@else.example\nSubject: a\n";
    let number = d.number(&mail(head, "stranger"), None).await;
    let (to, cc, unproved) = d.suggested(&number).await;
    assert_eq!((to, cc, unproved), (vec![], vec![], vec!["victim@bank.example".to_owned()]));
    assert_eq!(d.world.stored(&number).await.participants.iter().map(Address::key).collect::<Vec<_>>(), ["x@else.example"]);
    // An agent who writes to an address confirms it.
    d.answer(&number, &["x@else.example"]).await;
    let again = d.out().await;
    assert!(again.is_empty());
    assert_eq!(d.suggested(&number).await.1, ["x@else.example"]);
    // In copy of a mail that is confirmed: they take part, and all are answered.
    let head =
        "From: anna@example.com\nCc: Dora <dora@partner.example>, ben@example.com\nMessage-ID: <c1@example.com>\nSubject: Contract\n";
    let number = d.number(&mail(head, "copy"), confirmed()).await;
    let head = "From: ben@example.com\nIn-Reply-To: <c1@example.com>\nSubject: Re: Contract\n";
    assert_eq!(d.number(&mail(head, "me too"), confirmed()).await, number);
    let (to, cc, unproved) = d.suggested(&number).await;
    assert_eq!(to, ["ben@example.com", "anna@example.com"]);
    assert_eq!((cc, unproved), (vec!["dora@partner.example".to_owned()], vec![]));
    d.sound().await;
}

/// The address that a mail was sent to counts.
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_belongs_where_it_was_sent() {
    let d = desk("senders_accounts").await;
    let from = "From: anna@example.com\n";
    let number = d.number(&mail(&format!("{from}Subject: VPN\n"), "broken"), confirmed()).await;
    let sent = d.answer(&number, &["anna@example.com"]).await;
    let answers = format!("In-Reply-To: <{}@example.org>\n", sent.id);
    let to = |address: &str, subject: &str, more: &str| {
        format!("{from}Subject: {subject}\n{answers}{more}\n{address} {subject}\n").replace("From", &format!("To: {address}\nFrom"))
    };
    // Forwarded to another address of the desk, under another subject: a ticket there, linked.
    let Outcome::Taken { number: other, new: true } =
        d.take(&to("finance@example.org", "WG: pay", ""), &["finance@example.org"], confirmed()).await
    else {
        panic!("a new ticket")
    };
    assert_eq!((d.world.stored(&other).await.ticket.queue.as_str(), d.related(&other).await), ("finance", vec![number.clone()]));
    for (what, raw, envelope) in [
        ("with the token", to("finance@example.org", &sent.subject, ""), "finance@example.org"),
        ("to both", to("support@example.org, finance@example.org", "Re: VPN", ""), "support@example.org"),
        ("forwarded by a server", to("support@example.org", "Re: VPN 2", "Delivered-To: finance@example.org\n"), "finance@example.org"),
        ("to an address of the same queue", to("support@example.org", "Re: VPN 3", ""), "support@example.org"),
    ] {
        assert_eq!(d.take(&raw, &[envelope], confirmed()).await, Outcome::Taken { number: number.clone().into(), new: false }, "{what}");
    }
    // The ticket moves; who answers the old address still reaches it.
    d.world.patch(&number, &[("queue", "finance".into())]).await;
    assert_eq!(d.number(&to("support@example.org", "Re: VPN 4", ""), confirmed()).await, number);
    d.sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_mail_to_several_addresses_is_a_ticket_for_each() {
    let d = desk("senders_several").await;
    let raw =
        "To: support@example.org, finance@example.org\nFrom: anna@example.com\nMessage-ID: <m1@example.com>\nSubject: Both\n\nBoth.\n";
    d.take(raw, &["support@example.org", "finance@example.org", "gate@example.org"], confirmed()).await;
    assert_eq!(d.tickets().await, 2, "two accounts share a queue");
    assert_eq!(d.take(raw, &["finance@example.org", "support@example.org"], confirmed()).await, Outcome::Known);
    // Delivered one by one, with what each mail server writes above: copies of the same mail.
    for (recipient, wanted) in [("support@example.org", Outcome::Ignored), ("finance@example.org", Outcome::Ignored)] {
        let raw = format!("Delivered-To: {recipient}\nReceived: by {recipient}; now\n{raw}");
        assert_eq!(d.take(&raw, &[recipient], confirmed()).await, wanted, "{recipient}");
    }
    let raw = raw.replace("<m1@", "<m2@");
    for recipient in ["support@example.org", "finance@example.org"] {
        let raw = format!("Delivered-To: {recipient}\n{raw}");
        assert!(matches!(d.take(&raw, &[recipient], confirmed()).await, Outcome::Taken { new: true, .. }), "{recipient}");
    }
    assert_eq!(d.tickets().await, 4);
    let newest = d.world.desk.store.ticket_list(&Filter::All, &Filter::All, Default::default(), 2, None).await.expect("tickets").items;
    assert_eq!(newest.iter().map(|t| t.queue.as_str()).collect::<Vec<_>>(), ["finance", "it"]);
    assert_eq!(d.related(&newest[0].number).await, [newest[1].number.to_string()]);
    d.sound().await;
}

/// A thread that began between others is one ticket, in whatever order its mails come.
#[tokio::test(flavor = "multi_thread")]
async fn threads_that_began_elsewhere_stay_together() {
    let d = desk("senders_threads").await;
    let head = |from: &str, id: &str, refs: &str| {
        let refs = if refs.is_empty() { String::new() } else { format!("References: {refs}\n") };
        format!("From: {from}\nCc: anna@example.com, ben@example.com\nMessage-ID: <{id}>\n{refs}Subject: Offer\n")
    };
    let number = d.number(&mail(&head("ben@example.com", "b1@example.com", "<root@example.com>"), "one"), confirmed()).await;
    let second = mail(&head("anna@example.com", "a2@example.com", "<root@example.com> <unseen@example.com>"), "two");
    assert_eq!(d.number(&second, confirmed()).await, number, "another branch of the thread");
    let original = mail(&head("anna@example.com", "root@example.com", ""), "three");
    assert_eq!(d.number(&original, confirmed()).await, number, "the original, late");
    let stranger = mail(&head("x@else.example", "x@else.example", "<root@example.com>"), "four");
    assert_ne!(d.number(&stranger, confirmed()).await, number);
    d.sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_looks_like_a_report_is_somebodys_mail() {
    let d = desk("senders_reports").await;
    for (what, head) in [
        ("a daemon's words", "From: postmaster@example.com\nSubject: Undelivered mail of yesterday\n"),
        ("a header", "From: anna@example.com\nX-Failed-Recipients: a@else.example\nSubject: Help\n"),
        ("a list", "From: anna@example.com\nList-Id: <x.example.com>\nSubject: Help\n"),
        ("a precedence", "From: anna@example.com\nPrecedence: bulk\nSubject: Help\n"),
        ("a machine", "From: anna@example.com\nAuto-Submitted: auto-generated\nSubject: Help\n"),
    ] {
        let number = d.number(&mail(head, what), confirmed()).await;
        let article = d.last(&number).await;
        assert_eq!((article.sender, article.visible), (Sender::Customer, true), "{what}");
        assert!(article.head.expect("a head").auto, "{what}: nothing answers it");
    }
    let report = |subject: &str| {
        format!(
            "From: MAILER-DAEMON@mx.example\nTo: support@example.org\nSubject: {subject}\nContent-Type: multipart/report; \
             report-type=delivery-status; boundary=B\n\n--B\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; \
             a@else.example\nAction: failed\n--B--\n"
        )
    };
    assert_eq!(d.take(&report("Undelivered"), &[], None).await, Outcome::Ignored);
    let by_filter = d.take(&report("Alarm"), &[], None).await;
    assert!(matches!(by_filter, Outcome::Taken { new: true, .. }), "a filter is obeyed: {by_filter:?}");
    // `X-OTRS-Ignore` of a trusted account: no means no, yes means yes, on follow-ups too.
    let gate = |ignore: &str, more: &str| {
        mail(
            &format!("X-OTRS-Ignore: {ignore}\nFrom: anna@example.com\nSubject: Gate {ignore}\n{more}"),
            &format!("{ignore} {}", more.len()),
        )
        .replace("support@", "gate@")
    };
    let at = ["gate@example.org"];
    let Outcome::Taken { number, .. } = d.take(&gate("no", ""), &at, confirmed()).await else { panic!("it is no") };
    let sent = d.answer(&number, &["anna@example.com"]).await;
    let follow_up = format!("In-Reply-To: <{}@example.org>\n", sent.id);
    assert_eq!(d.take(&gate("yes", ""), &at, confirmed()).await, Outcome::Ignored);
    assert_eq!(d.take(&gate("yes", &follow_up), &at, confirmed()).await, Outcome::Ignored);
    assert_eq!(d.take(&gate("no", &follow_up), &at, confirmed()).await, Outcome::Taken { number, new: false });
}

/// Mail of the desk that sets off mail of the desk ends.
#[tokio::test(flavor = "multi_thread")]
async fn mail_of_the_desk_sets_off_none_without_end() {
    let d = desk("senders_loop").await;
    let number = d.number(&mail("From: anna@example.com\nSubject: Printer\n", "It burns."), confirmed()).await;
    d.world.patch(&number, &[("owner", "tina".into())]).await;
    d.write("anna", &number, "It still burns.").await.expect("it is written");
    let told = d.out().await.pop().expect("a notification");
    let report = |id: &str, address: &str, n: u32| {
        format!(
            "From: MAILER-DAEMON@mx.example\nTo: support@example.org\nSubject: Undelivered {n}\nContent-Type: multipart/report; \
             report-type=delivery-status; boundary=B\n\n--B\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; {address}\n\
             Action: failed\nStatus: 5.1.1\n\n--B\nContent-Type: text/rfc822-headers\n\nMessage-ID: <{id}@example.org>\n--B--\n"
        )
    };
    // Who had a mail may report about its recipients, and about nobody else.
    assert_eq!(d.number(&report(&told.id, "ben@example.com", 1), None).await, number);
    let bounces = d.world.desk.store.mail_bounces(&["ben@example.com".into(), "tina@example.com".into()]).await.expect("bounces");
    assert_eq!(bounces.iter().map(|b| b.0.as_str()).collect::<Vec<_>>(), ["tina@example.com"], "the only recipient that it can mean");
    assert!(d.out().await.is_empty(), "the report is a message too, and the owner's address has just bounced");
    let failed = d.world.desk.store.delivery_list(&Filter::All, DeliveryState::Failed, 10, None).await.expect("mails");
    assert!(failed[0].error.as_deref().is_some_and(|e| e.contains("bounced at")), "{failed:?}");
    d.world.advance(SignedDuration::from_hours(2));
    d.write("anna", &number, "And now?").await.expect("it is written");
    assert_eq!(d.out().await.len(), 1, "later it is tried again");
    // The last net: so many of one cause for one recipient in an hour.
    d.world.advance(SignedDuration::from_hours(2));
    for n in 0..AN_HOUR_MAX + 5 {
        d.write("anna", &number, &format!("Number {n}")).await.expect("it is written");
        d.out().await;
    }
    assert_eq!(d.world.desk.store.delivery_count(DeliveryState::Held).await.expect("a count"), 5);
    let incidents: Vec<String> = d.world.stored(&number).await.incidents.iter().map(|i| i.kind.clone()).collect();
    assert_eq!(incidents, ["loop"], "one for all");
    d.sound().await;
}

/// A closed or merged ticket is the same for mail, portal and API.
#[tokio::test(flavor = "multi_thread")]
async fn a_closed_ticket_is_the_same_at_every_door() {
    let d = desk("senders_closed").await;
    let open = async |queue: &str, subject: &str| {
        let number = d.number(&mail(&format!("From: anna@example.com\nSubject: {subject}\n"), queue), confirmed()).await;
        d.world.patch(&number, &[("queue", queue.into())]).await;
        number
    };
    let (anew, shut, from, into, gone) =
        (open("anew", "1").await, open("shut", "2").await, open("it", "3").await, open("it", "4").await, open("it", "5").await);
    for number in [&anew, &shut] {
        d.world.patch(number, &[("state", "closed".into())]).await;
    }
    d.world.execute(Some(&from), Command::MergeTicket(MergeTicket { into: into.clone().into() })).await;
    d.world.patch(&gone, &[("state", "removed".into())]).await;
    let done = d.write("anna", &anew, "It is back.").await.expect("it is written");
    let Some(Remark::NewTicket(new)) = done.notice else { panic!("{:?}", done.notice) };
    assert_eq!((d.related(&new).await, d.last(&new).await.body.as_str()), (vec![anew.clone()], "It is back."));
    assert_eq!(d.articles(&anew).await.len(), 1, "nothing was added to the closed one");
    assert_eq!(d.world.stored(&new).await.ticket.customer_user.as_deref(), Some("anna"));
    assert_eq!(d.write("anna", &shut, "Hello?").await.expect("it is written").notice, Some(Remark::Rejected));
    let articles = d.articles(&shut).await;
    assert!(articles.iter().any(|a| a.body == "Hello?" && a.rejected), "{articles:?}");
    assert!(articles.iter().any(|a| a.body == "nobody reads Hello?"), "a handler saw it: {articles:?}");
    let sent = d.answer(&shut, &["anna@example.com"]).await;
    let by_mail = mail(&format!("From: anna@example.com\nIn-Reply-To: <{}@example.org>\nSubject: x\n", sent.id), "By mail.");
    assert_eq!(d.number(&by_mail, confirmed()).await, shut);
    assert!(d.articles(&shut).await.iter().any(|a| a.body.starts_with("nobody reads By mail.")));
    assert_eq!(d.write("anna", &from, "Where am I?").await.expect("it is written").after.ticket.number.as_str(), into);
    assert_eq!(d.last(&into).await.body, "Where am I?");
    assert_eq!(d.write("anna", &gone, "And I?").await.err(), Some(Error::Rejected(Rejection::NotFound)));
    assert_eq!(d.write("ben", &from, "May I?").await.err(), Some(Error::Rejected(Rejection::NotFound)), "another's");
    d.sound().await;
}

/// Anybody can add a line with recipients above a signed mail: these recipients take no part, and no answer is suggested to them.
#[tokio::test(flavor = "multi_thread")]
async fn recipients_that_no_signature_covers_are_nobodys_word() {
    let d = desk("senders_unsigned").await;
    let proved =
        |unsigned: &[&str]| Some(Auth { unsigned: unsigned.iter().map(|n| (*n).to_owned()).collect(), ..confirmed().expect("a proof") });
    let raw = |subject: &str| mail(&format!("Cc: third@else.example\nFrom: anna@example.com\nSubject: {subject}\n"), subject);
    for (subject, auth, takes_part) in [("covered", proved(&[]), true), ("added", proved(&["cc"]), false)] {
        let number = d.number(&raw(subject), auth).await;
        let snapshot = d.world.stored(&number).await;
        let is_there = snapshot.participants.iter().any(|p| p.is("third@else.example"));
        assert_eq!(is_there, takes_part, "{subject}");
        let model = d.world.desk.model();
        let people = d.world.desk.people();
        let suggested = vorgang_core::recipients::suggest(&model.names, &people, &snapshot, &d.articles(&number).await);
        assert_eq!(suggested.to.iter().chain(&suggested.cc).any(|a| a.is("third@else.example")), takes_part, "{subject}");
    }
}
