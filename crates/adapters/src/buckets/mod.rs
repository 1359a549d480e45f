//! Buckets of S3-compatible storage, asked by the one way that outgoing calls have: to find out whether a bucket is there,
//! and to remove what is left in one. Paths name the bucket, never the host: so the host is the one that was checked.

mod sign;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Method, Response, StatusCode};
use stoa_app::ports::{Bucket, Buckets, Clock};
use url::{Host, Url};

use crate::outgoing::{Limits, Outgoing};
use sign::{Asked, signed};

/// Letters of an endpoint at most.
const LONGEST: usize = 300;
/// Letters of a storage's own words that are told.
const LONGEST_WORDS: usize = 200;
/// Objects that are removed at once: what an empty repository leaves are a handful.
const MOST_CLEARED: usize = 1000;

const LIMITS: Limits = Limits {
    connect: Duration::from_secs(10),
    first_byte: Duration::from_secs(20),
    silence: Duration::from_secs(20),
    body: 1 << 20,
};

/// S3's protocol, over HTTP.
pub struct S3Buckets {
    outgoing: Outgoing,
    clock: Arc<dyn Clock>,
}

fn endpoint(text: &str) -> Result<Url, String> {
    let wrong = || "Give an address such as https://s3.example.com, without the bucket.".to_owned();
    let text = text.trim();
    if text.len() > LONGEST || text.chars().any(char::is_control) {
        return Err(wrong());
    }
    let url = Url::parse(text).map_err(|_| wrong())?;
    let is_alone = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    if url.cannot_be_a_base() || url.host().is_none() || !is_alone {
        return Err(wrong());
    }
    Ok(url)
}

/// What stands between two marks of an answer in XML, where it is short and holds no marks of its own.
fn between<'x>(xml: &'x str, mark: &str) -> Option<&'x str> {
    let (_, rest) = xml.split_once(&format!("<{mark}>"))?;
    let (text, _) = rest.split_once(&format!("</{mark}>"))?;
    Some(text)
}

/// In one line, and without the key, whoever repeats it.
fn plain(text: &str, bucket: &Bucket) -> String {
    let key = bucket.key.reveal_text().unwrap_or_default();
    let text = if key.is_empty() { text.to_owned() } else { text.replace(key, "…") };
    let text: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_WORDS).collect();
    text.trim().trim_end_matches('.').to_owned()
}

