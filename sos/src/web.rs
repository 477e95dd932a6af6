//! What the browser console is told of this server.

use std::net::SocketAddr;

use sos_console::{Console, Reach};

use crate::config::{Config, GrpcAuth};

/// How a browser reaches the operator contract on this address.
pub fn console(config: &Config, grpc: SocketAddr) -> Console {
    let has_tls = config.grpc.tls.files().is_some();
    let scheme = if has_tls { "https" } else { "http" };
    let grpc = if !config.console.grpc_url.is_empty() {
        Reach::At(config.console.grpc_url.clone())
    } else if grpc.ip().is_unspecified() || has_tls {
        // A certificate is for a name, and the page came from it.
        Reach::SameHost { scheme, port: grpc.port() }
    } else {
        Reach::At(format!("{scheme}://{grpc}"))
    };
    let auth = match config.grpc.auth {
        GrpcAuth::None => "none",
        GrpcAuth::Token => "token",
        GrpcAuth::Certificate => "certificate",
    };
    let (tiles, attribution) = (config.console.tile_url.clone(), config.console.tile_attribution.clone());
    Console { grpc, auth, tiles, attribution }
}
