//! A proxy before a service: ends TLS and counts requests.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, split};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::Result;

/// A header that every SDK request has exactly once; matched without regard to case.
const MARK: &[u8] = b"x-amz-target:";

pub struct Wire {
    pub address: SocketAddr,
    count: Arc<AtomicUsize>,
}

impl Wire {
    pub async fn before(service: SocketAddr, tls: &TlsAcceptor) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let wire = Self { address: listener.local_addr()?, count: Arc::default() };
        let (count, tls) = (Arc::clone(&wire.count), tls.clone());
        tokio::spawn(async move {
            while let Ok((caller, _)) = listener.accept().await {
                tokio::spawn(carry(caller, tls.clone(), service, Arc::clone(&count)));
            }
        });
        Ok(wire)
    }

    /// The number of requests since the last call.
    pub fn taken(&self) -> usize {
        self.count.swap(0, Ordering::SeqCst)
    }
}

async fn carry(
    caller: TcpStream,
    tls: TlsAcceptor,
    service: SocketAddr,
    count: Arc<AtomicUsize>,
) -> Result<()> {
    // Otherwise the second packet of a message waits for the acknowledgement of the first.
    caller.set_nodelay(true)?;
    let (mut from_caller, mut to_caller) = split(tls.accept(caller).await?);
    let service = TcpStream::connect(service).await?;
    service.set_nodelay(true)?;
    let (mut from_service, mut to_service) = service.into_split();
    tokio::spawn(async move { copy(&mut from_service, &mut to_caller).await });
    let mut chunk = vec![0; 65_536];
    loop {
        let length = from_caller.read(&mut chunk).await?;
        if length == 0 {
            return Ok(to_service.shutdown().await?);
        }
        let marks = chunk[..length].windows(MARK.len()).filter(|part| part.eq_ignore_ascii_case(MARK));
        count.fetch_add(marks.count(), Ordering::SeqCst);
        to_service.write_all(&chunk[..length]).await?;
    }
}
