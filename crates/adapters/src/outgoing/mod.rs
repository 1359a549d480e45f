//! The one way by which Stoa itself asks something of the outside: model providers, sign-in providers.
//!
//! An address that somebody typed in is checked here in every form it takes: the URL's scheme, host and port, and each
//! address that the name leads to at the moment when it is dialled. Exactly the checked addresses are dialled, so a name
//! that leads elsewhere at the second look-up leads nowhere. Redirects aren't followed, proxies of the environment
//! aren't used, and answers end at a limit.
//!
//! It never knows what is asked, or whose key goes along.

mod address;
mod allowed;
mod connect;
mod error;
mod reply;
mod surroundings;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use url::{Host, Url};

pub use allowed::Allowed;
pub use error::OutgoingError;
pub use reply::Reply;
pub use surroundings::{Surroundings, System};

use address::Kind;
use connect::Clients;

/// What the operator's settings say of outgoing calls.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Private addresses that may be reached all the same, each with its port.
    pub allow: Vec<Allowed>,
    /// Ports on which Stoa itself listens: on this machine they are never reached, listed or not.
    pub own_ports: Vec<u16>,
    /// Host names by which Stoa is reached: never asked by itself.
    pub own_hosts: Vec<String>,
}

/// How long is waited, and how much is taken.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// From the first packet to an open connection, the look-up of the name included.
    pub connect: Duration,
    /// To the answer's head, connecting included.
    pub first_byte: Duration,
    /// Between two pieces of the answer.
    pub silence: Duration,
    /// Bytes of the answer's body.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(30),
            silence: Duration::from_secs(30),
            body: 1024 * 1024,
        }
    }
}

/// Checks, and asks. Cheap to clone.
#[derive(Clone)]
pub struct Outgoing {
    vetting: Arc<Vetting>,
    clients: Arc<Clients>,
}

/// Who may be dialled.
struct Vetting {
    rules: Rules,
    surroundings: Arc<dyn Surroundings>,
}

/// Where one request goes, as far as its URL says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Destination {
    is_https: bool,
    host: String,
    port: u16,
}

impl Destination {
    /// The host as it is written before a port: the operator lists it in this form.
    fn told(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }
}

impl Outgoing {
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self::with_surroundings(rules, Arc::new(System))
    }

    /// With names and own addresses that a test says.
    #[must_use]
    pub fn with_surroundings(rules: Rules, surroundings: Arc<dyn Surroundings>) -> Self {
        Self { vetting: Arc::new(Vetting { rules, surroundings }), clients: Arc::default() }
    }

    /// Whether a URL could be asked, as far as can be said without looking its name up.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, url: &Url) -> Result<(), OutgoingError> {
        self.vetting.destination(url).map(drop)
    }

    /// The addresses that a name leads to right now, all of which may be dialled: for programs that dial themselves. What
    /// isn't encrypted is only for addresses that the operator has listed.
    ///
    /// # Errors
    /// Why it may not be dialled.
    pub async fn addresses(
        &self,
        host: &str,
        port: u16,
        is_encrypted: bool,
    ) -> Result<Vec<std::net::IpAddr>, OutgoingError> {
        let destination = self.vetting.place(host, port, is_encrypted)?;
        match host.parse() {
            Ok(address) => Ok(vec![address]),
            Err(_) => self.vetting.look_up(&destination).await,
        }
    }

    /// Whether a host could be dialled, as far as can be said without looking its name up.
    ///
    /// # Errors
    /// Why not.
    pub fn check_place(&self, host: &str, port: u16, is_encrypted: bool) -> Result<(), OutgoingError> {
        self.vetting.place(host, port, is_encrypted).map(drop)
    }

    /// Sends a request, and gives the answer as soon as its head is there. Dropping either drops the connection's use.
    ///
    /// # Errors
    /// Where it may not be asked, or doesn't answer. A status that tells of a failure is an answer.
    pub async fn send(&self, request: http::Request<Bytes>, limits: Limits) -> Result<Reply, OutgoingError> {
        let url = Url::parse(&request.uri().to_string()).map_err(|_| OutgoingError::NoUrl)?;
        let destination = self.vetting.destination(&url)?;
        let client = self.clients.of(&self.vetting, &destination, limits.connect)?;
        let request = reqwest::Request::try_from(request).map_err(|_| OutgoingError::NoUrl)?;
        let answered = tokio::time::timeout(limits.first_byte, client.execute(request));
        match answered.await {
            Err(_) => Err(OutgoingError::NoAnswer(limits.first_byte)),
            Ok(Err(error)) => Err(OutgoingError::of(&error)),
            Ok(Ok(response)) => Ok(Reply::new(response, limits)),
        }
    }

    /// Sends a request, and gives the whole answer.
    ///
    /// # Errors
    /// As `send`, and where the answer is longer than the limit or stops in the middle.
    pub async fn exchange(
        &self,
        request: http::Request<Bytes>,
        limits: Limits,
    ) -> Result<http::Response<Bytes>, OutgoingError> {
        let mut reply = self.send(request, limits).await?;
        let (status, headers) = (reply.status(), reply.headers().clone());
        let mut whole = http::Response::new(reply.whole().await?);
        *whole.status_mut() = status;
        *whole.headers_mut() = headers;
        Ok(whole)
    }
}

