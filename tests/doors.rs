//! Doors of mail: LMTP and IMAP with others that vanish, lie, stall and repeat; each mail exactly one article, and nothing
//! taken away before it is safe.

mod common;

use common::post::{Fetching, listen};
use common::world::{World, world};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use vorgang_runtime::audit;
use vorgang_runtime::intake::Outcome;
use vorgang_runtime::intake::incoming::{Incoming, KEPT_MAX, Raw};
use vorgang_store::inbox::InboxState;
use vorgang_transport::listener::{self, Protocol};

const SITE: &str = r#"
- { kind: Site, name: desk, language: 1, languages: en, zone: Europe/Berlin, title: Desk }
- { kind: State, name: new, type: new }
- { kind: Priority, name: normal, level: 3 }
- { kind: Queue, name: desk }
- { kind: Role, name: clerk, queues: { desk: [rw] } }
- { kind: TicketType, name: case, states: [new] }
- { kind: MailAccount, name: box, address: box@example.org, queue: desk, type: case%MORE% }
"#;

fn site(more: &str) -> String {
    SITE.replace("%MORE%", more)
}

fn mail(n: usize) -> String {
    format!(
        "From: a{n}@client.example\r\nTo: box@example.org\r\nSubject: Mail {n}\r\nMessage-ID: <{n}@client.example>\r\n\r\nNumber {n}.\r\n"
    )
}

async fn tickets(w: &World) -> u64 {
    w.desk.store.ticket_count_all().await.expect("a count")
}

async fn sound(w: &World) {
    assert_eq!(audit::verify(&*w.desk.store).await.expect("a report").findings, Vec::<String>::new());
}

fn spool() -> Arc<std::path::Path> {
    std::env::temp_dir().into()
}

/// A door of LMTP, and who knocks.
async fn lmtp(w: &World, protocol: Protocol) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(listener::serve(w.desk.clone(), listener, protocol, spool()));
    address
}

struct Talk(BufReader<TcpStream>);

impl Talk {
    async fn to(address: std::net::SocketAddr) -> Self {
        let mut talk = Self(BufReader::new(TcpStream::connect(address).await.expect("a connection")));
        talk.hear().await;
        talk
    }

    async fn hear(&mut self) -> String {
        loop {
            let mut line = String::new();
            let read = tokio::time::timeout(Duration::from_secs(20), self.0.read_line(&mut line)).await.expect("an answer in time");
            if read.expect("an answer") == 0 || line.as_bytes().get(3) != Some(&b'-') {
                return line.trim_end().to_owned();
            }
        }
    }

    async fn say(&mut self, text: &str) -> String {
        self.0.write_all(format!("{text}\r\n").as_bytes()).await.expect("it is said");
        self.hear().await
    }

    async fn envelope(&mut self) {
        for line in ["LHLO mx", "MAIL FROM:<a@client.example>", "RCPT TO:<box@example.org>"] {
            assert!(self.say(line).await.starts_with("250"), "{line}");
        }
        assert!(self.say("DATA").await.starts_with("354"));
    }
}

/// Fault 44: whoever loses the connection after the dot brings the mail again.
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_brought_again_is_one_article() {
    let w = world("lmtp_again", &site("")).await;
    let address = lmtp(&w, Protocol::Lmtp).await;
    for n in 0..20 {
        let mut talk = Talk::to(address).await;
        talk.envelope().await;
        talk.0.write_all(format!("{}.\r\n", mail(n)).as_bytes()).await.expect("it is said");
        drop(talk);
        let mut talk = Talk::to(address).await;
        talk.envelope().await;
        let answer = talk.say(&format!("{}.", mail(n))).await;
        assert!(answer.starts_with("250"), "{answer}");
    }
    assert_eq!(tickets(&w).await, 20);
    // One that breaks off before the dot is none.
    let mut talk = Talk::to(address).await;
    talk.envelope().await;
    talk.0.write_all(b"From: x@client.example\r\nSubject: Half").await.expect("it is said");
    drop(talk);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(tickets(&w).await, 20);
    sound(&w).await;
}

