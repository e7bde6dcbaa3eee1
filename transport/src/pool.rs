//! Connections to one SMTP server, kept while there is mail for it.

use crate::tls;
use lettre::address::Envelope;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tokio_rustls::client::TlsStream;
use vorgang_runtime::outbox::SendError;

/// Connections at the same time.
const CONNECTIONS: usize = 8;
/// How long a server may take until it greets, is encrypted and has let us in; and for one word when it is asked whether it still
/// listens.
const GREETING: Duration = Duration::from_secs(30);
const ANSWER: Duration = Duration::from_secs(5);
/// How long a connection is kept without mail.
const IDLE: Duration = Duration::from_secs(20);

/// How the way to the server is encrypted.
#[derive(Clone)]
pub enum Way {
    Plain,
    StartTls(TlsParameters),
    Tls(tls::Trust),
}

pub struct Server {
    pub host: String,
    pub port: u16,
    pub way: Way,
    pub login: Option<(Credentials, Vec<Mechanism>)>,
}

type Idle = Mutex<Vec<(AsyncSmtpConnection, Instant)>>;

pub struct Pool {
    server: Arc<Server>,
    idle: Arc<Idle>,
    places: Semaphore,
}

impl Pool {
    pub fn new(server: Server) -> Self {
        Self { server: Arc::new(server), idle: Arc::default(), places: Semaphore::new(CONNECTIONS) }
    }

    pub async fn send(&self, envelope: &Envelope, message: &[u8]) -> Result<(), SendError> {
        let _place = self.places.acquire().await.map_err(|e| SendError::Temporary(e.to_string()))?;
        let mut connection = match self.kept().await {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        // One that fails has ended its connection; one that is given up by the caller is dropped with it.
        connection.send(envelope, message).await.map_err(|e| crate::smtp::judged(&e))?;
        self.keep(connection);
        Ok(())
    }

    /// Does the server answer, and let us in?
    pub async fn check(&self) -> Result<(), SendError> {
        let mut connection = self.connect().await?;
        let answers = timeout(ANSWER, connection.test_connected()).await.unwrap_or(false);
        let _ = timeout(ANSWER, connection.quit()).await;
        if answers { Ok(()) } else { Err(SendError::Temporary("the server is not ready".into())) }
    }

    /// In a task of its own: what a server says of itself may be too odd for whoever reads it.
    async fn connect(&self) -> Result<AsyncSmtpConnection, SendError> {
        let server = self.server.clone();
        let connected = tokio::spawn(async move { server.connect().await }).await;
        connected.unwrap_or_else(|_| Err(SendError::Temporary(format!("{} says of itself what cannot be read", self.server.host))))
    }

    /// One that still answers.
    async fn kept(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let (mut connection, _) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if timeout(ANSWER, connection.test_connected()).await.unwrap_or(false) {
                return Some(connection);
            }
        }
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push((connection, Instant::now()));
        if idle.len() == 1 {
            tokio::spawn(close(Arc::downgrade(&self.idle)));
        }
    }
}

/// Takes leave of the server on each connection that had no mail for a while; ends when there is none left.
async fn close(idle: Weak<Idle>) {
    loop {
        tokio::time::sleep(IDLE).await;
        let Some(idle) = idle.upgrade() else { return };
        let (old, left) = {
            let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
            let old: Vec<_> = idle.extract_if(.., |(_, since)| since.elapsed() >= IDLE).collect();
            (old, !idle.is_empty())
        };
        for (mut connection, _) in old {
            let _ = timeout(ANSWER, connection.quit()).await;
        }
        if !left {
            return;
        }
    }
}

impl Server {
    async fn connect(&self) -> Result<AsyncSmtpConnection, SendError> {
        let silent = |_| SendError::Silent(format!("{} did not answer within {} s", self.host, GREETING.as_secs()));
        timeout(GREETING, self.greeted()).await.map_err(silent)?
    }

    async fn greeted(&self) -> Result<AsyncSmtpConnection, SendError> {
        let unreached = |e: io::Error| {
            let text = format!("{}: {e}", self.host);
            if e.kind() == io::ErrorKind::TimedOut { SendError::Silent(text) } else { SendError::Temporary(text) }
        };
        let failed = |e| crate::smtp::judged(&e);
        let stream = tls::connect(&self.host, self.port).await.map_err(unreached)?;
        let me = ClientId::default();
        let stream: Box<dyn AsyncTokioStream> = match &self.way {
            Way::Tls(trust) => Box::new(Encrypted(trust.encrypted(stream, &self.host).await.map_err(unreached)?)),
            Way::Plain | Way::StartTls(_) => Box::new(stream),
        };
        let mut connection = AsyncSmtpConnection::connect_with_transport(stream, &me).await.map_err(failed)?;
        if let Way::StartTls(parameters) = &self.way {
            connection.starttls(parameters.clone(), &me).await.map_err(failed)?;
        }
        if let Some((credentials, mechanisms)) = &self.login {
            connection.auth(mechanisms, credentials).await.map_err(failed)?;
        }
        Ok(connection)
    }
}

/// A connection that was encrypted before the first word.
#[derive(Debug)]
struct Encrypted(TlsStream<TcpStream>);

impl AsyncTokioStream for Encrypted {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().0.peer_addr()
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
