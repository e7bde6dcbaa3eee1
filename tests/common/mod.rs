//! A server of its own for a test, and the smallest HTTP client that tells what came back.

#![allow(dead_code, reason = "each test uses a part of it")]

pub mod crowd;
pub mod maildesk;
pub mod office;
pub mod post;
pub mod proxy;
pub mod single;
pub mod world;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use vorgang_testbed::{self as testbed, Database};

pub struct Answer {
    pub status: u16,
    pub headers: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.lines().find(|l| l.to_ascii_lowercase().starts_with(&format!("{name}:")));
        found.and_then(|l| l.split_once(':')).map(|(_, v)| v.trim())
    }
}

/// One request on a connection of its own. `None` when the connection broke before the answer was whole.
pub fn request(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(40))).ok()?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body).ok()?;
    let mut reader = BufReader::new(stream);
    let mut status_line = String::new();
    reader.read_line(&mut status_line).ok()?;
    let status = status_line.split(' ').nth(1)?.parse().ok()?;
    let mut headers = String::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        headers.push_str(&line);
    }
    let mut answer = Answer { status, headers, body: String::new() };
    let length: Option<usize> = answer.header("content-length").and_then(|v| v.parse().ok());
    let bytes = match length {
        Some(length) => exactly(&mut reader, length)?,
        // A proxy that unpacks an answer does not know its length before its end.
        None if answer.header("transfer-encoding") == Some("chunked") => unchunked(&mut reader)?,
        None => {
            let mut bytes = vec![];
            reader.read_to_end(&mut bytes).ok()?;
            bytes
        }
    };
    answer.body = String::from_utf8_lossy(&bytes).into_owned();
    Some(answer)
}

fn exactly(reader: &mut impl Read, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

/// A body in chunks (RFC 9112, section 7.1); `None` without the last one.
fn unchunked(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut body = vec![];
    loop {
        let mut size = String::new();
        reader.read_line(&mut size).ok()?;
        let chunk = exactly(reader, usize::from_str_radix(size.trim(), 16).ok()?)?;
        exactly(reader, 2)?;
        if chunk.is_empty() {
            return Some(body);
        }
        body.extend(chunk);
    }
}

/// A folder that goes with the test, and the database that commands in it use.
pub struct Folder(pub PathBuf, (Database, testbed::Folder));

/// Where a folder's database is no file in it.
const URL: &str = "database.url";
/// Name of the log of each server in its folder, followed by a number.
const LOG: &str = "server.log.";
static LOGS: AtomicU32 = AtomicU32::new(0);
/// File with the URL of the database where rows are counted, if it is another than the folder's.
const COUNTED: &str = "counted.url";
/// File with the environment of commands in a folder, a variable a line.
const ENVIRONMENT: &str = "environment";

impl Folder {
    pub fn new(name: &str) -> Self {
        Self::with(name, Database::new)
    }

    /// On a database that is there already.
    pub fn at(name: &str, url: &str) -> Self {
        Self::with(name, |_| Database::at(url.to_owned()))
    }

    /// With a copy of this one's database, which nobody has open.
    pub fn copy(&self, name: &str) -> Self {
        Self::with(name, |folder| self.1.0.copy(folder))
    }

    fn with(name: &str, database: impl Fn(&Path) -> Database) -> Self {
        let folder = testbed::Folder::new(name);
        let database = database(&folder.0);
        if database.url != folder.0.join("test.db").display().to_string() {
            std::fs::write(folder.0.join(URL), &database.url).expect("a file");
        }
        Self(folder.0.clone(), (database, folder))
    }

    /// Every command and server of this folder has these from now on.
    pub fn set_environment(&self, environment: &BTreeMap<&str, String>) {
        let lines: String = environment.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        std::fs::write(self.0.join(ENVIRONMENT), lines).expect("a file");
    }

    /// The environment of another folder: its commands work on the same desk.
    pub fn environment_of(&self, other: &Self) {
        std::fs::copy(other.0.join(ENVIRONMENT), self.0.join(ENVIRONMENT)).expect("a copy");
    }

    /// Sets the database where rows are counted: after a fail-over several hosts may accept writes.
    pub fn count_at(&self, url: &str) {
        std::fs::write(self.0.join(COUNTED), url).expect("a file");
    }

    /// URL of the database where rows are counted.
    pub fn counted(&self) -> String {
        std::fs::read_to_string(self.0.join(COUNTED)).unwrap_or_else(|_| url(&self.0))
    }

    /// Errors that servers have told, without those of requests: these have their answers.
    pub fn errors(&self) -> Vec<String> {
        let files = std::fs::read_dir(&self.0).expect("the folder").flatten();
        let logs = files.filter(|f| f.file_name().to_string_lossy().starts_with(LOG));
        let lines = logs.flat_map(|f| std::fs::read_to_string(f.path()).unwrap_or_default().lines().map(str::to_owned).collect::<Vec<_>>());
        lines.filter(|l| l.contains(" ERROR ") && !l.contains("request failed")).collect()
    }

    pub fn database(&self) -> &Database {
        &self.1.0
    }

    pub async fn open(&self) -> std::sync::Arc<dyn vorgang_store::Store> {
        self.1.0.open().await
    }
}

/// The URL of the folder's database.
pub fn url(folder: &Path) -> String {
    std::fs::read_to_string(folder.join(URL)).unwrap_or_else(|_| folder.join("test.db").display().to_string())
}

/// The program: this build's, or the one that `VORGANG_BIN` names.
pub fn program() -> OsString {
    std::env::var_os("VORGANG_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_vorgang").into())
}

