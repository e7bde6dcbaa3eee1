//! Who stands for a mail: SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 7489) and ARC (RFC 8617).

use async_trait::async_trait;
use mail_auth::common::verify::VerifySignature;
use mail_auth::dkim::{DkimError, Signature};
use mail_auth::dmarc::Policy;
use mail_auth::dmarc::verify::DmarcParameters;
use mail_auth::hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use mail_auth::spf::verify::SpfParameters;
use mail_auth::{AuthenticatedMessage, DkimOutput, DkimResult, DmarcResult, MessageAuthenticator, SpfOutput, SpfResult};
use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use vorgang_core::mail::{Auth, Mail, Outcome};
use vorgang_runtime::intake::incoming::{Incoming, related};
use vorgang_runtime::intake::uncovered;
use vorgang_runtime::scales::Verifier;

/// How long all questions to the DNS about one mail may take.
const TIME_MAX: Duration = Duration::from_secs(2);
/// How long domains whose servers did not answer in time are not asked again.
const SLOW_FOR: Duration = Duration::from_secs(300);
/// Most sets of domains that are remembered as slow.
const SLOW_MAX: usize = 10_000;
/// Mails with more signatures than these are not looked at: each costs a question.
const SIGNATURES_MAX: usize = 10;

pub struct Dns {
    resolver: MessageAuthenticator,
    /// Domains that were asked about together and did not answer, and until when they are left alone. The key has every domain of
    /// a mail: a signature of somebody else's slow domain takes nothing from the author's.
    slow: Mutex<HashMap<String, Instant>>,
}

impl Dns {
    /// The system's resolver, or the one at this address.
    pub fn new(server: Option<SocketAddr>) -> Result<Self, String> {
        let authenticator = match server {
            None => MessageAuthenticator::new_system_conf(),
            Some(server) => {
                let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut c| {
                    c.port = server.port();
                    c
                });
                let name_server = NameServerConfig::new(server.ip(), true, connections.to_vec());
                MessageAuthenticator::new(ResolverConfig::from_parts(None, vec![], vec![name_server]), ResolverOpts::default())
            }
        };
        let dns = |resolver| Self { resolver, slow: Mutex::default() };
        authenticator.map(dns).map_err(|e| e.to_string())
    }

    async fn looked(&self, message: &AuthenticatedMessage<'_>, mail: &Mail, incoming: &Incoming) -> Auth {
        let mut auth = Auth::default();
        let signatures = message.dkim_headers.len();
        if signatures > SIGNATURES_MAX {
            // Each costs a question.
            return auth;
        }
        let from = message.from.first().cloned().unwrap_or_default();
        let from_domain = from.rsplit_once('@').map_or("", |(_, d)| d).to_owned();
        let mut dkim = if signatures > 0 { self.resolver.verify_dkim(message).await } else { vec![] };
        let results: Vec<Outcome> = dkim.iter().map(|o| if is_partial(o) { Outcome::PermError } else { of_dkim(o.result()) }).collect();
        auth.dkim = best(&results);
        dkim.retain(|o| !is_partial(o));
        let passes = dkim.iter().filter(|o| *o.result() == DkimResult::Pass).filter_map(|o| o.signature());
        let own: Vec<_> = passes.filter(|s| related(s.domain(), &from_domain)).collect();
        auth.aligned = !own.is_empty();
        auth.unsigned = uncovered(&own.iter().map(|s| s.h.as_slice()).collect::<Vec<_>>(), mail);
        auth.arc = of_dkim(self.resolver.verify_arc(message).await.result());
        let sender = incoming.return_path.clone().unwrap_or_default();
        let sender_domain = sender.rsplit_once('@').map_or("", |(_, d)| d).to_owned();
        let spf = match &incoming.client {
            Some((ip, helo)) => self.resolver.verify_spf(SpfParameters::verify(*ip, helo, "vorgang", &sender)).await,
            None => SpfOutput::new(String::new()),
        };
        auth.spf = of_spf(spf.result());
        if auth.spf == Outcome::Pass && related(&sender_domain, &from_domain) {
            // The author's own server sent it, just as it is.
            auth.aligned = true;
            auth.unsigned.clear();
        }
        let dmarc =
            DmarcParameters { message, dkim_output: &dkim, dkim2_output: None, rfc5321_mail_from_domain: &sender_domain, spf_output: &spf };
        let output = self.resolver.verify_dmarc(dmarc).await;
        let has_policy = output.dmarc_record().is_some();
        let passed = *output.dkim_result() == DmarcResult::Pass || *output.spf_result() == DmarcResult::Pass;
        let unknown = [output.dkim_result(), output.spf_result()].iter().any(|r| matches!(r, DmarcResult::TempError(_)));
        // How close a domain has to be, says the author's own (`adkim`, `aspf`).
        auth.aligned &= passed || !(has_policy || unknown);
        auth.dmarc = match (passed, has_policy) {
            (true, _) => Outcome::Pass,
            (false, false) if unknown => Outcome::TempError,
            // Where the sending server is not seen, the mail might have passed by SPF. A domain that wants such mail refused
            // is taken at its word all the same: a mail server beside the desk says what it has seen (`believes`).
            (false, true) if incoming.client.is_some() || output.policy() == Policy::Reject => Outcome::Fail,
            _ => Outcome::None,
        };
        auth
    }
}

