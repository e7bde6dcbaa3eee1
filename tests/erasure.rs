//! Content that is removed for good: gone wherever the desk has put it, and the history says so.

mod common;

use common::post::Post;
use common::world::{World, world};
use std::sync::Arc;
use vorgang_core::attachment::{Attachment, Blob};
use vorgang_core::commands::{AddArticle, ArticleInput, Command};
use vorgang_core::ids::ArticleId;
use vorgang_core::mail::{Address, Auth, MailInput, Outcome as Result_};
use vorgang_core::people::{Person, PersonKind};
use vorgang_core::rejection::{Rejection, RightReason};
use vorgang_runtime::intake::Outcome;
use vorgang_runtime::intake::incoming::{Incoming, Raw};
use vorgang_runtime::outbox::{Links, Mailer, deliver_due};
use vorgang_runtime::{Error, audit, security};
use vorgang_store::deliveries::DeliveryState;
use vorgang_store::words::query;

const SITE: &str = r#"
- { kind: Site, name: desk, language: 1, languages: en, zone: Europe/Berlin, title: Help desk }
- { kind: State, name: new, type: new }
- { kind: Priority, name: normal, level: 3 }
- { kind: Queue, name: desk }
- { kind: Role, name: clerk, queues: { desk: [rw] } }
- { kind: Role, name: admin, admin: true, queues: { desk: [rw] } }
- { kind: TicketType, name: case, states: [new] }
- { kind: MailAccount, name: support, address: support@example.org, queue: desk, type: case }
- { kind: Notification, name: told, on: article.created, to: { role: clerk }, by: [portal, mail], subject: "{{ticket.title}}", body: "{{article.body}}" }
- { kind: Handler, name: fails, on: article.created, when: 'int(article.body.extract("([0-9]+)")) > 0 && ticket.title == "never"', do: [ { note: x } ] }
"#;

const SECRET: &str = "the password is zaphod42";

fn person(login: &str, roles: &[&str]) -> Person {
    Person {
        login: login.into(),
        name: login.into(),
        email: format!("{login}@example.com"),
        kind: if roles.is_empty() { PersonKind::Customer } else { PersonKind::Agent },
        company: None,
        language: "en".into(),
        roles: roles.iter().map(|r| (*r).to_owned()).collect(),
        active: true,
        settings: Default::default(),
    }
}

/// A ticket of which the first message is a mail with the secret in text, HTML and a file.
async fn prepared(name: &str) -> (World, String) {
    let w = world(name, SITE).await;
    w.desk.people_save(&[person("anna", &[]), person("tina", &["clerk"])]).await.expect("people");
    let long = SECRET.repeat(3_000);
    let raw = format!(
        "From: anna@example.com\r\nTo: support@example.org\r\nSubject: About the secret\r\nMessage-ID: <1@example.com>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n{SECRET}\r\n--b\r\nContent-Type: \
         application/pdf; name=secret.pdf\r\nContent-Disposition: attachment\r\n\r\n{long}\r\n--b--\r\n"
    );
    let auth = Some(Auth { dmarc: Result_::Pass, aligned: true, ..Auth::default() });
    let incoming = Incoming { door: "test".into(), auth, ..Incoming::default() };
    let Outcome::Taken { number, .. } = w.desk.take_mail(incoming, Raw::Memory(raw.into_bytes())).await.expect("it is taken") else {
        panic!("a ticket")
    };
    (w, number.to_string())
}

async fn sound(w: &World) {
    assert_eq!(audit::verify(&*w.desk.store).await.expect("a report").findings, Vec::<String>::new());
    assert_eq!(security::verify(&*w.desk.store).await.expect("a look").1, Vec::<String>::new());
}

