//! Files in a folder.

use super::{Files, checked, is_hash, whole};
use crate::{Result, StoreError};
use async_trait::async_trait;
use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// What a file is called while it is looked whether anybody still names it.
const LEAVING: &str = "leaving";

#[derive(Debug, Clone)]
pub struct Folder {
    folder: PathBuf,
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> StoreError + '_ {
    move |e| StoreError::Unavailable(format!("{}: {e}", path.display()))
}

/// Makes a folder, and those above it, that nobody else may look into. One that is there stays as it is.
pub fn private_folder(path: &Path) -> std::io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

impl Folder {
    /// Below the folder of the database's files.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.join("attachments") }
    }

    /// By the first letters of the hash, so that no folder has too many.
    fn path(&self, hash: &str) -> PathBuf {
        self.folder.join(&hash[..2]).join(hash)
    }

    /// Into another file first, which is renamed when all of it is on disk.
    fn write(&self, hash: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path(hash);
        if self.is_there(&path, bytes.len()) {
            return Ok(());
        }
        let folder = path.parent().unwrap_or(&self.folder);
        if !folder.exists() {
            private_folder(folder).map_err(io(folder))?;
            File::open(&self.folder).and_then(|f| f.sync_all()).map_err(io(&self.folder))?;
        }
        // Nobody else writes to this one, though several may bring the same content at once.
        let own = RandomState::new().build_hasher().finish();
        let part = folder.join(format!("{hash}.{own:016x}.part"));
        let written = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&part)
            .and_then(|mut f| f.write_all(bytes).and_then(|()| f.sync_all()));
        let written = written.and_then(|()| fs::rename(&part, &path)).and_then(|()| File::open(folder)?.sync_all());
        written.map_err(|e| {
            let _ = fs::remove_file(&part);
            io(&path)(e)
        })
    }

    /// Is it there whole? Then it counts as new: whoever removes old ones leaves it.
    fn is_there(&self, path: &Path, len: usize) -> bool {
        let touch = |file: File| {
            file.metadata().map(|m| m.len() == len as u64).and_then(|same| file.set_modified(SystemTime::now()).map(|()| same))
        };
        File::options().write(true).open(path).and_then(touch).unwrap_or(false)
    }

    fn read(&self, hash: &str) -> Result<Option<Vec<u8>>> {
        let path = self.path(hash);
        let gone = |e: &std::io::Error| e.kind() == ErrorKind::NotFound;
        // It may lie aside just now.
        match fs::read(&path).or_else(|e| if gone(&e) { fs::read(path.with_extension(LEAVING)) } else { Err(e) }) {
            Err(e) if gone(&e) => Ok(None),
            bytes => whole(hash, bytes.map_err(io(&path))?, &path.display().to_string()).map(Some),
        }
    }

    /// The hashes of those that were last written before this time, in their order.
    pub fn older(&self, than: SystemTime) -> Vec<String> {
        let old = |path: &Path| fs::metadata(path).and_then(|m| m.modified()).is_ok_and(|t| t < than);
        self.names().into_iter().filter(|hash| old(&self.path(hash))).collect()
    }

    /// Removes one that nobody names, unless it was written again meanwhile: it is taken aside first, so that whoever writes
    /// it afterwards finds nothing there. The bytes that became free.
    pub fn remove(&self, hash: &str, older: SystemTime) -> Result<u64> {
        checked(hash)?;
        let path = self.path(hash);
        let aside = path.with_extension(LEAVING);
        fs::rename(&path, &aside).map_err(io(&path))?;
        let found = fs::metadata(&aside).map_err(io(&aside))?;
        if found.modified().map_err(io(&aside))? < older {
            fs::remove_file(&aside).map_err(io(&aside))?;
            return Ok(found.len());
        }
        fs::rename(&aside, &path).map_err(io(&path))?;
        Ok(0)
    }

    fn names(&self) -> Vec<String> {
        let mut all = vec![];
        for folder in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let files = fs::read_dir(folder.path()).into_iter().flatten().flatten();
            all.extend(files.map(|f| f.file_name().to_string_lossy().into_owned()).filter(|name| is_hash(name)));
        }
        all.sort_unstable();
        all
    }

    async fn apart<T: Send + 'static>(&self, work: impl FnOnce(&Self) -> Result<T> + Send + 'static) -> Result<T> {
        let this = self.clone();
        tokio::task::spawn_blocking(move || work(&this)).await.map_err(|e| StoreError::Unavailable(e.to_string()))?
    }
}

