//! Mailboxes behind POP3, and servers that give tokens instead of passwords: others that break off, forget and refuse.

mod common;

use common::post::{Fetching, listen};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

const SITE: &str = r#"
- { kind: Site, name: desk, language: 1, languages: en, zone: Europe/Berlin, title: Desk }
- { kind: State, name: new, type: new }
- { kind: Priority, name: normal, level: 3 }
- { kind: Queue, name: desk }
- { kind: Role, name: clerk, queues: { desk: [rw] } }
- { kind: TicketType, name: case, states: [new] }
- { kind: MailAccount, name: box, address: box@example.org, queue: desk, type: case, %MORE% }
"#;

fn mail(n: usize) -> String {
    format!("From: a{n}@client.example\r\nTo: box@example.org\r\nSubject: Mail {n}\r\n\r\nNumber {n}.\r\n..two points\r\n")
}

/// A mailbox, what it lets in, and in which connections it breaks off.
#[derive(Default)]
struct Mailbox {
    mails: Mutex<BTreeMap<usize, String>>,
    /// `USER` and `PASS` if not given.
    token: Mutex<Option<String>>,
    connections: AtomicUsize,
    breaks: Mutex<BTreeMap<usize, Break>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Break {
    /// In the middle of a mail.
    InMail,
    /// Asked to end, it removes what was marked, and says nothing.
    AfterQuit,
    /// Asked to end, it goes, and has removed nothing.
    BeforeQuit,
    /// A list that has no numbers.
    List,
}

async fn pop3(mailbox: Arc<Mailbox>) -> u16 {
    listen(move |stream| {
        let number = mailbox.connections.fetch_add(1, Ordering::SeqCst);
        let wrong = mailbox.breaks.lock().expect("what goes wrong").get(&number).copied();
        serve(mailbox.clone(), stream, wrong)
    })
    .await
}

async fn serve(mailbox: Arc<Mailbox>, stream: TcpStream, wrong: Option<Break>) -> Option<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    write.write_all(b"+OK here\r\n").await.ok()?;
    let mails: Vec<(usize, String)> = mailbox.mails.lock().expect("the mails").iter().map(|(n, m)| (*n, m.clone())).collect();
    let mut deleted = BTreeSet::new();
    loop {
        let mut line = String::new();
        if read.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let (verb, rest) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
        let number = rest.parse::<usize>().unwrap_or(0);
        let token = mailbox.token.lock().expect("the token").clone();
        let out = match verb {
            "USER" | "PASS" if token.is_some() => "-ERR a token is needed\r\n".into(),
            "AUTH" => {
                use base64::Engine;
                let word = base64::engine::general_purpose::STANDARD.decode(rest.trim_start_matches("XOAUTH2 ")).unwrap_or_default();
                let wanted = format!("user=box\x01auth=Bearer {}\x01\x01", token.unwrap_or_default());
                if word == wanted.as_bytes() { "+OK\r\n".to_owned() } else { "-ERR this is no token of ours\r\n".into() }
            }
            "UIDL" if wrong == Some(Break::List) => "+OK\r\none two\r\n.\r\n".into(),
            "UIDL" => {
                let list: String = mails.iter().enumerate().map(|(at, (n, _))| format!("{} id{n}\r\n", at + 1)).collect();
                format!("+OK\r\n{list}.\r\n")
            }
            "RETR" => {
                let mail = mails.get(number.wrapping_sub(1))?.1.replace("\r\n.", "\r\n..");
                if wrong == Some(Break::InMail) && number == 4 {
                    let _ = write.write_all(format!("+OK\r\n{}", &mail[..30]).as_bytes()).await;
                    return None;
                }
                format!("+OK\r\n{mail}.\r\n")
            }
            "DELE" => {
                deleted.insert(mails.get(number.wrapping_sub(1))?.0);
                "+OK\r\n".into()
            }
            "QUIT" if wrong == Some(Break::BeforeQuit) => return None,
            "QUIT" => {
                mailbox.mails.lock().expect("the mails").retain(|n, _| !deleted.contains(n));
                if wrong == Some(Break::AfterQuit) {
                    return None;
                }
                "+OK\r\n".into()
            }
            _ => "+OK\r\n".into(),
        };
        write.write_all(out.as_bytes()).await.ok()?;
    }
}

