//! A certificate authority for one run, so that the functions make TLS handshakes as on AWS.

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

/// The files in which distributions keep the roots that the SDK trusts.
const SYSTEM_ROOTS: [&str; 2] = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

pub struct Authority {
    /// Accepts TLS connections for a service.
    pub acceptor: TlsAcceptor,
    /// The system's roots and this one: a function loads as many as on AWS.
    pub roots: PathBuf,
    /// This root alone, for runtimes with roots of their own.
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
        let system = system.ok_or("the root certificates of this system were not found")?;
        let (roots, root) = (folder.join("roots.pem"), folder.join("root.pem"));
        fs::write(&roots, format!("{system}\n{}", authority.pem()))?;
        fs::write(&root, authority.pem())?;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), roots, root })
    }
}

/// Parameters with a subject. Issuer and subject must differ, or the certificate counts as self-signed.
fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
