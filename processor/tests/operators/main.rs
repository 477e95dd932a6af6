//! The operator contract over real connections: one processor on a log in memory, clients on a free port.

#[cfg(test)]
mod behind;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod deadlines;
#[cfg(test)]
mod gated;
#[cfg(test)]
mod inputs;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod ownership;
#[cfg(test)]
mod racing;
#[cfg(test)]
mod registry;
#[cfg(test)]
mod resuming;
#[cfg(test)]
mod session;
#[cfg(test)]
mod snapshots;
#[cfg(test)]
mod support;
#[cfg(test)]
mod watching;
