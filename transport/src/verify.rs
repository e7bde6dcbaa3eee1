//! Who stands for a mail: SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 7489) and ARC (RFC 8617).

use async_trait::async_trait;
use mail_auth::common::verify::VerifySignature;
use mail_auth::dkim::DkimError;
use mail_auth::dmarc::verify::DmarcParameters;
use mail_auth::hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use mail_auth::spf::verify::SpfParameters;
use mail_auth::{AuthenticatedMessage, DkimResult, DmarcResult, MessageAuthenticator, SpfOutput, SpfResult};
use std::net::SocketAddr;
use std::time::Duration;
use vorgang_core::mail::{Auth, Outcome};
use vorgang_runtime::intake::{Incoming, Verifier, related};

/// How long all questions to the DNS about one mail may take.
const TIME_MAX: Duration = Duration::from_secs(10);
/// Mails with more signatures than these are not looked at: each costs a question.
const SIGNATURES_MAX: usize = 10;

pub struct Dns(MessageAuthenticator);

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
        authenticator.map(Self).map_err(|e| e.to_string())
    }

    async fn looked(&self, raw: &[u8], incoming: &Incoming) -> Auth {
        let mut auth = Auth::default();
        let Some(message) = AuthenticatedMessage::parse(raw) else { return auth };
        let signatures = message.dkim_headers.len();
        if signatures > SIGNATURES_MAX || (signatures == 0 && message.ams_headers.is_empty() && incoming.client.is_none()) {
            // There is nothing that could pass.
            return auth;
        }
        let from = message.from.first().cloned().unwrap_or_default();
        let from_domain = from.rsplit_once('@').map_or("", |(_, d)| d).to_owned();
        let dkim = if signatures > 0 { self.0.verify_dkim(&message).await } else { vec![] };
        let results: Vec<Outcome> = dkim.iter().map(|o| of_dkim(o.result())).collect();
        auth.dkim = best(&results);
        let passes = dkim.iter().filter(|o| *o.result() == DkimResult::Pass).filter_map(|o| o.signature());
        auth.aligned = passes.map(|s| s.domain()).any(|d| related(d, &from_domain));
        auth.arc = of_dkim(self.0.verify_arc(&message).await.result());
        let sender = incoming.return_path.clone().unwrap_or_default();
        let sender_domain = sender.rsplit_once('@').map_or("", |(_, d)| d).to_owned();
        let spf = match &incoming.client {
            Some((ip, helo)) => self.0.verify_spf(SpfParameters::verify(*ip, helo, "vorgang", &sender)).await,
            None => SpfOutput::new(String::new()),
        };
        auth.spf = of_spf(spf.result());
        auth.aligned |= auth.spf == Outcome::Pass && related(&sender_domain, &from_domain);
        let dmarc = DmarcParameters {
            message: &message,
            dkim_output: &dkim,
            dkim2_output: None,
            rfc5321_mail_from_domain: &sender_domain,
            spf_output: &spf,
        };
        let output = self.0.verify_dmarc(dmarc).await;
        let has_policy = output.dmarc_record().is_some();
        let passed = *output.dkim_result() == DmarcResult::Pass || *output.spf_result() == DmarcResult::Pass;
        auth.dmarc = match (passed, has_policy) {
            (true, _) => Outcome::Pass,
            // Only who sees the sending server can say that a mail is forged: it might have passed by SPF.
            (false, true) if incoming.client.is_some() => Outcome::Fail,
            _ => Outcome::None,
        };
        auth
    }
}

#[async_trait]
impl Verifier for Dns {
    async fn verify(&self, raw: &[u8], incoming: &Incoming) -> Auth {
        let late = Auth { dkim: Outcome::TempError, ..Auth::default() };
        tokio::time::timeout(TIME_MAX, self.looked(raw, incoming)).await.unwrap_or(late)
    }
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
