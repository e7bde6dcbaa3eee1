//! Runs a command with a PostgreSQL server beside it, which it finds in `VORGANG_TEST_POSTGRES`.

use std::process::{Command, ExitCode};
use vorgang_testbed::cluster::{Cluster, programs};

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let Some(program) = words.next() else {
        eprintln!("with-postgres COMMAND …");
        return ExitCode::from(2);
    };
    if programs().is_none() {
        eprintln!("PostgreSQL 15 or newer is not installed");
        return ExitCode::from(3);
    }
    let cluster = Cluster::start(false, false);
    let status = Command::new(program).args(words).env("VORGANG_TEST_POSTGRES", cluster.primary.server()).status();
    match status.map(|s| s.code().unwrap_or(3)) {
        Ok(code) => ExitCode::from(code as u8),
        Err(e) => {
            eprintln!("{e}");
            ExitCode::from(3)
        }
    }
}
