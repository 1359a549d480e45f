//! The port to buckets of S3-compatible storage: what Stoa itself asks of them. Backups are written there by the machine.

use std::net::IpAddr;

use futures_util::future::BoxFuture;
use stoa_domain::Secret;

/// Where a bucket is, and what opens it. It has no `Debug`: what opens it is secret.
#[derive(Clone)]
pub struct Bucket {
    /// `https://host`, or with a port.
    pub endpoint: String,
    pub name: String,
    pub region: Option<String>,
    pub key_id: String,
    pub key: Secret,
}

/// Buckets. What goes wrong is a sentence, of which control characters and the key were taken.
pub trait Buckets: Send + Sync + 'static {
    /// The form in which an endpoint is kept, as far as it can be said without asking anybody.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    fn check_endpoint(&self, text: &str) -> Result<String, String>;

    /// The addresses that an endpoint leads to right now, all of which may be dialled.
    fn addresses(&self, endpoint: String) -> BoxFuture<'_, Result<Vec<IpAddr>, String>>;

    /// Whether the bucket is there and the key opens it.
    fn look(&self, bucket: Bucket) -> BoxFuture<'_, Result<(), String>>;

    /// Writes an object of that name, reads it and removes it.
    fn try_out(&self, bucket: Bucket, name: String) -> BoxFuture<'_, Result<(), String>>;

    /// Removes all objects whose names begin so.
    fn clear(&self, bucket: Bucket, beginning: String) -> BoxFuture<'_, Result<(), String>>;
}
