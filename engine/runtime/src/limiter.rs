//! Tries to sign in are counted by account, by address and by both together, by all nodes. Failures make the next try wait longer and
//! longer; nobody is locked out, and an address or an account that others attack stays usable from where it was used before.

use crate::desk::Desk;
use jiff::Timestamp;
use std::net::IpAddr;
use vorgang_store::StoreError;
use vorgang_store::nodes::Attempt;

/// Of whom an address is: of IPv6 the /64, which one customer of a provider has.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::from((u128::from(v6) >> 64 << 64).to_be_bytes()),
        v4 => v4,
    }
}

/// The keys of a try.
pub struct Tries {
    /// Account and address together.
    own: String,
    /// The account was signed in to from this address: only successes write it.
    known: String,
    attempts: Vec<Attempt>,
}

impl Tries {
    pub fn new(login: &str, address: IpAddr) -> Self {
        let login = login.to_lowercase();
        let (own, known) = (format!("both {login} {address}"), format!("known {login} {address}"));
        let attempt = |key: String, free, longest, unless| Attempt { key, free, longest, unless };
        let mut attempts = vec![
            attempt(own.clone(), 5, 15 * 60, None),
            // Guesses from many addresses at one account wait; its owner does not, where the owner has signed in before.
            attempt(format!("account {login}"), 20, 60, Some(known.clone())),
            // Many people may share an address.
            attempt(format!("address {address}"), 50, 60, Some(known.clone())),
        ];
        if address.is_ipv6() {
            attempts.push(attempt(format!("net {}/64", network(address)), 50, 60, Some(known.clone())));
        }
        Self { own, known, attempts }
    }
}

impl Desk {
    /// Counts a try that may be made now; otherwise the time when it may.
    pub async fn attempt_take(&self, tries: &Tries) -> Result<Option<Timestamp>, StoreError> {
        self.store.attempt_take(&tries.attempts, self.clock.now()).await
    }

    /// It was good, and so it was no failure.
    pub async fn attempt_succeeded(&self, tries: &Tries) -> Result<(), StoreError> {
        let others: Vec<String> = tries.attempts.iter().map(|a| a.key.clone()).filter(|k| *k != tries.own).collect();
        let now = self.clock.now();
        self.store.attempt_succeeded(&tries.known, &others, now).await?;
        self.store.attempt_succeeded(&tries.own, &[], now).await
    }
}
