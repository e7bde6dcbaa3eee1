//! What lies between a node and its database, and breaks as it is told.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Way {
    All,
    /// Nothing goes through in either direction, and nobody is told.
    Nothing,
    /// What is asked arrives; what is answered does not.
    NoReplies,
    /// Each piece waits for so long.
    Slow(Duration),
    /// A connection breaks after so many bytes of answers.
    Reset(usize),
    /// The first `COMMIT` arrives; then nothing goes through any more.
    CutAtCommit,
}

pub struct Proxy {
    pub port: u16,
    way: Arc<Mutex<Way>>,
}

impl Proxy {
    pub fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let way = Arc::new(Mutex::new(Way::All));
        let all = way.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else { continue };
                for (from, into, replies) in [(&client, &server, false), (&server, &client, true)] {
                    let (Ok(from), Ok(into), way) = (from.try_clone(), into.try_clone(), all.clone()) else { continue };
                    std::thread::spawn(move || carry(from, into, replies, &way));
                }
            }
        });
        Self { port, way }
    }

    pub fn way(&self) -> Way {
        *self.way.lock().expect("the way")
    }

    pub fn set(&self, way: Way) {
        *self.way.lock().expect("the way") = way;
    }
}

fn carry(mut from: TcpStream, mut into: TcpStream, replies: bool, way: &Mutex<Way>) {
    let now = || *way.lock().expect("the way");
    let (mut buffer, mut carried) = (vec![0; 64 * 1024], 0);
    while let Ok(n) = from.read(&mut buffer) {
        if n == 0 {
            break;
        }
        // What was held back arrives late, as on a real network.
        while now() == Way::Nothing || (replies && now() == Way::NoReplies) {
            std::thread::sleep(Duration::from_millis(5));
        }
        match now() {
            Way::Slow(wait) => std::thread::sleep(wait),
            Way::Reset(after) if replies => {
                carried += n;
                if carried > after {
                    break;
                }
            }
            _ => {}
        }
        // Held before the server can answer.
        if !replies && now() == Way::CutAtCommit && buffer[..n].windows(6).any(|w| w == b"COMMIT") {
            *way.lock().expect("the way") = Way::Nothing;
        }
        if into.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = into.shutdown(Shutdown::Both);
}
