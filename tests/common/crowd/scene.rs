//! What a crowd works on: the site of `tests/sites/crowd`, its people, a program that notes each run in a file, and a mail server
//! that keeps what comes.

use crate::common::{Folder, free_port, program, vorgang_by};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// File in the folder with the runs of the program, a line each.
const RUNS: &str = "weighed";
/// Logins of those who vote.
pub const MANAGERS: [&str; 2] = ["first", "second"];

/// Mark → Message-IDs of the mails that tell of it, alone or among others.
pub type Mails = BTreeMap<String, BTreeSet<String>>;

#[derive(Clone)]
pub struct Scene {
    pub customer: String,
    pub agent: String,
    pub managers: Vec<String>,
    /// Address that takes mail by LMTP, on one node.
    pub door: Option<String>,
    folder: PathBuf,
    mails: Arc<Mutex<Mails>>,
}

impl Scene {
    /// Applies the site and makes its people; commands and servers of this folder find the program and the mail server.
    pub fn set(folder: &Folder) -> Self {
        Self::with_door(&program(), folder, None)
    }

    /// The same, by the program of another release.
    pub fn set_by(program: &OsStr, folder: &Folder) -> Self {
        Self::with_door(program, folder, None)
    }

    /// The same for one node, which takes mail too.
    pub fn of_one_node(folder: &Folder) -> Self {
        Self::with_door(&program(), folder, Some(format!("127.0.0.1:{}", free_port())))
    }

    fn with_door(by: &OsStr, folder: &Folder, door: Option<String>) -> Self {
        let program = folder.0.join("weigh");
        let script = format!("#!/bin/sh\nprintf '%s\\n' \"$(cat)\" >> \"$(dirname \"$0\")/{RUNS}\"\necho 12\n");
        std::fs::write(&program, script).expect("a script");
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("it can be run");
        let mails: Arc<Mutex<Mails>> = Arc::default();
        let mut environment = BTreeMap::from([
            ("VORGANG_PROGRAMS", format!("weigh={}", program.display())),
            ("VORGANG_FILES", folder.0.join("files").display().to_string()),
            ("VORGANG_MAIL_URL", format!("smtp+plain://127.0.0.1:{}", take_mail(mails.clone()))),
            ("VORGANG_MAIL_FROM", "desk@example.org".to_owned()),
        ]);
        environment.extend(door.clone().map(|d| ("VORGANG_LMTP", d)));
        folder.set_environment(&environment);
        let good = |arguments: &[&str]| {
            let output = vorgang_by(by, &folder.0).args(arguments).output().expect("the command runs");
            assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        };
        good(&["apply", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sites/crowd")]);
        good(&["user", "add", "customer", "--email", "customer@example.org"]);
        good(&["user", "add", "agent", "--agent", "--role", "clerk"]);
        good(&["user", "add", "admin", "--agent", "--role", "admin"]);
        for manager in MANAGERS {
            good(&["user", "add", manager, "--agent", "--role", "manager"]);
        }
        Self {
            customer: good(&["user", "token", "customer"]),
            agent: good(&["user", "token", "agent"]),
            managers: MANAGERS.iter().map(|m| good(&["user", "token", m])).collect(),
            door,
            folder: folder.0.clone(),
            mails,
        }
    }

    /// Mails taken so far.
    pub fn mails(&self) -> Mails {
        self.mails.lock().expect("the mails").clone()
    }

    /// Mark → keys of the calls, of all runs of the program.
    pub fn runs(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut runs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let text = std::fs::read_to_string(self.folder.join(RUNS)).unwrap_or_default();
        // A run that was killed may have left half of a line.
        for line in text.lines().filter_map(|l| serde_json::from_str::<serde_json::Value>(l).ok()) {
            let text = |v: &serde_json::Value| v.as_str().unwrap_or_default().to_owned();
            runs.entry(text(&line["with"]["mark"])).or_default().insert(text(&line["call"]));
        }
        runs
    }

    /// Brings one mail in; is it taken?
    pub fn bring(&self, door: &str, mark: &str) -> Option<bool> {
        let stream = TcpStream::connect(door).ok()?;
        stream.set_read_timeout(Some(std::time::Duration::from_secs(40))).ok()?;
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        // The last line of an answer.
        let mut hear = || loop {
            let mut line = String::new();
            (reader.read_line(&mut line).ok()? > 0).then_some(())?;
            if line.as_bytes().get(3) != Some(&b'-') {
                break Some(line.starts_with('2') || line.starts_with('3'));
            }
        };
        hear()?;
        let mail = format!(
            "From: Carla <carla@else.example>\r\nTo: desk@example.org\r\nSubject: {mark}\r\nMessage-ID: <{mark}@else.example>\r\n\r\nnote {mark}\r\n.\r\n"
        );
        for said in ["LHLO crowd\r\n", "MAIL FROM:<carla@else.example>\r\n", "RCPT TO:<desk@example.org>\r\n", "DATA\r\n", &mail] {
            (&stream).write_all(said.as_bytes()).ok()?;
            if !hear()? {
                return Some(false);
            }
        }
        Some(true)
    }
}

/// A mail server that takes everything; its port.
fn take_mail(mails: Arc<Mutex<Mails>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mails = mails.clone();
            std::thread::spawn(move || converse(&stream, &mails));
        }
    });
    port
}

fn converse(mut stream: &TcpStream, mails: &Mutex<Mails>) -> Option<()> {
    let mut lines = BufReader::new(stream).lines();
    stream.write_all(b"220 takes everything\r\n").ok()?;
    loop {
        let line = lines.next()?.ok()?;
        let answer: &[u8] = match line.to_ascii_uppercase().as_str() {
            "DATA" => {
                stream.write_all(b"354 go on\r\n").ok()?;
                let (mut marks, mut id) = (vec![], String::new());
                loop {
                    let line = lines.next()?.ok()?;
                    if line == "." {
                        break;
                    }
                    if let Some(value) = line.strip_prefix("Message-ID: ") {
                        id = value.to_owned();
                    }
                    let told = line.split("Paid ").skip(1).filter_map(|rest| rest.split_whitespace().next());
                    marks.extend(told.map(str::to_owned));
                }
                let mut mails = mails.lock().expect("the mails");
                for mark in marks {
                    mails.entry(mark).or_default().insert(id.clone());
                }
                b"250 taken\r\n"
            }
            "QUIT" => return stream.write_all(b"221 bye\r\n").ok(),
            _ => b"250 good\r\n",
        };
        stream.write_all(answer).ok()?;
    }
}