/// What an answer that isn't a good one says, as a sentence.
fn problem(answer: &Response<Bytes>, bucket: &Bucket) -> String {
    let xml = String::from_utf8_lossy(answer.body());
    let (code, message) = (between(&xml, "Code"), between(&xml, "Message"));
    let said = match (code, message) {
        (Some(code), Some(message)) => format!(" ({}: {})", plain(code, bucket), plain(message, bucket)),
        (Some(said), None) | (None, Some(said)) => format!(" ({})", plain(said, bucket)),
        (None, None) => String::new(),
    };
    let status = answer.status();
    match status {
        _ if code == Some("NoSuchBucket") => {
            format!("There is no bucket named {} there. Make it first.", bucket.name)
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => format!("It refuses the key{said}."),
        StatusCode::MOVED_PERMANENTLY | StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => {
            format!("The bucket is in another region, or at another address{said}.")
        }
        _ if status.is_server_error() => format!("It can't answer at the moment: {}{said}.", status.as_u16()),
        _ => format!("It answered {}{said}.", status.as_u16()),
    }
}

impl S3Buckets {
    #[must_use]
    pub fn new(outgoing: Outgoing, clock: Arc<dyn Clock>) -> Self {
        Self { outgoing, clock }
    }

    async fn ask(&self, bucket: &Bucket, asked: Asked<'_>) -> Result<Response<Bytes>, String> {
        let request = signed(bucket, asked, self.clock.now()).ok_or("Its address isn't one.")?;
        let answer = self
            .outgoing
            .exchange(request, LIMITS)
            .await
            .map_err(|error| plain(&error.to_string(), bucket))?;
        if answer.status().is_success() { Ok(answer) } else { Err(problem(&answer, bucket)) }
    }

    async fn list(&self, bucket: &Bucket, beginning: &str, most: usize) -> Result<Response<Bytes>, String> {
        let beginning = beginning.replace('/', "%2F");
        let query = format!("list-type=2&max-keys={most}&prefix={beginning}");
        let path = format!("/{}", bucket.name);
        self.ask(bucket, Asked { method: Method::GET, path: &path, query: &query, body: Bytes::new() }).await
    }

    async fn object(
        &self,
        bucket: &Bucket,
        method: Method,
        name: &str,
        body: Bytes,
    ) -> Result<Response<Bytes>, String> {
        let path = format!("/{}/{name}", bucket.name);
        self.ask(bucket, Asked { method, path: &path, query: "", body }).await
    }
}

impl Buckets for S3Buckets {
    fn check_endpoint(&self, text: &str) -> Result<String, String> {
        let url = endpoint(text)?;
        self.outgoing.check(&url).map_err(|error| error.to_string())?;
        Ok(url.origin().ascii_serialization())
    }

    fn addresses(&self, at: String) -> BoxFuture<'_, Result<Vec<IpAddr>, String>> {
        Box::pin(async move {
            let url = endpoint(&at)?;
            let host = match url.host() {
                Some(Host::Domain(name)) => name.to_owned(),
                Some(Host::Ipv4(address)) => address.to_string(),
                Some(Host::Ipv6(address)) => address.to_string(),
                None => return Err("Its address isn't one.".to_owned()),
            };
            let port = url.port_or_known_default().unwrap_or(443);
            let is_encrypted = url.scheme() == "https";
            let found = self.outgoing.addresses(&host, port, is_encrypted).await;
            found.map_err(|error| error.to_string())
        })
    }

    fn look(&self, bucket: Bucket) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move { self.list(&bucket, "stoa/", 1).await.map(drop) })
    }

    fn try_out(&self, bucket: Bucket, name: String) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            self.look(bucket.clone()).await?;
            let text = Bytes::from_static(b"Stoa writes this, reads it and removes it.");
            let _ = self.object(&bucket, Method::PUT, &name, text.clone()).await?;
            let read = self.object(&bucket, Method::GET, &name, Bytes::new()).await;
            // Whatever was read, nothing stays.
            let removed = self.object(&bucket, Method::DELETE, &name, Bytes::new()).await;
            if read?.body() != &text {
                return Err("It gives back something else than was written.".to_owned());
            }
            removed.map(drop)
        })
    }

    fn clear(&self, bucket: Bucket, beginning: String) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let listed = self.list(&bucket, &beginning, MOST_CLEARED).await?;
            let xml = String::from_utf8_lossy(listed.body()).into_owned();
            for piece in xml.split("<Key>").skip(1) {
                let name = piece.split("</Key>").next().unwrap_or_default();
                let is_ours = name.starts_with(&beginning)
                    && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-'));
                // restic's names are made of these alone. Another's stays.
                if is_ours {
                    let _ = self.object(&bucket, Method::DELETE, name, Bytes::new()).await?;
                }
            }
            Ok(())
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::outgoing::{Allowed, Rules};
    use stoa_domain::Secret;

    fn buckets(allow: &[&str]) -> S3Buckets {
        let allow = allow.iter().filter_map(|one| Allowed::parse(one)).collect();
        let rules = Rules { allow, ..Rules::default() };
        S3Buckets::new(Outgoing::new(rules), Arc::new(SystemClock))
    }

    fn bucket(endpoint: &str) -> Bucket {
        Bucket {
            endpoint: endpoint.to_owned(),
            name: "backups".to_owned(),
            region: None,
            key_id: "AKIA".to_owned(),
            key: Secret::from_text("a-secret-key".to_owned()),
        }
    }

    #[test]
    fn an_endpoint_is_an_address_and_nothing_behind_it() {
        let of = |text| buckets(&["10.1.2.3:9000"]).check_endpoint(text);
        assert_eq!(of(" https://s3.example.com/ ").as_deref(), Ok("https://s3.example.com"));
        assert_eq!(of("https://S3.example.com:443").as_deref(), Ok("https://s3.example.com"));
        assert_eq!(of("https://[2606:4700::1]:9000").as_deref(), Ok("https://[2606:4700::1]:9000"));
        assert_eq!(of("http://10.1.2.3:9000").as_deref(), Ok("http://10.1.2.3:9000"));
        for wrong in [
            "s3.example.com",
            "https://s3.example.com/bucket",
            "https://s3.example.com?x",
            "https://key:secret@s3.example.com",
            "ftp://s3.example.com",
            "http://10.1.2.3:9001",
            "https://127.0.0.1",
            "https://169.254.169.254",
            "",
        ] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_a_storage_says_is_told_without_the_key() {
        let answer = |status: u16, body: &'static str| {
            Response::builder().status(status).body(Bytes::from_static(body.as_bytes())).unwrap()
        };
        let of = |status, body| problem(&answer(status, body), &bucket("https://s3.example.com"));
        assert!(of(404, "<Error><Code>NoSuchBucket</Code></Error>").contains("no bucket named backups"));
        let refused = of(
            403,
            "<Error><Code>SignatureDoesNotMatch</Code><Message>a-secret-key\nis wrong.</Message></Error>",
        );
        assert_eq!(refused, "It refuses the key (SignatureDoesNotMatch: … is wrong).");
        assert_eq!(of(503, ""), "It can't answer at the moment: 503.");
        assert_eq!(of(301, ""), "The bucket is in another region, or at another address.");
    }

    #[tokio::test]
    async fn what_isnt_listed_is_neither_dialled_nor_told_to_who_dials() {
        let closed = buckets(&[]);
        for endpoint in ["http://127.0.0.1:9", "https://127.0.0.1:9", "https://169.254.169.254"] {
            assert!(closed.addresses(endpoint.to_owned()).await.is_err(), "{endpoint}");
            assert!(closed.look(bucket(endpoint)).await.is_err(), "{endpoint}");
        }
        let open = buckets(&["127.0.0.1:9"]);
        let found = open.addresses("http://127.0.0.1:9".to_owned()).await.unwrap();
        assert_eq!(found, ["127.0.0.1".parse::<IpAddr>().unwrap()]);
    }
}
