//! Processes at work: tokens, joins, groups, iterations, guards, timers, programs.

pub mod absence;
pub mod activity;
pub mod assign;
pub mod audience;
pub mod call;
pub mod copies;
pub mod group;
pub mod guard;
pub mod incident;
pub mod join;
pub mod life_cycle;
pub mod mutex;
pub mod new_ticket;
pub mod note;
pub mod pick;
pub mod step;
pub mod sub_process;
pub mod timer;
pub mod token;
pub mod values;
pub mod voters;
pub mod workers;
