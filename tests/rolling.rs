//! Two nodes behind the proxy of docs/running.md are restarted by turns: no request fails.

mod common;

use common::crowd::judge::judge;
use common::crowd::scene::Scene;
use common::crowd::{Crowd, long};
use common::{Folder, Server, free_port, request, vorgang, vorgang_by};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use vorgang_testbed::postgres;

struct Proxy(Child);

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The page's own lines, with this test's addresses.
fn proxy(folder: &Folder, port: u16, nodes: [u16; 2]) -> Proxy {
    let page = include_str!("../docs/running.md");
    let lines = page.split("```caddyfile\n").nth(1).and_then(|rest| rest.split("```").next()).expect("the page has them");
    let lines = lines
        .replace("10.0.0.11:8080", &format!("127.0.0.1:{}", nodes[0]))
        .replace("10.0.0.12:8080", &format!("127.0.0.1:{}", nodes[1]))
        .replace("desk.example.org", &format!("http://127.0.0.1:{port}"));
    let config = folder.0.join("Caddyfile");
    std::fs::write(&config, format!("{{\n\tadmin off\n}}\n{lines}")).expect("the settings");
    let home = folder.0.join("caddy");
    let mut command = Command::new("caddy");
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(&config);
    command.env("HOME", &home).env("XDG_DATA_HOME", &home).env("XDG_CONFIG_HOME", &home);
    let log = std::fs::File::create(folder.0.join("caddy.log")).expect("a log");
    Proxy(command.stdout(Stdio::null()).stderr(log).spawn().expect("caddy runs"))
}

fn node(folder: &Folder, port: u16) -> Server {
    let mut command = vorgang(&folder.0);
    command.args(["serve", "--listen", &format!("127.0.0.1:{port}")]);
    Server::wait(command)
}

#[test]
fn no_request_fails_while_nodes_restart_by_turns() {
    if postgres().is_none() {
        return eprintln!("SKIPPED: VORGANG_TEST_POSTGRES names no server");
    }
    if !Command::new("caddy").arg("version").stdout(Stdio::null()).status().is_ok_and(|s| s.success()) {
        return vorgang_testbed::skip("caddy is not installed");
    }
    let folder = Folder::new("rolling");
    let (front, ports) = (free_port(), [free_port(), free_port()]);
    let scene = Scene::set(&folder);
    let mut nodes = ports.map(|port| Some(node(&folder, port)));
    let _proxy = proxy(&folder, front, ports);
    let address = format!("127.0.0.1:{front}");
    let begun = Instant::now();
    while request(&address, "GET", "/readyz", &[], b"").is_none_or(|a| a.status != 200) {
        assert!(begun.elapsed() < Duration::from_secs(10), "the proxy answers");
        std::thread::sleep(Duration::from_millis(50));
    }
    let crowd = Crowd::start("rolling", 8, vec![address.clone()], &scene);
    for turn in 0..6 {
        crowd.go_on(100, Duration::from_secs(30));
        let at = turn % 2;
        nodes[at].take().expect("it runs").end();
        crowd.go_on(50, Duration::from_secs(30));
        nodes[at] = Some(node(&folder, ports[at]));
        let mine = format!("127.0.0.1:{}", ports[at]);
        assert_eq!(request(&mine, "GET", "/readyz", &[], b"").map(|a| a.status), Some(200));
        // Until the proxy has asked it.
        std::thread::sleep(Duration::from_millis(1_500));
    }
    let verdict = judge(&folder, &address, &scene, crowd.finish());
    println!("6 restarts, {} operations, {} of them asked again", verdict.acknowledged, verdict.again);
    assert!(verdict.violations.is_empty(), "{:#?}", verdict.violations);
    let log = std::fs::read_to_string(folder.0.join("caddy.log")).unwrap_or_default();
    let told: Vec<&str> = log.lines().take(10).collect();
    assert_eq!(verdict.again, 0, "no request fails: {told:#?}");
}

/// Row 41 of the faults: the release before and this one on one database, both under load, for ten minutes in the long form.
/// `VORGANG_OLD` names the program of the release before.
#[test]
fn the_release_before_works_beside_this_one() {
    let Some(old) = std::env::var_os("VORGANG_OLD") else {
        return vorgang_testbed::skip("VORGANG_OLD names no program of the release before");
    };
    if postgres().is_none() {
        return eprintln!("SKIPPED: VORGANG_TEST_POSTGRES names no server");
    }
    let folder = Folder::new("beside");
    let older = || {
        let mut command = vorgang_by(&old, &folder.0);
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        Server::wait(command)
    };
    let scene = Scene::set_by(&old, &folder);
    let nodes = [older(), Server::start(&folder.0, &[])];
    let crowd = Crowd::start("beside", 8, nodes.iter().map(|n| n.address.clone()).collect(), &scene);
    let (begun, long) = (Instant::now(), Duration::from_secs(u64::from(long(10, 600))));
    while begun.elapsed() < long {
        crowd.go_on(50, Duration::from_secs(30));
    }
    // One more of the old ones, on what the new one has made.
    let again = older();
    crowd.moved(vec![again.address.clone(), nodes[1].address.clone()]);
    crowd.go_on(100, Duration::from_secs(30));
    let verdict = judge(&folder, &nodes[1].address, &scene, crowd.finish());
    println!("{:.0?} beside each other, {} operations, {} of them asked again", begun.elapsed(), verdict.acknowledged, verdict.again);
    assert!(verdict.violations.is_empty(), "{:#?}", verdict.violations);
    assert_eq!(verdict.again, 0, "no request fails");
}
