//! A client for each place that is asked, which can dial nothing else.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::{Destination, OutgoingError, Vetting};

/// Clients that are kept, with their open connections. Few places are asked; when there are more it begins anew.
const KEPT: usize = 64;

/// An open connection that isn't used isn't used again after this. Servers close theirs after 5 s (Node.js, uvicorn) or
/// less: a question that is on its way into one just then gets no answer, and can't be asked twice.
const IDLE: Duration = Duration::from_secs(1);

/// Header lines of an answer, and their bytes where HTTP/2 counts them.
const HEADERS: usize = 100;
const HEADER_BYTES: u32 = 64 * 1024;

#[derive(Default)]
pub(super) struct Clients {
    kept: Mutex<HashMap<(Destination, Duration), reqwest::Client>>,
}

impl Clients {
    pub(super) fn of(
        &self,
        vetting: &Arc<Vetting>,
        destination: &Destination,
        connect: Duration,
    ) -> Result<reqwest::Client, OutgoingError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (destination.clone(), connect);
        if let Some(client) = kept.get(&key) {
            return Ok(client.clone());
        }
        let client = client(vetting.clone(), destination.clone(), connect)?;
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key, client.clone());
        Ok(client)
    }
}

fn client(
    vetting: Arc<Vetting>,
    destination: Destination,
    connect: Duration,
) -> Result<reqwest::Client, OutgoingError> {
    reqwest::Client::builder()
        .dns_resolver(Checked { vetting, destination })
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        // A proxy would look names up itself.
        .no_proxy()
        .referer(false)
        .connect_timeout(connect)
        .pool_idle_timeout(IDLE)
        .http1_max_headers(HEADERS)
        .http2_max_header_list_size(HEADER_BYTES)
        .user_agent(concat!("stoa/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| {
            tracing::error!(%error, "a client for outgoing calls can't be made");
            OutgoingError::Unprepared
        })
}

/// Looks a name up at the moment of dialling, and hands over what passed and nothing else.
struct Checked {
    vetting: Arc<Vetting>,
    destination: Destination,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let (vetting, destination) = (self.vetting.clone(), self.destination.clone());
        Box::pin(async move {
            // The name is the destination's: a client serves one. Another would be a request that wasn't vetted.
            if !name.as_str().eq_ignore_ascii_case(&destination.host) {
                return Err(OutgoingError::NoUrl.into());
            }
            let addresses = vetting.look_up(&destination).await?;
            let port = destination.port;
            let addresses: Addrs =
                Box::new(addresses.into_iter().map(move |address| SocketAddr::new(address, port)));
            Ok(addresses)
        })
    }
}
