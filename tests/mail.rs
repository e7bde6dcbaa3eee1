//! The story of mail, with a clock that the test moves: what comes in, what is answered, who is believed.

mod common;

use common::maildesk::{MailDesk, confirmed, person};
use common::world::world;
use jiff::SignedDuration;
use vorgang_core::article::Sender;
use vorgang_core::commands::{AddArticle, ArticleInput, Command, MergeTicket, TakeBackMail};
use vorgang_core::ids::ArticleId;
use vorgang_core::mail::{Address, Auth, MailInput, Outcome as Result_};
use vorgang_core::people::PersonKind;
use vorgang_runtime::audit;
use vorgang_runtime::intake::Outcome;
use vorgang_runtime::intake::incoming::{Incoming, Raw};
use vorgang_runtime::outbox::Origin;
use vorgang_store::deliveries::DeliveryState;
use vorgang_store::inbox::InboxState;

const SITE: &str = r#"
- { kind: Site, name: desk, language: 1, languages: [en, de], zone: Europe/Berlin, title: Help desk }
- { kind: State, name: new, type: new }
- { kind: State, name: open, type: open }
- { kind: State, name: closed, type: closed }
- { kind: State, name: merged, type: merged }
- { kind: State, name: removed, type: removed }
- { kind: Priority, name: normal, level: 3 }
- { kind: Priority, name: high, level: 5 }
- { kind: Queue, name: desk }
- { kind: Queue, name: network, follow_up: new_ticket }
- { kind: Queue, name: legal, follow_up: reject }
- { kind: Role, name: clerk, queues: { desk: [rw], network: [rw], legal: [rw] } }
- { kind: Role, name: admin, admin: true, queues: { desk: [rw], network: [rw], legal: [rw] } }
- { kind: Field, name: order_number, type: text }
- { kind: Field, name: severity, type: choice, options: { critical: Critical, warning: Warning } }
- { kind: TicketType, name: case, fields: [ order_number, severity ], states: [new, open, closed, merged, removed] }
- { kind: MailAccount, name: support, address: Help desk <support@example.org>, aliases: [help@example.org], queue: desk, type: case }
- { kind: MailAccount, name: gateway, address: gate@example.org, queue: desk, type: case, trusted: true }
- { kind: MailFilter, name: network, when: 'mail.subject.lower().contains("wlan")', set: { queue: network } }
- { kind: MailFilter, name: orders, when: 'mail.body.matches("Order [0-9]+")', set: { order_number: '= mail.body.extract("Order ([0-9]+)")', priority: high } }
- { kind: MailFilter, name: alerts, when: 'mail.subject.extract("State: ([A-Z]+)") != ""', set: { severity: '= mail.subject.extract("State: ([A-Z]+)").lower()' } }
- { kind: MailFilter, name: adverts, when: 'mail.from.endsWith("@spam.example")', then: ignore, stop: true }
- { kind: MailFilter, name: programs, when: 'mail.attachments.exists(a, a.name.endsWith(".exe"))', then: quarantine }
- { kind: AutoResponse, name: received, on: reply, subject: "We have it", body: { en: "Dear {{customer.name}}, it is {{ticket.number}}.", de: "Es ist {{ticket.number}}." } }
- { kind: AutoResponse, name: closed, on: new_ticket, subject: "A new one", body: "It is {{ticket.number}}." }
- { kind: AutoResponse, name: refused, on: reject, queues: legal, subject: "Closed", body: "{{ticket.number}} is closed." }
- { kind: Handler, name: reopened, on: article.created, when: 'article.sender == "customer" && ticket.state == "closed"', do: [ { set: { state: open } } ] }
- { kind: Handler, name: back, on: mail.bounced, do: [ { note: "{{event.person}} cannot be reached" } ] }
"#;

/// The desk of these tests, with their people.
async fn desk(name: &str) -> MailDesk {
    desk_of(name, SITE).await
}

async fn desk_of(name: &str, site: &str) -> MailDesk {
    let people = [
        person("anna", PersonKind::Customer, Some("north"), &[]),
        person("carla", PersonKind::Customer, Some("north"), &[]),
        person("ben", PersonKind::Customer, Some("south"), &[]),
        person("tina", PersonKind::Agent, None, &["clerk"]),
    ];
    MailDesk::new(name, site, &people).await
}

