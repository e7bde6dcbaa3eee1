//! Broken definitions, each with the whole text that its author sees. `UPDATE_EXPECT=1` rewrites the texts.

use std::path::{Path, PathBuf};
use vorgang_definitions::diagnostic::{has_errors, render_human, render_json};
use vorgang_definitions::site::{SiteFile, load, read_folder};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/findings")
}

fn fixtures() -> Vec<(String, Vec<SiteFile>)> {
    let files = read_folder(&folder()).expect("the fixtures");
    let name = |f: &SiteFile| Path::new(&f.path).file_stem().expect("a name").to_string_lossy().into_owned();
    let base = files.iter().find(|f| name(f) == "_base").expect("the base site").clone();
    let base = SiteFile { path: "base.yaml".into(), ..base };
    // What calendars may take holidays from.
    let ics = |f: &&SiteFile| f.path.ends_with(".ics");
    let beside: Vec<SiteFile> = files.iter().filter(ics).map(|f| SiteFile { path: format!("{}.ics", name(f)), ..f.clone() }).collect();
    let others = files.iter().filter(|f| name(f) != "_base" && !ics(f));
    let site = |f: &SiteFile| {
        let own = SiteFile { path: format!("{}.yaml", name(f)), ..f.clone() };
        [vec![base.clone(), own], beside.clone()].concat()
    };
    others.map(|f| (name(f), site(f))).collect()
}

#[test]
fn the_base_is_good() {
    let (_, files) = fixtures().into_iter().next().expect("a fixture");
    let loaded = load(&files[..1], &[]);
    assert_eq!(render_human(&loaded.sources, &loaded.diagnostics, false), "");
}

#[test]
fn every_fixture_says_what_it_should() {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut wrong = vec![];
    for (name, files) in fixtures() {
        let loaded = load(&files, &[]);
        let found = render_human(&loaded.sources, &loaded.diagnostics, false);
        assert!(has_errors(&loaded.diagnostics) && loaded.model.is_none(), "{name} has no finding");
        let json = render_json(&loaded.sources, &loaded.diagnostics);
        assert_eq!(json["findings"].as_array().map(Vec::len), Some(loaded.diagnostics.len()));
        let path = folder().join(format!("{name}.txt"));
        if update {
            std::fs::write(&path, &found).expect("the expected text is written");
        } else if std::fs::read_to_string(&path).unwrap_or_default() != found {
            wrong.push(format!("--- {name}\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "these differ (UPDATE_EXPECT=1 rewrites them):\n{}", wrong.join("\n"));
}

/// A half-written file is a finding, never a panic, wherever it ends.
#[test]
fn truncated_at_every_byte() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/helpdesk/processes/leave_request.yaml");
    let text = std::fs::read_to_string(example).expect("the example");
    let site = fixtures().into_iter().next().expect("a fixture").1[0].clone();
    for end in (0..text.len()).filter(|i| text.is_char_boundary(*i)) {
        let cut = SiteFile { path: "cut.yaml".into(), text: text[..end].to_owned() };
        let loaded = load(&[site.clone(), cut], &[]);
        // Rendering looks at every span.
        render_human(&loaded.sources, &loaded.diagnostics, false);
        render_json(&loaded.sources, &loaded.diagnostics);
    }
}

/// Bytes changed at random, with a fixed seed.
#[test]
fn mutated_definitions_do_not_panic() {
    let mut seed = 0x5EED_u64;
    let mut next = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed as usize
    };
    let pieces = [
        "{", "}", "[", "]", ": ", "- ", "\"", "'", "&a ", "*a", "!x ", "| ", "> ", "# ", "\n", "\t", "{{", "}}", "=", "ä", "\u{feff}", "0",
        "null", "~", "?", "%",
    ];
    for (name, files) in fixtures() {
        for _ in 0..25 {
            let mut text = files[1].text.clone();
            for _ in 0..1 + next() % 4 {
                let mut at = next() % (text.len() + 1);
                while !text.is_char_boundary(at) {
                    at -= 1;
                }
                let end = (at + next() % 4).min(text.len());
                if text.is_char_boundary(end) {
                    text.replace_range(at..end, pieces[next() % pieces.len()]);
                }
            }
            let loaded = load(&[files[0].clone(), SiteFile { path: name.clone(), text }], &[]);
            render_human(&loaded.sources, &loaded.diagnostics, false);
        }
    }
}
