//! Names, looked up by a resolver of our own: what a domain's proof rests on must not come out of a hosts file or a
//! cache of the machine.

use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{RData, RecordType};
use stoa_app::ports::{Names, Texts};

/// How long one answer may take, and how often it is asked for.
const PATIENCE: Duration = Duration::from_secs(3);
const ATTEMPTS: usize = 2;

/// Whatever the servers do.
const WHOLE: Duration = Duration::from_secs(10);

/// What is looked at of one name: somebody's zone may hold any number of records.
const MOST: usize = 100;

/// Looks names up at one server, or at those of the machine.
pub struct DnsNames {
    server: Option<SocketAddr>,
    resolver: OnceLock<TokioResolver>,
}

fn options(options: &mut ResolverOpts) {
    options.timeout = PATIENCE;
    options.attempts = ATTEMPTS;
    // Who has just put the proof there isn't told for an hour that it isn't.
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    // A long answer over UDP is cut, and asked for once more by TCP.
    options.try_tcp_on_error = true;
}

impl DnsNames {
    /// `None`: the servers that the machine itself asks.
    #[must_use]
    pub fn new(server: Option<SocketAddr>) -> Self {
        Self { server, resolver: OnceLock::new() }
    }

    fn make(&self) -> Result<TokioResolver, NetError> {
        let mut builder = match self.server {
            None => TokioResolver::builder_tokio()?,
            Some(server) => {
                let mut asked = NameServerConfig::udp_and_tcp(server.ip());
                for connection in &mut asked.connections {
                    connection.port = server.port();
                }
                let config = ResolverConfig::from_name_servers(vec![asked]);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
        };
        options(builder.options_mut());
        builder.build()
    }

    fn resolver(&self) -> Result<&TokioResolver, NetError> {
        if let Some(made) = self.resolver.get() {
            return Ok(made);
        }
        let made = self.make()?;
        Ok(self.resolver.get_or_init(|| made))
    }

    /// What a name has of one kind; `None` where nobody says.
    async fn ask<T>(&self, name: &str, kind: RecordType, read: fn(&RData) -> Option<T>) -> Option<Vec<T>> {
        let asked = async {
            // With the final dot: nothing is tried below the machine's own domains.
            let found = self.resolver()?.lookup(format!("{name}."), kind).await?;
            let answers = found.answers().iter().filter_map(|record| read(&record.data));
            Ok(answers.take(MOST).collect())
        };
        match tokio::time::timeout(WHOLE, asked).await {
            Ok(Ok(found)) => Some(found),
            // That there is none is an answer; that a server can't say so isn't.
            Ok(Err(NetError::Dns(DnsError::NoRecordsFound(none))))
                if matches!(none.response_code, ResponseCode::NoError | ResponseCode::NXDomain) =>
            {
                Some(Vec::new())
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, name, "a name can't be looked up");
                None
            }
            Err(_) => None,
        }
    }
}

fn text(data: &RData) -> Option<String> {
    match data {
        RData::TXT(text) => Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned()),
        _ => None,
    }
}

fn address(data: &RData) -> Option<IpAddr> {
    match data {
        RData::A(address) => Some(address.0.into()),
        RData::AAAA(address) => Some(address.0.into()),
        _ => None,
    }
}

