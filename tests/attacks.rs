//! What ticket systems fell to by mail, each under its id and its advisory. What is about HTML stands in `tests/browser`, what is
//! about servers' certificates in `transport/tests/smtp.rs`, the rest of the story in `tests/mail.rs`.

mod common;

use common::maildesk::{MailDesk, confirmed, person};
use jiff::SignedDuration;
use std::collections::BTreeSet;
use std::time::Instant;
use vorgang_core::commands::{AddArticle, ArticleInput, Command};
use vorgang_core::ids::ArticleId;
use vorgang_core::mail::{Address, MailInput};
use vorgang_core::people::PersonKind;
use vorgang_runtime::intake::Outcome;
use vorgang_runtime::outbox::Mail;
use vorgang_store::inbox::InboxState;

const SITE: &str = r#"
- { kind: Site, name: desk, language: 1, languages: en, zone: Europe/Berlin, title: Help desk }
- { kind: State, name: new, type: new }
- { kind: State, name: closed, type: closed }
- { kind: Priority, name: normal, level: 3 }
- { kind: Queue, name: desk }
- { kind: Role, name: clerk, queues: { desk: [rw] } }
- { kind: TicketType, name: case, states: [new, closed] }
- { kind: MailAccount, name: support, address: support@example.org, queue: desk, type: case }
- { kind: MailFilter, name: costly, when: 'mail.body.matches("(a+)+$")', set: { priority: normal } }
- { kind: AutoResponse, name: received, on: reply, subject: "We have it", body: "It is {{ticket.number}}." }
- { kind: AutoResponse, name: more, on: follow_up, subject: "We have it too", body: "It is {{ticket.number}}." }
- { kind: Notification, name: told, on: article.created, to: { role: clerk }, by: mail, subject: "{{ticket.title}}", body: "{{article.body}}" }
"#;

/// The desk of these tests, with their people.
async fn desk(name: &str) -> MailDesk {
    let people = [person("anna", PersonKind::Customer, None, &[]), person("tina", PersonKind::Agent, None, &["clerk"])];
    MailDesk::new(name, SITE, &people).await
}

