//! Real and hostile mails: each is read without an error, quickly, and gives the same again.

use std::path::PathBuf;

fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/mail");
    let mut all: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|e| e.file_name().to_string_lossy().ends_with(".eml"))
        .filter_map(|e| Some((e.file_name().to_string_lossy().into_owned(), std::fs::read(e.path()).ok()?)))
        .collect();
    all.sort();
    if all.is_empty() {
        eprintln!("SKIPPED: ../shared/data/mail is not there");
    }
    all
}

#[test]
fn every_mail_is_read() {
    for (name, raw) in corpus() {
        let hash = vorgang_mail::hash(&raw);
        let mail = vorgang_mail::read(&raw, &hash, vorgang_mail::SIZE_MAX).unwrap_or_else(|e| panic!("{name}: {e}"));
        println!(
            "{name}: from {:?} subject {:?} body {} html {} files {:?} nature {:?} id {:?} refs {:?}",
            mail.from.map(|a| a.to_string()),
            mail.subject,
            mail.body.len(),
            mail.html,
            mail.attachments.iter().map(|(a, _)| format!("{} {} {}", a.name, a.content_type, a.size)).collect::<Vec<_>>(),
            mail.nature,
            mail.message_id,
            mail.references.len(),
        );
        let _ = vorgang_mail::shown(&raw);
    }
}

#[test]
fn lines_may_end_in_a_return_alone() {
    let mail = |end: &str| {
        let text = ["From X", "From: a@b.example", "Subject: x", "", "One", "Two"].join(end);
        vorgang_mail::read(text.as_bytes(), "h", vorgang_mail::SIZE_MAX).expect("a mail")
    };
    assert_eq!((mail("\r").subject.as_str(), mail("\r").body.as_str()), ("x", "One\nTwo"));
    assert_eq!(mail("\r").body, mail("\r\n").body);
}
