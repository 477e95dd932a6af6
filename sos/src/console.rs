//! `sos console`: hands the console on the terminal a way to connect.

use std::sync::Arc;

use futures::FutureExt as _;
use sos_terminal::Desk;

use crate::cli::{AccessArgs, ConsoleArgs};
use crate::stop::Stop;
use crate::{Outcome, output, remote};

/// Runs `sos console`.
pub async fn run(args: ConsoleArgs, access: AccessArgs) -> anyhow::Result<Outcome> {
    // A name that cannot be sent is told before the terminal is taken.
    remote::signed(&args.operator, ())?;
    let stop = Stop::listen()?;
    let ConsoleArgs { grpc, operator } = args;
    let connect = Arc::new(move || {
        let (grpc, access) = (grpc.clone(), access.clone());
        // In one line with its cause, which a boxed error would keep to itself.
        async move { remote::connect(&grpc, &access).await.map_err(|error| format!("{error:#}").into()) }
            .boxed()
    });
    let desk = Desk { operator, connect, request_ids: remote::request_id() };
    for left in sos_terminal::run(desk, stop.asked()).await? {
        output::remark(&left);
    }
    Ok(Outcome::Done)
}
