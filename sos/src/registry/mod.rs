//! `sos sites`, `sos devices` and `sos windows`: the registry on a terminal.

mod file;
mod import;
mod rows;
mod table;

use sos_proto::call_point::CallPoint;
use sos_proto::link::Link;
use sos_proto::registry::v1::registry_service_client::RegistryServiceClient;
use sos_proto::registry::v1::{
    Device, EndWindowRequest, GetDeviceRequest, ListDevicesRequest, ListSitesRequest, PutDeviceRequest,
    PutSiteRequest, RetireDeviceRequest, SetDeviceAccessRequest, Site, StartWindowRequest, WindowKind,
};
use tonic::Request;

use crate::cli::{
    AccessArgs, DeskArgs, DeviceArgs, DevicesArgs, DevicesCommand, Format, SiteArgs, SitesArgs, SitesCommand,
    WindowArg, WindowsArgs, WindowsCommand,
};
use crate::registry::rows::{Entry as _, Fields};
use crate::{Outcome, output, remote};

/// Entries asked for at a time.
const PAGE_SIZE: i32 = 1_000;

type Client = RegistryServiceClient<Link>;

/// Who sits where, and how to show things.
struct Desk(DeskArgs);

/// Runs `sos sites`.
pub async fn sites(args: SitesArgs, access: &AccessArgs) -> anyhow::Result<Outcome> {
    let (desk, mut client) = Desk::connect(args.desk, access).await?;
    match args.command {
        SitesCommand::List => {
            desk.header(table::SITES);
            for site in all_sites(&mut client).await? {
                desk.site(&site)?;
            }
        }
        SitesCommand::Put(args) => {
            let site =
                Some(Site::read(&args).map_err(|bad| anyhow::anyhow!("--{}: {}", bad.field, bad.reason))?);
            let request = PutSiteRequest { request_id: remote::request_id(), site };
            let answer = client.put_site(desk.signed(request)?).await.map_err(|s| remote::refused(&s))?;
            desk.site(&answer.into_inner().site.unwrap_or_default())?;
        }
        SitesCommand::Import { file } => import::sites(&desk, &mut client, &file).await?,
    }
    Ok(Outcome::Done)
}

/// Runs `sos devices`.
pub async fn devices(args: DevicesArgs, access: &AccessArgs) -> anyhow::Result<Outcome> {
    let (desk, mut client) = Desk::connect(args.desk, access).await?;
    match args.command {
        DevicesCommand::List { site } => {
            desk.header(table::DEVICES);
            for device in all_devices(&mut client, &site).await? {
                desk.device(&device)?;
            }
        }
        DevicesCommand::Show(args) => {
            let request = GetDeviceRequest { site_id: args.site_id, device_id: args.device_id };
            let answer = client.get_device(request).await.map_err(|s| remote::refused(&s))?;
            desk.header(table::DEVICES);
            desk.device(&answer.into_inner().device.unwrap_or_default())?;
        }
        DevicesCommand::Put(args) => {
            let device =
                Device::read(&args).map_err(|bad| anyhow::anyhow!("--{}: {}", bad.field, bad.reason))?;
            let request = PutDeviceRequest { request_id: remote::request_id(), device: Some(device) };
            let answer = client.put_device(desk.signed(request)?).await.map_err(|s| remote::refused(&s))?;
            desk.device(&answer.into_inner().device.unwrap_or_default())?;
        }
        DevicesCommand::Retire { call_point, reason } => {
            let (site_id, device_id) = (call_point.site_id, call_point.device_id);
            let request =
                RetireDeviceRequest { request_id: remote::request_id(), site_id, device_id, reason };
            let answer =
                client.retire_device(desk.signed(request)?).await.map_err(|s| remote::refused(&s))?;
            desk.device(&answer.into_inner().device.unwrap_or_default())?;
        }
        DevicesCommand::Import { file } => import::devices(&desk, &mut client, &file).await?,
        DevicesCommand::Password { call_point } => {
            let (password, password_hash) = sos_auth::password::generate()?;
            let access = SetDeviceAccessRequest { password_hash, ..desk.access_of(&call_point) };
            desk.set_access(&mut client, access).await?;
            output::line(&password);
        }
        DevicesCommand::Revoke { call_point, reason } => {
            let access = SetDeviceAccessRequest { revoked: true, reason, ..desk.access_of(&call_point) };
            desk.set_access(&mut client, access).await?;
        }
        DevicesCommand::Allow { call_point } => {
            desk.set_access(&mut client, desk.access_of(&call_point)).await?;
        }
    }
    Ok(Outcome::Done)
}

