//! Alerts on a terminal: the contract in words. The console that uses them is to come.

pub mod words;
