//! One client against a broker that is played byte by byte.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// A broker that waits longer for its client has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Welcome, and a keep alive of 1 s.
const CONNACK: [u8; 8] = [0x20, 6, 0, 0, 3, 0x13, 0, 1];
const PUBACK: [u8; 4] = [0x40, 2, 0, 1];
const PUBACK_NOT_AUTHORIZED: [u8; 5] = [0x40, 3, 0, 1, 0x87];
const PINGREQ: u8 = 0xc0;
const DISCONNECT: u8 = 0xe0;

fn message() -> Message {
    Message {
        topic: "sos/v1/school-12/hall-1/event".into(),
        body: br#"{"press":{}}"#.to_vec(),
        form: Form::Json,
        retain: false,
    }
}

fn device(address: SocketAddr, give_up: Duration, shutdown: &CancellationToken) -> Device {
    let broker = Broker { host: address.ip().to_string(), port: address.port(), identities: None };
    Device::new(&broker, "sos-sim-test-1", give_up, shutdown.clone())
}

/// The next packet of the client, whole. All of them are shorter than 128 bytes.
async fn packet(stream: &mut TcpStream) -> Vec<u8> {
    let mut packet = vec![0; 2];
    timeout(PATIENCE, stream.read_exact(&mut packet)).await.expect("a packet").unwrap();
    assert!(packet[1] < 0x80, "a longer packet than expected");
    packet.resize(2 + usize::from(packet[1]), 0);
    stream.read_exact(&mut packet[2..]).await.unwrap();
    packet
}

/// Takes a client in and returns the connection with its first publish.
async fn accept(listener: &TcpListener) -> (TcpStream, Vec<u8>) {
    let (mut stream, _) = timeout(PATIENCE, listener.accept()).await.expect("a connection").unwrap();
    packet(&mut stream).await;
    stream.write_all(&CONNACK).await.unwrap();
    let publish = packet(&mut stream).await;
    (stream, publish)
}

// P2, P3: what is not acknowledged comes again, on a new connection, byte for byte.
#[tokio::test]
async fn a_message_is_repeated_until_it_is_acknowledged() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let shutdown = CancellationToken::new();
    let mut device = device(listener.local_addr().unwrap(), Duration::from_secs(60), &shutdown);
    device.answer_wait = Duration::from_millis(200);
    let broker = async {
        let (silent, first) = accept(&listener).await;
        let (mut hung_up, second) = accept(&listener).await;
        hung_up.shutdown().await.unwrap();
        let (mut good, third) = accept(&listener).await;
        good.write_all(&PUBACK).await.unwrap();
        drop(silent);
        (good, [first, second, third])
    };
    let message = message();
    let (delivery, (mut stream, publishes)) = tokio::join!(device.publish(&message), broker);
    assert_eq!(delivery, Delivery { sent: true, outcome: Outcome::Acknowledged });
    assert!(publishes[0].ends_with(&message.body));
    assert!(publishes.iter().all(|publish| *publish == publishes[0]), "{publishes:?}");

    let (farewell, ()) = tokio::join!(packet(&mut stream), device.close());
    assert_eq!(farewell[0], DISCONNECT);
}

#[tokio::test]
async fn a_refusal_is_final_and_says_why() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let shutdown = CancellationToken::new();
    let mut device = device(listener.local_addr().unwrap(), Duration::from_secs(60), &shutdown);
    let broker = async {
        let (mut stream, _) = accept(&listener).await;
        stream.write_all(&PUBACK_NOT_AUTHORIZED).await.unwrap();
        stream
    };
    let message = message();
    let (delivery, _stream) = tokio::join!(device.publish(&message), broker);
    let outcome = Outcome::Failed("refused by the broker: NotAuthorized".into());
    assert_eq!(delivery, Delivery { sent: true, outcome });
}

#[tokio::test]
async fn a_message_is_given_up_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let shutdown = CancellationToken::new();
    let mut device = device(listener.local_addr().unwrap(), Duration::from_millis(300), &shutdown);
    let message = message();
    let (delivery, _) = tokio::join!(device.publish(&message), accept(&listener));
    assert_eq!(delivery, Delivery { sent: true, outcome: Outcome::Failed("given up: no answer".into()) });

    drop(listener);
    let delivery = device.publish(&message).await;
    assert!(!delivery.sent);
    let Outcome::Failed(reason) = delivery.outcome else { panic!("acknowledged by nobody") };
    assert!(reason.contains("refused"), "{reason}");
}

#[tokio::test]
async fn a_shutdown_leaves_a_message_in_flight_a_moment() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let shutdown = CancellationToken::new();
    let mut device = device(listener.local_addr().unwrap(), Duration::from_secs(3_600), &shutdown);
    let message = message();
    let broker = async {
        let (mut stream, _) = accept(&listener).await;
        shutdown.cancel();
        stream.write_all(&PUBACK).await.unwrap();
        stream
    };
    let (delivery, mut stream) = tokio::join!(device.publish(&message), broker);
    assert_eq!(delivery.outcome, Outcome::Acknowledged);

    let publish = timeout(PATIENCE, device.publish(&message));
    let (delivery, _) = tokio::join!(publish, packet(&mut stream));
    let delivery = delivery.expect("given up");
    assert!(matches!(delivery.outcome, Outcome::Failed(_)), "{delivery:?}");
}

#[tokio::test]
async fn an_idle_connection_is_kept_alive() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let shutdown = CancellationToken::new();
    let mut device = device(listener.local_addr().unwrap(), Duration::from_secs(60), &shutdown);
    let broker = async {
        let (mut stream, _) = accept(&listener).await;
        stream.write_all(&PUBACK).await.unwrap();
        stream
    };
    let message = message();
    let (delivery, mut stream) = tokio::join!(device.publish(&message), broker);
    assert_eq!(delivery.outcome, Outcome::Acknowledged);
    tokio::select! {
        ping = packet(&mut stream) => assert_eq!(ping[0], PINGREQ),
        never = device.idle() => match never {},
    }
}
