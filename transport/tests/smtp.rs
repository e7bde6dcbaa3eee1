//! The way out, against a server on this machine that answers as it is told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use vorgang_core::mail::Address;
use vorgang_runtime::outbox::{Mail, Mailer, SendError};
use vorgang_transport::{Config, ConfigError, Smtp};

/// What the server answers to a verb instead of what it should.
type Answers = &'static [(&'static str, &'static str)];

#[derive(Default, Clone)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn lines(&self) -> Vec<String> {
        self.0.lock().expect("the lines").clone()
    }

    /// The verbs, in order; the message itself left out.
    fn verbs(&self) -> Vec<String> {
        let verb = |l: &String| l.split([' ', ':']).next().unwrap_or("").to_owned();
        self.lines().iter().filter(|l| !l.starts_with('|')).map(verb).collect()
    }

    fn message(&self) -> String {
        self.lines().iter().filter_map(|l| l.strip_prefix('|').map(|l| format!("{l}\n"))).collect()
    }
}

struct Server {
    address: SocketAddr,
    heard: Heard,
    ca: Vec<u8>,
}

/// `tls`: whether STARTTLS is offered; the certificate is for `name`.
async fn server(answers: Answers, tls: bool, name: &str) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let heard = Heard::default();
    let signed = rcgen::generate_simple_self_signed(vec![name.to_owned()]).expect("a certificate");
    let chain = vec![CertificateDer::from(signed.cert.der().to_vec())];
    let key = PrivateKeyDer::try_from(signed.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let config = config.with_no_client_auth().with_single_cert(chain, key).expect("a configuration");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let ca = signed.cert.pem().into_bytes();
    let all = heard.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (heard, acceptor) = (all.clone(), acceptor.clone());
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                if !talk(&mut stream, answers, tls, true, &heard).await {
                    return;
                }
                if let Ok(stream) = acceptor.accept(stream.into_inner()).await {
                    talk(&mut BufReader::new(stream), answers, false, false, &heard).await;
                }
            });
        }
    });
    Server { address, heard, ca }
}

/// True when the other side wants TLS now.
async fn talk<S>(stream: &mut S, answers: Answers, tls: bool, greet: bool, heard: &Heard) -> bool
where
    S: AsyncBufRead + AsyncRead + AsyncWrite + Unpin + Send,
{
    let said = |verb: &str, usual: &'static str| answers.iter().find(|(v, _)| *v == verb).map_or(usual, |(_, a)| *a);
    let greeting = said("GREETING", "220 here\r\n");
    if greet && (greeting.is_empty() || stream.write_all(greeting.as_bytes()).await.is_err()) {
        return false;
    }
    let mut line = String::new();
    let mut data = false;
    loop {
        line.clear();
        if !stream.read_line(&mut line).await.is_ok_and(|n| n > 0) {
            return false;
        }
        let text = line.trim_end_matches(['\r', '\n']);
        if data && text != "." {
            heard.0.lock().expect("the lines").push(format!("|{}", text.strip_prefix("..").map_or(text.to_owned(), |t| format!(".{t}"))));
            continue;
        }
        let verb = if data { "END".to_owned() } else { text.split([' ', ':']).next().unwrap_or("").to_uppercase() };
        if !data {
            heard.0.lock().expect("the lines").push(text.to_owned());
        }
        let answer = match verb.as_str() {
            "EHLO" if tls => said("EHLO", "250-here\r\n250-8BITMIME\r\n250 STARTTLS\r\n"),
            "EHLO" => said("EHLO", "250-here\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN\r\n"),
            "STARTTLS" => said("STARTTLS", "220 go on\r\n"),
            "DATA" => said("DATA", "354 go on\r\n"),
            "AUTH" => said("AUTH", "235 welcome\r\n"),
            "QUIT" => said("QUIT", "221 bye\r\n"),
            other => said(other, "250 good\r\n"),
        };
        data = verb == "DATA" && answer.starts_with("354");
        if answer.is_empty() || stream.write_all(answer.as_bytes()).await.is_err() || verb == "QUIT" {
            return false;
        }
        if verb == "STARTTLS" {
            return true;
        }
    }
}

fn mail() -> Mail {
    Mail {
        id: "7-3.vorgang".into(),
        to: vec![Address::new("Änne \"Anna\" Albers", "anna@example.org")],
        subject: "2026000007: Ihr Antrag über 400 € ist bezahlt".into(),
        body: "Guten Tag,\n.\n..zwei Punkte\nGrüße 😀\n".into(),
        ..Mail::default()
    }
}

