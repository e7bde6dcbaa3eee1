//! Connections to mail servers whose certificates are verified.

use crate::spool::{broken, late};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// How long a connection may take to stand.
const CONNECT: Duration = Duration::from_secs(20);

pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub type Connection = BufReader<Box<dyn Stream>>;

/// Whom we believe.
#[derive(Clone)]
pub struct Trust(TlsConnector);

impl Trust {
    /// The system's authorities, and a further one as PEM.
    pub fn new(ca: Option<&[u8]>) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(ca) = ca {
            for certificate in CertificateDer::pem_slice_iter(ca) {
                let certificate = certificate.map_err(|e| format!("the authority's certificate cannot be read: {e}"))?;
                roots.add(certificate).map_err(|e| format!("the authority's certificate cannot be used: {e}"))?;
            }
        }
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(|e| e.to_string())?;
        Ok(Self(TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))))
    }

    /// A connection, encrypted from the first byte or not.
    pub async fn open(&self, host: &str, port: u16, encrypted: bool) -> std::io::Result<Box<dyn Stream>> {
        let stream: Box<dyn Stream> = Box::new(connect(host, port).await?);
        if encrypted { self.wrap(stream, host).await } else { Ok(stream) }
    }

    async fn wrap(&self, stream: Box<dyn Stream>, host: &str) -> std::io::Result<Box<dyn Stream>> {
        Ok(Box::new(self.encrypted(stream, host).await?))
    }

    pub async fn encrypted<S: Stream>(&self, stream: S, host: &str) -> std::io::Result<TlsStream<S>> {
        let name = ServerName::try_from(host.to_owned()).map_err(|e| broken(&e.to_string()))?;
        tokio::time::timeout(CONNECT, self.0.connect(name, stream)).await.map_err(|_| late())?
    }

    /// What came before TLS counts for nothing, and there must be none.
    pub async fn upgrade(&self, connection: Connection, host: &str) -> std::io::Result<Connection> {
        if !connection.buffer().is_empty() {
            return Err(broken("something was said before the encryption began"));
        }
        Ok(BufReader::with_capacity(64 * 1024, self.wrap(connection.into_inner(), host).await?))
    }
}

/// What is said is sent at once: the end of a mail is a short line of its own.
pub async fn connect(host: &str, port: u16) -> std::io::Result<TcpStream> {
    let stream = tokio::time::timeout(CONNECT, TcpStream::connect((host, port))).await.map_err(|_| late())??;
    stream.set_nodelay(true)?;
    Ok(stream)
}
