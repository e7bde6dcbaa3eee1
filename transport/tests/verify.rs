//! Who stands for a mail, with names that a server on this machine knows.

use mail_auth::common::crypto::Ed25519Key;
use mail_auth::common::headers::HeaderWriter;
use mail_auth::dkim::DkimSigner;
use mail_auth::hickory_resolver::proto::op::{Message, MessageType, OpCode, ResponseCode};
use mail_auth::hickory_resolver::proto::rr::rdata::TXT;
use mail_auth::hickory_resolver::proto::rr::{RData, Record, RecordType};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use tokio::net::UdpSocket;
use vorgang_core::mail::{Auth, Outcome};
use vorgang_runtime::intake::incoming::Incoming;
use vorgang_runtime::scales::Verifier;
use vorgang_transport::verify::Dns;

/// Texts by their names; a name that nobody knows does not exist.
async fn dns(texts: BTreeMap<String, String>) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let address = socket.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut buffer = [0; 4_096];
        while let Ok((n, peer)) = socket.recv_from(&mut buffer).await {
            let Ok(asked) = Message::from_vec(&buffer[..n]) else { continue };
            let mut answer = Message::new(asked.metadata.id, MessageType::Response, OpCode::Query);
            answer.metadata.recursion_desired = true;
            answer.metadata.recursion_available = true;
            for query in &asked.queries {
                answer.add_query(query.clone());
                let name = query.name().to_string().trim_end_matches('.').to_ascii_lowercase();
                match texts.get(&name) {
                    Some(text) if query.query_type() == RecordType::TXT => {
                        let parts = text.as_bytes().chunks(255).map(|c| String::from_utf8_lossy(c).into_owned()).collect();
                        answer.add_answer(Record::from_rdata(query.name().clone(), 60, RData::TXT(TXT::new(parts))));
                    }
                    _ => answer.metadata.response_code = ResponseCode::NXDomain,
                }
            }
            if let Ok(bytes) = answer.to_vec() {
                let _ = socket.send_to(&bytes, peer).await;
            }
        }
    });
    address
}

const MAIL: &str = "From: Anna <anna@good.example>\r\nTo: support@example.org\r\nSubject: Hello\r\n\r\nHello.\r\n";

fn words(auth: &Auth) -> (Outcome, Outcome, Outcome, bool) {
    (auth.spf, auth.dkim, auth.dmarc, auth.is_good())
}

