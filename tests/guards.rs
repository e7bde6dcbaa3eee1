//! What the server makes is its own, and what it is given from outside is looked at before it is used.
#![cfg(unix)]

mod common;

use common::{Folder, Server, run, vorgang};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;

const SITE: &str = r#"
- { kind: Site, name: desk, language: 1, languages: en, zone: Europe/Berlin, title: Desk }
- { kind: State, name: new, type: new }
- { kind: Priority, name: normal, level: 3 }
- { kind: Queue, name: desk }
- { kind: Role, name: clerk, queues: { desk: [rw] } }
- { kind: TicketType, name: case, states: [new] }
"#;

fn site(folder: &Folder) -> PathBuf {
    let site = folder.0.join("site");
    fs::create_dir(&site).expect("a folder");
    fs::write(site.join("site.yaml"), SITE).expect("a site");
    site
}

fn below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()) {
        found.push(entry.clone());
        if entry.is_dir() && !entry.is_symlink() {
            below(&entry, found);
        }
    }
}

/// Database, log, lock, socket, spool, key and checkpoints: nobody else reads or opens them.
#[test]
fn files_of_the_server_are_its_own() {
    let folder = Folder::new("modes");
    let site = site(&folder);
    let files = folder.0.join("files");
    let files = files.to_str().expect("a path");
    let server = Server::start(&folder.0, &[site.to_str().expect("a path"), "--files", files]);
    let (code, _, err) = run(&folder.0, &["audit", "checkpoint", "--files", files]);
    assert_eq!(code, 0, "{err}");
    let mut found = vec![];
    below(&folder.0, &mut found);
    // What the test itself put there is left out.
    let made: Vec<_> = found.iter().filter(|p| !p.starts_with(&site) && !p.ends_with("database.url")).collect();
    let names = made.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join("\n");
    assert!(names.contains("checkpoint.key"), "{names}");
    for path in made {
        let mode = fs::symlink_metadata(path).expect("what is there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} has the mode {mode:o}", path.display());
    }
    server.end();
}

/// A listener for mail that other machines reach is opened only when it is asked for.
#[test]
fn mail_listeners_on_other_addresses_are_asked_for() {
    let folder = Folder::new("public");
    let site = site(&folder);
    let site = site.to_str().expect("a path");
    for listener in ["--lmtp", "--smtp"] {
        for address in ["0.0.0.0:0", "[::]:0"] {
            let (code, _, err) = run(&folder.0, &["serve", site, "--listen", "127.0.0.1:0", listener, address]);
            assert_ne!(code, 0, "{listener} {address}");
            assert!(err.contains("--public-mail"), "{listener} {address}: {err}");
        }
    }
    Server::start(&folder.0, &[site, "--lmtp", "127.0.0.1:0"]).end();
    Server::start(&folder.0, &[site, "--lmtp", "0.0.0.0:0", "--public-mail"]).end();
}

/// Links inside the site are followed; those that lead out of it are not.
#[test]
fn definitions_are_not_read_through_links_that_leave_the_site() {
    let folder = Folder::new("links");
    let site = site(&folder);
    let outside = folder.0.join("outside");
    fs::create_dir(&outside).expect("a folder");
    fs::write(outside.join("secret.yaml"), "- { kind: Nonsense, name: secret }\n").expect("a file");
    fs::create_dir(site.join("more")).expect("a folder");
    fs::write(site.join("more/queues.txt"), "- { kind: Queue, name: more }\n").expect("a file");
    let check = || run(&folder.0, &["check", site.to_str().expect("a path")]);
    symlink("more/queues.txt", site.join("inside.yaml")).expect("a link");
    let (code, _, err) = check();
    assert_eq!(code, 0, "{err}");
    // Read, either would be a finding about its content.
    symlink("../outside", site.join("folder")).expect("a link");
    let (code, out, err) = check();
    assert_eq!((code, format!("{out}{err}").contains("Nonsense")), (0, false), "a folder is not gone into: {out}{err}");
    symlink("../outside/secret.yaml", site.join("file.yaml")).expect("a link");
    let (code, out, err) = check();
    assert_ne!(code, 0, "{out}{err}");
    assert!(err.contains("file.yaml") && !format!("{out}{err}").contains("Nonsense"), "{out}{err}");
}

/// A program is run only where nobody else can put another in its place.
#[test]
fn programs_in_folders_that_others_write_to_are_refused() {
    let folder = Folder::new("open_folder");
    let site = site(&folder);
    let programs = folder.0.join("programs");
    fs::create_dir(&programs).expect("a folder");
    let program = programs.join("tell");
    fs::write(&program, "#!/bin/sh\n").expect("a program");
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
    mode(&program, 0o755);
    let named = format!("tell={}", program.display());
    let refused = || {
        let mut command = vorgang(&folder.0);
        command.args(["serve", "--listen", "127.0.0.1:0", "--program", &named]).arg(&site);
        let output = command.stdout(Stdio::null()).output().expect("it runs");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    mode(&programs, 0o777);
    let (success, err) = refused();
    assert!(!success && err.contains("programs"), "{err}");
    mode(&programs, 0o755);
    mode(&program, 0o757);
    let (success, err) = refused();
    assert!(!success && err.contains("tell"), "{err}");
    mode(&program, 0o755);
    Server::start(&folder.0, &[site.to_str().expect("a path"), "--program", &named]).end();
}
