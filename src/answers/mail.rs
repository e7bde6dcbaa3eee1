//! The answer to a delivered mail.

use crate::protocol::Told;
use std::sync::Arc;
use vorgang_runtime::Desk;
use vorgang_runtime::intake::incoming::{Incoming, Raw};

pub async fn take_mail(desk: &Arc<Desk>, incoming: Incoming, raw: Vec<u8>) -> Told {
    match desk.take_mail(incoming, Raw::Memory(raw)).await {
        Ok(outcome) => Told::Good(outcome.say()),
        Err(e) => Told::Failed(e.to_string()),
    }
}
