//! Buckets in memory: what they say is set by hand.

use std::net::IpAddr;
use std::sync::Mutex;

use futures_util::future::BoxFuture;
use stoa_app::ports::{Bucket, Buckets};

#[derive(Default)]
pub struct FakeBuckets {
    problem: Mutex<Option<String>>,
    asked: Mutex<Vec<String>>,
}

impl FakeBuckets {
    /// All of them say so from now on; `None`: they are well again.
    pub fn fail(&self, problem: Option<&str>) {
        *self.problem.lock().unwrap() = problem.map(str::to_owned);
    }

    /// What was asked of which bucket by which key, in turn.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn outcome(&self, what: &str, bucket: &Bucket) -> Result<(), String> {
        let key = bucket.key.reveal_text().unwrap_or_default();
        let line = format!("{what} {}/{} {}:{key}", bucket.endpoint, bucket.name, bucket.key_id);
        self.asked.lock().unwrap().push(line);
        match self.problem.lock().unwrap().clone() {
            Some(problem) => Err(problem),
            None => Ok(()),
        }
    }
}

impl Buckets for FakeBuckets {
    fn check_endpoint(&self, text: &str) -> Result<String, String> {
        let text = text.trim().trim_end_matches('/');
        let is_one =
            text.strip_prefix("https://").is_some_and(|host| !host.is_empty() && !host.contains('/'));
        if is_one { Ok(text.to_owned()) } else { Err("The address has to begin with https://.".to_owned()) }
    }

    fn addresses(&self, _: String) -> BoxFuture<'_, Result<Vec<IpAddr>, String>> {
        Box::pin(async { Ok(vec![IpAddr::from([203, 0, 113, 7])]) })
    }

    fn look(&self, bucket: Bucket) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move { self.outcome("look", &bucket) })
    }

    fn try_out(&self, bucket: Bucket, _: String) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move { self.outcome("try", &bucket) })
    }

    fn clear(&self, bucket: Bucket, beginning: String) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move { self.outcome(&format!("clear {beginning}"), &bucket) })
    }
}
