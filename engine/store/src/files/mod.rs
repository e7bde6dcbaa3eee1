//! Attachments that are too large for the database, each under the hash of its content: files in a folder that all nodes
//! reach, or, with the feature `s3`, objects in a bucket. One is safe there before the commit that names it; one that no
//! commit names is only space.

#[cfg(feature = "s3")]
mod bucket;
mod folder;

#[cfg(feature = "s3")]
pub use bucket::Bucket;
pub use folder::{Folder, private_folder};

use crate::{Commit, Result, StoreError};
use async_trait::async_trait;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use vorgang_core::attachment::Blob;
use vorgang_core::chain::hex;

/// What is larger goes into a file, in bytes.
pub const INLINE_MAX: usize = 64 * 1024;

/// Where they lie.
pub type Shelf = Arc<dyn Files>;

#[async_trait]
pub trait Files: std::fmt::Debug + Send + Sync {
    /// Writes one; it is safe when this returns. The same content twice is one.
    async fn put(&self, hash: &str, bytes: Arc<Vec<u8>>) -> Result<()>;
    /// Its content, if it is there and what it was.
    async fn get(&self, hash: &str) -> Result<Option<Vec<u8>>>;
    /// Removes one, whatever named it. One that is not there is gone already.
    async fn forget(&self, hash: &str) -> Result<()>;
    /// The hashes of all, in their order.
    async fn list(&self) -> Result<Vec<String>>;
}

/// Takes the large ones out of a commit, once they are safe.
pub async fn store_large(files: &dyn Files, commit: &mut Commit) -> Result<()> {
    let mut left = vec![commit];
    while let Some(commit) = left.pop() {
        let (large, small): (Vec<Blob>, Vec<Blob>) = std::mem::take(&mut commit.changes.blobs).into_iter().partition(is_large);
        commit.changes.blobs = small;
        for blob in large {
            files.put(&blob.hash, blob.bytes).await?;
        }
        left.extend(&mut commit.also);
    }
    Ok(())
}

/// Has a commit something that goes into a file?
pub fn has_large(commit: &Commit) -> bool {
    commit.changes.blobs.iter().any(is_large) || commit.also.iter().any(has_large)
}

fn is_large(blob: &Blob) -> bool {
    blob.bytes.len() > INLINE_MAX
}

/// A hash as we write it: nothing that a path could be made of.
fn is_hash(hash: &str) -> bool {
    hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn checked(hash: &str) -> Result<()> {
    if is_hash(hash) { Ok(()) } else { Err(StoreError::Corrupt(format!("`{hash}` is no hash"))) }
}

/// The content, if it is what was written.
fn whole(hash: &str, bytes: Vec<u8>, place: &str) -> Result<Vec<u8>> {
    if hex(&Sha256::digest(&bytes)) == hash { Ok(bytes) } else { Err(StoreError::Corrupt(format!("{place} is not what was written"))) }
}
