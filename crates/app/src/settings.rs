//! What the operator has set, as far as use-cases care.

/// Who may create workspaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkspaceCreation {
    Everyone,
    Administrators,
}

impl WorkspaceCreation {
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Everyone => "everyone",
            Self::Administrators => "administrators",
        }
    }
}

/// Something about the settings that whoever runs the installation should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub code: &'static str,
    /// A sentence that says what to do.
    pub detail: String,
}

/// Where mails go, as far as administrators are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailRoute {
    /// Host and port.
    pub server: String,
    pub sender: String,
}

#[derive(Debug, Clone)]
pub struct Settings {
    /// How people reach Stoa, without a final slash: all links are made from it.
    pub public_url: String,
    /// The domain of instances' hosts.
    pub instance_domain: String,
    /// What follows an instance's host in its URL: a port with its colon, or nothing.
    pub instance_port: String,
    /// `http` or `https`.
    pub scheme: &'static str,
    pub workspace_creation: WorkspaceCreation,
    /// SHA-256 of the set-up link's token, until an account exists.
    pub setup_token_hash: Option<Vec<u8>>,
    /// Whether this machine can be a server.
    pub local_server: bool,
    /// The program's own.
    pub version: &'static str,
    /// `None` where no mail server is configured.
    pub mail_route: Option<MailRoute>,
    pub notes: Vec<Note>,
}

impl Settings {
    /// The URL of a host below the instance domain.
    #[must_use]
    pub fn url_of(&self, host: &str) -> String {
        format!("{}://{host}{}", self.scheme, self.instance_port)
    }

    /// The public URL's host, without its port.
    #[must_use]
    pub fn host(&self) -> &str {
        let url = &self.public_url;
        url.split("://").nth(1).unwrap_or(url).split(['/', ':']).next().unwrap_or_default()
    }

    /// The host that Stoa itself is reached by, without a port.
    #[must_use]
    pub fn public_host(&self) -> String {
        let rest = self.public_url.split_once("://").map_or(self.public_url.as_str(), |(_, rest)| rest);
        stoa_domain::host::normal(rest.split('/').next().unwrap_or_default())
    }
}
