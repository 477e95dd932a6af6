//! `sos console`: hands the console on the terminal a way to connect.

use std::sync::Arc;

use futures::FutureExt as _;
use sos_terminal::Desk;

use crate::cli::{AccessArgs, ConsoleArgs};
use crate::stop::Stop;
use crate::{Outcome, remote};

/// Runs `sos console`.
pub async fn run(args: ConsoleArgs, access: AccessArgs) -> anyhow::Result<Outcome> {
    // A name that cannot be sent is told before the terminal is taken.
    remote::signed(&args.operator, ())?;
    let stop = Stop::listen()?;
    let is_proved = access.cert.is_some() || access.token_file.is_some();
    let ConsoleArgs { grpc, operator } = args;
    let connect = Arc::new(move || {
        let (grpc, access) = (grpc.clone(), access.clone());
        async move { Ok(remote::connect(&grpc, &access).await?) }.boxed()
    });
    let desk = Desk { operator, is_proved, connect, request_id: remote::request_id };
    sos_terminal::run(desk, stop.asked()).await?;
    Ok(Outcome::Done)
}
