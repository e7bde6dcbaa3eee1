//! Mail as programs really send it, against what they meant: subject, text, files.

use base64::Engine;
use vorgang_core::mail::Mail;

fn read(raw: &[u8]) -> Mail {
    let crlf = raw.split(|b| *b == b'\n').collect::<Vec<_>>().join(&b"\r\n"[..]);
    vorgang_mail::read(&crlf, "", u64::MAX).expect("a mail")
}

fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Latin-1 bytes of a text.
fn latin(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).expect("a letter of Latin-1")).collect()
}

fn with(head: &str, body: &[u8]) -> Vec<u8> {
    [b"From: anna@example.com\nTo: support@example.org\nSubject: x\nMIME-Version: 1.0\n", head.as_bytes(), b"\n", body].concat()
}

#[test]
fn bodies_are_read_as_they_were_meant() {
    let encoded = base64("Grüße aus Köln, viel Text in einer Zeile, damit sie umbrochen wird.".as_bytes());
    let (a, b) = encoded.split_at(40);
    let long = "Content-Type: multipart/mixed;\n boundary=";
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        (
            "base64 with foreign letters",
            with("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n", format!("{a}*!\n {b}\n").as_bytes()),
            "Grüße aus Köln, viel Text in einer Zeile, damit sie umbrochen wird.",
        ),
        (
            "base64 with text behind its end",
            with(
                "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n",
                format!("{}\n\n--\nA footer of the list.\n", base64("Hello there!!".as_bytes())).as_bytes(),
            ),
            "Hello there!!\n\n--\nA footer of the list.",
        ),
        (
            "base64 with text behind a full end",
            with(
                "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n",
                format!("{}\n\nA footer.\n", base64("Hello there!".as_bytes())).as_bytes(),
            ),
            "Hello there!\n\nA footer.",
        ),
        (
            "base64 that is none",
            with("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n", "Just some text, Köln.\n".as_bytes()),
            "Just some text, Köln.",
        ),
        ("a folded boundary", with(long, b" \"b1\"\n\n--b1\nContent-Type: text/plain\n\nInside.\n--b1--\n"), "Inside."),
        (
            "a multipart without a boundary",
            with("Content-Type: multipart/mixed\n", b"--x\nContent-Type: text/plain\n\nInside.\n--x--\n"),
            "--x\nContent-Type: text/plain\n\nInside.\n--x--",
        ),
        (
            "a multipart whose boundary never comes",
            with("Content-Type: multipart/mixed; boundary=y\n", b"All there is.\n"),
            "All there is.",
        ),
        ("utf-8 that says ascii", with("Content-Type: text/plain; charset=us-ascii\n", "Köln\n".as_bytes()), "Köln"),
        ("utf-8 that says latin-1", with("Content-Type: text/plain; charset=iso-8859-1\n", "Köln\n".as_bytes()), "Köln"),
        ("latin-1 that says utf-8", with("Content-Type: text/plain; charset=utf-8\n", &latin("Köln\n")), "Köln"),
        ("latin-1 that says nothing", with("Content-Type: text/plain\n", &latin("Köln\n")), "Köln"),
        ("windows-1252 that says latin-1", with("Content-Type: text/plain; charset=iso-8859-1\n", b"10 \x80 \x93a\x94\n"), "10 € “a”"),
        ("an unknown charset", with("Content-Type: text/plain; charset=x-unknown\n", &latin("Köln\n")), "Köln"),
        ("koi8-r as declared", with("Content-Type: text/plain; charset=koi8-r\n", b"\xf0\xd2\xc9\xd7\xc5\xd4\n"), "Привет"),
        (
            "html whose meta tag says it",
            with(
                "Content-Type: text/html\n",
                b"<html><head><meta charset=\"koi8-r\"></head><body>\xf0\xd2\xc9\xd7\xc5\xd4</body></html>\n",
            ),
            "Привет",
        ),
        (
            "html in utf-8 that says latin-1 in its meta tag",
            with(
                "Content-Type: text/html\n",
                "<meta http-equiv=\"Content-Type\" content=\"text/html; charset=iso-8859-1\">Köln\n".as_bytes(),
            ),
            "Köln",
        ),
        (
            "a blank text beside HTML",
            with(
                "Content-Type: multipart/alternative; boundary=b\n",
                b"--b\nContent-Type: text/plain\n\n \n\xc2\xa0\n--b\nContent-Type: text/html; charset=utf-8\n\n<p>The text.</p>\n--b--\n",
            ),
            "The text.",
        ),
        ("lines of spaces", with("Content-Type: text/plain\n", b"one\n   \n\t\ntwo\n"), "one\n\n\ntwo"),
        (
            "quoted-printable with soft ends and bad codes",
            with("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n", b"a=\nb =C3=B6 =ZZ =\n"),
            "ab ö =ZZ",
        ),
    ];
    let mut wrong = vec![];
    for (what, raw, wanted) in &cases {
        let mail = read(raw);
        if mail.body.trim_end() != *wanted {
            wrong.push(format!("{what}: {:?}, not {wanted:?}", mail.body));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn headers_are_read_as_they_were_meant() {
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("a letter cut between words", b"Subject: =?utf-8?B?S8M=?= =?utf-8?B?tmxu?=\n".to_vec(), "Köln"),
        ("a letter cut between quoted words", b"Subject: =?utf-8?Q?K=C3?=\n =?utf-8?Q?=B6ln?=\n".to_vec(), "Köln"),
        ("words of two charsets", b"Subject: =?utf-8?Q?K=C3=B6ln?= =?iso-8859-1?Q?_M=FCnchen?=\n".to_vec(), "Köln München"),
        ("a word in a wrong charset", b"Subject: =?utf-8?Q?M=FCnchen?=\n".to_vec(), "München"),
        ("utf-8 that says latin-1", b"Subject: =?iso-8859-1?Q?K=C3=B6ln?=\n".to_vec(), "Köln"),
        ("an unknown charset", b"Subject: =?x-unknown?Q?M=FCnchen?=\n".to_vec(), "München"),
        ("raw utf-8", "Subject: Köln\n".as_bytes().to_vec(), "Köln"),
        ("raw latin-1", latin("Subject: Köln\n"), "Köln"),
        ("spaces inside a word", b"Subject: =?utf-8?Q?Hello world?=\n".to_vec(), "Hello world"),
        ("text beside words", b"Subject: Re: =?utf-8?Q?K=C3=B6ln?= (new)\n".to_vec(), "Re: Köln (new)"),
    ];
    let mut wrong = vec![];
    for (what, subject, wanted) in &cases {
        let raw = [b"From: anna@example.com\n", subject.as_slice(), b"\nText.\n"].concat();
        let mail = read(&raw);
        let header = mail.header("subject").unwrap_or_default();
        if mail.subject != *wanted || header != *wanted {
            wrong.push(format!("{what}: {:?} and {header:?}, not {wanted:?}", mail.subject));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_are_named_and_decoded_as_they_were_meant() {
    let file = |head: &str, body: &str| {
        with(
            "Content-Type: multipart/mixed; boundary=b\n",
            format!("--b\nContent-Type: text/plain\n\nText.\n--b\n{head}\n{body}\n--b--\n").as_bytes(),
        )
    };
    let cases = [
        (
            "RFC 2231 in parts that cut a letter",
            file(
                "Content-Type: application/pdf\nContent-Disposition: attachment;\n filename*0*=utf-8''K%C3;\n filename*1*=%B6ln.pdf\n",
                "x",
            ),
            "Köln.pdf",
            "x",
        ),
        (
            "RFC 2231 in latin-1",
            file("Content-Type: application/pdf\nContent-Disposition: attachment; filename*=iso-8859-1''K%F6ln.pdf\n", "x"),
            "Köln.pdf",
            "x",
        ),
        (
            "encoded words in a name",
            file("Content-Type: application/pdf; name=\"=?utf-8?Q?K=C3?= =?utf-8?Q?=B6ln.pdf?=\"\nContent-Disposition: attachment\n", "x"),
            "Köln.pdf",
            "x",
        ),
        (
            "raw utf-8 in a name",
            file("Content-Type: application/pdf\nContent-Disposition: attachment; filename=\"Köln.pdf\"\n", "x"),
            "Köln.pdf",
            "x",
        ),
        (
            "uuencode",
            file(
                "Content-Type: application/octet-stream; name=a.txt\nContent-Transfer-Encoding: x-uuencode\nContent-Disposition: attachment\n",
                "begin 644 a.txt\n%:&5L;&\\\n`\nend",
            ),
            "a.txt",
            "hello",
        ),
        (
            "base64 with foreign letters",
            file(
                "Content-Type: application/octet-stream; name=a.bin\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment\n",
                "aGVs*bG8=\n",
            ),
            "a.bin",
            "hello",
        ),
    ];
    let mut wrong = vec![];
    for (what, raw, name, content) in &cases {
        let mail = read(raw);
        let found: Vec<(String, String)> =
            mail.attachments.iter().map(|(a, b)| (a.name.clone(), String::from_utf8_lossy(&b.bytes).trim_end().to_owned())).collect();
        if found != [((*name).to_owned(), (*content).to_owned())] || mail.body.trim_end() != "Text." {
            wrong.push(format!("{what}: {found:?} beside {:?}, not {name} with {content:?}", mail.body));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_too_much_is_said() {
    let parts: String = (0..250)
        .map(|n| format!("--b\nContent-Type: application/octet-stream; name=f{n}\nContent-Disposition: attachment\n\n{n}\n"))
        .collect();
    let mail = read(&with(
        "Content-Type: multipart/mixed; boundary=b\n",
        format!("--b\nContent-Type: text/plain\n\nText.\n{parts}--b--\n").as_bytes(),
    ));
    assert_eq!(mail.attachments.len(), 200);
    assert!(mail.body.contains("50"), "{}", mail.body);
}