/// Runs `sos windows`.
pub async fn windows(args: WindowsArgs, access: &AccessArgs) -> anyhow::Result<Outcome> {
    let (desk, mut client) = Desk::connect(args.desk, access).await?;
    match args.command {
        WindowsCommand::Start { site_id, device, kind, time: length, reason } => {
            let kind = match kind {
                WindowArg::Exercise => WindowKind::Exercise,
                WindowArg::Test => WindowKind::Test,
            };
            let request = StartWindowRequest {
                request_id: remote::request_id(),
                site_id,
                device_id: device,
                kind: kind.into(),
                reason,
                ends_at: Some(remote::after(length)),
            };
            let answer = client.start_window(desk.signed(request)?).await.map_err(|s| remote::refused(&s))?;
            let window = answer.into_inner().window.unwrap_or_default();
            match desk.0.format {
                Format::Json => output::json(&window)?,
                Format::Table => output::line(&table::window(&window)),
            }
        }
        WindowsCommand::End { site_id, device, reason } => {
            let request =
                EndWindowRequest { request_id: remote::request_id(), site_id, device_id: device, reason };
            client.end_window(desk.signed(request)?).await.map_err(|s| remote::refused(&s))?;
        }
    }
    Ok(Outcome::Done)
}

async fn all_sites(client: &mut Client) -> anyhow::Result<Vec<Site>> {
    let (mut sites, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListSitesRequest { page_size: PAGE_SIZE, page_token };
        let page = client.list_sites(request).await.map_err(|s| remote::refused(&s))?.into_inner();
        sites.extend(page.sites);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(sites);
        }
    }
}

async fn all_devices(client: &mut Client, site_id: &str) -> anyhow::Result<Vec<Device>> {
    let (mut devices, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListDevicesRequest { site_id: site_id.to_owned(), page_size: PAGE_SIZE, page_token };
        let page = client.list_devices(request).await.map_err(|s| remote::refused(&s))?.into_inner();
        devices.extend(page.devices);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(devices);
        }
    }
}

impl Desk {
    async fn connect(args: DeskArgs, access: &AccessArgs) -> anyhow::Result<(Self, Client)> {
        let client = RegistryServiceClient::new(remote::connect(&args.grpc, access).await?);
        Ok((Self(args), client))
    }

    fn signed<T>(&self, message: T) -> anyhow::Result<Request<T>> {
        remote::signed(&self.0.operator, message)
    }

    /// A call point's access as it is at first.
    fn access_of(&self, call_point: &CallPoint) -> SetDeviceAccessRequest {
        SetDeviceAccessRequest {
            request_id: remote::request_id(),
            site_id: call_point.site().to_owned(),
            device_id: call_point.device().to_owned(),
            ..SetDeviceAccessRequest::default()
        }
    }

    async fn set_access(&self, client: &mut Client, access: SetDeviceAccessRequest) -> anyhow::Result<()> {
        let answer = client.set_device_access(self.signed(access)?).await;
        answer.map(drop).map_err(|s| remote::refused(&s))
    }

    fn header(&self, header: &str) {
        if self.0.format == Format::Table {
            output::line(header);
        }
    }

    fn site(&self, site: &Site) -> anyhow::Result<()> {
        match self.0.format {
            Format::Json => output::json(site)?,
            Format::Table => output::line(&table::site(site)),
        }
        Ok(())
    }

    fn device(&self, device: &Device) -> anyhow::Result<()> {
        match self.0.format {
            Format::Json => output::json(device)?,
            Format::Table => output::line(&table::device(device)),
        }
        Ok(())
    }
}

impl Fields for SiteArgs {
    fn text(&self, name: &str) -> &str {
        match name {
            "site_id" => &self.site_id,
            "name" => &self.name,
            "kind" => &self.kind,
            "address" => &self.address,
            "latitude" => &self.latitude,
            "longitude" => &self.longitude,
            "region" => &self.region,
            _ => "",
        }
    }
}

impl Fields for DeviceArgs {
    fn text(&self, name: &str) -> &str {
        match name {
            "site_id" => &self.call_point.site_id,
            "device_id" => &self.call_point.device_id,
            "building" => &self.building,
            "floor" => &self.floor,
            "room" => &self.room,
            "latitude" => &self.latitude,
            "longitude" => &self.longitude,
            "supervision_class" => &self.supervision_class,
            _ => "",
        }
    }
}
