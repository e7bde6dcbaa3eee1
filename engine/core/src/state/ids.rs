//! The numbers under which rows are known.

/// A number that counts everything inside one ticket: instances, work items, articles, incidents.
pub type Seq = u32;
