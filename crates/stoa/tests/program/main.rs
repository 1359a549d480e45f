//! The real program, as it is started by who installed it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod acme;
mod admin;
mod behind;
mod client;
mod connect;
mod elsewhere;
mod keeping;
mod kill;
mod logos;
mod mail;
mod replicas;
mod restart;
mod sandbox;
mod support;
mod terminal;
mod tls;
mod way;
