//! Who asks: sessions of browsers and tokens of scripts.

mod identify;
mod own;
mod sign_in;

pub use identify::{Origin, Presented};
pub use sign_in::{SignIn, SignedIn, Visitor};
pub use stoa_storage::session::ListedSession;