fn config(url: String) -> Config {
    Config { url, from: "Help desk <desk@example.org>".into(), password: Some("secret".into()), ca: None }
}

async fn plain(answers: Answers) -> (Result<(), SendError>, Heard) {
    let server = server(answers, false, "localhost").await;
    let smtp = Smtp::new(&config(format!("smtp+plain://{}", server.address))).expect("a configuration");
    (smtp.send(&mail()).await, server.heard)
}

#[tokio::test]
async fn a_mail_arrives_whole() {
    let (result, heard) = plain(&[]).await;
    assert_eq!(result, Ok(()));
    let message = heard.message();
    for line in [
        "Message-ID: <7-3.vorgang@example.org>",
        "From: \"Help desk\" <desk@example.org>",
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: All",
        "Content-Type: text/plain; charset=utf-8",
    ] {
        assert!(message.contains(line), "{line} is missing in\n{message}");
    }
    assert!(message.contains("<anna@example.org>") && !message.contains("Änne"), "names are encoded:\n{message}");
    assert_eq!(heard.lines().iter().filter(|l| l.starts_with("RCPT TO:<anna@example.org>")).count(), 1);
    let body = message.split_once("\n\n").expect("a body").1;
    assert_eq!(body, "Guten Tag,\n.\n..zwei Punkte\nGr=C3=BC=C3=9Fe =F0=9F=98=80\n\n");
}

#[tokio::test]
async fn one_connection_brings_many_mails() {
    let there = server(&[], false, "localhost").await;
    let smtp = Smtp::new(&config(format!("smtp+plain://{}", there.address))).expect("a configuration");
    for _ in 0..3 {
        assert_eq!(smtp.send(&mail()).await, Ok(()));
    }
    let of_mail = ["MAIL", "RCPT", "DATA"];
    let expected = [&["EHLO"][..], &of_mail, &["NOOP"], &of_mail, &["NOOP"], &of_mail].concat();
    let verbs: Vec<String> = there.heard.verbs().into_iter().filter(|v| v != ".").collect();
    assert_eq!(verbs, expected);
    // A server that has had enough of this connection is called anew, and the mail is not put off.
    let tired = server(&[("NOOP", "421 enough\r\n")], false, "localhost").await;
    let smtp = Smtp::new(&config(format!("smtp+plain://{}", tired.address))).expect("a configuration");
    for _ in 0..2 {
        assert_eq!(smtp.send(&mail()).await, Ok(()));
    }
    assert_eq!(tired.heard.verbs().iter().filter(|v| *v == "EHLO").count(), 2);
}

/// The first word comes encrypted, or not at all.
#[tokio::test]
async fn implicit_tls_is_verified_too() {
    let there = server(&[], true, "localhost").await;
    let url = format!("smtps://desk@localhost:{}", there.address.port());
    // It greets in the clear, which is no handshake.
    let result = Smtp::new(&config(url)).expect("a configuration").send(&mail()).await;
    assert!(matches!(result, Err(SendError::Temporary(_))), "{result:?}");
    assert_eq!(there.heard.verbs().iter().filter(|v| ["EHLO", "AUTH", "MAIL"].contains(&v.as_str())).count(), 0);
}

#[tokio::test]
async fn what_the_server_says_decides_whether_it_is_tried_again() {
    let cases: &[(Answers, bool)] = &[
        (&[("RCPT", "550 5.1.1 no such mailbox\r\n")], true),
        (&[("MAIL", "553 sender not allowed\r\n")], true),
        (&[("END", "554 looks like spam\r\n")], true),
        (&[("RCPT", "450 4.2.1 try later\r\n")], false),
        (&[("GREETING", "421 too busy\r\n")], false),
        (&[("END", "451 disk full\r\n")], false),
        (&[("DATA", "")], false),
        (&[("GREETING", "")], false),
        (&[("GREETING", "SSH-2.0-OpenSSH_9\r\n")], false),
        (&[("EHLO", "250\r\n")], false),
        (&[("EHLO", "250-\r\n250 \r\n")], false),
        (&[("EHLO", "250-here\r\n250-  \r\n250 AUTH\r\n")], false),
    ];
    for (answers, final_) in cases {
        let (result, heard) = plain(answers).await;
        let permanent = matches!(result, Err(SendError::Permanent(_)));
        assert!(result.is_err() && permanent == *final_, "{answers:?}: {result:?} {:?}", heard.verbs());
    }
    let nobody = Smtp::new(&config("smtp+plain://127.0.0.1:1".into())).expect("a configuration").send(&mail()).await;
    assert!(matches!(nobody, Err(SendError::Temporary(_))), "{nobody:?}");
    let smtp = Smtp::new(&config("smtp+plain://127.0.0.1:1".into())).expect("a configuration");
    let wrong = smtp.send(&Mail { to: vec![Address::new("", "anna")], ..mail() }).await;
    assert!(matches!(wrong, Err(SendError::Permanent(_))), "{wrong:?}");
}

