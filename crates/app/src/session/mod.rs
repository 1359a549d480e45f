//! Who asks: sessions of browsers and tokens of scripts.

mod address;
mod identify;
mod own;
mod sign_in;

pub use address::network_of;
pub use identify::{Origin, Presented};
pub use sign_in::{SignIn, SignedIn, Visitor};
pub use stoa_storage::session::ListedSession;

pub(crate) use address::counted;