fn mail(from: &str, subject: &str, more: &str, body: &str) -> String {
    format!("From: {from}\nTo: support@example.org\nSubject: {subject}\n{more}\n{body}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn g01_cve_2012_4730_line_breaks_make_no_headers() {
    let d = desk("g01").await;
    // What comes in encoded is a line break only once it is decoded.
    let number = d
        .number(
            &mail(
                "=?utf-8?Q?Anna=0D=0ABcc:_all@evil.example?= <anna@example.org>",
                "=?utf-8?Q?Hello=0D=0ABcc:_all@evil.example?=",
                "",
                "x",
            ),
            None,
        )
        .await;
    let title = d.world.stored(&number).await.ticket.title.clone();
    assert!(!title.contains(['\r', '\n']), "{title:?}");
    let answer = ArticleInput {
        subject: "Re: x\r\nBcc: all@evil.example".into(),
        body: "x".into(),
        mail: Some(MailInput { to: vec![Address::new("", "anna@example.org")], cc: vec![] }),
        ..ArticleInput::default()
    };
    d.world.execute(Some(&number), Command::AddArticle(AddArticle { article: answer.clone() })).await;
    d.world.advance(SignedDuration::from_secs(11));
    for sent in d.out().await {
        let lines = [&sent.subject].into_iter().chain(sent.to.iter().flat_map(|a| [&a.name, &a.address])).chain(&sent.references);
        assert!(lines.clone().all(|l| !l.contains(['\r', '\n', '\0'])), "{sent:?}");
    }
    // Addresses that carry one are refused.
    for (name, address) in [
        ("x\r\nBcc: y", "a@b.example"),
        ("", "a@b.example\r\nBcc: c@d.example"),
        ("", "a b@c.example"),
        ("", "nobody"),
        ("", "a@b@c.example"),
    ] {
        let wrong = ArticleInput { mail: Some(MailInput { to: vec![Address::new(name, address)], cc: vec![] }), ..answer.clone() };
        let request = vorgang_runtime::Request {
            actor: &d.world.otto,
            ticket: Some(&number),
            command: Command::AddArticle(AddArticle { article: wrong }),
            cause: "test",
            at: None,
        };
        assert!(d.world.desk.execute(request).await.is_err(), "{name:?} {address:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g04_ticket_trick_nobody_reads_a_mail_that_a_third_party_sent_to_the_ticket() {
    let d = desk("g04").await;
    let number = d.number(&mail("anna@example.org", "Hello", "", "x"), None).await;
    let token = d.out().await.into_iter().find(|m| m.origin == vorgang_runtime::outbox::Origin::Replied).expect("a response").subject;
    // The customer has another service confirm an address "of" the desk: the mail comes from that service.
    d.take(&mail("no-reply@service.example", &format!("{token} Your code is 4711"), "", "Code 4711"), &[], confirmed()).await;
    let anna = d.world.desk.people().get("anna").cloned().expect("anna");
    let view = d.world.desk.ticket_view(&anna, &number).await.expect("her ticket");
    assert!(view.articles.iter().all(|a| !a.body.contains("4711")), "she reads the code");
    let hers = d.world.desk.tickets(&anna, &vorgang_core::filter::Filter::All, Default::default(), 50, None).await.expect("her tickets");
    assert_eq!(hers.items.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn g06_g07_guessed_numbers_lead_nowhere_and_tell_nothing() {
    let d = desk("g07").await;
    let number = d.number(&mail("anna@example.org", "Hello", "", "x"), None).await;
    d.out().await;
    let mut answers = BTreeSet::new();
    for n in 0..200 {
        let guessed = if n == 100 { number.clone() } else { format!("20260{n:05}") };
        let outcome = d.take(&mail("x@else.example", &format!("Re: [#{guessed}]"), "", &format!("Number {n}")), &[], confirmed()).await;
        let Outcome::Taken { number: own, new: true } = outcome else { panic!("{outcome:?}") };
        answers.extend(
            d.out()
                .await
                .into_iter()
                .filter(|m| m.to[0].address == "x@else.example")
                .map(|m| (m.subject.replace(&*own, "N").split('[').next().unwrap_or_default().to_owned(), m.body.replace(&*own, "N"))),
        );
    }
    assert_eq!(answers.len(), 1, "one answer for all: {answers:?}");
    assert_eq!(d.world.stored(&number).await.version, 1, "nothing was added");
}

#[tokio::test(flavor = "multi_thread")]
async fn g08_relay_spam_no_text_of_the_sender_goes_to_a_victim_and_no_more_than_a_few_mails() {
    let d = desk("g08").await;
    for n in 0..60 {
        d.take(&mail("Victim <victim@else.example>", "BUY NOW", "", &format!("Spam {n}")), &[], None).await;
        d.take(&mail("anna@example.org", "BUY NOW", "", &format!("Spam {n}")), &[], None).await;
    }
    let out: Vec<Mail> = d.out().await.into_iter().filter(|m| m.to[0].address != "tina@example.org").collect();
    assert!(out.iter().all(|m| m.to[0].address == "anna@example.org"), "strangers whom nobody stands for get nothing");
    assert_eq!(out.len(), 10, "and those who are known a few");
    assert!(out.iter().all(|m| !m.subject.contains("BUY") && !m.body.contains("Spam")), "with nothing of the sender's");
}

#[tokio::test(flavor = "multi_thread")]
async fn g10_two_desks_fall_silent_after_one_round() {
    let (a, b) = (desk("g10a").await, desk("g10b").await);
    let as_raw = |m: &Mail, from: &str, to: &str| {
        let auto = if m.origin == vorgang_runtime::outbox::Origin::Replied { "Auto-Submitted: auto-replied\n" } else { "" };
        let references: String = m.references.last().map_or(String::new(), |r| format!("In-Reply-To: <{r}>\n"));
        format!("From: {from}\nTo: {to}\nSubject: {}\nMessage-ID: <{}@desk.example>\n{references}{auto}\n{}\n", m.subject, m.id, m.body)
    };
    a.take(&mail("support@b.example", "Hello", "Message-ID: <1@b.example>\n", "x"), &[], confirmed()).await;
    let mut rounds = 0;
    let mut mails: Vec<Mail> = a.out().await.into_iter().filter(|m| m.to[0].address == "support@b.example").collect();
    while !mails.is_empty() && rounds < 10 {
        rounds += 1;
        for m in &mails {
            b.take(&as_raw(m, "support@a.example", "support@example.org"), &[], confirmed()).await;
        }
        let back: Vec<Mail> = b.out().await.into_iter().filter(|m| m.to[0].address == "support@a.example").collect();
        for m in &back {
            a.take(&as_raw(m, "support@b.example", "support@example.org"), &[], confirmed()).await;
        }
        mails = a.out().await.into_iter().filter(|m| m.to[0].address == "support@b.example").collect();
    }
    assert_eq!(rounds, 1, "one answer, and silence");
}

#[tokio::test(flavor = "multi_thread")]
async fn g14_cve_2020_1775_hidden_recipients_stay_hidden() {
    let d = desk("g14").await;
    let number = d.number(&mail("anna@example.org", "Hello", "Bcc: secret@else.example\n", "x"), None).await;
    let anna = d.world.desk.people().get("anna").cloned().expect("anna");
    for person in [&anna, &d.world.otto] {
        let view = d.world.desk.ticket_view(person, &number).await.expect("the ticket");
        assert!(!format!("{:?}", view.articles).contains("secret@else.example"));
        assert!(!format!("{:?}", view.snapshot.participants).contains("secret@else.example"));
    }
    assert!(d.out().await.iter().all(|m| !format!("{m:?}").contains("secret@else.example")));
}

#[tokio::test(flavor = "multi_thread")]
async fn g15_cve_2026_100389_names_of_files_are_data() {
    let d = desk("g15").await;
    for (given, wanted) in [
        ("shell.php", "shell.php"),
        ("..\\\\..\\\\x.bat", "x.bat"),
        ("../../../../etc/passwd", "passwd"),
        ("C:\\\\Windows\\\\x.dll", "x.dll"),
        (".htaccess", "htaccess"),
        ("a\u{202e}fdp.exe", "afdp.exe"),
        ("=?utf-8?Q?a=0D=0Ab=00.txt?=", "a  b .txt"),
    ] {
        let raw = mail(
            "anna@example.org",
            "File",
            "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n",
            &format!("--b\nContent-Type: application/x-php\nContent-Disposition: attachment; filename=\"{given}\"\n\n<?php {given}\n--b--"),
        );
        let number = d.number(&raw, None).await;
        let id = d.world.stored(&number).await.ticket.id;
        let files = d.world.desk.store.article_list(id).await.expect("articles").remove(0).attachments;
        assert_eq!(files[0].name, wanted, "{given}");
        assert_eq!(files[0].blob.len(), 64, "it lies under its hash");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g17_duplicates_are_one_and_others_with_the_same_id_are_not() {
    let d = desk("g17").await;
    let same = |body: &str| mail("anna@example.org", "Same", "Message-ID: <same@client.example>\n", body);
    let none = |body: &str| mail("anna@example.org", "None", "", body);
    for raw in [same("one"), same("one"), same("two"), none("one"), none("one"), none("two")] {
        d.take(&raw, &[], None).await;
    }
    assert_eq!(d.world.desk.store.inbox_count(InboxState::Taken).await.expect("a count"), 4);
    assert_eq!(d.tickets().await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn h01_h02_signed_and_encrypted_mails_are_kept_whole_and_marked_as_nothing() {
    let d = desk("h01").await;
    let signed =
        "MIME-Version: 1.0\nContent-Type: multipart/signed; micalg=pgp-sha256; protocol=\"application/pgp-signature\"; boundary=s\n";
    let body = "--s\nContent-Type: text/plain\n\nPay 100  \n--s\nContent-Type: application/pgp-signature; name=\"x.asc\"\n\n-----BEGIN PGP SIGNATURE-----\nAAAA\n-----END PGP SIGNATURE-----\n--s--\nPay 999";
    let raw = mail("anna@example.org", "Signed", signed, body);
    let number = d.number(&raw.clone(), None).await;
    let letter = d.world.desk.letter(&d.world.otto, &number, ArticleId(1)).await.expect("its bytes");
    assert_eq!(letter, raw.replace('\n', "\r\n").as_bytes(), "the signed bytes are those that came");
    let article = d.world.desk.ticket_view(&d.world.otto, &number).await.expect("the ticket").articles.remove(0);
    assert_eq!((article.body.as_str(), article.attachments.len()), ("Pay 100", 1), "what stands outside is not shown as inside");
    assert!(!article.head.expect("a head").auth.expect("results").is_good(), "a signature that nobody looked at says nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn h11_cve_2021_36093_h12_cve_2021_21439_no_mail_takes_long() {
    let d = desk("h11").await;
    let begun = Instant::now();
    let long: &[(&str, String)] = &[
        ("a regular expression", mail("anna@example.org", "x", "", &"a".repeat(200_000))),
        ("an address of a page", mail("anna@example.org", "x", "", &format!("https://a.example/{}", "%41".repeat(500_000)))),
        ("Word", mail("anna@example.org", "x", "Content-Type: text/html\n", &"<o:p>&nbsp;</o:p>".repeat(100_000))),
        ("deep", mail("anna@example.org", "x", "Content-Type: text/html\n", &"<div>".repeat(200_000))),
        ("formats", mail("anna@example.org", "x", "Content-Type: text/html\n", &"<b><i><font color=red>x".repeat(20_000))),
        ("addresses", mail("anna@example.org", "x", &format!("Cc: {}\n", "(((".repeat(30_000)), "x")),
        ("words", mail("anna@example.org", &"=?utf-8?Q?a?= ".repeat(5_000), "", "x")),
    ];
    for (what, raw) in long {
        let one = Instant::now();
        let number = d.number(&raw.clone(), None).await;
        let _ = vorgang_mail::shown(raw.as_bytes());
        let view = d.world.desk.ticket_view(&d.world.otto, &number).await.expect("the ticket");
        assert!(view.articles[0].body.len() < 300_000, "{what}");
        println!("{what}: {:?}", one.elapsed());
    }
    // Without optimisation, and on a machine that others use: a hang is far beyond.
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn h14_h15_what_is_packed_is_not_unpacked() {
    let d = desk("h15").await;
    let number = d
        .number(
            &mail(
                "anna@example.org",
                "Packed",
                "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n",
                "--b\nContent-Type: application/zip; name=42.zip\nContent-Transfer-Encoding: base64\n\nUEsDBBQAAAAIAA==\n--b\n\
             Content-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\neJ8+IgEAAgKQBv////8AAA==\n--b--",
            ),
            None,
        )
        .await;
    let id = d.world.stored(&number).await.ticket.id;
    let files = d.world.desk.store.article_list(id).await.expect("articles").remove(0).attachments;
    let names: Vec<&str> = files.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["42.zip", "winmail.dat"], "as they came");
}
