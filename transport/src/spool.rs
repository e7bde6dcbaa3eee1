//! A mail while it comes: in memory, or in a file once it is large, so that what comes slowly costs no memory.

use std::io::{Error, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufRead, AsyncBufReadExt};
use vorgang_runtime::intake::incoming::{KEPT_MAX, Raw};

/// What is larger goes into a file while it comes, in bytes.
const MEMORY_MAX: usize = 512 * 1024;

pub fn late() -> Error {
    Error::new(ErrorKind::TimedOut, "nothing was said for too long")
}

pub fn broken(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

/// The next bytes, as long as the other side says something in time.
pub async fn chunk<R: AsyncBufRead + Unpin>(read: &mut R, silence: Duration) -> std::io::Result<&[u8]> {
    let chunk = tokio::time::timeout(silence, read.fill_buf()).await.map_err(|_| late())??;
    if chunk.is_empty() { Err(Error::new(ErrorKind::UnexpectedEof, "the other side has left")) } else { Ok(chunk) }
}

/// A line without its end; `None` at the end of everything. One that is longer than `max` is an error.
pub async fn line<R: AsyncBufRead + Unpin>(read: &mut R, max: usize, silence: Duration) -> std::io::Result<Option<Vec<u8>>> {
    let mut line = vec![];
    loop {
        let chunk = tokio::time::timeout(silence, read.fill_buf()).await.map_err(|_| late())??;
        if chunk.is_empty() {
            return if line.is_empty() { Ok(None) } else { Err(Error::new(ErrorKind::UnexpectedEof, "a line broke off")) };
        }
        let end = chunk.iter().position(|b| *b == b'\n');
        let taken = end.map_or(chunk.len(), |at| at + 1);
        if line.len() + taken > max {
            return Err(broken("a line is too long"));
        }
        line.extend_from_slice(&chunk[..taken]);
        read.consume(taken);
        if end.is_some() {
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            return Ok(Some(line));
        }
    }
}

pub struct Spooled {
    spool: Arc<Path>,
    memory: Vec<u8>,
    file: Option<std::fs::File>,
    size: u64,
}

impl Spooled {
    pub fn new(spool: Arc<Path>) -> Self {
        Self { spool, memory: vec![], file: None, size: 0 }
    }

    pub fn push(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.size += bytes.len() as u64;
        if self.size > KEPT_MAX {
            // It is refused; its beginning is not needed.
            (self.memory, self.file) = (vec![], None);
            return Ok(());
        }
        self.memory.extend_from_slice(bytes);
        if self.memory.len() >= MEMORY_MAX {
            self.flush()?;
        }
        Ok(())
    }

    /// A file without a name: it is gone with whoever has it open.
    fn flush(&mut self) -> std::io::Result<()> {
        if self.file.is_none() {
            let path = self.spool.join(format!("mail-{:016x}.part", u64::from_ne_bytes(vorgang_runtime::random())));
            let file = std::fs::File::options().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
            std::fs::remove_file(&path)?;
            self.file = Some(file);
        }
        if let Some(file) = &mut self.file {
            // The last byte stays: it may be the return behind the last dot.
            let all = self.memory.len();
            file.write_all(&self.memory[..all.saturating_sub(1)])?;
            self.memory.drain(..all.saturating_sub(1));
        }
        Ok(())
    }

    /// The last byte, if it is this one, is no part of it.
    fn drop_last(&mut self, byte: u8) {
        if self.memory.last() == Some(&byte) {
            self.memory.pop();
            self.size -= 1;
        }
    }

    /// `None` where it was too large.
    pub fn end(mut self) -> std::io::Result<Option<Raw>> {
        if self.size > KEPT_MAX {
            return Ok(None);
        }
        if self.file.is_none() {
            return Ok(Some(Raw::Memory(self.memory)));
        }
        self.flush()?;
        let file = self.file.map(|mut file| file.write_all(&self.memory).map(|()| Raw::File(file, self.size)));
        file.transpose()
    }
}

/// Where in a line the content is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scan {
    LineStart,
    Dot,
    DotReturn,
    Return,
    Text,
}

/// Up to the line that is a single dot; dots at the beginning of lines come doubled (RFC 5321, 4.5.2; RFC 1939, 3). Only CRLF
/// ends a line here: what another server takes for one must not end the mail (smuggling). `None` for one that is too large,
/// read to its end.
pub async fn dotted<R: AsyncBufRead + Unpin>(read: &mut R, spool: Arc<Path>, silence: Duration) -> std::io::Result<Option<Raw>> {
    let mut raw = Spooled::new(spool);
    let mut scan = Scan::LineStart;
    loop {
        let bytes = chunk(read, silence).await?;
        let (mut taken, mut kept, mut done) = (0, 0, false);
        for (at, byte) in bytes.iter().enumerate() {
            taken = at + 1;
            match (scan, byte) {
                (Scan::LineStart, b'.') => {
                    // Left out; what follows says whether it was the end.
                    raw.push(&bytes[kept..at])?;
                    kept = at + 1;
                    scan = Scan::Dot;
                }
                (Scan::Dot, b'\r') => scan = Scan::DotReturn,
                (Scan::DotReturn, b'\n') => {
                    done = true;
                    break;
                }
                (Scan::Return, b'\n') => scan = Scan::LineStart,
                (_, b'\r') => scan = Scan::Return,
                _ => scan = Scan::Text,
            }
        }
        if !done {
            raw.push(&bytes[kept..taken])?;
        }
        read.consume(taken);
        if done {
            // The return behind the last dot may have come with the bytes before.
            raw.drop_last(b'\r');
            return raw.end();
        }
    }
}
