//! The recipes of ARCHITECTURE.md, performed on a copy that has to compile: what a new event, command and action touch.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use vorgang_testbed::Folder;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Files of the workspace that the compiler reads.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let name = entry.file_name();
        let skipped = ["target", "node_modules", ".git", "examples", "docs", "browser"].iter().any(|s| name == *s);
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && !skipped => copy(&entry.path(), &to.join(name)),
            Ok(kind) if kind.is_file() => _ = fs::copy(entry.path(), to.join(name)).expect("a copy"),
            _ => {}
        }
    }
}

/// A copy of the workspace, and the files that a recipe changed in it.
struct Copy {
    folder: Folder,
    touched: Vec<&'static str>,
}

impl Copy {
    fn new(name: &str) -> Self {
        let folder = Folder::new(name);
        copy(&root(), &folder.0);
        Self { folder, touched: vec![] }
    }

    /// A file that the recipe makes.
    fn make(&self, path: &str, text: &str) {
        let path = self.folder.0.join(path);
        assert!(!path.exists(), "{} is there already", path.display());
        fs::write(path, text).expect("a file");
    }

    /// Writes lines before others, each pair once, into a file that is there.
    fn touch(&mut self, path: &'static str, lines: &[(&str, &str)]) {
        let mut text = fs::read_to_string(self.folder.0.join(path)).expect("a file");
        for (new, before) in lines {
            let at = text.find(before).unwrap_or_else(|| panic!("{path} has no `{before}`"));
            text.insert_str(at, new);
        }
        fs::write(self.folder.0.join(path), text).expect("a file");
        self.touched.push(path);
    }

    fn compiles(&self) {
        let target = self.folder.0.join("target");
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args(["check", "--quiet", "--offline", "--package", "vorgang-web"])
            .current_dir(&self.folder.0)
            .env("CARGO_TARGET_DIR", target);
        let out = cargo.output().expect("cargo runs");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }
}

/// One copy with all recipes; each is compiled. The copy's crates have the names of ours, so they are built in a folder of their own.
#[test]
fn recipes_touch_as_few_files_as_they_say() {
    if std::env::var_os("VORGANG_LONG").is_none() {
        return vorgang_testbed::skip("./test --long performs the recipes");
    }
    let mut copy = Copy::new("recipes");
    an_event(&mut copy);
    copy.compiles();
    assert_eq!(std::mem::take(&mut copy.touched).len(), 2);
    a_command(&mut copy);
    copy.compiles();
    assert_eq!(std::mem::take(&mut copy.touched).len(), 1);
    an_action(&mut copy);
    copy.compiles();
    assert_eq!(copy.touched.len(), 3);
}

fn an_event(copy: &mut Copy) {
    copy.make(
        "engine/core/src/state/event/ticket_praised.rs",
        r#"//! A person praised the ticket.

use crate::state::event_data::EventData;
use crate::state::snapshot::Snapshot;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use vorgang_definitions::names::Names;

/// A person praised the ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TicketPraised {
    pub by: String,
}

impl EventData for TicketPraised {
    fn name_for_handlers(&self, _before: &Snapshot) -> Option<Cow<'static, str>> {
        Some("ticket.praised".into())
    }

    fn summary(&self, _names: &Names) -> String {
        format!("praised by {}", self.by)
    }
}
"#,
    );
    copy.touch(
        "engine/core/src/state/event.rs",
        &[
            ("mod ticket_praised;\n", "mod time_accounted;"),
            ("pub use ticket_praised::TicketPraised;\n", "pub use time_accounted::TimeAccounted;"),
            ("    TicketPraised\n", "    TimeAccounted\n"),
        ],
    );
    copy.touch(
        "web/src/widgets.rs",
        &[("Event::TicketPraised(_) => say(\"Praised\".into(), \"Gelobt\".into()),\n        ", "Event::TicketMade(")],
    );
}

fn a_command(copy: &mut Copy) {
    copy.make(
        "engine/core/src/commands/unlock_ticket.rs",
        r#"use crate::commands::command_data::ChangesTicket;
use crate::execution::run::Run;
use crate::rules::rejection::Rejection;

/// Gives the ticket free.
#[derive(Debug, Clone, PartialEq)]
pub struct UnlockTicket;

impl ChangesTicket for UnlockTicket {
    const WORD: &'static str = "unlock_ticket";

    fn perform(&self, run: &mut Run) -> Result<(), Rejection> {
        run.lock(false);
        Ok(())
    }
}
"#,
    );
    copy.touch(
        "engine/core/src/commands.rs",
        &[
            ("mod unlock_ticket;\n", "mod watch_ticket;"),
            ("pub use unlock_ticket::UnlockTicket;\n", "pub use watch_ticket::WatchTicket;"),
            ("        UnlockTicket(UnlockTicket)\n", "        WatchTicket(WatchTicket)"),
        ],
    );
}

fn an_action(copy: &mut Copy) {
    copy.make("definitions/src/actions/unlock.rs", "use crate::name::Name;\n\n/// The name of an activity.\npub type Unlock = Name;\n");
    copy.make(
        "engine/core/src/actions/unlock.rs",
        r"use crate::execution::run::Run;
use crate::rules::failure::Failure;
use vorgang_definitions::actions::unlock::Unlock;

pub fn perform(run: &mut Run, _: &Unlock) -> Result<(), Failure> {
    run.lock(false);
    Ok(())
}
",
    );
    copy.touch(
        "definitions/src/actions.rs",
        &[
            ("pub mod unlock;\n", "pub mod unwatch;"),
            ("    Unlock \"unlock\" unlock::Unlock, \"Unlocks the ticket.\", \"approve\";\n", "    Unwatch \"unwatch\""),
        ],
    );
    copy.touch(
        "definitions/src/check/action_list.rs",
        &[("Verb::Unlock(name) => activity(name, \"unlock\", &[], place, cx),\n            ", "Verb::Reopen(name) =>")],
    );
    copy.touch(
        "engine/core/src/actions.rs",
        &[("mod unlock;\n", "mod unwatch;"), ("Verb::Unlock(a) => unlock::perform(run, a),\n        ", "Verb::Unwatch(a) =>")],
    );
}
