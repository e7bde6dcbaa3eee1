//! `vorgang mail`: one mail on stdin.

use crate::database::Outside;
use crate::protocol::{Ask, Told};
use crate::{End, control, operate};
use anyhow::Context;
use clap::Args;
use std::io::Read;
use vorgang_runtime::intake::incoming::KEPT_MAX;

#[derive(Args)]
pub struct Options {
    /// The mail account that it came to; otherwise its addresses say so.
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// The sender of the envelope; empty for a report.
    #[arg(long, value_name = "ADDRESS")]
    sender: Option<String>,
    /// An address of the envelope; may be given several times.
    #[arg(long, value_name = "ADDRESS")]
    recipient: Vec<String>,
}

pub async fn mail(url: &str, outside: Outside, options: Options) -> anyhow::Result<End> {
    let mut raw = vec![];
    std::io::stdin().lock().take(KEPT_MAX + 1).read_to_end(&mut raw).context("stdin cannot be read")?;
    if raw.len() as u64 > KEPT_MAX {
        eprintln!("the mail is larger than {KEPT_MAX} bytes");
        return Ok(End::Found);
    }
    let ask = Ask::Mail {
        door: "stdin".into(),
        account: options.account,
        recipients: options.recipient,
        return_path: options.sender,
        size: raw.len() as u64,
    };
    // Whatever keeps it from being taken now may be over later: nothing is lost as long as it is kept outside.
    match control::exchange(url, outside, ask, raw).await {
        Ok(Told::Failed(why)) => {
            eprintln!("vorgang: {why}");
            Ok(End::TryAgain)
        }
        Ok(told) => operate::told(told),
        Err(e) => {
            eprintln!("vorgang: {e:#}");
            Ok(End::TryAgain)
        }
    }
}
