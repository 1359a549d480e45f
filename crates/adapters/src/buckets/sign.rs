//! How a request to S3-compatible storage proves who sends it: AWS's signature version 4, with the whole body's hash.

use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderValue, Request, header};
use sha2::{Digest as _, Sha256};
use stoa_app::ports::Bucket;
use stoa_domain::Timestamp;
use url::Url;
use zeroize::Zeroizing;

/// Where none is said: what storages that know no regions take.
const USUAL_REGION: &str = "us-east-1";

const SIGNED: &str = "host;x-amz-content-sha256;x-amz-date";

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn keyed(key: &[u8], text: &str) -> Zeroizing<Vec<u8>> {
    // A key of any length is one.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Zeroizing::new(Vec::new()) };
    mac.update(text.as_bytes());
    Zeroizing::new(mac.finalize().into_bytes().to_vec())
}

/// What is asked of a bucket. `path` begins with a slash; it and `query` are as they are sent, the query's names in order.
pub(super) struct Asked<'a> {
    pub method: http::Method,
    pub path: &'a str,
    pub query: &'a str,
    pub body: bytes::Bytes,
}

/// The request, signed. `None`: the endpoint is no address.
pub(super) fn signed(bucket: &Bucket, asked: Asked<'_>, now: Timestamp) -> Option<Request<bytes::Bytes>> {
    let url = Url::parse(&bucket.endpoint).ok()?;
    let host = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str()?),
        None => url.host_str()?.to_owned(),
    };
    let at = jiff::Timestamp::from_microsecond(now.micros()).ok()?;
    let (moment, day) = (at.strftime("%Y%m%dT%H%M%SZ").to_string(), at.strftime("%Y%m%d").to_string());
    let hash = hex(&Sha256::digest(&asked.body));
    let region = bucket.region.as_deref().unwrap_or(USUAL_REGION);
    let request = format!(
        "{}\n{}\n{}\nhost:{host}\nx-amz-content-sha256:{hash}\nx-amz-date:{moment}\n\n{SIGNED}\n{hash}",
        asked.method, asked.path, asked.query
    );
    let scope = format!("{day}/{region}/s3/aws4_request");
    let text = format!("AWS4-HMAC-SHA256\n{moment}\n{scope}\n{}", hex(&Sha256::digest(&request)));
    let first = Zeroizing::new([b"AWS4".as_slice(), bucket.key.reveal()].concat());
    let key = keyed(&keyed(&keyed(&keyed(&first, &day), region), "s3"), "aws4_request");
    let signature = hex(&keyed(&key, &text));
    let proof = format!(
        "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={SIGNED}, Signature={signature}",
        bucket.key_id
    );
    let mut proof = HeaderValue::from_str(&proof).ok()?;
    proof.set_sensitive(true);
    let query = if asked.query.is_empty() { String::new() } else { format!("?{}", asked.query) };
    Request::builder()
        .method(asked.method)
        .uri(format!("{}{}{query}", bucket.endpoint, asked.path))
        .header("x-amz-content-sha256", hash)
        .header("x-amz-date", moment)
        .header(header::AUTHORIZATION, proof)
        .body(asked.body)
        .ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use stoa_domain::Secret;

    /// The key and the moment of the examples in AWS's own description; its host is another.
    #[test]
    fn a_request_is_signed_as_described() {
        let bucket = Bucket {
            endpoint: "https://s3.amazonaws.com".to_owned(),
            name: "examplebucket".to_owned(),
            region: None,
            key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            key: Secret::from_text("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned()),
        };
        // 24 May 2013, 00:00:00 UTC.
        let now = Timestamp::from_micros(1_369_353_600_000_000);
        let asked = Asked {
            method: http::Method::GET,
            path: "/examplebucket",
            query: "list-type=2&max-keys=1",
            body: bytes::Bytes::new(),
        };
        let request = signed(&bucket, asked, now).unwrap();
        assert_eq!(request.uri(), "https://s3.amazonaws.com/examplebucket?list-type=2&max-keys=1");
        assert_eq!(request.headers()["x-amz-date"], "20130524T000000Z");
        let proof = request.headers()[header::AUTHORIZATION].to_str().unwrap();
        let scope = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request";
        assert!(proof.starts_with(scope), "{proof}");
        assert!(!format!("{request:?}").contains("Signature="), "it stands in no log");
        assert_eq!(proof.rsplit('=').next().unwrap().len(), 64);
    }
}