/// Wrong words at the door, and content that tries to be two mails.
#[tokio::test(flavor = "multi_thread")]
async fn the_door_knows_its_protocol() {
    let w = world("lmtp_words", &site("")).await;
    let address = lmtp(&w, Protocol::Smtp).await;
    let mut talk = Talk::to(address).await;
    for (line, wanted) in [
        ("MAIL FROM:<a@b.example>", "503"),
        ("LHLO x", "500"),
        ("EHLO x", "250"),
        ("RCPT TO:<box@example.org>", "503"),
        ("DATA", "503"),
        ("MAIL a@b.example", "501"),
        ("MAIL FROM:<a@b.example> SIZE=999999999999", "552"),
        ("MAIL FROM:<a@b.example> SIZE=10 BODY=8BITMIME", "250"),
        ("MAIL FROM:<a@b.example>", "503"),
        ("RCPT TO:<other@example.org>", "550"),
        ("RCPT TO:<>", "501"),
        ("RCPT TO:<@relay.example:box@example.org>", "250"),
        ("NOOP", "250"),
        ("VRFY box", "252"),
        ("\0\u{1}\u{2}", "500"),
    ] {
        let answer = talk.say(line).await;
        assert!(answer.starts_with(wanted), "{line:?}: {answer}");
    }
    let long = "x".repeat(100_000);
    assert!(talk.say(&long).await.starts_with("500"));
    // A bare line feed or return is no line end: nothing smuggles a second mail behind the first.
    assert!(talk.say("DATA").await.starts_with("354"));
    let smuggled =
        "From: a@b.example\r\nSubject: One\r\n\r\nText\n.\nMAIL FROM:<evil@b.example>\r.\r\nRCPT TO:<box@example.org>\n.\r\r\nEnd";
    talk.0.write_all(format!("{smuggled}\r\n.\r\n").as_bytes()).await.expect("it is said");
    assert!(talk.hear().await.starts_with("250"));
    assert_eq!(tickets(&w).await, 1);
    let row = w.desk.store.inbox_list(None, 1, None).await.expect("the log").remove(0);
    let raw = w.desk.store.blob(&row.blob).await.expect("a read").expect("its bytes");
    assert_eq!(String::from_utf8_lossy(&raw), format!("{smuggled}\r\n"));
    assert!(talk.say("QUIT").await.starts_with("221"));
    // Dots are doubled on the way, and only there.
    let mut talk = Talk::to(address).await;
    for line in ["EHLO x", "MAIL FROM:<a@b.example>", "RCPT TO:<box@example.org>", "DATA"] {
        talk.say(line).await;
    }
    talk.0.write_all(b"Subject: Dots\r\n\r\n..\r\n...a\r\nb.\r\n.\r\n").await.expect("it is said");
    assert!(talk.hear().await.starts_with("250"));
    let row = w.desk.store.inbox_list(None, 1, None).await.expect("the log").remove(0);
    let raw = w.desk.store.blob(&row.blob).await.expect("a read").expect("its bytes");
    assert_eq!(String::from_utf8_lossy(&raw), "Subject: Dots\r\n\r\n.\r\n..a\r\nb.\r\n");
    // Whoever only talks nonsense is left.
    let mut talk = Talk::to(address).await;
    let mut last = String::new();
    for _ in 0..21 {
        last = talk.say("NONSENSE").await;
        if last.starts_with("421") {
            break;
        }
    }
    let left = talk.0.read_to_string(&mut last).await;
    assert!(left.is_ok() && last.contains("421"), "{last}");
    sound(&w).await;
}

