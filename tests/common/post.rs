//! Mail for tests: who takes all that goes out, servers that say what a test wants, and a desk that fetches from one.

use super::world::{World, world};
use std::future::Future;
use std::path::PathBuf;
use std::sync::Mutex;
use tokio::net::{TcpListener, TcpStream};
use vorgang_runtime::audit;
use vorgang_runtime::outbox::{Mail, Mailer, SendError};
use vorgang_store::inbox::AccountState;
use vorgang_transport::Secrets;
use vorgang_transport::fetch::{self, Surroundings};

/// Takes every mail.
#[derive(Default)]
pub struct Post(pub Mutex<Vec<Mail>>);

#[async_trait::async_trait]
impl Mailer for Post {
    async fn send(&self, mail: &Mail) -> Result<(), SendError> {
        self.0.lock().expect("the mails").push(mail.clone());
        Ok(())
    }
}

/// Serves each connection in a task of its own; the port.
pub async fn listen<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> u16
where
    F: Future<Output: Send> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    port
}

/// A desk whose account `box` fetches its mail.
pub struct Fetching {
    pub w: World,
    around: Surroundings,
    secrets: PathBuf,
}

impl Fetching {
    pub async fn new(name: &str, site: &str, secret: &str) -> Self {
        let w = world(name, site).await;
        let secrets = std::env::temp_dir().join(format!("vorgang-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&secrets).expect("a folder");
        std::fs::write(secrets.join("box"), secret).expect("a file");
        let around = Surroundings::new(Secrets { folder: Some(secrets.clone()) }, None, std::env::temp_dir()).expect("surroundings");
        Self { w, around, secrets }
    }

    /// What lies there now, in one connection, without the waits between them.
    pub async fn fetch(&self) -> Result<(), String> {
        let model = self.w.desk.model();
        fetch::once(&self.w.desk, &self.around, model.names.accounts.get("box").expect("the account")).await
    }

    pub async fn tickets(&self) -> u64 {
        self.w.desk.store.ticket_count_all().await.expect("a count")
    }

    pub async fn state(&self) -> AccountState {
        self.w.desk.store.account_states().await.expect("the states").remove(0).1
    }

    pub async fn close(self) {
        assert_eq!(audit::verify(&*self.w.desk.store).await.expect("a report").findings, Vec::<String>::new());
        let _ = std::fs::remove_dir_all(self.secrets);
    }
}
