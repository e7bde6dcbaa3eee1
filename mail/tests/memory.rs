//! What a mail costs in memory while it is read and shown: four times its size at most, and a small one 16 MB.

use peak_alloc::PeakAlloc;
use std::path::PathBuf;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const SMALL: usize = 16 * 1024 * 1024;

/// The more costly of both: nobody reads and shows at the same time.
fn cost(raw: &[u8]) -> usize {
    let of = |work: &dyn Fn()| {
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        work();
        MEMORY.peak_usage().saturating_sub(before)
    };
    of(&|| drop(vorgang_mail::read(raw, "h", u64::MAX))).max(of(&|| drop(vorgang_mail::shown(raw))))
}

/// Large ones of the kinds that multiply.
fn large() -> Vec<(&'static str, Vec<u8>)> {
    const SIZE: usize = 12 * 1024 * 1024;
    let head = "From: a@client.example\r\nTo: b@example.org\r\nSubject: x\r\nMIME-Version: 1.0\r\n";
    let of = |kind: &str, body: String| format!("{head}{kind}\r\n\r\n{body}").into_bytes();
    let lines = |line: &str| line.repeat(SIZE / line.len());
    vec![
        ("text", of("Content-Type: text/plain; charset=utf-8", lines("A line of text that is not very long.\r\n"))),
        ("latin text", [of("Content-Type: text/plain; charset=iso-8859-1", String::new()), b"\xe4\xf6\xfc\r\n".repeat(SIZE / 5)].concat()),
        ("flowed", of("Content-Type: text/plain; format=flowed", lines("> quoted \r\n> and on \r\n"))),
        ("html", of("Content-Type: text/html", lines("<p>Hello <b>you</b> &amp; me</p>\r\n"))),
        ("deep html", of("Content-Type: text/html", lines("<div><b><table><td>"))),
        ("lists in html", of("Content-Type: text/html", lines("<ul><li><blockquote>x"))),
        ("deep brackets", of(&format!("Content-Type: text/plain; x={}", "(".repeat(900_000)), "x".into())),
        ("deep groups", of(&format!("Cc: {}", "a:(<".repeat(200_000)), "x".into())),
        ("invitation", of("Content-Type: text/calendar", lines("BEGIN:VEVENT\r\nSUMMARY:x\r\n"))),
        ("base64", of("Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64", lines(&format!("{}\r\n", "QUJD".repeat(19))))),
        (
            "quoted-printable",
            of("Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable", lines("=41=42=43=44=45=46=\r\n")),
        ),
        ("many parts", of("Content-Type: multipart/mixed; boundary=b", lines("--b\r\n\r\nx\r\n"))),
        ("a few thousand parts", of("Content-Type: multipart/mixed; boundary=b", "--b\r\n\r\nx\r\n".repeat(19_000))),
        ("many headers", of(&lines("X-A: b\r\n"), String::new())),
        ("many headers in a part", of("Content-Type: multipart/mixed; boundary=b", format!("--b\r\n{}", lines("X-A: b\r\n")))),
        (
            "headers as they may be",
            of(
                &format!("Content-Type: multipart/mixed; boundary=b\r\n{}", "X: b\r\n".repeat(9_900)),
                format!("--b\r\n{}", "X: b\r\n".repeat(49_000)),
            ),
        ),
        ("one header", of(&format!("X-A: {}", lines("=?utf-8?B?QQ==?= ")), String::new())),
        ("addresses", of(&format!("Cc: {}", lines("a <a@b.example>, ")), String::new())),
        (
            "nested and encoded",
            of(
                "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: quoted-printable",
                lines("Content-Type: message/rfc822\r\n\r\n"),
            ),
        ),
        (
            "digests",
            of(
                "Content-Type: multipart/digest; boundary=b",
                "--b\r\n\r\nContent-Type: multipart/digest; boundary=b\r\n\r\n".repeat(15_000),
            ),
        ),
        (
            "multiparts",
            of("Content-Type: multipart/mixed; boundary=b", "--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n".repeat(15_000)),
        ),
        ("nested", of("Content-Type: message/rfc822", lines("Content-Type: message/rfc822\r\n\r\n"))),
        ("nothing but line ends", "\r\n".repeat(SIZE / 2).into_bytes()),
    ]
}

#[test]
fn no_mail_costs_more_than_four_times_its_size() {
    let folder = std::env::var_os("VORGANG_MAILS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/mail"), PathBuf::from);
    let files: Vec<PathBuf> = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    if files.is_empty() {
        println!("SKIPPED: ../shared/data/mail is not there");
    }
    let mut all: Vec<(String, Vec<u8>)> = files
        .iter()
        .filter(|p| p.extension().is_some_and(|e| e == "eml"))
        .map(|p| (p.display().to_string(), std::fs::read(p).expect("a mail")))
        .collect();
    all.extend(large().into_iter().map(|(name, raw)| (name.to_owned(), raw)));
    // What is made once counts for none of them.
    cost(b"From: a@b.example\r\n\r\n<b>x</b>");
    let mut costs: Vec<(f64, usize, usize, &str)> = vec![];
    for (name, raw) in &all {
        let cost = cost(raw);
        costs.push((cost as f64 / raw.len().max(1) as f64, cost, raw.len(), name));
    }
    costs.sort_by_key(|c| std::cmp::Reverse(c.1));
    for (times, cost, size, name) in costs.iter().take(15) {
        println!("{name}: {:.1} MB, {times:.1} times its {size} bytes", *cost as f64 / 1_048_576.0);
    }
    let bad: Vec<_> = costs.iter().filter(|(_, cost, size, _)| *cost > SMALL.max(4 * size)).collect();
    assert!(bad.is_empty(), "{bad:?}");
}
