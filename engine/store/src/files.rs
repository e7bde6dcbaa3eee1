//! Attachments that are too large for the database: files in a folder that all nodes reach, each under the hash of its
//! content. A file is on disk before the commit that names it; one that no commit names is only space.

use crate::{Commit, Result, StoreError};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use vorgang_core::chain::hex;
use vorgang_core::event::Blob;

/// What is larger goes into a file, in bytes.
pub const INLINE_MAX: usize = 64 * 1024;

#[derive(Debug, Clone)]
pub struct Files {
    folder: PathBuf,
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> StoreError + '_ {
    move |e| StoreError::Unavailable(format!("{}: {e}", path.display()))
}

impl Files {
    /// Below the folder of the database's files.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.join("attachments") }
    }

    /// By the first letters of the hash, so that no folder has too many.
    fn path(&self, hash: &str) -> Option<PathBuf> {
        let plain = hash.len() > 4 && hash.bytes().all(|b| b.is_ascii_alphanumeric());
        plain.then(|| self.folder.join(&hash[..2]).join(hash))
    }

    /// Writes one, unless it is there: into another file first, which is renamed when all of it is on disk.
    pub fn put(&self, hash: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path(hash).ok_or_else(|| StoreError::Corrupt(format!("`{hash}` is no hash")))?;
        if fs::metadata(&path).is_ok_and(|m| m.len() == bytes.len() as u64) {
            return Ok(());
        }
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder).map_err(io(folder))?;
        let part = folder.join(format!("{hash}.{}.part", std::process::id()));
        let written = File::create(&part).and_then(|mut f| f.write_all(bytes).and_then(|()| f.sync_all()));
        let written = written.and_then(|()| fs::rename(&part, &path)).and_then(|()| File::open(folder)?.sync_all());
        written.map_err(|e| {
            let _ = fs::remove_file(&part);
            io(&path)(e)
        })
    }

    /// Its content, if it is there and what it was.
    pub fn get(&self, hash: &str) -> Result<Option<Vec<u8>>> {
        let Some(path) = self.path(hash) else { return Ok(None) };
        let bytes = match fs::read(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            bytes => bytes.map_err(io(&path))?,
        };
        if hex(&Sha256::digest(&bytes)) != hash {
            return Err(StoreError::Corrupt(format!("{} is not what was written", path.display())));
        }
        Ok(Some(bytes))
    }

    /// The hashes of all, in their order.
    pub fn list(&self) -> Result<Vec<String>> {
        let mut all = vec![];
        for folder in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            for file in fs::read_dir(folder.path()).into_iter().flatten().flatten() {
                let name = file.file_name().to_string_lossy().into_owned();
                if self.path(&name).is_some() {
                    all.push(name);
                }
            }
        }
        all.sort_unstable();
        Ok(all)
    }

    /// Takes the large ones out of a commit, once they are on disk. Blocks as long as that takes.
    pub fn take(&self, commit: &mut Commit) -> Result<()> {
        let (large, small): (Vec<Blob>, Vec<Blob>) =
            std::mem::take(&mut commit.changes.blobs).into_iter().partition(|b| b.bytes.len() > INLINE_MAX);
        commit.changes.blobs = small;
        for blob in large {
            self.put(&blob.hash, &blob.bytes)?;
        }
        commit.also.iter_mut().try_for_each(|c| self.take(c))
    }
}

/// Has a commit something that goes into a file?
pub fn has_large(commit: &Commit) -> bool {
    commit.changes.blobs.iter().any(|b| b.bytes.len() > INLINE_MAX) || commit.also.iter().any(has_large)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_comes_back_or_says_that_it_was_changed() {
        let folder = std::env::temp_dir().join(format!("vorgang-files-{}", std::process::id()));
        let files = Files::new(&folder);
        let bytes = vec![7; 100_000];
        let hash = hex(&Sha256::digest(&bytes));
        assert_eq!(files.get(&hash), Ok(None));
        files.put(&hash, &bytes).expect("it is written");
        files.put(&hash, &bytes).expect("again");
        assert_eq!((files.get(&hash), files.list()), (Ok(Some(bytes.clone())), Ok(vec![hash.clone()])));
        assert_eq!(files.get("../../etc/passwd"), Ok(None));
        let path = files.path(&hash).expect("a path");
        let mut bad = bytes;
        bad[50] ^= 1;
        fs::write(path, bad).expect("a change");
        assert!(matches!(files.get(&hash), Err(StoreError::Corrupt(_))));
        fs::remove_dir_all(folder).expect("the folder goes");
    }
}