pub fn vorgang(folder: &Path) -> Command {
    vorgang_by(&program(), folder)
}

/// The same, by the program of another release.
pub fn vorgang_by(program: &OsStr, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env("VORGANG_DATABASE", url(folder)).env("NO_COLOR", "1").env_remove("VORGANG_LOG");
    // A crowd of one person is no person.
    command.env("VORGANG_QUOTA_CREATE", "0").env("VORGANG_QUOTA_SEARCH", "0").env("VORGANG_QUOTA_EXPORT", "0");
    let environment = std::fs::read_to_string(folder.join(ENVIRONMENT)).unwrap_or_default();
    command.envs(environment.lines().filter_map(|l| l.split_once('=')));
    command
}

/// A port that is free now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port()
}

pub struct Server {
    pub child: Child,
    pub address: String,
    pub links: Vec<(String, String)>,
}

impl Server {
    /// Starts and waits until it is ready.
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = vorgang(folder);
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(arguments);
        let log = format!("{LOG}{}", LOGS.fetch_add(1, Ordering::Relaxed));
        let mut server = Self::wait_with_log(command, &folder.join(log));
        if arguments.contains(&"--demo") {
            server.links = links(&mut server.child);
        }
        server
    }

    /// Waits until what was started says where it serves.
    pub fn wait(command: Command) -> Self {
        Self::wait_writing(command, Box::new(std::io::sink()))
    }

    /// The same; what it says afterwards goes into a file.
    pub fn wait_with_log(command: Command, log: &Path) -> Self {
        // Nobody else's, as all that lies in a server's folder.
        let file = std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(log).expect("a file");
        Self::wait_writing(command, Box::new(file))
    }

    fn wait_writing(mut command: Command, mut log: Box<dyn Write + Send>) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the server starts");
        let mut stderr = BufReader::new(child.stderr.take().expect("stderr"));
        let mut seen = String::new();
        let address = loop {
            let mut line = String::new();
            if stderr.read_line(&mut line).unwrap_or(0) == 0 {
                panic!("the server ended: {seen}");
            }
            if let Some((_, url)) = line.trim().rsplit_once(" on http://") {
                break url.to_owned();
            }
            seen.push_str(&line);
        };
        // Somebody has to read on, or the pipe fills up.
        std::thread::spawn(move || std::io::copy(&mut stderr, &mut log));
        Self { child, address, links: vec![] }
    }

    /// The cookie of a session of this person.
    pub fn sign_in(&self, login: &str) -> String {
        let link = &self.links.iter().find(|(l, _)| l == login).expect("a link").1;
        let answer = request(&self.address, "POST", link, &[], b"").expect("an answer");
        let cookie = answer.header("set-cookie").expect("a cookie");
        cookie.split(';').next().unwrap_or_default().to_owned()
    }

    /// Ends it in order.
    pub fn end(mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }

    /// `kill -9`, and the end of it.
    pub fn kill(self) {}
}

/// A program that one of ours has started.
pub fn below(pid: u32) -> Option<u32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}

/// A test leaves no server behind, also none that runs below another program.
impl Drop for Server {
    fn drop(&mut self) {
        if let Some(pid) = below(self.child.id()) {
            let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn links(child: &mut Child) -> Vec<(String, String)> {
    let mut stdout = BufReader::new(child.stdout.take().expect("stdout"));
    let mut links = vec![];
    while links.len() < 8 {
        let mut line = String::new();
        if stdout.read_line(&mut line).unwrap_or(0) == 0 {
            break;
        }
        let mut words = line.split_whitespace();
        if let (Some(login), Some(url)) = (words.next(), words.next())
            && let Some((_, path)) = url.split_once("/link/")
        {
            links.push((login.to_owned(), format!("/link/{path}")));
        }
    }
    links
}

pub fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = vorgang(folder).args(arguments).output().expect("the command runs");
    let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

pub fn token(folder: &Path, login: &str) -> String {
    let (code, out, err) = run(folder, &["user", "token", login]);
    assert_eq!(code, 0, "{err}");
    out.trim().to_owned()
}

/// A folder with all that is in it.
pub fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        if entry.path().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
        }
    }
}
