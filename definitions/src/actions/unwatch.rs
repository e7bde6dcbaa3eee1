use crate::kinds::who::Whos;

/// Who watches the ticket no more.
pub type Unwatch = Whos;
