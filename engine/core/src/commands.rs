//! Commands of people, mails and the engine itself, by subject.

pub mod article;
pub mod create_ticket;
pub mod erase;
pub mod follow_up_ticket;
pub mod form;
pub mod mail_in;
pub mod mail_out;
pub mod merge;
pub mod patch;
pub mod retry_incident;
pub mod start_process;
pub mod steer;
pub mod submit;
