//! Registers every row of a file that differs from what is registered. Rows that the server refuses are
//! reported like those that mean nothing.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Context as _;
use futures::StreamExt as _;
use sos_proto::registry::v1::{Device, PutDeviceRequest, PutSiteRequest, Site};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::file::{self, BadRow, Rows};
use super::rows::Entry;
use super::{Client, Desk, all_devices, all_sites};
use crate::output;
use crate::remote;

/// Requests that are under way at once.
const AT_ONCE: usize = 64;

/// What can be imported.
trait Import: Entry + Clone + PartialEq + Send + Sync {
    /// Everything that is registered, without what a file cannot say.
    async fn registered(client: &mut Client) -> anyhow::Result<Vec<Self>>;

    /// Registers one.
    async fn put(self, desk: &Desk, client: Client) -> anyhow::Result<Result<(), Status>>;
}

impl Import for Site {
    async fn registered(client: &mut Client) -> anyhow::Result<Vec<Self>> {
        let sites = all_sites(client).await?;
        Ok(sites.into_iter().map(|site| Self { window: None, ..site }).collect())
    }

    async fn put(self, desk: &Desk, mut client: Client) -> anyhow::Result<Result<(), Status>> {
        let request = PutSiteRequest { request_id: remote::request_id(), site: Some(self) };
        Ok(client.put_site(desk.signed(request)?).await.map(|_| ()))
    }
}

impl Import for Device {
    async fn registered(client: &mut Client) -> anyhow::Result<Vec<Self>> {
        let known = all_devices(client, "").await?.into_iter();
        Ok(known
            .filter(|device| !device.unverified && !device.retired)
            .map(|device| Self {
                device_id: device.device_id,
                site_id: device.site_id,
                place: device.place,
                location: device.location,
                supervision_class: device.supervision_class,
                ..Self::default()
            })
            .collect())
    }

    async fn put(self, desk: &Desk, mut client: Client) -> anyhow::Result<Result<(), Status>> {
        let request = PutDeviceRequest { request_id: remote::request_id(), device: Some(self) };
        Ok(client.put_device(desk.signed(request)?).await.map(|_| ()))
    }
}

/// Imports a file of sites.
pub async fn sites(desk: &Desk, client: &mut Client, path: &Path) -> anyhow::Result<()> {
    import::<Site>(desk, client, path).await
}

/// Imports a file of call points.
pub async fn devices(desk: &Desk, client: &mut Client, path: &Path) -> anyhow::Result<()> {
    import::<Device>(desk, client, path).await
}

async fn import<T: Import>(desk: &Desk, client: &mut Client, path: &Path) -> anyhow::Result<()> {
    let bytes = std::fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
    let Rows { good, mut bad } = file::read::<T>(&bytes).with_context(|| path.display().to_string())?;
    let registered = T::registered(client).await?.into_iter().map(|entry| (entry.name(), entry));
    let registered: HashMap<_, _> = registered.collect();
    let rows = good.len();
    let news = good.into_iter().filter(|(_, entry)| registered.get(&entry.name()) != Some(entry));
    let puts = news.map(|(line, entry)| {
        let put = entry.put(desk, client.clone());
        async move { (line, put.await) }
    });
    let mut puts = futures::stream::iter(puts).buffer_unordered(AT_ONCE);
    let (mut taken, mut refused) = (0, 0);
    while let Some((line, put)) = puts.next().await {
        match put? {
            Ok(()) => taken += 1,
            Err(status) => {
                refused += 1;
                bad.push(row_refused::<T>(line, &status)?);
            }
        }
    }
    bad.sort_by_key(|row| row.line);
    for row in &bad {
        output::remark(&format!("{}: {row}", path.display()));
    }
    let unchanged = rows - taken - refused;
    output::line(&format!("{taken} registered, {unchanged} unchanged, {} refused", bad.len()));
    if bad.is_empty() {
        Ok(())
    } else {
        anyhow::bail!("{} of {} rows were refused", bad.len(), rows + bad.len() - refused)
    }
}

/// What the server says against a row; anything else ends the import.
fn row_refused<T: Entry>(line: u64, status: &Status) -> anyhow::Result<BadRow> {
    let violation =
        status.get_details_bad_request().and_then(|request| request.field_violations.into_iter().next());
    match (status.code(), violation) {
        (Code::InvalidArgument, Some(violation)) => {
            let field = violation.field.rsplit('.').next().unwrap_or_default();
            // A place on the earth has two columns.
            let column = if T::FIELDS.contains(&field) { field } else { "latitude" };
            Ok(BadRow { line, column: column.to_owned(), reason: violation.description })
        }
        (Code::NotFound, _) => {
            Ok(BadRow { line, column: "site_id".to_owned(), reason: status.message().to_owned() })
        }
        _ => Err(remote::refused(status).context(format!("stopped at line {line}"))),
    }
}
