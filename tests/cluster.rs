//! Two nodes on a PostgreSQL of their own, while something breaks: rows of the table of faults. Each prints what was
//! acknowledged, what was violated, and how long it took until something was acknowledged again. `VORGANG_LONG=1` runs the
//! long form.

mod common;

use common::crowd::journal::Deed;
use common::crowd::judge::{Finding, findings, judge};
use common::crowd::scene::Scene;
use common::crowd::{Crowd, long};
use common::proxy::{Proxy, Way};
use common::{Folder, Server, request, run};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use vorgang_testbed::cluster::{Cluster, programs};
use vorgang_testbed::{postgres, psql};

/// One at a time: each has a database server and nodes of its own.
static TURN: Mutex<()> = Mutex::new(());
/// Longest time until something is acknowledged again, whatever broke.
const WITHIN: Duration = Duration::from_secs(45);

struct Ground {
    cluster: Cluster,
    folder: Folder,
    nodes: Vec<Server>,
    scene: Scene,
    crowd: Option<Crowd>,
    recoveries: Vec<Duration>,
    _turn: MutexGuard<'static, ()>,
}

impl Ground {
    /// `None` where there is no PostgreSQL, or the run is about SQLite.
    fn new(name: &str, standby: bool) -> Option<Self> {
        if postgres().is_none() || programs().is_none() {
            eprintln!("SKIPPED: this is about PostgreSQL");
            return None;
        }
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Self::on(turn, Cluster::start(true, standby), name))
    }

    fn on(turn: MutexGuard<'static, ()>, cluster: Cluster, name: &str) -> Self {
        psql(&format!("{}/postgres", cluster.primary.server()), "CREATE DATABASE desk");
        let folder = Folder::at(name, &cluster.url("desk"));
        let scene = Scene::set(&folder);
        let nodes = vec![Server::start(&folder.0, &[]), Server::start(&folder.0, &[])];
        Self { cluster, folder, nodes, scene, crowd: None, recoveries: vec![], _turn: turn }
    }

    fn crowd(&mut self, name: &str) -> &Crowd {
        let addresses = self.nodes.iter().map(|n| n.address.clone()).collect();
        self.crowd.insert(Crowd::start(name, 8, addresses, &self.scene))
    }

    /// The database, past what nodes go through.
    fn direct(&self) -> String {
        format!("{}/desk", self.cluster.primary.server())
    }

    fn work(&self, more: usize) {
        self.crowd.as_ref().expect("somebody works").go_on(more, WITHIN);
    }

    /// Something broke: how long until something is acknowledged again.
    fn recovers(&mut self, broke: Instant) {
        self.work(3);
        self.recoveries.push(broke.elapsed());
    }

    fn start(&mut self, at: usize) {
        self.nodes[at] = Server::start(&self.folder.0, &[]);
        let addresses = self.nodes.iter().map(|n| n.address.clone()).collect();
        self.crowd.as_ref().expect("somebody works").moved(addresses);
    }

    fn verdict(mut self, row: &str) {
        let journal = self.crowd.take().expect("somebody worked").finish();
        let verdict = judge(&self.folder, &self.nodes[0].address, &self.scene, journal);
        verdict.tell(row, &self.recoveries);
    }
}

/// Any number below, from a seed.
struct Seed(u64);