fn mail(from: &str, subject: &str, more: &str, body: &str) -> String {
    format!("From: {from}\nTo: support@example.org\nSubject: {subject}\n{more}\n{body}\n")
}

/// A word that is none of the site's leaves the field as it is: the mail is taken all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_word_of_a_mail_becomes_a_choice() {
    let d = desk("mail_choice").await;
    for (id, state, severity) in [("1", "CRITICAL", Some("critical")), ("2", "PURPLE", None)] {
        let more = format!("Message-ID: <{id}@monitor.example>\n");
        let alert = mail("Anna A <anna@example.org>", &format!("db1 State: {state}"), &more, "See there.");
        let Outcome::Taken { number, new: true } = d.take(&alert, &[], None).await else { panic!("a new ticket for {state}") };
        let ticket = d.world.stored(&number).await.ticket;
        assert_eq!(ticket.fields.get("severity").and_then(|s| s.as_str()), severity, "{state}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_becomes_a_ticket_is_answered_and_goes_on_as_one_thread() {
    let d = desk("mail_story").await;
    let first = mail("Anna A <anna@example.org>", "Re: WLAN is down", "Message-ID: <1@client.example>\n", "Order 4711 as well.");
    let Outcome::Taken { number, new: true } = d.take(&first, &[], None).await else { panic!("a new ticket") };
    let ticket = d.world.stored(&number).await.ticket;
    assert_eq!((ticket.title.as_str(), ticket.queue.as_str(), ticket.priority.as_str()), ("WLAN is down", "network", "high"));
    assert_eq!((ticket.customer_user.as_deref(), ticket.customer.as_deref()), (Some("anna"), Some("north")));
    assert_eq!(ticket.fields["order_number"], "4711");
    assert_eq!(d.take(&first, &[], None).await, Outcome::Known, "the same mail is one article");
    let articles = d.articles(&number).await;
    assert_eq!((articles.len(), articles[0].sender, articles[0].author.as_str(), articles[0].visible), (1, Sender::Customer, "anna", true));
    let raw = d.world.desk.store.blob(articles[0].head.as_ref().and_then(|h| h.raw.as_ref()).expect("its bytes")).await;
    assert_eq!(raw.expect("a read").as_deref(), Some(first.replace('\n', "\r\n").as_bytes()), "byte for byte");

    let out = d.out().await;
    assert_eq!(out.len(), 1, "one response");
    assert_eq!(
        (out[0].origin, out[0].to[0].address.as_str(), &out[0].references[..]),
        (Origin::Replied, "anna@example.org", &["1@client.example".to_owned()][..])
    );
    assert_eq!(out[0].body, format!("Dear ANNA, it is {number}."));

    // The agent answers, takes it back, mends it, sends it.
    let answer = |body: &str| ArticleInput {
        subject: "Re: WLAN is down".into(),
        body: body.into(),
        mail: Some(MailInput { to: vec![Address::new("Anna A", "anna@example.org")], cc: vec![] }),
        ..ArticleInput::default()
    };
    d.world.execute(Some(&number), Command::AddArticle(AddArticle { article: answer("Pleas restart it.") })).await;
    assert!(d.out().await.is_empty(), "it waits ten seconds");
    let written = d.articles(&number).await.pop().expect("an article");
    let mail_number = written.head.as_ref().and_then(|h| h.outgoing).expect("its number");
    d.world.advance(SignedDuration::from_secs(5));
    d.world.execute(Some(&number), Command::TakeBackMail(TakeBackMail { mail: mail_number, article: written.seq })).await;
    d.world.advance(SignedDuration::from_secs(30));
    assert!(d.out().await.is_empty(), "it was taken back");
    assert!(d.articles(&number).await.iter().any(|a| a.seq == written.seq && a.withdrawn && !a.visible));
    d.world.execute(Some(&number), Command::AddArticle(AddArticle { article: answer("Please restart it.") })).await;
    d.world.advance(SignedDuration::from_secs(11));
    let out = d.out().await;
    assert_eq!((out.len(), out[0].body.as_str(), out[0].origin), (1, "Please restart it.", Origin::Person));
    assert_eq!(out[0].references, ["1@client.example"]);
    assert_eq!(out[0].from.as_ref().map(|a| a.address.as_str()), Some("support@example.org"));
    let late = Command::TakeBackMail(TakeBackMail {
        mail: d.articles(&number).await.pop().and_then(|a| a.head?.outgoing).expect("its number"),
        article: ArticleId(9),
    });
    let request = vorgang_runtime::Request { actor: &d.world.otto, ticket: Some(&number), command: late, cause: "test", at: None };
    assert!(d.world.desk.execute(request).await.is_err(), "it is too late");

    // The reply is an article of the same ticket, by the id, and by the token alone.
    let reply = mail("anna@example.org", "Re: anything", &format!("In-Reply-To: <{}@example.org>\n", out[0].id), "It works.");
    assert_eq!(d.number(&reply, None).await, number.as_str());
    let by_token = mail("anna@example.org", &format!("AW: {}", out[0].subject), "", "It works again.");
    assert_eq!(d.number(&by_token, None).await, number.as_str());
    let own = mail("anna@example.org", "Re: mine", "References: <1@client.example>\n", "I answer my own mail.");
    assert_eq!(d.take(&own, &[], confirmed()).await, Outcome::Taken { number: number.clone(), new: false });
    let unproved = own.replace("I answer", "Somebody answers");
    assert!(
        matches!(d.take(&unproved, &[], None).await, Outcome::Taken { new: true, .. }),
        "nobody stands for it, and the id is no secret"
    );
    let colleague = mail("carla@example.org", &out[0].subject, "", "Me too.");
    assert_eq!(d.number(&colleague, None).await, number.as_str(), "of the same company");
    d.sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_make_tickets_of_their_own() {
    let d = desk("mail_strangers").await;
    let number = d.number(&mail("anna@example.org", "Printer", "Message-ID: <1@client.example>\n", "It burns."), None).await;
    let response = d.out().await.remove(0);
    let id = d.world.stored(&number).await.ticket.id;
    for (what, from, subject, more, auth) in [
        ("a number", "x@else.example", format!("Re: [#{number}] Printer"), String::new(), None),
        ("a number, of the customer", "anna@example.org", format!("Re: [#{number}] Printer"), String::new(), None),
        ("a wrong token", "anna@example.org", format!("Re: [#{number}.aaaaaaaaaaaa]"), String::new(), None),
        ("a token that was passed on", "x@else.example", response.subject.clone(), String::new(), confirmed()),
        ("the id of a mail of ours", "ben@example.org", "Re: x".into(), format!("In-Reply-To: <{}@example.org>\n", response.id), None),
        (
            "a forged sender",
            "anna@example.org",
            response.subject.clone(),
            String::new(),
            Some(Auth { dmarc: Result_::Fail, ..Auth::default() }),
        ),
        ("an agent whom nobody stands for", "tina@example.org", response.subject.clone(), String::new(), None),
    ] {
        let outcome = d.take(&mail(from, &subject, &more, what), &[], auth).await;
        let Outcome::Taken { number: own, new: true } = outcome else { panic!("{what}: {outcome:?}") };
        let linked = d.world.desk.store.links(&vorgang_core::filter::Filter::All, id).await.expect("links");
        assert!(linked.iter().any(|(row, kind)| row.number == own && kind == "related"), "{what}: it is linked");
    }
    assert_eq!(d.articles(&number).await.len(), 1, "nothing was added");
    assert_eq!(d.world.stored(&number).await.participants.iter().map(|p| p.key()).collect::<Vec<_>>(), ["anna@example.org"]);
    // Whoever stands beside a sender whom nobody stands for gets nothing; beside one who is believed they take part.
    let beside = |n: u32| mail("anna@example.org", &response.subject, &format!("Cc: mallory{n}@else.example\n"), &format!("Copy {n}."));
    assert_eq!(d.take(&beside(1), &[], None).await, Outcome::Taken { number: number.clone().into(), new: false });
    assert_eq!(d.take(&beside(2), &[], confirmed()).await, Outcome::Taken { number: number.clone().into(), new: false });
    let participants: Vec<String> = d.world.stored(&number).await.participants.iter().map(|p| p.key()).collect();
    assert_eq!(participants, ["anna@example.org", "mallory2@else.example"]);
    assert_eq!(
        d.take(&mail("tina@example.org", &response.subject, "", "A note."), &[], confirmed()).await,
        Outcome::Taken { number: number.clone().into(), new: false }
    );
    assert!(d.articles(&number).await.last().is_some_and(|a| a.sender == Sender::Agent && !a.visible), "agents write notes");
    d.sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_are_never_answered_and_nobody_often() {
    let d = desk("mail_machines").await;
    for header in [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated",
        "Precedence: bulk",
        "Precedence: list",
        "List-Id: <x.example>",
        "X-Auto-Response-Suppress: OOF",
        "Return-Path: <>",
        "X-Loop: x",
    ] {
        let outcome = d.take(&mail("anna@example.org", header, &format!("{header}\n"), header), &[], confirmed()).await;
        assert!(matches!(outcome, Outcome::Taken { new: true, .. }), "{header}: {outcome:?}");
        assert!(d.out().await.is_empty(), "{header} is answered");
    }
    for (from, auth) in [
        ("noreply@example.com", confirmed()),
        ("MAILER-DAEMON@example.com", confirmed()),
        ("x@else.example", None),
        ("support@example.org", confirmed()),
        ("anna@example.org", Some(Auth { dmarc: Result_::Fail, ..Auth::default() })),
    ] {
        d.take(&mail(from, "Hello", "", &format!("{from} {auth:?}")), &[], auth).await;
        assert!(d.out().await.is_empty(), "{from} is answered");
    }
    for n in 0..30 {
        d.take(&mail("anna@example.org", "Again", "", &format!("Number {n}.")), &[], confirmed()).await;
    }
    assert_eq!(d.out().await.len(), 10, "so many in a day");
    d.world.advance(SignedDuration::from_hours(24));
    d.take(&mail("anna@example.org", "Again", "", "Tomorrow."), &[], confirmed()).await;
    assert_eq!(d.out().await.len(), 1);
    // Two desks that answer by themselves fall silent after one round.
    let response = d.post.0.lock().expect("the mails").clone();
    assert!(response.is_empty());
    d.sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_closed_removed_or_merged_says_so() {
    let d = desk("mail_closed").await;
    let open = |subject: &'static str, id: &'static str| {
        mail("anna@example.org", subject, &format!("Message-ID: <{id}@client.example>\n"), "Hello.")
    };
    let desk_one = d.number(&open("Plain", "a"), None).await;
    let network = d.number(&open("WLAN", "b"), None).await;
    let legal = d.number(&open("Contract", "c"), None).await;
    d.world.patch(&legal, &[("queue", "legal".into())]).await;
    let gone = d.number(&open("Gone", "d"), None).await;
    let into = d.number(&open("Into", "e"), None).await;
    d.out().await;
    for number in [&desk_one, &network, &legal] {
        d.world.patch(number, &[("state", "closed".into())]).await;
    }
    d.world.patch(&gone, &[("state", "removed".into())]).await;
    let reply = |id: &str, text: &str| mail("anna@example.org", "Re: x", &format!("In-Reply-To: <{id}@client.example>\n"), text);
    assert_eq!(d.number(&reply("a", "one"), confirmed()).await, desk_one);
    assert_eq!(d.world.stored(&desk_one).await.ticket.state, "open", "the handler opens it again");
    assert_ne!(d.number(&reply("b", "two"), confirmed()).await, network);
    assert_eq!(d.out().await.iter().map(|m| m.body.contains("It is")).collect::<Vec<_>>(), [true]);
    assert_eq!(d.number(&reply("c", "three"), confirmed()).await, legal);
    assert_eq!(d.out().await.first().map(|m| m.body.clone()), Some(format!("{legal} is closed.")));
    assert_ne!(d.number(&reply("d", "four"), confirmed()).await, gone);
    let moved = d.number(&open("Moved", "f"), None).await;
    d.world.execute(Some(&moved), Command::MergeTicket(MergeTicket { into: into.clone().into() })).await;
    assert_eq!(d.number(&reply("f", "five"), confirmed()).await, into, "where it was merged into");
    d.sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bounce_finds_its_ticket_and_marks_the_address() {
    let d = desk("mail_bounce").await;
    let number = d.number(&mail("anna@example.org", "Printer", "Message-ID: <1@client.example>\n", "It burns."), None).await;
    let answer = ArticleInput {
        subject: "Re: Printer".into(),
        body: "Water.".into(),
        mail: Some(MailInput { to: vec![Address::new("", "wrong@else.example")], cc: vec![] }),
        ..ArticleInput::default()
    };
    d.world.execute(Some(&number), Command::AddArticle(AddArticle { article: answer })).await;
    d.world.advance(SignedDuration::from_secs(11));
    let sent = d.out().await.into_iter().find(|m| m.origin == Origin::Person).expect("the answer");
    let report = |id: &str| {
        format!(
            "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.org\nTo: support@example.org\nSubject: Undelivered Mail Returned to Sender\n\
             Message-ID: <{id}.report@mx.example.org>\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"B\"\n\n\
             --B\nContent-Type: text/plain\n\nSorry.\n--B\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\n\
             Final-Recipient: rfc822; wrong@else.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 no such user\n\n\
             --B\nContent-Type: message/rfc822\n\nMessage-ID: <{id}>\nSubject: Re: Printer\n\nWater.\n--B--\n"
        )
    };
    assert_eq!(d.number(&report(&format!("{}@example.org", sent.id)), None).await, number);
    let articles = d.articles(&number).await;
    assert!(articles.iter().any(|a| a.sender == Sender::System && !a.visible && a.channel == "mail"), "agents see it");
    assert!(articles.iter().any(|a| a.body == "wrong@else.example cannot be reached"), "a handler saw it");
    let bounces = d.world.desk.store.mail_bounces(&["wrong@else.example".into()]).await.expect("bounces");
    assert_eq!(bounces[0].2, "5.1.1 550 no such user");
    assert!(d.out().await.is_empty(), "nobody answers a report");
    // One about a mail that somebody made up finds nothing.
    assert_eq!(d.take(&report("1-1.aaaaaaaaaaaa.vorgang@example.org"), &[], None).await, Outcome::Ignored);
    assert_eq!(d.take(&report("1@client.example"), &[], None).await, Outcome::Ignored, "of a mail that came in");
    d.sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_waits_and_is_taken_later() {
    let d = desk("mail_quarantine").await;
    let outcome = d.take("\n \n", &[], None).await;
    assert!(matches!(&outcome, Outcome::Quarantined(why) if why.contains("empty")), "{outcome:?}");
    let program = "From: anna@example.org\nTo: support@example.org\nSubject: A program\nContent-Type: multipart/mixed; boundary=B\n\n\
        --B\n\nrun it\n--B\nContent-Type: application/octet-stream; name=\"a.exe\"\n\nMZ\n--B--\n";
    assert!(matches!(d.take(program, &[], None).await, Outcome::Quarantined(_)));
    assert_eq!(d.take(&mail("x@spam.example", "Buy", "", "Now."), &[], None).await, Outcome::Ignored);
    let store = &d.world.desk.store;
    assert_eq!(store.inbox_count(InboxState::Quarantined).await.expect("a count"), 2);
    let waiting = store.inbox_list(Some(InboxState::Quarantined), 10, None).await.expect("the list");
    let row = &waiting[0];
    assert!(row.details.reasons.iter().any(|r| r.by == "filter programs" && r.said.contains("quarantine")), "{:?}", row.details.reasons);
    assert!(matches!(d.world.desk.replay_mail(row.id).await.expect("replayed"), Outcome::Quarantined(_)), "the filter is still there");
    let without: String = SITE.lines().filter(|l| !l.contains("name: programs")).map(|l| format!("{l}\n")).collect();
    let files = [vorgang_definitions::site::SiteFile { path: "site.yaml".into(), text: without }];
    d.world.desk.apply(&files, "test").await.expect("applied");
    let tried = d.world.desk.try_mail(row.id).await.expect("tried");
    assert!(matches!(tried.verdict, Some(vorgang_core::intake::Verdict::Taken(_))), "{:?}", tried.reasons);
    let Outcome::Taken { number, new: true } = d.world.desk.replay_mail(row.id).await.expect("replayed") else { panic!("taken") };
    assert_eq!(d.articles(&number).await[0].attachments[0].name, "a.exe");
    assert!(d.world.desk.replay_mail(row.id).await.is_err(), "once");
    assert!(store.inbox_discard(waiting[1].id).await.expect("discarded"));
    assert_eq!(store.inbox_count(InboxState::Quarantined).await.expect("a count"), 0);
    d.sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_trusted_accounts_set_what_others_cannot() {
    let d = desk("mail_headers").await;
    let headers = "X-OTRS-Queue: Network\nX-OTRS-Priority: 5 high\nX-OTRS-DynamicField-OrderNumber: 99\nX-OTRS-Owner: tina\nX-OTRS-State: open\nX-OTRS-Type: nonsense\n";
    let plain = d.number(&mail("anna@example.org", "Plain", headers, "Hello."), None).await;
    let ticket = d.world.stored(&plain).await.ticket;
    assert_eq!((ticket.queue.as_str(), ticket.priority.as_str(), ticket.owner.as_deref()), ("desk", "normal", None));
    let trusted = mail("anna@example.org", "Trusted", headers, "Hello.").replace("support@", "gate@");
    // The account is trusted where the envelope names it: what only the mail's own headers say, its writer may have made up.
    let guessed = d.number(&format!("Delivered-To: gate@example.org\n{}", mail("anna@example.org", "Made up", headers, "Hi.")), None).await;
    let ticket = d.world.stored(&guessed).await.ticket;
    assert_eq!((ticket.queue.as_str(), ticket.priority.as_str(), ticket.owner.as_deref()), ("desk", "normal", None));
    let Outcome::Taken { number: trusted, .. } = d.take(&trusted, &["gate@example.org"], None).await else { panic!("it is taken") };
    let ticket = d.world.stored(&trusted).await.ticket;
    assert_eq!((ticket.queue.as_str(), ticket.priority.as_str(), ticket.owner.as_deref()), ("network", "high", Some("tina")));
    assert_eq!((ticket.fields["order_number"].as_str(), ticket.state.as_str()), (Some("99"), "open"));
    let row = d.world.desk.store.inbox_list(None, 1, None).await.expect("the log").remove(0);
    assert!(row.details.reasons.iter().any(|r| r.said == "there is no ticket type `nonsense`"), "{:?}", row.details.reasons);
    d.sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_mail_at_once_is_one_article() {
    let d = desk("mail_once").await;
    let raw = mail("anna@example.org", "Once", "", "Only.");
    let all = futures_util_join(&d, &raw).await;
    assert_eq!(all.iter().filter(|o| matches!(o, Outcome::Taken { .. })).count(), 1, "{all:?}");
    assert_eq!(all.iter().filter(|o| **o == Outcome::Known).count(), 15);
    assert_eq!(d.world.desk.store.ticket_count_all().await.expect("a count"), 1);
    // The same Message-ID with another text is another mail.
    let with = |body: &str| mail("anna@example.org", "Id", "Message-ID: <same@client.example>\n", body);
    assert!(matches!(d.take(&with("One."), &[], None).await, Outcome::Taken { new: true, .. }));
    assert!(matches!(d.take(&with("Two."), &[], None).await, Outcome::Taken { .. }));
    assert!(d.world.desk.store.delivery_count(DeliveryState::Due).await.is_ok());
    d.sound().await;
}

async fn futures_util_join(d: &MailDesk, raw: &str) -> Vec<Outcome> {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (desk, bytes) = (d.world.desk.clone(), raw.replace('\n', "\r\n").into_bytes());
        tasks.spawn(async move { desk.take_mail(Incoming { door: "test".into(), ..Incoming::default() }, Raw::Memory(bytes)).await });
    }
    tasks.join_all().await.into_iter().map(|o| o.expect("an answer")).collect()
}

/// Every mail of the collection, or of the folder `VORGANG_MAILS`, comes in, and its bytes come out as they were.
#[tokio::test(flavor = "multi_thread")]
async fn every_mail_of_the_collection_is_kept_as_it_came() {
    let folder = std::env::var_os("VORGANG_MAILS")
        .map_or_else(|| std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/mail"), Into::into);
    let mut all: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    all.retain(|p| p.extension().is_some_and(|e| e == "eml"));
    all.sort();
    if all.is_empty() {
        vorgang_testbed::skip("../shared/data/mail is not there");
        return;
    }
    let site: String = SITE.lines().filter(|l| !l.contains("name: programs")).map(|l| format!("{l}\n")).collect();
    let w = world("mail_collection", &site).await;
    for path in all {
        let raw = std::fs::read(&path).expect("a mail");
        let hash = vorgang_mail::hash(&raw);
        let incoming = Incoming { door: "test".into(), ..Incoming::default() };
        let outcome = w.desk.take_mail(incoming, Raw::Memory(raw.clone())).await.expect("it is taken");
        let read = |bytes: &[u8]| vorgang_mail::read(bytes, &hash, vorgang_mail::SIZE_MAX).expect("it is read");
        // A report on a mail that nobody here has sent stays in the log.
        let is_expected = match outcome {
            Outcome::Taken { .. } | Outcome::Known => true,
            Outcome::Ignored => {
                let row = w.desk.store.inbox_find(&hash).await.expect("the log").expect("a row");
                let is_copy = row.details.reasons.iter().any(|r| r.said.starts_with("a copy of it"));
                read(&raw).is_report() || is_copy
            }
            Outcome::Quarantined(_) => false,
        };
        // Of a folder with others' mails all are looked at.
        if std::env::var_os("VORGANG_MAILS").is_some() && !is_expected {
            println!("{}: {outcome:?}", path.display());
            continue;
        }
        assert!(is_expected, "{}: {outcome:?}", path.display());
        let row = w.desk.store.inbox_find(&hash).await.expect("the log").expect("a row");
        let out = w.desk.store.blob(&row.blob).await.expect("the bytes").expect("they are there");
        assert!(out == raw, "{}: its bytes have changed", path.display());
        assert!(read(&out) == read(&raw), "{}: it is read in another way", path.display());
    }
    assert_eq!(audit::verify(&*w.desk.store).await.expect("a report").findings, Vec::<String>::new());
}

/// Whoever answers a notification answers where the ticket is looked after.
#[tokio::test(flavor = "multi_thread")]
async fn notifications_come_from_the_account_of_the_queue() {
    let site = SITE.replace("name: network, follow_up: new_ticket", "name: network, account: gateway").replace(
        "- { kind: Handler, name: reopened",
        "- { kind: Notification, name: begun, on: ticket.created, to: customer, by: mail, subject: Begun, body: \"{{ticket.number}}\" }\n- { kind: Handler, name: reopened",
    );
    let d = desk_of("mail_notified", &site).await;
    for (subject, from) in [("WLAN is down", "gate@example.org"), ("A mouse", "support@example.org")] {
        d.number(&mail("anna@example.org", subject, "", "Please help."), None).await;
        let out = d.out().await;
        let told = out.iter().find(|m| m.subject.ends_with("Begun") || m.subject.starts_with("Begun")).expect("a notification");
        assert_eq!(told.from.as_ref().map(|f| f.address.as_str()), Some(from), "{subject}");
        assert!(told.unsubscribe.is_some() && told.origin == Origin::Generated);
    }
    d.sound().await;
}

/// The same text under the same Message-ID is a copy only where the HTML is the same too: what is shown may differ.
#[tokio::test(flavor = "multi_thread")]
async fn mails_that_differ_in_their_html_are_two() {
    let d = desk("mail_html").await;
    let raw = |link: &str, way: &str| {
        format!(
            "Received: by {way}\nFrom: anna@example.org\nTo: support@example.org\nSubject: A link\nMessage-ID: <html@x.example>\n\
             MIME-Version: 1.0\nContent-Type: text/html\n\n<p><a href=\"https://{link}.example/\">Here</a></p>\n"
        )
    };
    assert!(matches!(d.take(&raw("one", "a"), &[], None).await, Outcome::Taken { .. }));
    assert_eq!(d.take(&raw("one", "b"), &[], None).await, Outcome::Ignored, "a copy on another way");
    assert!(matches!(d.take(&raw("two", "c"), &[], None).await, Outcome::Taken { .. }));
}
