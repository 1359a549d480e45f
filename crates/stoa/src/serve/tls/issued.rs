//! What an authority issued, by whichever process of the installation: taken out of the records, and served.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use stoa_app::certificate::CertificateScope;
use stoa_app::{App, Failure};
use stoa_domain::{Secret, Timestamp};
use tokio_util::sync::CancellationToken;

use super::Current;

/// How often it is looked what there is.
const LOOK: Duration = Duration::from_secs(1);

/// By host: since when it has it, and what it is served. `None`: what was issued can't be used.
type Known = HashMap<String, (Option<Timestamp>, Option<Arc<CertifiedKey>>)>;

/// A chain and a key in PEM.
fn read(chain: &str, key: &Secret) -> Result<Arc<CertifiedKey>, String> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    let key = PrivateKeyDer::from_pem_slice(key.reveal()).map_err(|_| "no private key".to_owned())?;
    let key = CertifiedKey::from_der(chain, key, &default_provider()).map_err(|error| error.to_string())?;
    Ok(Arc::new(key))
}

/// Takes over what was issued, and leaves what serves no more, until `stop`.
pub async fn follow(app: App, scope: CertificateScope, current: Arc<Current>, stop: CancellationToken) {
    let mut known = Known::new();
    let mut is_told = false;
    loop {
        match take_over(&app, &scope, &mut known).await {
            Ok(false) => is_told = false,
            Ok(true) => {
                is_told = false;
                let served = known.iter().filter_map(|(host, (_, key))| Some((host.clone(), key.clone()?)));
                current.set_hosts(served.collect());
            }
            Err(failure) if !is_told => {
                is_told = true;
                tracing::warn!(?failure, "certificates can't be read; those that are known go on");
            }
            Err(_) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Whether anything is different.
async fn take_over(app: &App, scope: &CertificateScope, known: &mut Known) -> Result<bool, Failure> {
    let listed: HashMap<String, Option<Timestamp>> =
        app.list_certificates(scope).await?.into_iter().collect();
    let before = known.len();
    known.retain(|host, (at, _)| listed.get(host).is_some_and(|issued_at| issued_at == at));
    let mut is_changed = known.len() != before;
    for (host, issued_at) in listed {
        if known.contains_key(&host) {
            continue;
        }
        is_changed = true;
        let Some((chain, key)) = app.open_certificate(&host).await? else { continue };
        let served = match read(&chain, &key) {
            Ok(served) => Some(served),
            Err(error) => {
                tracing::error!(host, error, "a certificate that was issued can't be used");
                None
            }
        };
        known.insert(host, (issued_at, served));
    }
    Ok(is_changed)
}
