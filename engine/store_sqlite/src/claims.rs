//! Claims end with the process that holds them.

use rusqlite::Connection;

/// Frees all that is claimed, so that it is due at once. A process that ends in good order takes back the attempts that it has broken
/// off; a process that was killed has made them.
pub fn give_back(c: &Connection, in_good_order: bool) -> rusqlite::Result<i64> {
    let mails =
        c.execute("UPDATE outbox SET due = created, owner = NULL WHERE owner IS NOT NULL AND state = 'due' AND state <> 'sent'", [])?;
    let sql = "UPDATE call SET due = 0, owner = NULL, attempts = max(attempts - ?1, 0) WHERE owner IS NOT NULL";
    Ok((mails + c.execute(sql, [i64::from(in_good_order)])?) as i64)
}

/// The owner of claims: the one process that may write.
pub const THIS_PROCESS: i64 = 1;
