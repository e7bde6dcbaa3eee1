//! Claims end with the process that holds them.

use rusqlite::{Connection, params};
use vorgang_store::deliveries::Channel;

/// Frees all that is claimed, so that it is due at once. A process that ends in good order takes back the attempts that it has broken
/// off; a process that was killed has made them.
pub fn give_back(c: &Connection, in_good_order: bool) -> rusqlite::Result<i64> {
    let sql = "UPDATE delivery SET due = created, owner = NULL, \
         attempts = max(attempts - CASE WHEN channel = ?1 AND ?2 THEN 1 ELSE 0 END, 0) WHERE owner IS NOT NULL AND state = 'due'";
    c.execute(sql, params![Channel::Program.word(), in_good_order]).map(|n| n as i64)
}

/// The owner of claims: the one process that may write.
pub const THIS_PROCESS: i64 = 1;
