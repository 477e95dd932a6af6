//! A browser, as far as a server sees it: HTTP/1.1 and gRPC-Web, byte by byte.

use std::io::{Read, Write};
use std::net::TcpStream;

use prost::Message;

/// One request and its whole answer. The head has no line end behind it.
///
/// # Panics
/// If nobody answers.
#[must_use]
pub fn exchange(address: &str, head: &str, body: &[u8]) -> Vec<u8> {
    converse(TcpStream::connect(address).expect("the port answers"), address, head, body)
}

/// The same on a connection that is there.
///
/// # Panics
/// If nobody answers.
pub fn converse(mut stream: impl Read + Write, host: &str, head: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("{head}\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(&[head.as_bytes(), body].concat()).expect("the request is sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the whole answer");
    answer
}

/// What a method answers over gRPC-Web, with further lines in the head.
///
/// # Panics
/// If nobody answers.
#[must_use]
pub fn ask(address: &str, method: &str, lines: &[&str], message: &impl Message) -> Vec<u8> {
    let message = message.encode_to_vec();
    let length = u32::try_from(message.len()).expect("a short message");
    let body = [&[0], &length.to_be_bytes()[..], &message].concat();
    let head = format!("POST /{method} HTTP/1.1\r\nContent-Type: application/grpc-web+proto");
    exchange(address, &[&[head.as_str()], lines].concat().join("\r\n"), &body)
}

/// The first message of an answer for which there is something. A frame is a flag, a length, and the message;
/// frames may come in chunks, so it is looked for.
pub fn find<M: Message + Default, T>(answer: &[u8], pick: impl Fn(M) -> Option<T>) -> Option<T> {
    (0..answer.len()).find_map(|at| {
        let frame = answer.get(at..)?;
        let length = u32::from_be_bytes(frame.get(1..5)?.try_into().ok()?) as usize;
        let message = frame.get(5..5 + length).filter(|_| frame.first() == Some(&0))?;
        pick(M::decode(message).ok()?)
    })
}

/// An answer as text.
#[must_use]
pub fn text(answer: &[u8]) -> String {
    String::from_utf8_lossy(answer).into_owned()
}
