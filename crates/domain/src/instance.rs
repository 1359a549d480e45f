//! What an instance can be: stages, states, wishes, and who may open its URL.

macro_rules! closed_set {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $key:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($variant),* }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            #[must_use]
            pub const fn key(self) -> &'static str {
                match self { $(Self::$variant => $key),* }
            }

            #[must_use]
            pub fn from_key(key: &str) -> Option<Self> {
                match key { $($key => Some(Self::$variant),)* _ => None }
            }
        }
    };
}
pub(crate) use closed_set;

closed_set! {
    /// What an instance is for. It never changes.
    Stage { Production = "production", Staging = "staging", Development = "development" }
}

closed_set! {
    /// What an instance is doing.
    InstanceStatus {
        Deploying = "deploying",
        Running = "running",
        Stopped = "stopped",
        Failed = "failed",
        Deleting = "deleting",
    }
}

closed_set! {
    /// What its people want of it.
    Wish { Running = "running", Stopped = "stopped" }
}

closed_set! {
    /// Who may open its URL: anyone, or members to whom the instance is allowed.
    Visibility { Public = "public", Members = "members" }
}

closed_set! {
    /// The two kinds of restart.
    RestartMode { Soft = "soft", Hard = "hard" }
}

/// Numbers given to instances as operating system users begin here.
pub const FIRST_OS_USER: i64 = 200_000;
