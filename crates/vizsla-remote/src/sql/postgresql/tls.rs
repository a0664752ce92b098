//! TLS to PostgreSQL. In: the options of an address. Out: what makes connections secret and the server known.

use std::fs;
use std::sync::Arc;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio_postgres_rustls::MakeRustlsConnect;
use vizsla::{Error, ErrorKind, Result};

use crate::address::Address;

/// A connector that trusts the certificates in the file that `ca` names, or those of the system with `tls=true`; none
/// where the address asks for neither.
pub(super) fn connector(address: &Address) -> Result<Option<MakeRustlsConnect>> {
    let authority = address.option("ca");
    let wanted = address.flag("tls")?;
    if wanted == Some(false) && authority.is_some() {
        let message = "the address names certificates with ca= and does without TLS with tls=false: leave out one";
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| unfit(&error))?;
    let config = match authority {
        Some(file) => builder.with_root_certificates(certificates(file)?).with_no_client_auth(),
        None if wanted != Some(true) => return Ok(None),
        None => {
            builder.with_platform_verifier().map_err(|error| unfit(&error))?.with_no_client_auth()
        }
    };
    Ok(Some(MakeRustlsConnect::new(config)))
}

fn certificates(file: &str) -> Result<RootCertStore> {
    let pem = fs::read(file).map_err(|error| {
        Error::new(ErrorKind::Io, format!("cannot read {file}")).with_source(error)
    })?;
    let none = |why: &str| {
        let message = format!("{file} has no certificate in PEM format that can be used{why}");
        Error::new(ErrorKind::InvalidInput, message)
    };
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| none(&format!(": {error}")))?;
        store.add(certificate).map_err(|error| none(&format!(": {error}")))?;
    }
    if store.is_empty() { Err(none("")) } else { Ok(store) }
}

fn unfit(error: &rustls::Error) -> Error {
    Error::new(ErrorKind::Unavailable, format!("no connection by TLS can be made: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(options: &str) -> Result<Option<MakeRustlsConnect>> {
        connector(&format!("postgresql://me@host/base/table{options}").parse().unwrap())
    }

    #[test]
    fn a_connector_is_made_where_the_address_asks_for_one() {
        let tls = concat!(env!("CARGO_MANIFEST_DIR"), "/../../xtask/engines/tls");
        assert!(of("").unwrap().is_none() && of("?tls=false").unwrap().is_none());
        assert!(of(&format!("?ca={tls}/authority.pem")).unwrap().is_some());
        for (options, named) in [
            (format!("?ca={tls}/authority.pem&tls=false"), "leave out one"),
            (format!("?ca={tls}/server.key"), "no certificate"),
            ("?ca=/none".to_owned(), "/none"),
            ("?tls=maybe".to_owned(), "neither true nor false"),
        ] {
            let error = of(&options).err().unwrap().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
