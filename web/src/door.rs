//! The listening socket, which closes without turning anybody away: whoever was let in by the system before it closed is
//! still served, and whoever comes later is refused at once, so that a proxy goes to another node.

use axum::serve::Listener;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};

pub struct Door {
    /// `None` once it is closed.
    open: Option<TcpListener>,
    address: SocketAddr,
    stop: watch::Receiver<bool>,
    /// Who came before it closed.
    inside: VecDeque<(TcpStream, SocketAddr)>,
    empty: Option<oneshot::Sender<()>>,
}

impl Door {
    /// Closes when told to; the answer comes when everybody who was inside is served.
    pub fn new(listener: TcpListener, stop: watch::Receiver<bool>) -> io::Result<(Self, oneshot::Receiver<()>)> {
        let address = listener.local_addr()?;
        let (empty, is_empty) = oneshot::channel();
        Ok((Self { open: Some(listener), address, stop, inside: VecDeque::new(), empty: Some(empty) }, is_empty))
    }

    /// Takes in everybody who waits, and closes at once.
    fn close(&mut self) {
        let Some(Ok(listener)) = self.open.take().map(TcpListener::into_std) else { return };
        while let Ok((stream, peer)) = listener.accept() {
            if stream.set_nonblocking(true).is_ok()
                && let Ok(stream) = TcpStream::from_std(stream)
            {
                self.inside.push_back((stream, peer));
            }
        }
    }
}

impl Listener for Door {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            if let Some(next) = self.inside.pop_front() {
                return next;
            }
            let Some(listener) = &self.open else {
                if let Some(empty) = self.empty.take() {
                    let _ = empty.send(());
                }
                return std::future::pending().await;
            };
            let accepted = tokio::select! {
                accepted = listener.accept() => Some(accepted),
                () = async { drop(self.stop.wait_for(|stop| *stop).await) } => None,
            };
            match accepted {
                None => self.close(),
                Some(Ok(next)) => return next,
                // No more descriptors: those that are open end some time.
                Some(Err(e)) => {
                    tracing::warn!("a connection could not be taken: {e}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}
