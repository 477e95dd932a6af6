//! Two browsers with the console in them, as `npm run night` opens them. What they must show is judged there.
//!
//! Invariant: they are told when the night is over, and then compare what they show with a fresh list.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use sos_tests::mqtt::Killed;
use tokio::time::timeout;

use crate::fleet::end;
use crate::house::House;

/// How long the last comparison may take.
const FAREWELL_MAX: Duration = Duration::from_secs(180);

/// The browsers.
pub struct Browsers {
    process: Killed,
    over: PathBuf,
    said: PathBuf,
}

impl Browsers {
    /// Opens them.
    pub fn open(house: &House, dir: &Path, minutes: u64) -> Self {
        let [over, said] = ["over", "browsers"].map(|name| dir.join(name));
        let out = File::create(&said).unwrap();
        let process = Command::new("npm")
            .args(["run", "--silent", "night"])
            .current_dir("console/web")
            .env("SOS_NIGHT_HTTP", &house.http)
            .env("SOS_NIGHT_GRPC", &house.grpc)
            .env("SOS_NIGHT_MINUTES", minutes.to_string())
            .env("SOS_NIGHT_OVER", &over)
            .stdin(Stdio::null())
            .stderr(out.try_clone().unwrap())
            .stdout(out)
            .spawn();
        Self { process: Killed(process.unwrap()), over, said }
    }

    /// Tells them that it is over. Answers whether all is well, and what they say.
    pub async fn close(mut self) -> (bool, String) {
        std::fs::write(&self.over, "").unwrap();
        let code = timeout(FAREWELL_MAX, end(&mut self.process)).await;
        (code == Ok(Some(0)), std::fs::read_to_string(&self.said).unwrap_or_default())
    }
}
