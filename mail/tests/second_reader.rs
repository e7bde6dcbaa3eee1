//! A second opinion on the collected mails: Python's own package. Where the two differ, `second_reader.txt` says why.

use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Runs of letters and digits: what people read, without layout.
fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect()
}

#[test]
fn both_readers_agree_or_the_difference_has_a_reason() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mails = here.join("../../shared/data/mail");
    let script = here.join("tests/second_reader.py");
    let Ok(output) = Command::new("python3").arg(&script).arg(&mails).output() else {
        return println!("SKIPPED: there is no python3");
    };
    if !mails.is_dir() {
        return println!("SKIPPED: ../shared/data/mail is absent");
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let reasons = std::fs::read_to_string(here.join("tests/second_reader.txt")).expect("the reasons");
    let mut reasons: BTreeMap<&str, &str> =
        reasons.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).filter_map(|l| l.split_once(": ")).collect();
    let (mut differ, mut compared) = (vec![], 0);
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let other: Json = serde_json::from_str(line).expect("JSON");
        let name = other["file"].as_str().expect("a name");
        let raw = std::fs::read(mails.join(name)).expect("a mail");
        let Ok(mail) = vorgang_mail::read(&raw, "", u64::MAX) else { continue };
        compared += 1;
        let list = |json: &Json| json.as_array().map(|a| a.iter().filter_map(Json::as_str).map(str::to_owned).collect::<Vec<_>>());
        let mut what = vec![];
        if list(&other["subject"]).is_some_and(|s| s != words(&mail.subject)) {
            what.push(format!("subject {} / {:?}", other["subject"], mail.subject));
        }
        if list(&other["body"]).is_some_and(|b| !b.is_empty() && b != words(&mail.body)) {
            what.push(format!("body {} / {:?}", other["body"], mail.body.chars().take(300).collect::<String>()));
        }
        for file in other["files"].as_array().into_iter().flatten() {
            let there = mail.attachments.iter().any(|(a, b)| Some(b.hash.as_str()) == file[1].as_str() && !a.name.is_empty());
            if !there {
                what.push(format!("file {file} / {:?}", mail.attachments.iter().map(|(a, _)| &a.name).collect::<Vec<_>>()));
            }
        }
        match (what.is_empty(), reasons.remove(name)) {
            (false, None) => differ.push(format!("{name}: {}", what.join("; "))),
            (true, Some(_)) => differ.push(format!("{name}: agrees now, and is still listed")),
            _ => {}
        }
    }
    differ.extend(reasons.keys().map(|name| format!("{name}: is listed, and not there")));
    println!("{compared} mails compared");
    assert!(differ.is_empty(), "{} of {compared}:\n{}", differ.len(), differ.join("\n"));
}
