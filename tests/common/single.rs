//! One node on a SQLite file of its own, for whatever is to break around it.

use super::crowd::Crowd;
use super::crowd::judge::judge;
use super::crowd::scene::Scene;
use super::{Folder, Server, program, vorgang};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use vorgang_testbed::postgres;

/// One at a time.
static TURN: Mutex<()> = Mutex::new(());

pub struct Ground {
    pub folder: Folder,
    pub scene: Scene,
    pub recoveries: Vec<Duration>,
    _turn: MutexGuard<'static, ()>,
}

/// Can this be run here at all?
pub fn able(program: &str, arguments: &[&str]) -> bool {
    let able = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success());
    if !able {
        vorgang_testbed::skip(format!("`{program} {}` cannot be run here", arguments.join(" ")));
    }
    able
}

impl Ground {
    /// `None` where the run is about PostgreSQL.
    pub fn new(name: &str) -> Option<Self> {
        if postgres().is_some() {
            eprintln!("SKIPPED: this is about SQLite");
            return None;
        }
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = Folder::new(name);
        let scene = Scene::of_one_node(&folder);
        Some(Self { folder, scene, recoveries: vec![], _turn: turn })
    }

    pub fn crowd(&self, name: &str, server: &Server) -> Crowd {
        Crowd::start(name, 8, vec![server.address.clone()], &self.scene)
    }

    /// The server under something that gets between it and the system.
    pub fn under(&self, under: &str, arguments: &[&str]) -> Server {
        let mut command = Command::new(under);
        command.args(arguments).arg(program()).args(["serve", "--listen", "127.0.0.1:0"]);
        let own = vorgang(&self.folder.0);
        command.current_dir(&self.folder.0).envs(own.get_envs().filter_map(|(k, v)| Some((k, v?))));
        Server::wait(command)
    }

    pub fn verdict(self, row: &str, server: &Server, crowd: Crowd) {
        let journal = crowd.finish();
        let verdict = judge(&self.folder, &server.address, &self.scene, journal);
        verdict.tell(row, &self.recoveries);
    }
}
