//! Pictures read by the same code as in the product, but in this process: a test has no other program to start.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use stoa_app::ports::{Logos, PictureKind};
use stoa_app::{Failure, Fault};
use stoa_domain::Refusal;

pub struct NearLogos;

impl Logos for NearLogos {
    fn make(&self, kind: PictureKind, sent: Bytes) -> BoxFuture<'_, Result<Vec<u8>, Failure>> {
        Box::pin(async move {
            let made = tokio::task::spawn_blocking(move || stoa_adapters::logo::make(kind, &sent)).await;
            let made = made.map_err(Fault::new)?;
            made.map_err(|unfit| Refusal::invalid("logo", unfit.code, unfit.sentence).into())
        })
    }

    fn draw(&self, initials: String, color: String) -> BoxFuture<'_, Result<Vec<u8>, Failure>> {
        Box::pin(stoa_adapters::logo::drawn(initials, color))
    }
}