#[async_trait]
impl Files for Folder {
    async fn put(&self, hash: &str, bytes: Arc<Vec<u8>>) -> Result<()> {
        checked(hash)?;
        let hash = hash.to_owned();
        self.apart(move |this| this.write(&hash, &bytes)).await
    }

    async fn get(&self, hash: &str) -> Result<Option<Vec<u8>>> {
        if !is_hash(hash) {
            return Ok(None);
        }
        let hash = hash.to_owned();
        self.apart(move |this| this.read(&hash)).await
    }

    async fn forget(&self, hash: &str) -> Result<()> {
        checked(hash)?;
        let hash = hash.to_owned();
        self.apart(move |this| {
            let path = this.path(&hash);
            match fs::remove_file(&path) {
                Err(e) if e.kind() != ErrorKind::NotFound => Err(io(&path)(e)),
                _ => Ok(()),
            }
        })
        .await
    }

    async fn list(&self) -> Result<Vec<String>> {
        self.apart(|this| Ok(this.names())).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};
    use std::time::Duration;
    use vorgang_core::chain::hex;

    #[tokio::test]
    async fn a_file_comes_back_or_says_that_it_was_changed() {
        let folder = std::env::temp_dir().join(format!("vorgang-files-{}", std::process::id()));
        let files = Folder::new(&folder);
        let bytes = vec![7; 100_000];
        let hash = hex(&Sha256::digest(&bytes));
        assert_eq!(files.get(&hash).await, Ok(None));
        files.put(&hash, bytes.clone().into()).await.expect("it is written");
        files.put(&hash, bytes.clone().into()).await.expect("again");
        assert_eq!((files.get(&hash).await, files.list().await), (Ok(Some(bytes.clone())), Ok(vec![hash.clone()])));
        assert_eq!(files.get("../../etc/passwd").await, Ok(None));
        let mut bad = bytes;
        bad[50] ^= 1;
        fs::write(files.path(&hash), bad).expect("a change");
        assert!(matches!(files.get(&hash).await, Err(StoreError::Corrupt(_))));
        fs::remove_dir_all(folder).expect("the folder goes");
    }

    #[tokio::test]
    async fn an_old_file_goes_unless_it_is_written_again() {
        let folder = std::env::temp_dir().join(format!("vorgang-old-files-{}", std::process::id()));
        let files = Folder::new(&folder);
        let hash = hex(&Sha256::digest([7; 10]));
        let begun = SystemTime::now();
        files.put(&hash, vec![7; 10].into()).await.expect("it is written");
        let age = |age| File::options().write(true).open(files.path(&hash)).and_then(|f| f.set_modified(begun - age)).expect("its time");
        age(Duration::from_secs(60));
        assert_eq!(files.older(begun), [hash.as_str()]);
        // Somebody attaches the same content before it is removed.
        files.put(&hash, vec![7; 10].into()).await.expect("it is there");
        assert_eq!((files.older(begun), files.remove(&hash, begun)), (vec![], Ok(0)));
        assert_eq!(files.get(&hash).await, Ok(Some(vec![7; 10])));
        age(Duration::from_secs(60));
        assert_eq!((files.remove(&hash, begun), files.get(&hash).await), (Ok(10), Ok(None)));
        fs::remove_dir_all(folder).expect("the folder goes");
    }
}