impl Names for DnsNames {
    fn texts(&self, name: String) -> BoxFuture<'_, Texts> {
        Box::pin(
            async move { self.ask(&name, RecordType::TXT, text).await.map_or(Texts::NoAnswer, Texts::Found) },
        )
    }

    fn addresses(&self, name: String) -> BoxFuture<'_, Option<Vec<IpAddr>>> {
        Box::pin(async move {
            let (four, six) = tokio::join!(
                self.ask(&name, RecordType::A, address),
                self.ask(&name, RecordType::AAAA, address)
            );
            let mut all = four?;
            all.extend(six?);
            all.sort_unstable();
            all.dedup();
            Some(all)
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};

    use hickory_resolver::proto::op::{Message, MessageType, OpCode};
    use hickory_resolver::proto::rr::rdata::{A, AAAA, CNAME, TXT};
    use hickory_resolver::proto::rr::{Name, Record};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, UdpSocket};

    use super::*;

    /// How the server answers for a name. What it doesn't know doesn't exist.
    #[derive(Clone)]
    enum Zone {
        Texts(Vec<String>),
        /// Behind another name, as most are.
        Addresses(Vec<IpAddr>),
        Fails,
    }

    type Zones = Arc<Mutex<BTreeMap<String, Zone>>>;

    fn answer(zones: &Zones, asked: &[u8], most: usize) -> Vec<u8> {
        let asked = Message::from_vec(asked).unwrap();
        let query = asked.queries.first().unwrap().clone();
        let name = query.name().to_string().trim_end_matches('.').to_owned();
        let mut said = Message::new(asked.metadata.id, MessageType::Response, OpCode::Query);
        said.add_query(query.clone());
        match zones.lock().unwrap().get(&name) {
            None => said.metadata.response_code = ResponseCode::NXDomain,
            Some(Zone::Fails) => said.metadata.response_code = ResponseCode::ServFail,
            Some(Zone::Addresses(addresses)) => {
                let real = Name::from_ascii("real.example.").unwrap();
                let alias = RData::CNAME(CNAME(real.clone()));
                said.add_answer(Record::from_rdata(query.name().clone(), 300, alias));
                for address in addresses {
                    let data = match address {
                        IpAddr::V4(address) => RData::A(A(*address)),
                        IpAddr::V6(address) => RData::AAAA(AAAA(*address)),
                    };
                    if data.record_type() == query.query_type() {
                        said.add_answer(Record::from_rdata(real.clone(), 300, data));
                    }
                }
            }
            Some(Zone::Texts(texts)) => {
                for text in texts {
                    let parts =
                        text.as_bytes().chunks(200).map(|part| String::from_utf8(part.to_vec()).unwrap());
                    let data = RData::TXT(TXT::new(parts.collect()));
                    said.add_answer(Record::from_rdata(query.name().clone(), 300, data));
                }
            }
        }
        let whole = said.to_vec().unwrap();
        if whole.len() <= most {
            return whole;
        }
        let mut cut = Message::new(asked.metadata.id, MessageType::Response, OpCode::Query);
        cut.add_query(query);
        cut.metadata.truncation = true;
        cut.to_vec().unwrap()
    }

    /// A name server by UDP and TCP.
    async fn server(zones: Zones) -> SocketAddr {
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = udp.local_addr().unwrap();
        let tcp = TcpListener::bind(address).await.unwrap();
        let of_udp = zones.clone();
        tokio::spawn(async move {
            let mut bytes = [0; 4096];
            while let Ok((length, from)) = udp.recv_from(&mut bytes).await {
                let said = answer(&of_udp, &bytes[..length], 512);
                udp.send_to(&said, from).await.unwrap();
            }
        });
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = tcp.accept().await {
                let zones = zones.clone();
                tokio::spawn(async move {
                    while let Ok(length) = stream.read_u16().await {
                        let mut asked = vec![0; usize::from(length)];
                        stream.read_exact(&mut asked).await.unwrap();
                        let said = answer(&zones, &asked, usize::from(u16::MAX));
                        stream.write_u16(u16::try_from(said.len()).unwrap()).await.unwrap();
                        stream.write_all(&said).await.unwrap();
                    }
                });
            }
        });
        address
    }

    #[tokio::test]
    async fn texts_are_found_as_they_are_now_and_no_answer_is_none() {
        let zones = Zones::default();
        let names = DnsNames::new(Some(server(zones.clone()).await));
        let texts = || names.texts("_stoa.shop.example".to_owned());
        assert_eq!(texts().await, Texts::Found(Vec::new()), "no such name");
        let set = |zone| zones.lock().unwrap().insert("_stoa.shop.example".to_owned(), zone);
        set(Zone::Texts(Vec::new()));
        assert_eq!(texts().await, Texts::Found(Vec::new()), "a name without a text");
        set(Zone::Texts(vec!["v=spf1 -all".to_owned(), "stoa-1".to_owned()]));
        assert_eq!(texts().await, Texts::Found(vec!["v=spf1 -all".to_owned(), "stoa-1".to_owned()]));
        set(Zone::Texts(vec!["stoa-2".to_owned()]));
        assert_eq!(texts().await, Texts::Found(vec!["stoa-2".to_owned()]), "nothing is remembered");
        // Longer than a packet: by TCP, its parts put together.
        let long = vec!["x".repeat(450), "y".repeat(450)];
        set(Zone::Texts(long.clone()));
        assert_eq!(texts().await, Texts::Found(long));
        set(Zone::Fails);
        assert_eq!(texts().await, Texts::NoAnswer, "a server that fails says nothing of what there is");
    }

    #[tokio::test]
    async fn addresses_of_both_kinds_are_found_behind_another_name() {
        let zones = Zones::default();
        let names = DnsNames::new(Some(server(zones.clone()).await));
        let addresses = || names.addresses("shop.example".to_owned());
        assert_eq!(addresses().await, Some(Vec::new()), "no such name");
        let set = |zone| zones.lock().unwrap().insert("shop.example".to_owned(), zone);
        let (four, six): (IpAddr, IpAddr) = ("192.0.2.7".parse().unwrap(), "2001:db8::7".parse().unwrap());
        set(Zone::Addresses(vec![six, four]));
        assert_eq!(addresses().await, Some(vec![four, six]));
        set(Zone::Addresses(vec![four]));
        assert_eq!(addresses().await, Some(vec![four]), "one kind is enough");
        set(Zone::Fails);
        assert_eq!(addresses().await, None);
    }

    #[tokio::test]
    async fn a_server_that_is_away_is_no_answer() {
        let gone = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let names = DnsNames::new(Some(gone));
        assert_eq!(names.texts("_stoa.shop.example".to_owned()).await, Texts::NoAnswer);
    }
}
