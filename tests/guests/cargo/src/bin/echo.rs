//! Gives back what it is sent, by TCP and UDP.
//!
//!     echo tcp ADDRESS     one connection after the other
//!     echo listener        the same, on the listener that is descriptor 3
//!     echo udp ADDRESS     each datagram to its sender

use std::io::{Read, Write};

const CHUNK_BYTES: usize = 16 * 1024;

fn main() -> std::io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["tcp", place] => {
            let listener = wasmedge_wasi_socket::TcpListener::bind(place, false)?;
            println!("serving");
            loop {
                echo(listener.accept(false)?.0);
            }
        }
        ["listener"] => {
            use std::os::fd::FromRawFd;
            // SAFETY: the descriptor is a listener that nobody else has.
            let listener = unsafe { std::net::TcpListener::from_raw_fd(3) };
            println!("serving");
            loop {
                echo(listener.accept()?.0);
            }
        }
        ["udp", place] => {
            let socket = wasmedge_wasi_socket::UdpSocket::bind(place)?;
            println!("serving");
            let mut bytes = [0; CHUNK_BYTES];
            loop {
                let (count, sender) = socket.recv_from(&mut bytes)?;
                socket.send_to(&bytes[..count], sender)?;
            }
        }
        _ => {
            eprintln!("usage: echo tcp ADDRESS | listener | udp ADDRESS");
            std::process::exit(2);
        }
    }
}

/// Until the other end has no more to say, or something goes wrong with it.
fn echo(mut connection: impl Read + Write) {
    let mut bytes = [0; CHUNK_BYTES];
    while let Ok(count @ 1..) = connection.read(&mut bytes) {
        if connection.write_all(&bytes[..count]).is_err() {
            return;
        }
    }
}