#[tokio::test]
async fn nothing_is_said_to_a_server_that_is_not_the_right_one() {
    // STARTTLS taken out of the answer: neither the password nor the mail goes out.
    let stripped = server(&[], false, "localhost").await;
    let url = |s: &Server, scheme: &str| format!("{scheme}://desk@localhost:{}", s.address.port());
    let result = Smtp::new(&config(url(&stripped, "smtp"))).expect("a configuration").send(&mail()).await;
    assert!(matches!(result, Err(SendError::Temporary(_))), "{result:?}");
    assert!(stripped.heard.verbs().iter().all(|v| v == "EHLO" || v == "QUIT"), "{:?}", stripped.heard.verbs());
    // A certificate that nobody vouches for, then one that is for another name.
    for name in ["localhost", "mail.example.org"] {
        let there = server(&[], true, name).await;
        let untrusted = Config { ca: (name != "localhost").then(|| there.ca.clone()), ..config(url(&there, "smtp")) };
        let result = Smtp::new(&untrusted).expect("a configuration").send(&mail()).await;
        assert!(matches!(result, Err(SendError::Temporary(_))), "{name}: {result:?}");
        assert!(there.heard.verbs().iter().all(|v| v == "EHLO" || v == "STARTTLS"), "{name}: {:?}", there.heard.verbs());
    }
    // The right one, with its authority given; what somebody put before TLS counts for nothing.
    for answers in [&[] as Answers, &[("STARTTLS", "220 go on\r\n250-here\r\n250 AUTH NONSENSE\r\n")]] {
        let there = server(answers, true, "localhost").await;
        let trusted = Config { ca: Some(there.ca.clone()), ..config(url(&there, "smtp")) };
        let result = Smtp::new(&trusted).expect("a configuration").send(&mail()).await;
        if answers.is_empty() {
            assert_eq!(result, Ok(()));
            assert_eq!(there.heard.verbs()[..4], ["EHLO", "STARTTLS", "EHLO", "AUTH"], "the password comes after TLS");
        } else {
            let verbs = there.heard.verbs();
            let before = verbs.iter().position(|v| v == "STARTTLS").expect("TLS is asked for");
            assert!(verbs[..before].iter().all(|v| v == "EHLO"), "{verbs:?} {result:?}");
        }
    }
}

#[tokio::test]
async fn configurations_that_cannot_be_meant() {
    let error = |url: &str, from: &str| Smtp::new(&Config { url: url.into(), from: from.into(), ..Config::default() }).err();
    let from = "desk@example.org";
    for url in ["", "mail.example.org", "http://mail.example.org", "smtp://", "smtp://host/path", "smtp://host?tls=none", "smtp+plain://"] {
        assert!(matches!(error(url, from), Some(ConfigError::Url(_))), "{url}");
    }
    for url in ["smtp+plain://mail.example.org", "smtp+plain://10.0.0.1", "smtp+plain://127.0.0.1.example.org", "smtp+plain://localhost"] {
        assert!(matches!(error(url, from), Some(ConfigError::Plain)), "{url}");
    }
    assert!(matches!(error("smtps://desk:secret@host", from), Some(ConfigError::Password)));
    let said = error("smtps://desk:secret@host", from).map(|e| e.to_string()).unwrap_or_default();
    assert!(!said.contains("secret"), "{said}");
    for from in ["", "desk", "Help desk", "a@b\r\nBcc: c@d"] {
        assert!(matches!(error("smtps://host", from), Some(ConfigError::From(_))), "{from}");
    }
    for url in ["smtps://host", "smtp://desk%40example.org@host:2525", "smtp+plain://[::1]:2525", "smtp+plain://127.0.0.1"] {
        assert!(error(url, from).is_none(), "{url}");
    }
}