/// Every text that the desk still has of the ticket.
async fn everything(w: &World, number: &str) -> String {
    let store = &w.desk.store;
    let ticket = w.stored(number).await;
    let id = ticket.ticket.id;
    let mut all = format!("{ticket:?} {:?}", store.article_list(id).await.expect("articles"));
    all.push_str(&format!("{:?}", store.history_list(id, 0, 1_000).await.expect("the history")));
    all.push_str(&format!("{:?}", store.copies(id).await.expect("copies")));
    all.push_str(&format!("{:?}", store.inbox_of(id).await.expect("the log")));
    for state in DeliveryState::ALL {
        all.push_str(&format!("{:?}", store.delivery_list(&vorgang_core::filter::Filter::All, state, 100, None).await.expect("mails")));
    }
    all.push_str(&format!("{:?}", store.notification_list("tina", 100).await.expect("notifications")));
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_gone_everywhere_and_the_history_says_so() {
    let (w, number) = prepared("erase_all").await;
    let post: Arc<dyn Mailer> = Arc::new(Post::default());
    let links = Links("https://desk.example.org".into());
    while deliver_due(&w.desk, &post, &links).await.expect("delivered") > 0 {}
    // An answer that quotes it, still waiting to go out, with a file.
    let file = (
        Attachment { name: "note.txt".into(), content_type: "text/plain".into(), size: 4, blob: "ab".repeat(32) },
        Blob { hash: "ab".repeat(32), bytes: Arc::new(b"note".to_vec()) },
    );
    let article = ArticleInput {
        subject: "Re".into(),
        body: format!("You wrote: {SECRET}."),
        visible: true,
        mail: Some(MailInput { to: vec![Address::new("", "anna@example.com")], cc: vec![] }),
        attachments: vec![file],
        ..ArticleInput::default()
    };
    w.execute(Some(&number), Command::AddArticle(AddArticle { article })).await;
    let id = w.stored(&number).await.ticket.id;
    let articles = w.desk.store.article_list(id).await.expect("articles");
    let (first, answer) = (articles[0].clone(), articles[1].clone());
    assert!(w.desk.letter_html(&w.otto, &number, first.seq).await.is_ok());
    let blobs: Vec<String> =
        first.attachments.iter().map(|a| a.blob.clone()).chain(first.head.as_ref().and_then(|h| h.raw.clone())).collect();
    let tina = w.desk.people().get("tina").cloned().expect("a person");
    let refused = w.desk.erase(&tina, &number, (first.seq, None), "x", "test").await;
    assert_eq!(refused.err(), Some(Error::Rejected(Rejection::Right(RightReason::AdminOnly))), "administrators only");
    let anna = w.desk.people().get("anna").cloned().expect("a person");
    assert!(w.desk.erase(&anna, &number, (first.seq, None), "x", "test").await.is_err());
    assert!(w.desk.erase(&w.otto, &number, (first.seq, None), " ", "test").await.is_err(), "a reason has to be given");
    assert!(w.desk.erase(&w.otto, &number, (ArticleId(99), None), "x", "test").await.is_err(), "there is no such message");
    assert!(everything(&w, &number).await.contains("zaphod42"));
    // First the original, then what quotes it: each is a decision of its own.
    w.desk.erase(&w.otto, &number, (first.seq, None), "a password", "test").await.expect("it is erased");
    sound(&w).await;
    let due = w.desk.store.delivery_list(&vorgang_core::filter::Filter::All, DeliveryState::Due, 100, None).await.expect("mails");
    let waits = due.iter().filter_map(|m| m.outgoing()).any(|o| o.article == Some(answer.seq) && o.body.contains("You wrote"));
    assert!(waits, "another message still goes out: {due:?}");
    w.desk.erase(&w.otto, &number, (answer.seq, None), "quotes it", "test").await.expect("it is erased");
    sound(&w).await;
    let left = everything(&w, &number).await;
    assert!(!left.contains("zaphod42"), "{left}");
    assert!(!left.contains("secret.pdf"), "{left}");
    for blob in &blobs {
        assert_eq!(w.desk.store.blob(blob).await.expect("a read"), None, "the content of {blob}");
    }
    assert!(w.desk.store.docs(&query("zaphod42"), true, None, 10).await.expect("a search").is_empty());
    let articles = w.desk.store.article_list(id).await.expect("articles");
    let erased = articles[0].erased.as_deref().expect("who removed it");
    assert_eq!((erased.by.as_str(), erased.reason.as_str(), articles[0].body.as_str()), ("otto", "a password", ""));
    assert!(w.desk.letter(&w.otto, &number, first.seq).await.is_err());
    assert_eq!(w.desk.store.delivery_count(DeliveryState::Due).await.expect("a count"), 0, "what had not gone out does not");
    let log = w.desk.store.security_list(None, Some(&number), 0, 10).await.expect("the log");
    assert_eq!(log.iter().map(|e| e.event.as_str()).collect::<Vec<_>>(), ["content.erased", "content.erased"]);
    // Work goes on, and what is written then is proved as before.
    w.patch(&number, &[("title", "Another title".into())]).await;
    assert_eq!(w.desk.history_view(&w.otto, &number).await.expect("the history").len() as u64, w.stored(&number).await.version);
    sound(&w).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_goes_and_the_message_stays() {
    let (w, number) = prepared("erase_file").await;
    let id = w.stored(&number).await.ticket.id;
    let first = w.desk.store.article_list(id).await.expect("articles").remove(0);
    assert!(w.desk.erase(&w.otto, &number, (first.seq, Some(7)), "x", "test").await.is_err(), "there is no such file");
    w.desk.erase(&w.otto, &number, (first.seq, Some(0)), "a report", "test").await.expect("it is erased");
    let left = w.desk.store.article_list(id).await.expect("articles").remove(0);
    assert_eq!((left.body.as_str(), left.attachments[0].name.as_str(), left.attachments[0].blob.as_str()), (SECRET, "", ""));
    assert_eq!(w.desk.store.blob(&first.attachments[0].blob).await.expect("a read"), None);
    assert!(w.desk.letter(&w.otto, &number, first.seq).await.is_err(), "the file stood in the mail as it came");
    assert!(w.desk.erase(&w.otto, &number, (first.seq, Some(0)), "again", "test").await.is_err(), "it is gone already");
    sound(&w).await;
}
