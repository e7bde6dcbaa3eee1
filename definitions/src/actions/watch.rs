use crate::kinds::who::Whos;

/// Who watches the ticket from now on.
pub type Watch = Whos;
