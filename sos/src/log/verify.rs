//! `sos log verify`: exit 3 and the first bad position if the log is not what was written (P11).

use std::path::PathBuf;

use anyhow::Context as _;
use indicatif::ProgressBar;
use sos_eventlog::store::OpenError;
use sos_eventlog::witness::SignedHead;
use sos_eventlog::{Chain, EventLog, Head, KnownHeads, READ_BATCHES_MAX, ReadError, Scope, StartError};

use super::{blocking, progress};
use crate::cli::VerifyArgs;
use crate::{Outcome, output};

/// Verifies the log of a stopped server: every byte of its files.
pub async fn stopped(data: PathBuf, args: VerifyArgs) -> anyhow::Result<Outcome> {
    let bar = progress("verifying", 0)?;
    let shown = bar.clone();
    let verified = blocking(move || {
        let scope = scope(args)?;
        let verified = sos_eventlog::verify(&data, &scope, |position, last| show(&shown, position, last));
        anyhow::Ok((verified, scope))
    });
    let (verified, scope) = verified.await?;
    bar.finish_and_clear();
    match verified {
        Ok(end) => Ok(sound(&scope, end)),
        Err(
            error @ (StartError::Read(ReadError::Damaged { .. })
            | StartError::Open(OpenError::Damaged { .. })),
        ) => Ok(fault(&error)),
        Err(error) => Err(error.into()),
    }
}

/// Verifies the log of a running server: the record batches that it hands out, and their chain.
pub async fn running(log: &dyn EventLog, args: VerifyArgs) -> anyhow::Result<Outcome> {
    let scope = blocking(move || scope(args)).await?;
    let bar = progress("verifying", 0)?;
    let verified = follow(log, &scope, &bar).await;
    bar.finish_and_clear();
    match verified {
        Ok(end) => Ok(sound(&scope, end)),
        Err(error @ ReadError::Damaged { .. }) => Ok(fault(&error)),
        Err(error) => Err(error.into()),
    }
}

async fn follow(log: &dyn EventLog, scope: &Scope, bar: &ProgressBar) -> Result<Head, ReadError> {
    let head = log.head().await?;
    let from = scope.from.max(1);
    let to = scope.to.unwrap_or(head.position);
    let mut known = KnownHeads::new([&[head], &scope.witnessed[..]].concat(), from);
    let mut chain = Chain::default();
    let mut next = from;
    while next <= to {
        let records = log.read_records(next, READ_BATCHES_MAX).await?;
        if records.is_empty() {
            let reason = "the log ends before its head".to_owned();
            return Err(ReadError::Damaged { position: next, reason });
        }
        for record in &records {
            if chain.head().position == 0 && from > 1 {
                chain = Chain::before(record)?;
            }
            chain.take(record)?;
            known.pass(record.first, chain.head())?;
            next = chain.head().position + 1;
        }
        show(bar, chain.head().position, to);
    }
    if scope.to.is_none() {
        known.finish(chain.head())?;
    }
    Ok(chain.head())
}

fn scope(args: VerifyArgs) -> anyhow::Result<Scope> {
    let VerifyArgs { from, to, witness, witness_key } = args;
    anyhow::ensure!(from >= 1, "--from: positions begin at 1");
    anyhow::ensure!(to.is_none_or(|to| to >= from), "--to: before --from");
    let key = witness_key.map(|key| key_of(&key).context("--witness-key: not 64 hexadecimal digits"));
    let key = key.transpose()?;
    let mut witnessed = Vec::new();
    for file in witness {
        witnessed.extend(sos_eventlog::witness::read(&file, key)?.iter().map(SignedHead::head));
    }
    Ok(Scope { from, to, witnessed })
}

fn key_of(hex: &str) -> Option<[u8; 32]> {
    let bytes =
        hex.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    bytes.collect::<Option<Vec<_>>>()?.try_into().ok()
}

fn show(bar: &ProgressBar, position: u64, last: u64) {
    bar.set_length(last.max(position));
    bar.set_position(position);
}

fn sound(scope: &Scope, end: Head) -> Outcome {
    let events = (end.position + 1).saturating_sub(scope.from);
    output::line(&format!("{events} events verified, nothing changed, removed, inserted or moved"));
    Outcome::Done
}

/// The log is not what was written: names the first bad position.
fn fault(error: &dyn std::fmt::Display) -> Outcome {
    output::remark(&format!("sos: {error}"));
    Outcome::Fault
}
