//! Ids and ticket numbers, leased from the store in blocks. What is left of a block at a stop is a gap.

use jiff::Timestamp;
use tokio::sync::Mutex;
use vorgang_core::ids::{TicketId, TicketNumber};
use vorgang_store::{Result, Store};

const BLOCK: u32 = 100;

#[derive(Default)]
pub struct Numbers {
    block: Mutex<(i64, i64)>,
}

impl Numbers {
    /// Id and number of a new ticket: the year, then the id with at least six digits.
    pub async fn next(&self, store: &dyn Store, now: Timestamp) -> Result<(TicketId, TicketNumber)> {
        let mut block = self.block.lock().await;
        if block.0 >= block.1 {
            let first = store.number_block(BLOCK).await?;
            *block = (first, first + i64::from(BLOCK));
        }
        let id = block.0;
        block.0 += 1;
        let year = now.to_zoned(jiff::tz::TimeZone::UTC).year();
        Ok((TicketId(id), format!("{year}{id:06}").into()))
    }
}
