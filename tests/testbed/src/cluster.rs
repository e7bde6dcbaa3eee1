//! A PostgreSQL of a test's own: a primary, and a standby that confirms what it commits. Plain processes on loopback,
//! ended by their ids.

use crate::{Folder, psql};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Where Debian puts what is in no path.
const DEBIAN: &str = "/usr/lib/postgresql";
const START: Duration = Duration::from_secs(30);

pub struct Cluster {
    pub primary: Postgres,
    pub standby: Option<Postgres>,
    _folder: Folder,
}

/// One server.
pub struct Postgres {
    pub port: u16,
    data: PathBuf,
    child: Option<Child>,
}

/// The folder of `initdb` and `postgres`, version 15 or newer.
pub fn programs() -> Option<PathBuf> {
    let in_path = std::env::var_os("PATH").into_iter().flat_map(|p| std::env::split_paths(&p).collect::<Vec<_>>());
    let version = |p: &Path| p.file_name().and_then(|n| n.to_str()?.parse::<u32>().ok()).unwrap_or(0);
    let mut debian: Vec<PathBuf> = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten().map(|e| e.path()).collect();
    debian.retain(|p| version(p) >= 15);
    debian.sort_by_key(|p| version(p));
    debian.into_iter().rev().map(|p| p.join("bin")).chain(in_path).find(|p| p.join("initdb").exists())
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0)
}

/// PostgreSQL does not run as root.
fn program(name: &str) -> Command {
    let path = programs().expect("PostgreSQL is installed").join(name);
    if !is_root() {
        return Command::new(path);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(path);
    command
}

fn run(mut command: Command) {
    let output = command.stdin(Stdio::null()).output().expect("a program of PostgreSQL runs");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port()
}

fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).output();
    assert!(sent.is_ok_and(|o| o.status.success()), "the process {pid} is there");
}

impl Cluster {
    /// With `safe`, what is committed is on disk, and with `standby` on both; without, it is faster.
    pub fn start(safe: bool, standby: bool) -> Self {
        Self::start_in(Folder::new("postgres"), safe, standby)
    }

    /// The same in a folder, which goes with it.
    pub fn start_in(folder: Folder, safe: bool, standby: bool) -> Self {
        if is_root() {
            run({
                let mut command = Command::new("chown");
                command.arg("postgres").arg(&folder.0);
                command
            });
        }
        let data = folder.0.join("primary");
        let mut initdb = program("initdb");
        initdb.args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-D"]).arg(&data);
        run(initdb);
        let on = if safe { "on" } else { "off" };
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nmax_connections = 300\nfsync = {on}\nfull_page_writes = {on}\n\
             logging_collector = off\nwal_level = replica\nmax_wal_senders = 8\nhot_standby = on\nshared_buffers = 128MB\n"
        );
        let path = data.join("postgresql.conf");
        let before = std::fs::read_to_string(&path).expect("the settings");
        std::fs::write(&path, before + &settings).expect("the settings");
        let mut cluster = Self { primary: Postgres::on(data), standby: None, _folder: folder };
        if standby {
            cluster.standby_add();
        }
        cluster
    }

    fn standby_add(&mut self) {
        let data = self._folder.0.join("standby");
        let from = format!("host=127.0.0.1 port={} user=postgres application_name=standby", self.primary.port);
        let mut copy = program("pg_basebackup");
        copy.args(["-d", &from, "-R", "-X", "stream", "-c", "fast", "--no-sync", "-D"]).arg(&data);
        run(copy);
        self.standby = Some(Postgres::on(data));
        let server = self.primary.server();
        psql(&format!("{server}/postgres"), "ALTER SYSTEM SET synchronous_standby_names = 'standby'");
        psql(&format!("{server}/postgres"), "SELECT pg_reload_conf()");
        let begun = Instant::now();
        let state = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        while psql(&format!("{server}/postgres"), state) != "1" {
            assert!(begun.elapsed() < START, "the standby follows");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The URL of a database: every server that there is, whichever takes writes.
    pub fn url(&self, database: &str) -> String {
        let hosts: Vec<String> = [Some(&self.primary), self.standby.as_ref()].into_iter().flatten().map(Postgres::host).collect();
        format!("postgres://postgres@{}/{database}", hosts.join(","))
    }
}

impl Postgres {
    fn on(data: PathBuf) -> Self {
        let mut postgres = Self { port: free_port(), data, child: None };
        postgres.start();
        postgres
    }

    fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The URL up to the database.
    pub fn server(&self) -> String {
        format!("postgres://postgres@{}", self.host())
    }

    pub fn pid(&self) -> u32 {
        // With `setpriv` too: it becomes the program that it runs.
        self.child.as_ref().expect("it runs").id()
    }

    /// Starts it, and waits until it answers.
    pub fn start(&mut self) {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.data.with_extension("log")).expect("a log");
        let mut command = program("postgres");
        command.arg("-D").arg(&self.data).args(["-p", &self.port.to_string()]);
        self.child = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("it starts"));
        self.wait();
    }

    /// Waits until it answers.
    pub fn wait(&self) {
        let begun = Instant::now();
        let url = format!("{}/postgres", self.server());
        while !Command::new("psql").args([&url, "-qAtXc", "SELECT 1"]).output().is_ok_and(|o| o.status.success()) {
            let log = || std::fs::read_to_string(self.data.with_extension("log")).unwrap_or_default();
            assert!(begun.elapsed() < START, "it does not answer: {}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Has it ended by itself?
    pub fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_none_or(|c| c.try_wait().is_ok_and(|state| state.is_some()))
    }

    /// As a crash ends it: nothing is written any more.
    pub fn crash(&mut self) {
        self.end("QUIT");
    }

    fn end(&mut self, name: &str) {
        if let Some(mut child) = self.child.take() {
            let _ = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).output();
            let _ = child.wait();
        }
    }

    /// Stands still, with all its processes.
    pub fn pause(&self) {
        self.all("STOP");
    }

    pub fn resume(&self) {
        self.all("CONT");
    }

    fn all(&self, name: &str) {
        let pid = self.pid();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        signal(pid, name);
        for child in children.split_whitespace().filter_map(|c| c.parse().ok()) {
            let _ = Command::new("kill").args([&format!("-{name}"), &u32::to_string(&child)]).output();
        }
    }

    /// Makes a standby the primary.
    pub fn promote(&self) {
        psql(&format!("{}/postgres", self.server()), "SELECT pg_promote(true, 30)");
        psql(&format!("{}/postgres", self.server()), "ALTER SYSTEM RESET synchronous_standby_names");
        psql(&format!("{}/postgres", self.server()), "SELECT pg_reload_conf()");
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.all("CONT");
        }
        self.end("INT");
    }
}
