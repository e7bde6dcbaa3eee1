//! The end of a backup's file: a mark and the SHA-256 of all before it, so that a bit that a disk changes is noticed,
//! wherever it is. SQLite reads as many pages as the file's head says, and not what follows.

use anyhow::Context;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

const MARK: &[u8; 16] = b"vorgang backup 1";
const HASH: usize = 32;
const LEN: u64 = (MARK.len() + HASH) as u64;

#[derive(Debug, PartialEq, Eq)]
pub enum Seal {
    Whole,
    Broken,
    /// Made before there were seals, or no backup.
    None,
}

fn digest(file: &mut File, len: u64) -> std::io::Result<[u8; HASH]> {
    file.seek(SeekFrom::Start(0))?;
    let (mut hash, mut rest, mut buffer) = (Sha256::new(), file.take(len), vec![0; 1 << 20]);
    loop {
        match rest.read(&mut buffer)? {
            0 => return Ok(hash.finalize().into()),
            n => hash.update(&buffer[..n]),
        }
    }
}

/// Seals a file that nobody writes to any more, and brings it to the disk.
pub fn seal(path: &Path) -> anyhow::Result<()> {
    let sealed = File::options().read(true).write(true).open(path).and_then(|mut file| {
        let len = file.metadata()?.len();
        let hash = digest(&mut file, len)?;
        file.seek(SeekFrom::End(0))?;
        file.write_all(&[&MARK[..], &hash].concat())?;
        file.sync_all()
    });
    sealed.with_context(|| format!("cannot write {}", path.display()))
}

pub fn read_seal(path: &Path) -> anyhow::Result<Seal> {
    let looked = File::open(path).and_then(|mut file| {
        let Some(before) = file.metadata()?.len().checked_sub(LEN) else { return Ok(Seal::None) };
        let mut end = [0; LEN as usize];
        file.seek(SeekFrom::Start(before))?;
        file.read_exact(&mut end)?;
        if end[..MARK.len()] != MARK[..] {
            return Ok(Seal::None);
        }
        let whole = digest(&mut file, before)? == end[MARK.len()..];
        Ok(if whole { Seal::Whole } else { Seal::Broken })
    });
    looked.with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bit_that_changes_breaks_it() {
        let path = std::env::temp_dir().join(format!("vorgang-seal-{}", std::process::id()));
        std::fs::write(&path, [1, 2, 3]).expect("a file");
        assert_eq!(read_seal(&path).expect("looked"), Seal::None);
        seal(&path).expect("sealed");
        assert_eq!(read_seal(&path).expect("looked"), Seal::Whole);
        let whole = std::fs::read(&path).expect("the file");
        for at in (0..3).chain(3 + MARK.len()..whole.len()) {
            let mut bytes = whole.clone();
            bytes[at] ^= 4;
            std::fs::write(&path, bytes).expect("a change");
            assert_eq!(read_seal(&path).expect("looked"), Seal::Broken, "byte {at}");
        }
        std::fs::remove_file(&path).expect("it goes");
    }
}