impl Vetting {
    /// What a URL says, checked.
    fn destination(&self, url: &Url) -> Result<Destination, OutgoingError> {
        let is_https = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(OutgoingError::Scheme),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OutgoingError::Credentials);
        }
        let port = url.port_or_known_default().filter(|port| *port != 0).ok_or(OutgoingError::NoUrl)?;
        let (host, literal) = match url.host().ok_or(OutgoingError::NoUrl)? {
            Host::Domain(name) => (name.to_owned(), None),
            Host::Ipv4(address) => (address.to_string(), Some(address.into())),
            Host::Ipv6(address) => (address.to_string(), Some(address.into())),
        };
        self.settle(Destination { is_https, host, port }, literal)
    }

    /// The same for a host and a port.
    fn place(&self, host: &str, port: u16, is_encrypted: bool) -> Result<Destination, OutgoingError> {
        let destination = Destination { is_https: is_encrypted, host: host.to_owned(), port };
        let literal = host.parse().ok();
        // What only looks like a name would be taken for an address where it is dialled.
        let is_number = literal.is_none() && matches!(Host::parse(host), Ok(Host::Ipv4(_)) | Err(_));
        if is_number {
            return Err(OutgoingError::NoUrl);
        }
        self.settle(destination, literal)
    }

    fn settle(
        &self,
        destination: Destination,
        literal: Option<std::net::IpAddr>,
    ) -> Result<Destination, OutgoingError> {
        let (host, port) = (&destination.host, destination.port);
        let named = host.trim_end_matches('.');
        if named.is_empty() {
            return Err(OutgoingError::NoUrl);
        }
        if self.rules.own_hosts.iter().any(|own| own.eq_ignore_ascii_case(named))
            && self.rules.own_ports.contains(&port)
        {
            return Err(OutgoingError::Own);
        }
        // An address written out is never looked up, so it is checked here.
        if let Some(address) = literal {
            self.check_address(&destination, address)?;
        }
        Ok(destination)
    }

    /// Whether an address may be dialled for what the URL says.
    fn check_address(
        &self,
        destination: &Destination,
        address: std::net::IpAddr,
    ) -> Result<(), OutgoingError> {
        let plain = address::unwrapped(address);
        // What can't be told apart from this machine isn't dialled.
        let own = self.surroundings.own_addresses().map_err(|error| {
            tracing::error!(%error, "this machine's own addresses can't be read, so nothing is asked");
            OutgoingError::Unprepared
        })?;
        let is_own = own.iter().any(|own| address::unwrapped(*own) == plain);
        let kind = match address::kind(plain) {
            Kind::Never => return Err(OutgoingError::Never(destination.told())),
            Kind::Public if is_own => Kind::Machine,
            kind => kind,
        };
        if (kind == Kind::Machine || is_own) && self.rules.own_ports.contains(&destination.port) {
            return Err(OutgoingError::Own);
        }
        match kind {
            Kind::Public if destination.is_https => Ok(()),
            Kind::Public => Err(OutgoingError::PlainHttp),
            _ if self.is_listed(destination, plain) => Ok(()),
            _ => Err(OutgoingError::Private { host: destination.told(), port: destination.port }),
        }
    }

    fn is_listed(&self, destination: &Destination, address: std::net::IpAddr) -> bool {
        self.rules.allow.iter().any(|allowed| allowed.opens(&destination.host, address, destination.port))
    }

    /// The addresses that a name leads to right now: all of them may be dialled, or none is.
    async fn look_up(&self, destination: &Destination) -> Result<Vec<std::net::IpAddr>, OutgoingError> {
        let found = self.surroundings.look_up(destination.host.clone()).await;
        let found = found.map_err(|_| OutgoingError::Unknown(destination.host.clone()))?;
        if found.is_empty() {
            return Err(OutgoingError::Unknown(destination.host.clone()));
        }
        for address in &found {
            self.check_address(destination, *address)?;
        }
        Ok(found)
    }
}