/// Fault 45: what is too much waits, with its bytes.
#[tokio::test(flavor = "multi_thread")]
async fn mails_that_are_too_much_wait_with_their_bytes() {
    let w = world("mail_bombs", &site("")).await;
    let head = "From: a@client.example\nTo: box@example.org\nSubject: Much\n";
    let nested = {
        let mut text = head.to_owned();
        for n in 0..10_000 {
            text.push_str(&format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n"));
        }
        text
    };
    let parts = format!("{head}Content-Type: multipart/mixed; boundary=b\n\n{}--b--\n", "--b\n\nx\n".repeat(100_000));
    let headers = format!("{head}{}\nText\n", "X-Many: x\n".repeat(1_000_000));
    let line = format!("{head}X-Long: {}\n\nText\n", "x".repeat(5_000_000));
    let addresses = format!("{head}Cc: {}\n\nText\n", "a@b.example, ".repeat(200_000));
    let mut large = format!("{head}\n").into_bytes();
    large.resize(60 * 1024 * 1024, b'x');
    let many = vec![
        ("nested", nested.into_bytes()),
        ("parts", parts.into_bytes()),
        ("headers", headers.into_bytes()),
        ("line", line.into_bytes()),
        ("addresses", addresses.into_bytes()),
        ("large", large),
        ("zeros", vec![0; 1_000_000]),
        ("base64", format!("{head}Content-Transfer-Encoding: base64\n\n{}", "A".repeat(3_000_001)).into_bytes()),
        ("html", format!("{head}Content-Type: text/html\n\n{}", "<o:p>".repeat(100_000)).into_bytes()),
        ("charset", format!("{head}Content-Type: text/plain; charset=x-nonsense\n\n\u{fe}\u{ff}").into_bytes()),
    ];
    for (what, raw) in &many {
        let outcome = w.desk.take_mail(Incoming { door: "test".into(), ..Incoming::default() }, Raw::Memory(raw.clone())).await;
        let outcome = outcome.unwrap_or_else(|e| panic!("{what}: {e}"));
        let waits = matches!(outcome, Outcome::Quarantined(_));
        assert_eq!(waits, ["parts", "headers", "line", "addresses", "large", "zeros"].contains(what), "{what}: {outcome:?}");
    }
    let rows = w.desk.store.inbox_list(None, 50, None).await.expect("the log");
    for (row, (what, raw)) in rows.iter().rev().zip(&many) {
        assert_eq!(w.desk.store.blob(&row.blob).await.expect("a read").as_ref(), Some(raw), "{what}: byte for byte");
        let shown = vorgang_mail::shown(raw);
        assert!(shown.is_none_or(|s| s.len() < 4_000_000), "{what}");
    }
    sound(&w).await;
}

/// A mailbox behind a server that does what the test wants.
#[derive(Default)]
struct Mailbox {
    mails: Mutex<BTreeMap<u32, String>>,
    /// Marked, and still there.
    deleted: Mutex<BTreeSet<u32>>,
    validity: AtomicUsize,
    connections: AtomicUsize,
    fetched: AtomicUsize,
    /// What goes wrong, by the number of the connection.
    wrong: Mutex<BTreeMap<usize, Wrong>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Wrong {
    /// In the middle of a mail.
    DropInFetch,
    /// It says so, and goes.
    Bye,
    /// A mail is longer than it says.
    LiesShort,
    /// The second mail is larger than what is kept.
    Huge,
    /// Once mails are marked.
    DropInMarks,
    /// Marks are refused.
    NoFlags,
    /// One byte after the other.
    Slow,
    /// The answer to a password.
    NoLogin,
    /// Before it greets.
    DropAtOnce,
    /// A mail is gone, since somebody else has removed it.
    Expunged,
    /// More than anybody asked for.
    Unasked,
}

async fn imap(mailbox: Arc<Mailbox>) -> u16 {
    listen(move |stream| {
        let number = mailbox.connections.fetch_add(1, Ordering::SeqCst);
        let wrong = mailbox.wrong.lock().expect("what goes wrong").get(&number).copied();
        serve(mailbox.clone(), stream, wrong)
    })
    .await
}

/// A desk that fetches from this port.
async fn fetching(name: &str, port: u16) -> Fetching {
    Fetching::new(name, &site(&format!(", receive: \"imap+plain://box@127.0.0.1:{port}\"")), "secret").await
}

async fn serve(mailbox: Arc<Mailbox>, stream: TcpStream, wrong: Option<Wrong>) -> Option<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    if wrong == Some(Wrong::DropAtOnce) {
        return None;
    }
    write.write_all(b"* OK here\r\n").await.ok()?;
    loop {
        let mut line = String::new();
        if read.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        let (tag, rest) = line.split_once(' ')?;
        let upper = rest.to_ascii_uppercase();
        let mut out: Vec<u8> = vec![];
        let mut done = "OK";
        if upper.starts_with("CAPABILITY") {
            out.extend(b"* CAPABILITY IMAP4rev1 UIDPLUS AUTH=PLAIN\r\n");
        } else if upper.starts_with("AUTHENTICATE") {
            write.write_all(b"+ \r\n").await.ok()?;
            let mut word = String::new();
            read.read_line(&mut word).await.ok()?;
            done = if wrong == Some(Wrong::NoLogin) { "NO [AUTHENTICATIONFAILED]" } else { "OK" };
        } else if upper.starts_with("SELECT") {
            let count = mailbox.mails.lock().expect("the mails").len();
            let validity = mailbox.validity.load(Ordering::SeqCst);
            let next = mailbox.mails.lock().expect("the mails").keys().last().map_or(1, |last| last + 1);
            out.extend(format!("* {count} EXISTS\r\n* OK [UIDVALIDITY {validity}] valid\r\n* OK [UIDNEXT {next}] next\r\n").bytes());
        } else if upper.starts_with("UID SEARCH") {
            let (from, to) = upper.split(' ').nth(3)?.split_once(':')?;
            let (from, to): (u32, u32) = (from.parse().ok()?, to.parse().unwrap_or(u32::MAX));
            let mails = mailbox.mails.lock().expect("the mails");
            // `n:*` always has the last one.
            let last = mails.keys().last().filter(|last| to == u32::MAX && **last < from);
            let deleted = mailbox.deleted.lock().expect("the marks");
            let uids: Vec<String> =
                mails.range(from..=to).map(|(uid, _)| uid).chain(last).filter(|u| !deleted.contains(u)).map(u32::to_string).collect();
            assert!(uids.len() <= 200_000, "no line is longer than what a server can be asked for");
            drop((mails, deleted));
            out.extend(format!("* SEARCH {}\r\n", uids.join(" ")).bytes());
        } else if let Some(list) = upper.strip_prefix("UID FETCH ") {
            let uids: Vec<u32> = list.split(' ').next()?.split(',').filter_map(|n| n.parse().ok()).collect();
            for (at, uid) in uids.iter().enumerate() {
                let Some(mail) = mailbox.mails.lock().expect("the mails").get(uid).cloned() else { continue };
                if wrong == Some(Wrong::Expunged) && at == 0 {
                    mailbox.mails.lock().expect("the mails").remove(uid);
                    continue;
                }
                mailbox.fetched.fetch_add(1, Ordering::SeqCst);
                if wrong == Some(Wrong::Huge) && *uid == 2 {
                    out.extend(format!("* {} FETCH (UID {uid} BODY[] {{{}}}\r\n", at + 1, KEPT_MAX + 1).bytes());
                    write.write_all(&std::mem::take(&mut out)).await.ok()?;
                    let piece = vec![b'x'; 1024 * 1024];
                    for _ in 0..KEPT_MAX / 1024 / 1024 {
                        write.write_all(&piece).await.ok()?;
                    }
                    out.extend(b"x)\r\n");
                    continue;
                }
                let said = if wrong == Some(Wrong::LiesShort) && at == 3 { mail.len() - 10 } else { mail.len() };
                out.extend(format!("* {} FETCH (UID {uid} BODY[] {{{said}}}\r\n{mail})\r\n", at + 1).bytes());
                if wrong == Some(Wrong::Unasked) {
                    out.extend(
                        format!(
                            "* 9 EXISTS\r\n* 7 FETCH (FLAGS (\\Seen))\r\n* 8 FETCH (UID 999999 BODY[] {{{}}}\r\n{mail})\r\n",
                            mail.len()
                        )
                        .bytes(),
                    );
                }
                if wrong == Some(Wrong::DropInFetch) && at == 5 {
                    out.truncate(out.len() - 40);
                    let _ = write.write_all(&out).await;
                    return None;
                }
                if wrong == Some(Wrong::Bye) && at == 5 {
                    out.extend(b"* BYE too much\r\n");
                    let _ = write.write_all(&out).await;
                    return None;
                }
            }
        } else if let Some(list) = upper.strip_prefix("UID EXPUNGE ") {
            let mut mails = mailbox.mails.lock().expect("the mails");
            let (from, to) = list.split_once(':')?;
            let (from, to): (u32, u32) = (from.parse().ok()?, to.parse().ok()?);
            let mut deleted = mailbox.deleted.lock().expect("the marks");
            deleted.iter().filter(|u| (from..=to).contains(*u)).for_each(|uid| drop(mails.remove(uid)));
            deleted.retain(|u| !(from..=to).contains(u));
        } else if let Some(list) = upper.strip_prefix("UID STORE ") {
            if wrong == Some(Wrong::NoFlags) {
                done = "NO not here";
            } else if upper.contains("\\DELETED") {
                let uids = list.split(' ').next()?.split(',').filter_map(|n| n.parse::<u32>().ok());
                mailbox.deleted.lock().expect("the marks").extend(uids);
                if wrong == Some(Wrong::DropInMarks) {
                    return None;
                }
            }
        }
        out.extend(format!("{tag} {done} done\r\n").bytes());
        if wrong == Some(Wrong::Slow) {
            for byte in out {
                write.write_all(&[byte]).await.ok()?;
            }
        } else {
            write.write_all(&out).await.ok()?;
        }
    }
}

/// Fault 43. Each kind of trouble comes in a connection of its own, one after the other; what is left comes again.
#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_behind_a_server_that_fails_loses_nothing() {
    const MAILS: usize = 300;
    let mailbox = Arc::new(Mailbox::default());
    mailbox.mails.lock().expect("the mails").extend((1..=MAILS).map(|n| (n as u32, mail(n))));
    mailbox.validity.store(7, Ordering::SeqCst);
    let troubles =
        [Wrong::DropAtOnce, Wrong::NoLogin, Wrong::DropInFetch, Wrong::Bye, Wrong::LiesShort, Wrong::DropInMarks, Wrong::Unasked];
    mailbox.wrong.lock().expect("what goes wrong").extend(troubles.into_iter().enumerate());
    let port = imap(mailbox.clone()).await;
    let p = fetching("imap_faults", port).await;
    // One connection after the other, without the waits between them.
    for trouble in troubles {
        let ended = p.fetch().await;
        assert!(ended.is_err() || trouble == Wrong::Unasked, "{ended:?}");
        let left = mailbox.mails.lock().expect("the mails").len() as u64;
        assert!(p.tickets().await + left >= MAILS as u64, "nothing was taken away before it was safe");
    }
    assert_eq!((p.tickets().await, mailbox.mails.lock().expect("the mails").len()), (MAILS as u64, 0));
    // Marks are refused: they stay, and are not taken twice; nor when the mailbox was numbered anew. They lie far apart, behind
    // numbers that were given out long ago.
    mailbox.mails.lock().expect("the mails").extend((1..=50).map(|n| (n as u32 * 90_000, mail(n + 1_000))));
    let next = mailbox.connections.load(Ordering::SeqCst);
    mailbox.wrong.lock().expect("what goes wrong").extend([
        (next, Wrong::NoFlags),
        (next + 1, Wrong::NoFlags),
        (next + 2, Wrong::Expunged),
        (next + 3, Wrong::Slow),
    ]);
    for round in 0..4 {
        p.fetch().await.expect("it ends well");
        if round == 0 {
            mailbox.validity.store(8, Ordering::SeqCst);
        }
    }
    assert_eq!(p.tickets().await, MAILS as u64 + 50);
    assert_eq!(p.w.desk.store.inbox_count(InboxState::Taken).await.expect("a count"), MAILS as u64 + 50);
    let state = p.state().await;
    assert!(state.good.is_some() && state.bad.is_none(), "{state:?}");
    p.close().await;
}

