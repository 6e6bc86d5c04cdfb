//! A server of one page, on hyper and tokio.
//!
//!     hello ADDRESS               listens there
//!     hello listener [ADDRESS]    serves on the listener that is descriptor 3
//!
//! It says that it serves, and at which address it was told to. Without the feature `sockets` it needs
//! nothing but preview 1, and only serves on what it is handed.

use std::convert::Infallible;
use std::net::TcpListener;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

fn main() -> std::io::Result<()> {
    let place = std::env::args().nth(1).unwrap_or_else(|| "0.0.0.0:8080".to_string());
    let listener = listen(&place)?;
    listener.set_nonblocking(true)?;
    println!("serving {}", std::env::args().last().unwrap_or_default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(tokio::task::LocalSet::new().run_until(serve(listener)))
}

async fn serve(listener: TcpListener) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        // Not every host can: it only makes small answers faster.
        let _ = stream.set_nodelay(true);
        tokio::task::spawn_local(async move {
            let connection = hyper::server::conn::http1::Builder::new();
            // Who goes away in the middle is nobody's concern but its own.
            let _ = connection.serve_connection(TokioIo::new(stream), service_fn(answer)).await;
        });
    }
}

async fn answer(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::new(Bytes::from_static(b"hello\n"))))
}

#[cfg(target_os = "wasi")]
fn listen(place: &str) -> std::io::Result<TcpListener> {
    use std::os::fd::FromRawFd;
    let number = if place == "listener" { 3 } else { bind(place)? };
    // SAFETY: the descriptor is a listener that nobody else has.
    Ok(unsafe { TcpListener::from_raw_fd(number) })
}

#[cfg(all(target_os = "wasi", feature = "sockets"))]
fn bind(place: &str) -> std::io::Result<i32> {
    use std::os::fd::IntoRawFd;
    Ok(wasmedge_wasi_socket::TcpListener::bind(place, true)?.into_raw_fd())
}

#[cfg(all(target_os = "wasi", not(feature = "sockets")))]
fn bind(_: &str) -> std::io::Result<i32> {
    Err(std::io::ErrorKind::Unsupported.into())
}

#[cfg(not(target_os = "wasi"))]
fn listen(place: &str) -> std::io::Result<TcpListener> {
    TcpListener::bind(place)
}