/// A desk whose account is this one.
async fn place(name: &str, more: &str, secret: &str) -> Fetching {
    Fetching::new(name, &SITE.replace("%MORE%", more), secret).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_of_pop3_loses_nothing() {
    const MAILS: usize = 1_203;
    let mailbox = Arc::new(Mailbox::default());
    mailbox.mails.lock().expect("the mails").extend((0..MAILS).map(|n| (n, mail(n))));
    let troubles = [Break::List, Break::InMail, Break::BeforeQuit, Break::AfterQuit];
    mailbox.breaks.lock().expect("what goes wrong").extend(troubles.into_iter().enumerate());
    let port = pop3(mailbox.clone()).await;
    let p = place("pop3_empty", &format!("receive: \"pop3+plain://box@127.0.0.1:{port}\""), "secret").await;
    for _ in troubles {
        assert!(p.fetch().await.is_err());
        let left = mailbox.mails.lock().expect("the mails").len() as u64;
        assert!(p.tickets().await + left >= MAILS as u64, "nothing was taken away before it was safe");
    }
    p.fetch().await.expect("it ends well");
    assert_eq!((p.tickets().await, mailbox.mails.lock().expect("the mails").len()), (MAILS as u64, 0));
    p.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_of_pop3_can_keep_its_mail() {
    let mailbox = Arc::new(Mailbox::default());
    mailbox.mails.lock().expect("the mails").extend((0..700).map(|n| (n, mail(n))));
    let port = pop3(mailbox.clone()).await;
    let p = place("pop3_keep", &format!("keep: true, receive: \"pop3+plain://box@127.0.0.1:{port}\""), "secret").await;
    for more in [0, 30] {
        mailbox.mails.lock().expect("the mails").extend((700..700 + more).map(|n| (n, mail(n))));
        p.fetch().await.expect("it ends well");
        let there = mailbox.mails.lock().expect("the mails").len();
        assert_eq!((p.tickets().await, there), (700 + more as u64, 700 + more));
    }
    assert_eq!(p.state().await.taken, 730, "none was fetched twice");
    p.close().await;
}

/// Who gives tokens: the answers in their order, and what was asked.
async fn tokens(answers: &'static [&'static str]) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let all = asked.clone();
    tokio::spawn(async move {
        for answer in answers {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            let mut request = vec![];
            loop {
                let mut piece = [0; 4_096];
                let read = stream.read(&mut piece).await.unwrap_or(0);
                request.extend(&piece[..read]);
                let text = String::from_utf8_lossy(&request).into_owned();
                let length = text.split("Content-Length: ").nth(1).and_then(|l| l.split("\r\n").next()?.parse::<usize>().ok());
                let body = text.split_once("\r\n\r\n").map_or(0, |(_, b)| b.len());
                if read == 0 || length == Some(body) {
                    break;
                }
            }
            let text = String::from_utf8_lossy(&request).into_owned();
            all.lock().expect("what was asked").push(text.split_once("\r\n\r\n").map_or(String::new(), |(_, b)| b.to_owned()));
            let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{answer}").as_bytes()).await;
        }
    });
    (port, asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_had_renewed_and_their_end_is_said() {
    let (port, asked) = tokens(&[
        r#"{"access_token":"t1","expires_in":3600,"refresh_token":"r2","refresh_token_expires_in":86400}"#,
        r#"{"access_token":"t2","expires_in":3600}"#,
        "<html>down for maintenance</html>",
        r#"{"error":"invalid_grant","error_description":"it was taken back"}"#,
    ])
    .await;
    let mailbox = Arc::new(Mailbox::default());
    mailbox.mails.lock().expect("the mails").insert(1, mail(1));
    *mailbox.token.lock().expect("the token") = Some("t1".into());
    let pop = pop3(mailbox.clone()).await;
    let more = format!(
        "receive: \"pop3+plain://box@127.0.0.1:{pop}\", oauth: {{ provider: own, client: desk, scope: mail, token_url: \"http://127.0.0.1:{port}/token\" }}"
    );
    let p = place("oauth", &more, r#"{"refresh_token":"r1","client_secret":"s&c"}"#).await;
    p.fetch().await.expect("it is let in");
    p.fetch().await.expect("with the same token");
    assert_eq!(asked.lock().expect("asked").len(), 1, "a token is kept");
    let state = p.state().await;
    assert_eq!(state.refresh.as_deref(), Some("r2"));
    assert!(state.ends.is_some_and(|e| e > p.w.desk.clock.now()), "the end of the refresh token is known: {state:?}");
    // The server takes the token no more: the next one is asked for, with the newer refresh token.
    *mailbox.token.lock().expect("the token") = Some("t2".into());
    mailbox.mails.lock().expect("the mails").insert(2, mail(2));
    assert!(p.fetch().await.is_err());
    p.fetch().await.expect("with a new token");
    assert_eq!(p.tickets().await, 2);
    let said = asked.lock().expect("asked").clone();
    assert_eq!(said[0], "grant_type=refresh_token&client_id=desk&refresh_token=r1&client_secret=s%26c&scope=mail");
    assert!(said[1].contains("refresh_token=r2"), "{said:?}");
    // It gives none: that is said, and no secret with it.
    *mailbox.token.lock().expect("the token") = Some("t3".into());
    assert!(p.fetch().await.is_err());
    for expected in ["cannot be read", "sign in again"] {
        let said = p.fetch().await.expect_err("no token");
        assert!(said.contains(expected) && !said.contains("r2") && !said.contains("s&c"), "{said}");
    }
    p.close().await;
}