/// One that is larger than anything that is kept stays where it is, and holds up nobody else's.
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_is_too_large_stays_in_its_mailbox() {
    let mailbox = Arc::new(Mailbox::default());
    mailbox.mails.lock().expect("the mails").extend((1..=5).map(|n| (n as u32, mail(n))));
    mailbox.validity.store(7, Ordering::SeqCst);
    mailbox.wrong.lock().expect("what goes wrong").insert(0, Wrong::Huge);
    let port = imap(mailbox.clone()).await;
    let p = fetching("imap_huge", port).await;
    p.fetch().await.expect("it ends well");
    assert_eq!(p.tickets().await, 4);
    assert_eq!(mailbox.mails.lock().expect("the mails").keys().copied().collect::<Vec<_>>(), [2]);
    let state = p.state().await;
    assert!(state.bad.is_some_and(|(_, why)| why.contains("mail 2 is larger")), "its administrator is told");
    p.close().await;
}

/// Both ends of the protocols against whoever says what comes to mind: each conversation ends, and the next one is served.
#[tokio::test(flavor = "multi_thread")]
async fn conversations_that_were_changed_at_random_end() {
    use vorgang_testbed::fuzz::{Random, change, seconds};
    const WORDS: &[&str] = &[
        "\r\n",
        "\n",
        "\r",
        "\0",
        "MAIL FROM:<>",
        "RCPT TO:<box@example.org>",
        "DATA\r\n",
        ".\r\n",
        "LHLO x\r\n",
        "RSET\r\n",
        "* 1 FETCH (UID 1 BODY[] {5}\r\n",
        "{99999999999999999999}\r\n",
        "{4294967295}\r\n",
        "* BYE\r\n",
        "+ \r\n",
        "V3 OK\r\n",
        "* SEARCH 1 2 3\r\n",
        "[UIDVALIDITY 1]",
        "250-",
        "354 ",
        "421 ",
        ")",
    ];
    let w = world("doors_fuzz", &site("")).await;
    let lmtp_door = lmtp(&w, Protocol::Lmtp).await;
    let smtp_door = lmtp(&w, Protocol::Smtp).await;
    let session = |hello: &str| {
        format!("{hello} x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<box@example.org>\r\nDATA\r\n{}.\r\nQUIT\r\n", mail(1)).into_bytes()
    };
    let sessions = [session("LHLO"), session("EHLO")];
    let until = std::time::Instant::now() + Duration::from_secs(seconds());
    let (mut random, mut runs) = (Random(11), 0);
    while std::time::Instant::now() < until {
        for door in [lmtp_door, smtp_door] {
            let said = change(&mut random, &sessions, WORDS);
            let mut stream = TcpStream::connect(door).await.expect("the door is open");
            let _ = stream.write_all(&said).await;
            let _ = stream.shutdown().await;
            let mut answers = vec![];
            let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answers)).await;
            assert!(read.is_ok(), "run {runs} does not end: {:?}", String::from_utf8_lossy(&said));
            runs += 1;
        }
    }
    let mut talk = Talk::to(lmtp_door).await;
    talk.envelope().await;
    assert!(talk.say(&format!("{}.", mail(77_777))).await.starts_with("250"), "it goes on");

    // Our side of IMAP and of SMTP, against servers that answer so.
    let imap_answers = [format!(
        "* OK here\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nV1 OK\r\n+ \r\nV2 OK\r\n* CAPABILITY IMAP4rev1\r\nV3 OK\r\n* 1 EXISTS\r\n* OK [UIDVALIDITY 1]\r\nV4 OK\r\n\
         * SEARCH 1\r\nV5 OK\r\n* 1 FETCH (UID 1 BODY[] {{{}}}\r\n{})\r\nV6 OK\r\nV7 OK\r\nV8 OK\r\n* SEARCH\r\nV9 OK\r\nV10 OK\r\n",
        mail(5).len(),
        mail(5)
    )
    .into_bytes()];
    let smtp_answers = [b"220 here\r\n250-here\r\n250 8BITMIME\r\n250 good\r\n250 good\r\n354 go on\r\n250 taken\r\n221 bye\r\n".to_vec()];
    let answers = Arc::new(Mutex::new(vec![]));
    let given = answers.clone();
    let port = listen(move |mut stream| {
        let bytes: Vec<u8> = given.lock().expect("the answers").clone();
        async move {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
            let mut rest = vec![];
            let _ = tokio::time::timeout(Duration::from_secs(2), stream.read_to_end(&mut rest)).await;
        }
    })
    .await;
    let p = fetching("clients_fuzz", port).await;
    let until = std::time::Instant::now() + Duration::from_secs(seconds());
    while std::time::Instant::now() < until {
        *answers.lock().expect("the answers") = change(&mut random, &imap_answers, WORDS);
        let ended = tokio::time::timeout(Duration::from_secs(10), p.fetch()).await;
        assert!(ended.is_ok(), "{:?}", String::from_utf8_lossy(&answers.lock().expect("the answers")));
        *answers.lock().expect("the answers") = change(&mut random, &smtp_answers, WORDS);
        let config =
            vorgang_transport::Config { url: format!("smtp+plain://127.0.0.1:{port}"), from: "a@example.org".into(), ..Default::default() };
        let smtp = vorgang_transport::Smtp::new(&config).expect("a server");
        let letter = vorgang_runtime::outbox::Mail {
            to: vec![vorgang_core::mail::Address::new("", "b@example.org")],
            id: "1-1.x".into(),
            ..Default::default()
        };
        let ended = tokio::time::timeout(Duration::from_secs(10), vorgang_runtime::outbox::Mailer::send(&smtp, &letter)).await;
        assert!(ended.is_ok(), "{:?}", String::from_utf8_lossy(&answers.lock().expect("the answers")));
    }
    p.close().await;
}