#[async_trait]
impl Verifier for Dns {
    async fn verify(&self, raw: &[u8], mail: &Mail, incoming: &Incoming) -> Auth {
        let unread = || Auth { ambiguous: Some("the authors cannot be read for a proof".into()), ..Auth::default() };
        let Some(message) = AuthenticatedMessage::parse(raw) else { return unread() };
        // The proof is about the author that is shown, or about nobody.
        let sender = mail.sender();
        if message.from.as_slice() != [sender.clone()] {
            let read = message.from.join(", ");
            let why = format!("the proof is about `{read}`, the mail is read as from `{sender}`");
            return Auth { ambiguous: Some(why), ..Auth::default() };
        }
        let domains = domains(&message, incoming);
        let late = Auth { dkim: Outcome::TempError, dmarc: Outcome::TempError, ..Auth::default() };
        if self.is_slow(&domains) {
            return late;
        }
        match tokio::time::timeout(TIME_MAX, self.looked(&message, mail, incoming)).await {
            Ok(auth) => auth,
            Err(_) => {
                tracing::warn!(domains, "the DNS did not answer in time who stands for a mail");
                self.remember_slow(domains);
                late
            }
        }
    }
}

impl Dns {
    fn is_slow(&self, domains: &str) -> bool {
        let slow = self.slow.lock().unwrap_or_else(PoisonError::into_inner);
        slow.get(domains).is_some_and(|until| Instant::now() < *until)
    }

    fn remember_slow(&self, domains: String) {
        let mut slow = self.slow.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if slow.len() >= SLOW_MAX {
            slow.retain(|_, until| now < *until);
        }
        if slow.len() < SLOW_MAX {
            slow.insert(domains, now + SLOW_FOR);
        }
    }
}

/// Does the signature hold without standing for the author, or for the whole text? RFC 6376, 5.4, wants `From` signed; with `l=`
/// anybody may add to the end.
fn is_partial(output: &DkimOutput) -> bool {
    let covers = |s: &Signature| s.l == 0 && s.h.iter().any(|h| h.eq_ignore_ascii_case("from"));
    *output.result() == DkimResult::Pass && !output.signature().is_some_and(covers)
}

/// Every domain that is asked about: the author's, the signers', the envelope's.
fn domains(message: &AuthenticatedMessage, incoming: &Incoming) -> String {
    let of = |address: &str| address.rsplit_once('@').map_or("", |(_, d)| d).to_ascii_lowercase();
    let envelope = incoming.client.as_ref().and(incoming.return_path.as_deref()).map(of);
    let signers = message.dkim_headers.iter().map(|h| h.header.domain().to_ascii_lowercase());
    let all: BTreeSet<String> = message.from.iter().map(|f| of(f)).chain(envelope).chain(signers).collect();
    all.into_iter().collect::<Vec<_>>().join(" ")
}

fn of_dkim(result: &DkimResult) -> Outcome {
    match result {
        DkimResult::Pass => Outcome::Pass,
        // The signature may hold: what it was made for does not.
        DkimResult::Neutral(mail_auth::Error::Dkim(DkimError::FailedBodyHashMatch)) => Outcome::Fail,
        DkimResult::Neutral(_) => Outcome::Neutral,
        DkimResult::Fail(_) => Outcome::Fail,
        DkimResult::PermError(_) => Outcome::PermError,
        DkimResult::TempError(_) => Outcome::TempError,
        DkimResult::None => Outcome::None,
    }
}

fn of_spf(result: SpfResult) -> Outcome {
    match result {
        SpfResult::Pass => Outcome::Pass,
        SpfResult::Fail => Outcome::Fail,
        SpfResult::SoftFail => Outcome::SoftFail,
        SpfResult::Neutral => Outcome::Neutral,
        SpfResult::TempError => Outcome::TempError,
        SpfResult::PermError => Outcome::PermError,
        SpfResult::None => Outcome::None,
    }
}

/// One signature that holds is enough.
fn best(results: &[Outcome]) -> Outcome {
    if results.contains(&Outcome::Pass) { Outcome::Pass } else { results.first().copied().unwrap_or_default() }
}