#[tokio::test]
async fn signatures_servers_and_policies_decide_who_stands_for_a_mail() {
    use Outcome::{Fail, None as No, Pass};
    use base64::Engine;
    let der = Ed25519Key::generate_pkcs8().expect("a key");
    let key = Ed25519Key::from_pkcs8_der(&der).expect("a key");
    let public = base64::engine::general_purpose::STANDARD.encode(key.public_key());
    let texts = [
        ("k._domainkey.good.example", format!("v=DKIM1; k=ed25519; p={public}")),
        ("k._domainkey.other.example", format!("v=DKIM1; k=ed25519; p={public}")),
        ("good.example", "v=spf1 ip4:192.0.2.1 -all".to_owned()),
        ("_dmarc.good.example", "v=DMARC1; p=reject".to_owned()),
        ("other.example", "v=spf1 ip4:192.0.2.2 -all".to_owned()),
        ("k._domainkey.sub.strict.example", format!("v=DKIM1; k=ed25519; p={public}")),
        ("k._domainkey.strict.example", format!("v=DKIM1; k=ed25519; p={public}")),
        ("_dmarc.strict.example", "v=DMARC1; p=quarantine; adkim=s; aspf=s".to_owned()),
        ("k._domainkey.sub.loose.example", format!("v=DKIM1; k=ed25519; p={public}")),
    ];
    let server = dns(texts.map(|(n, t)| (n.to_owned(), t)).into()).await;
    let dns = Dns::new(Some(server)).expect("a resolver");
    let signed = |domain: &str, mail: &str| {
        let key = Ed25519Key::from_pkcs8_der(&der).expect("a key");
        let signer = DkimSigner::from_key(key).domain(domain).selector("k").headers(["From", "To", "Subject"]);
        signer.sign(mail.as_bytes()).expect("a signature").to_header() + mail
    };
    let from = |ip: &str| Incoming {
        client: Some((ip.parse().expect("an address"), "mx.good.example".into())),
        return_path: Some("anna@good.example".into()),
        ..Incoming::default()
    };
    let good = signed("good.example", MAIL);
    let cases = [
        ("signed", good.clone(), Incoming::default(), (No, Pass, Pass, true)),
        ("changed afterwards", good.replace("Hello.", "Hellx."), Incoming::default(), (No, Fail, Fail, false)),
        ("another's signature", signed("other.example", MAIL), Incoming::default(), (No, Pass, Fail, false)),
        ("nothing, where the domain wants such mail refused", MAIL.to_owned(), Incoming::default(), (No, No, Fail, false)),
        ("nothing, of a domain without a policy", MAIL.replace("good.example", "other.example"), Incoming::default(), (No, No, No, false)),
        ("the right server", MAIL.to_owned(), from("192.0.2.1"), (Pass, No, Pass, true)),
        ("the wrong server", MAIL.to_owned(), from("192.0.2.9"), (Fail, No, Fail, false)),
        ("the wrong server, signed", good.clone(), from("192.0.2.9"), (Fail, Pass, Pass, true)),
    ];
    for (what, mail, incoming, wanted) in cases {
        assert_eq!(words(&verify(&dns, &mail, &incoming).await), wanted, "{what}");
    }
    let of = |domain: &str| MAIL.replace("good.example", domain);
    let partial = |headers: &[&'static str], mail: &str| {
        let key = Ed25519Key::from_pkcs8_der(&der).expect("a key");
        let signer = DkimSigner::from_key(key).domain("good.example").selector("k").headers(headers.iter().copied());
        signer.sign(mail.as_bytes()).expect("a signature").to_header() + mail
    };
    let with_length = {
        let key = Ed25519Key::from_pkcs8_der(&der).expect("a key");
        let signer = DkimSigner::from_key(key).domain("good.example").selector("k").headers(["From", "To", "Subject"]).body_length(true);
        signer.sign(MAIL.as_bytes()).expect("a signature").to_header() + MAIL + "And send the money to evil.example.\r\n"
    };
    let cases = [
        ("a domain that wants just itself", signed("sub.strict.example", &of("strict.example")), (No, Pass, No, false)),
        ("itself", signed("strict.example", &of("strict.example")), (No, Pass, Pass, true)),
        ("one below, where nothing is said", signed("sub.loose.example", &of("loose.example")), (No, Pass, No, true)),
        ("a signature without the author", partial(&["To", "Subject"], MAIL), (No, Outcome::PermError, Fail, false)),
        ("the same, of another author", partial(&["To", "Subject"], MAIL).replace("anna@", "tina@"), (No, Outcome::PermError, Fail, false)),
        // The library does not look at such a signature at all.
        ("a signature of the beginning of the text", with_length, (No, No, Fail, false)),
    ];
    for (what, mail, wanted) in cases {
        assert_eq!(words(&verify(&dns, &mail, &Incoming::default()).await), wanted, "{what}");
    }
    // A reader that finds another author than the proof is about gets none.
    let other = vorgang_core::mail::Mail { from: Some(vorgang_core::mail::Address::new("", "otto@desk.example")), ..Default::default() };
    let auth = dns.verify(good.as_bytes(), &other, &Incoming::default()).await;
    assert!(auth.ambiguous.is_some() && !auth.is_good(), "{auth}");
    // Lines that may have been added to a signed mail are named.
    let added = format!("Cc: thief@evil.example\r\n{good}");
    assert_eq!(verify(&dns, &good, &Incoming::default()).await.unsigned, Vec::<String>::new());
    assert_eq!(verify(&dns, &added, &Incoming::default()).await.unsigned, ["cc"]);
    assert_eq!(verify(&dns, &added, &from("192.0.2.1")).await.unsigned, Vec::<String>::new(), "the author's own server sent it");
    // More signatures than anybody makes are not asked for.
    let header = &good[..good.len() - MAIL.len()];
    assert_eq!(words(&verify(&dns, &(header.repeat(50) + MAIL), &Incoming::default()).await), (No, No, No, false));
    // One author for the proof and for the page, or none.
    for (what, head) in
        [("a second author below", "From: Otto <otto@desk.example>\r\n"), ("two addresses", ""), ("an address inside a name", "")]
    {
        let mail = match what {
            "two addresses" => MAIL.replace("<anna@good.example>", "<anna@good.example>, otto@desk.example"),
            "an address inside a name" => MAIL.replace("Anna <", "\"otto@desk.example <otto@desk.example>\" <"),
            _ => MAIL.replace("To:", &format!("{head}To:")),
        };
        for mail in [signed("good.example", &mail), format!("{head}{}", signed("good.example", MAIL))] {
            let auth = verify(&dns, &mail, &from("192.0.2.1")).await;
            let read = vorgang_mail::read(mail.as_bytes(), "", u64::MAX).expect("a mail");
            let ambiguous = auth.ambiguous.is_some() || read.ambiguous.is_some();
            assert!(ambiguous || head.is_empty() && read.sender() == "anna@good.example", "{what}: {auth} from {}", read.sender());
        }
    }
}

/// As the desk asks: about the author that it reads.
async fn verify(dns: &Dns, raw: &str, incoming: &Incoming) -> Auth {
    let mail = vorgang_mail::read(raw.as_bytes(), "", u64::MAX).expect("a mail");
    dns.verify(raw.as_bytes(), &mail, incoming).await
}

#[tokio::test(start_paused = true)]
async fn a_dns_that_says_nothing_costs_two_seconds_once() {
    // Nobody reads from this socket.
    let silent = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let dns = Dns::new(Some(silent.local_addr().expect("an address"))).expect("a resolver");
    let ask = async |mail: &str| {
        let begun = tokio::time::Instant::now();
        let auth = verify(&dns, mail, &Incoming::default()).await;
        assert!(!auth.is_good() && auth.dmarc == Outcome::TempError, "{auth}");
        begun.elapsed().as_millis()
    };
    let (first, again, other) = (ask(MAIL).await, ask(MAIL).await, ask(&MAIL.replace("good.example", "other.example")).await);
    assert_eq!((first / 100, again, other / 100), (20, 0, 20), "tenths of seconds, none for the second mail");
}