impl Seed {
    fn new() -> Self {
        Self(std::env::var("VORGANG_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(0x9E37_79B9))
    }

    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

#[test]
fn row_1_nodes_are_killed() {
    let Some(mut g) = Ground::new("killed", false) else { return };
    let mut seed = Seed::new();
    g.crowd("killed");
    for _ in 0..long(8, 300) {
        g.work(2 + seed.below(40) as usize);
        let at = seed.below(2) as usize;
        let broke = Instant::now();
        g.nodes[at].child.kill().expect("it is killed");
        g.start(at);
        g.recovers(broke);
    }
    g.verdict("1, two nodes killed by turns");
}

#[test]
fn row_3_a_node_stands_still() {
    let Some(mut g) = Ground::new("paused", false) else { return };
    g.crowd("paused");
    for _ in 0..long(1, 10) {
        g.work(50);
        let pid = g.nodes[1].child.id().to_string();
        let signal = |name: &str| assert!(std::process::Command::new("kill").args([name, &pid]).status().is_ok_and(|s| s.success()));
        let broke = Instant::now();
        signal("-STOP");
        g.recovers(broke);
        std::thread::sleep(Duration::from_secs(11));
        signal("-CONT");
        g.work(50);
    }
    g.verdict("3, a node stands still for longer than its lease");
}

#[test]
fn row_15_the_database_restarts_at_once() {
    let Some(mut g) = Ground::new("restarts", false) else { return };
    let mut seed = Seed::new();
    g.crowd("restarts");
    for _ in 0..long(3, 40) {
        g.work(20 + seed.below(200) as usize);
        let broke = Instant::now();
        g.cluster.primary.crash();
        g.cluster.primary.start();
        g.recovers(broke);
    }
    g.verdict("15, the database crashes and restarts");
}

#[test]
fn row_16_backends_are_ended() {
    let Some(mut g) = Ground::new("backends", false) else { return };
    let mut seed = Seed::new();
    g.crowd("backends");
    let direct = g.direct();
    for i in 0..long(6, 100) {
        g.work(20 + seed.below(100) as usize);
        let pid = "SELECT pid FROM pg_stat_activity WHERE application_name = 'vorgang' ORDER BY random() LIMIT 1";
        let broke = Instant::now();
        if i % 6 == 5 {
            // The whole server goes through recovery.
            let pid = psql(&direct, pid);
            let _ = std::process::Command::new("kill").args(["-KILL", &pid]).status();
            std::thread::sleep(Duration::from_millis(100));
            g.cluster.primary.wait();
        } else {
            psql(&direct, &format!("SELECT pg_terminate_backend(({pid}))"));
        }
        g.recovers(broke);
    }
    g.verdict("16, backends are ended and killed");
}

#[test]
fn row_17_a_standby_takes_over() {
    let Some(mut g) = Ground::new("failover", true) else { return };
    g.crowd("failover");
    g.work(200);
    let broke = Instant::now();
    g.cluster.primary.pause();
    let standby = g.cluster.standby.as_ref().expect("a standby");
    standby.promote();
    g.folder.count_at(&format!("{}/desk", standby.server()));
    g.recovers(broke);
    g.work(100);
    // The old one wakes up: nobody writes to it any more.
    let now = |server: &str| psql(&format!("{server}/desk"), "SELECT count(*) FROM history").parse::<u64>().expect("a count");
    g.cluster.primary.resume();
    g.work(100);
    let (old, new) = (g.cluster.primary.server(), g.cluster.standby.as_ref().expect("a standby").server());
    let behind = now(&old);
    g.work(100);
    assert_eq!(now(&old), behind, "the old primary takes nothing any more");
    assert!(now(&new) > behind);
    assert!(g.recoveries[0] < Duration::from_secs(15), "it took {:?}", g.recoveries[0]);
    g.verdict("17, the synchronous standby takes over");
}

/// Row 18: a standby that had not confirmed takes over. What it had not heard is lost, no more than that, and the signed
/// checkpoint outside the database says what it was.
#[test]
fn row_18_an_asynchronous_standby_takes_over() {
    let Some(mut g) = Ground::new("async", true) else { return };
    let server = format!("{}/postgres", g.cluster.primary.server());
    psql(&server, "ALTER SYSTEM RESET synchronous_standby_names");
    psql(&server, "SELECT pg_reload_conf()");
    g.crowd("async");
    g.work(100);
    let audit = |g: &Ground, what: &str| run(&g.folder.0, &["audit", what]);
    assert_eq!(audit(&g, "checkpoint").0, 0);
    assert_eq!(audit(&g, "verify").0, 0);
    // The standby hears within that second of everything acknowledged until now.
    let heard = Instant::now();
    g.work(50);
    std::thread::sleep(Duration::from_secs(1));
    g.cluster.standby.as_mut().expect("a standby").crash();
    let last = Instant::now();
    g.work(200);
    let (code, out, err) = audit(&g, "checkpoint");
    assert_eq!(code, 0, "{out}{err}");
    let broke = Instant::now();
    g.cluster.primary.crash();
    let standby = g.cluster.standby.as_mut().expect("a standby");
    standby.start();
    standby.promote();
    g.folder.count_at(&format!("{}/desk", standby.server()));
    g.recovers(broke);
    g.work(50);
    let journal = g.crowd.take().expect("somebody worked").finish();
    let (code, out, _) = audit(&g, "verify");
    assert_eq!(code, 1, "what is lost is told: {out}");
    let unheard = journal.done.iter().filter(|d| d.at > last && d.at < broke && matches!(d.deed, Deed::Begun { .. })).count();
    let found = findings(&g.folder, &g.scene, &journal);
    // A mail of a commit that was lost has gone out; it goes out again when the same is done once more.
    let early: Vec<&Finding> = found.iter().filter(|f| f.at.is_some_and(|at| at < heard) && !f.text.contains("Message-ID")).collect();
    assert!(early.is_empty(), "the standby had heard of it: {early:#?}");
    let missing = |f: &&Finding| f.at.is_some_and(|at| at > last && at < broke) && f.text.ends_with("one ticket, 0 are there");
    let lost = found.iter().filter(missing).count();
    println!(
        "PASS 18, an asynchronous standby takes over: {lost} of {unheard} tickets that it had not heard of are missed, recovery {:.1?}; told as: {}",
        g.recoveries[0],
        out.lines().next().unwrap_or_default()
    );
    // It was down when they were made: none of them can be there.
    assert!(lost > 0 && lost == unheard, "{lost} of {unheard} were lost");
}

/// Row 19: the database's disk is full. It is refused until there is space, and then it goes on.
#[test]
fn row_19_the_databases_disk_is_full() {
    if postgres().is_none() || programs().is_none() {
        return eprintln!("SKIPPED: this is about PostgreSQL");
    }
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let place = vorgang_testbed::Folder::new("small");
    let Some(_mounted) = Mounted::new(&place.0, "400m") else { return };
    let ballast = place.0.join("ballast");
    let mut g = Ground::on(turn, Cluster::start_in(place, true, false), "small");
    g.crowd("small");
    g.work(50);
    let filled = std::process::Command::new("dd").args(["if=/dev/zero", "bs=64k"]).arg(format!("of={}", ballast.display())).output();
    assert!(filled.is_ok_and(|o| !o.status.success()), "it is full");
    let (begun, address) = (Instant::now(), g.nodes[0].address.clone());
    let auth = format!("Bearer {}", g.scene.customer);
    let ask = || {
        let headers = [("Authorization", auth.as_str()), ("Content-Type", "application/json")];
        let body = format!(r#"{{"fields":{{"amount":"400"}},"article":{{"body":"{}"}}}}"#, "x".repeat(60_000));
        request(&address, "POST", "/api/v1/processes/expense_claim/start", &headers, body.as_bytes()).map(|a| a.status)
    };
    loop {
        if ask() == Some(503) {
            break;
        }
        assert!(begun.elapsed() < WITHIN * 2, "it never fills up");
    }
    std::fs::remove_file(&ballast).expect("space");
    let broke = Instant::now();
    let before = g.crowd.as_ref().expect("somebody works").acknowledged();
    while g.crowd.as_ref().expect("somebody works").acknowledged() < before + 3 {
        assert!(broke.elapsed() < WITHIN, "it does not come back");
        // Where not even its log could be written it has ended; whoever looks after it starts it.
        if g.cluster.primary.has_ended() {
            g.cluster.primary.start();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    g.recoveries.push(broke.elapsed());
    g.work(50);
    g.verdict("19, the database's disk is full");
}

/// A small file system at a folder.
struct Mounted(String);

impl Mounted {
    fn new(at: &std::path::Path, size: &str) -> Option<Self> {
        let at = at.display().to_string();
        let mounted = std::process::Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "vorgang", &at]).output();
        if !mounted.is_ok_and(|o| o.status.success()) {
            vorgang_testbed::skip("nothing can be mounted here");
            return None;
        }
        Some(Self(at))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").args(["-l", &self.0]).output();
    }
}

/// Rows 22 to 26: what lies between a node and its database breaks.
#[test]
fn rows_22_to_26_the_network_breaks() {
    let Some(mut g) = Ground::new("network", false) else { return };
    let proxy = Proxy::start(g.cluster.primary.port);
    let through = Folder::at("network-proxy", &format!("postgres://postgres@127.0.0.1:{}/desk", proxy.port));
    through.environment_of(&g.folder);
    g.nodes[1] = Server::start(&through.0, &[]);
    g.crowd("network");
    let ways = [Way::Nothing, Way::NoReplies, Way::Slow(Duration::from_millis(30)), Way::Reset(3_000), Way::Nothing];
    for way in ways {
        g.work(50);
        let broke = Instant::now();
        proxy.set(way);
        g.recovers(broke);
        std::thread::sleep(Duration::from_secs(if way == Way::Nothing { 11 } else { 4 }));
        let mended = Instant::now();
        proxy.set(Way::All);
        while request(&g.nodes[1].address, "GET", "/readyz", &[], b"").is_none_or(|a| a.status != 200) {
            assert!(mended.elapsed() < Duration::from_secs(10), "the node does not come back after {way:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
        g.recoveries.push(mended.elapsed());
        g.work(50);
    }
    g.verdict("22 to 26, the network between a node and the database");
}

/// Row 20: somebody else has taken all connections.
#[test]
fn row_20_connections_run_out() {
    let Some(mut g) = Ground::new("connections", false) else { return };
    let direct = g.direct();
    psql(&direct, "ALTER ROLE postgres CONNECTION LIMIT -1");
    g.crowd("connections");
    g.work(50);
    let mut idle: Vec<std::process::Child> = vec![];
    let broke = Instant::now();
    for _ in 0..320 {
        let sleep = std::process::Command::new("psql")
            .args([&direct, "-qc", "SELECT pg_sleep(8)"])
            .stderr(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .spawn();
        idle.push(sleep.expect("psql runs"));
    }
    // What a node has it keeps; what a new one needs it does not get, and says so in one sentence.
    let (code, _, err) = run(&g.folder.0, &["user", "list"]);
    assert!(code == 0 || (code == 3 && err.lines().count() == 1), "{err}");
    g.recovers(broke);
    for mut child in idle {
        let _ = child.wait();
    }
    g.work(50);
    g.verdict("20, connections run out");
}
