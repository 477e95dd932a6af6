//! `sos certs` and `sos token`: who is who.

use anyhow::Context as _;
use serde::Serialize;
use sos_auth::certs::{Authority, Issued, Subject};
use sos_auth::token::{self, AUDIENCE, Claims};

use crate::cli::{CertsArgs, CertsCommand, Format, IssueArgs, TokenArgs, TokenCommand};
use crate::{Outcome, output};

/// Runs `sos certs`.
pub fn certs(args: CertsArgs) -> anyhow::Result<Outcome> {
    match args.command {
        CertsCommand::Init { dir } => {
            Authority::init(&dir)?;
            output::line(&format!(
                "{}: ca.crt and jwks.json are for everybody, the rest for nobody",
                dir.display()
            ));
        }
        CertsCommand::Issue(args) => {
            let subject = subject(&args)?;
            told(&Authority::open(&args.dir)?.issue(&subject, args.days, &args.out)?);
        }
        CertsCommand::Renew { dir, out, days } => told(&Authority::open(&dir)?.renew(days, &out)?),
        CertsCommand::List { dir, format } => {
            for issued in Authority::open(&dir)?.list()? {
                match format {
                    Format::Table => told(&issued),
                    Format::Json => output::json(&Row::from(&issued))?,
                }
            }
        }
    }
    Ok(Outcome::Done)
}

/// Runs `sos token`.
pub fn token(args: TokenArgs) -> anyhow::Result<Outcome> {
    let TokenCommand::Issue { dir, operator, role, region, site, ttl } = args.command;
    anyhow::ensure!(!operator.trim().is_empty(), "--operator: must not be empty");
    let seconds = u64::try_from(ttl.as_secs()).ok().filter(|seconds| *seconds > 0);
    let seconds = seconds.with_context(|| format!("--ttl: {ttl:#} is not longer than nothing"))?;
    let nbf = token::now();
    let (aud, exp) = (AUDIENCE.to_owned(), nbf.saturating_add(seconds));
    let claims = Claims { sub: operator, role, regions: region, sites: site, aud, nbf, exp };
    output::line(&Authority::open(&dir)?.token(&claims)?);
    Ok(Outcome::Done)
}

fn subject(args: &IssueArgs) -> anyhow::Result<Subject> {
    match (&args.device, &args.operator, args.role) {
        (Some(call_point), ..) => Ok(Subject::Device(call_point.clone())),
        (None, Some(name), Some(role)) => {
            anyhow::ensure!(!name.trim().is_empty(), "--operator: must not be empty");
            Ok(Subject::Operator(name.clone(), role))
        }
        _ => Ok(Subject::Server(args.server.clone())),
    }
}

#[derive(Serialize)]
struct Row<'a> {
    serial: &'a str,
    subject: &'a str,
    not_after: String,
}

impl<'a> From<&'a Issued> for Row<'a> {
    fn from(issued: &'a Issued) -> Self {
        let not_after = jiff::Timestamp::from_second(issued.not_after);
        let not_after = not_after.map(|at| at.to_string()).unwrap_or_default();
        Self { serial: &issued.serial, subject: &issued.subject, not_after }
    }
}

fn told(issued: &Issued) {
    let row = Row::from(issued);
    output::line(&format!("{}  until {}  {}", row.serial, row.not_after, row.subject));
}
