//! Mails that were changed at random, from the same seed each time: nothing panics, hangs or grows.

use std::path::PathBuf;
use vorgang_testbed::fuzz::fuzz;

const WORDS: &[&str] = &[
    "\r\n",
    "\n\n",
    "\r",
    "\0",
    ":",
    ";",
    "=",
    "--",
    "--b",
    "\"",
    "(",
    ")",
    "<",
    ">",
    "@",
    ",",
    "=?utf-8?B?",
    "=?iso-2022-jp?Q?",
    "?=",
    "=20",
    "=\r\n",
    "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n",
    "Content-Type: message/rfc822\r\n\r\n",
    "Content-Type: text/html\r\n\r\n",
    "Content-Transfer-Encoding: base64\r\n",
    "Content-Disposition: attachment; filename*0*=utf-8''%41",
    "From: ",
    "To: ",
    "References: <",
    "<script>",
    "<a href=\"javascript:x\">",
    "<style>",
    "<!--",
    "]]>",
    "<svg>",
    "<math>",
    "<img src=\"cid:x\">",
    "&#x3c;",
    "style=\"background:url(x)\"",
    "BEGIN:VEVENT\r\n",
    "END:VEVENT\r\n",
    "DTSTART;TZID=",
    "message/delivery-status",
    "Final-Recipient: rfc822; ",
    "\u{feff}",
    "\u{202e}",
];

fn corpus(ending: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/mail");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == ending));
    paths.sort();
    let mut all: Vec<Vec<u8>> = paths.iter().filter_map(|p| std::fs::read(p).ok()).collect();
    if all.is_empty() {
        eprintln!("SKIPPED in part: ../shared/data/mail is not there; a few of our own are changed");
    }
    all.push(
        b"From: a@b.example\r\nTo: c@d.example\r\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n\
        --b\r\nContent-Type: text/plain; format=flowed\r\n\r\n> a \r\n> b\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>Hi</p>\r\n--b--\r\n"
            .to_vec(),
    );
    all
}

#[test]
fn mails() {
    fuzz(1, &corpus("eml"), WORDS, |raw| {
        let Ok(mail) = vorgang_mail::read(raw, "h", vorgang_mail::SIZE_MAX) else { return };
        assert!(!mail.subject.contains(['\r', '\n', '\0']) && !mail.body.contains('\0'));
        for address in mail.from.iter().chain(&mail.to).chain(&mail.cc).chain(&mail.reply_to) {
            assert!(address.address.contains('@') && !address.to_string().contains(['\r', '\n', '\0']), "{address:?}");
        }
        for (file, _) in &mail.attachments {
            assert!(!file.name.contains(['/', '\\', '\r', '\n', '\0']) && !file.name.starts_with('.'), "{file:?}");
        }
        assert!(mail.attachments.iter().map(|(a, _)| a.size).sum::<u64>() <= 20 * raw.len() as u64 + 100_000);
        assert_eq!(vorgang_mail::read(raw, "h", vorgang_mail::SIZE_MAX).as_ref(), Ok(&mail), "the same again");
        let _ = vorgang_mail::shown(raw);
    });
}

#[test]
fn headers() {
    let heads: Vec<Vec<u8>> = corpus("eml")
        .into_iter()
        .map(|m| {
            let end = m.windows(2).position(|w| w == b"\n\n" || w == b"\n\r").unwrap_or(m.len());
            m[..end].to_vec()
        })
        .collect();
    fuzz(2, &heads, WORDS, |raw| {
        if let Ok(mail) = vorgang_mail::read(raw, "h", vorgang_mail::SIZE_MAX) {
            assert!(mail.references.len() <= 50 && mail.headers.iter().all(|(_, v)| !v.contains(['\r', '\n', '\0'])));
        }
    });
}

/// Nothing is left that runs or loads, and sanitising again changes nothing.
#[test]
fn html() {
    let pages: Vec<Vec<u8>> = [
        "<p>Hello <b>you</b> <a href=\"https://a.example/?x=1&y=2\">link</a></p><table><tr><td style=\"color:red\">x</td></tr></table>",
        "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
        "<div><img src=\"cid:a\"><img src=\"http://evil.example/x\"><svg><script>alert(1)</script></svg></div>",
    ]
    .iter()
    .map(|p| p.as_bytes().to_vec())
    .collect();
    fuzz(3, &pages, WORDS, |raw| {
        let html = String::from_utf8_lossy(raw);
        let once = vorgang_mail::html::sanitise(&html, Default::default());
        let lower = once.to_ascii_lowercase();
        for bad in [
            "<script",
            "<style",
            "<iframe",
            "<object",
            "<svg",
            "<math",
            "<form",
            "<base",
            "<meta",
            "<link",
            "src=\"http",
            "javascript:\"",
            "url(",
        ] {
            assert!(!lower.contains(bad) || lower.contains(&bad.replace('<', "&lt;")), "{bad} in {once:?} of {html:?}");
        }
        let twice = vorgang_mail::html::sanitise(&once, Default::default());
        assert_eq!(once, twice, "of {html:?}");
        let _ = vorgang_mail::html::to_text(&html);
    });
}

#[test]
fn invitations() {
    let text = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:Kick-\r\n off\r\nDTSTART;TZID=Europe/Berlin:20260302T100000\r\nORGANIZER:mailto:a@b.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    fuzz(4, &[text.as_bytes().to_vec()], WORDS, |raw| {
        let summary = vorgang_mail::calendar::summary(&String::from_utf8_lossy(raw));
        assert!(summary.len() < 200_000 && !summary.contains('\0'));
    });
}

#[test]
fn tnef() {
    let mut all = corpus("tnef");
    all.push(vec![0x78, 0x9f, 0x3e, 0x22, 1, 0, 2, 2, 0x90, 6, 0, 0, 0, 0, 0, 0, 0]);
    fuzz(5, &all, WORDS, |raw| {
        let files = vorgang_mail::tnef::files(raw);
        assert!(files.iter().map(|(_, b)| b.len()).sum::<usize>() <= raw.len());
    });
}
