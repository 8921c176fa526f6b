//! A wire to a service that counts the requests it carries. It takes time, so nothing is timed over it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};

use crate::Result;

/// Every request of the SDK has it, once.
const MARK: &[u8] = b"x-amz-target:";

pub struct Counting {
    pub address: SocketAddr,
    count: Arc<AtomicUsize>,
}

impl Counting {
    pub async fn before(service: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let counting = Self { address: listener.local_addr()?, count: Arc::default() };
        let count = Arc::clone(&counting.count);
        tokio::spawn(async move {
            while let Ok((caller, _)) = listener.accept().await {
                tokio::spawn(carry(caller, service, Arc::clone(&count)));
            }
        });
        Ok(counting)
    }

    /// How many there were since the last time.
    pub fn taken(&self) -> usize {
        self.count.swap(0, Ordering::SeqCst)
    }
}

async fn carry(caller: TcpStream, service: SocketAddr, count: Arc<AtomicUsize>) -> Result<()> {
    let service = TcpStream::connect(service).await?;
    let (mut from_caller, mut to_caller) = caller.into_split();
    let (mut from_service, mut to_service) = service.into_split();
    tokio::spawn(async move { copy(&mut from_service, &mut to_caller).await });
    let mut chunk = vec![0; 65_536];
    loop {
        let length = from_caller.read(&mut chunk).await?;
        if length == 0 {
            return Ok(to_service.shutdown().await?);
        }
        let requests = chunk[..length].windows(MARK.len()).filter(|&part| part == MARK).count();
        count.fetch_add(requests, Ordering::SeqCst);
        to_service.write_all(&chunk[..length]).await?;
    }
}
