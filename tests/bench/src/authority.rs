//! A certificate authority that only this program trusts, so that the functions shake hands as on AWS.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair, SanType,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::Result;

/// Where distributions keep the roots that the SDK trusts.
const SYSTEM_ROOTS: [&str; 2] = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

pub struct Authority {
    /// Ends the TLS of a service.
    pub acceptor: TlsAcceptor,
    /// The system's roots and ours: a function reads as many of them as on AWS.
    pub roots: PathBuf,
    /// Ours alone, for runtimes that bring their own.
    pub root: PathBuf,
}

impl Authority {
    pub fn create(folder: &Path) -> Result<Self> {
        let mut params = named("an authority for one run");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;

        let mut params = named("the services");
        params.subject_alt_names = vec![SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST))];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &authority)?;
        let key = PrivateKeyDer::try_from(key.serialize_der())?;
        let chain = vec![certificate.der().clone()];
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;

        let system = SYSTEM_ROOTS.iter().find_map(|path| fs::read_to_string(path).ok());
        let system = system.ok_or("this system keeps its roots where nobody looks")?;
        let (roots, root) = (folder.join("roots.pem"), folder.join("root.pem"));
        fs::write(&roots, format!("{system}\n{}", authority.pem()))?;
        fs::write(&root, authority.pem())?;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), roots, root })
    }
}

/// Who issues and who is issued to must differ: what has one name for both counts as signed by itself.
fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
