//! From texts to settings, each checked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use stoa_adapters::mail::{Encryption, MailServer};
use stoa_adapters::outgoing::{Allowed, Rules};
use stoa_adapters::provider::ProviderSettings;
use stoa_app::settings::{MailRoute, Note, WorkspaceCreation};
use stoa_domain::Secret;
use stoa_http::site::Network;
use url::{Host, Url};

use super::{SettingsError, variable};

/// Where the data lies, unless it is said.
const DATA_DIR: &str = "./data";

/// TLS by Stoa itself: with the operator's files, or by an authority, or both.
#[derive(Clone)]
pub struct Tls {
    pub listen: SocketAddr,
    pub files: Option<TlsFiles>,
    pub acme: Option<Acme>,
}

#[derive(Clone)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// A certificate authority.
#[derive(Clone)]
pub struct Acme {
    pub directory: Url,
    pub contact: Option<String>,
}

/// The operator's settings, checked.
pub struct Settings {
    pub listen: SocketAddr,
    pub tls: Option<Tls>,
    /// An origin: a scheme, a host and perhaps a port.
    pub public_url: Url,
    pub trusted_proxies: Vec<Network>,
    pub data_dir: PathBuf,
    pub database_url: Option<Secret>,
    pub repositories_dir: PathBuf,
    pub internal_url: Option<Url>,
    pub local_server: bool,
    pub master_key_file: PathBuf,
    pub setup_token: Option<Secret>,
    pub workspace_creation: WorkspaceCreation,
    pub mail: Option<(MailServer, String)>,
    pub instance_domain: String,
    /// `None`: those that the machine itself asks.
    pub dns_server: Option<SocketAddr>,
    /// Where people may sign in besides.
    pub provider: Option<ProviderSettings>,
    /// Private addresses that Stoa's own outgoing calls may reach.
    pub egress_allow: Vec<Allowed>,
    /// `host:port`, as the operator wrote them.
    pub instance_egress_allow: Vec<String>,
    pub log: String,
    pub log_as_json: bool,
}

type Values = BTreeMap<&'static str, String>;

fn wrong(name: &str, problem: impl Into<String>) -> SettingsError {
    SettingsError::Wrong { name: variable(name), problem: problem.into() }
}

impl Settings {
    /// # Errors
    /// Where one isn't as it has to be.
    pub(super) fn read(values: &Values) -> Result<Self, SettingsError> {
        let listen: SocketAddr = text(values, "listen")
            .unwrap_or("127.0.0.1:8080")
            .parse()
            .map_err(|_| wrong("listen", "has to be an address and a port, such as 127.0.0.1:8080"))?;
        let data_dir = PathBuf::from(text(values, "data_dir").unwrap_or(DATA_DIR));
        let database_url = text(values, "database_url").map(|url| Secret::from_text(url.to_owned()));
        if text(values, "database_url")
            .is_some_and(|url| !url.starts_with("postgres://") && !url.starts_with("postgresql://"))
        {
            return Err(wrong("database_url", "has to begin with postgres://"));
        }
        let folder =
            |name, below: &str| text(values, name).map_or_else(|| data_dir.join(below), PathBuf::from);
        let public_url = public_url(values, listen)?;
        Ok(Self {
            listen,
            tls: tls(values, &public_url)?,
            internal_url: internal_url(values, &public_url)?,
            public_url,
            trusted_proxies: list(values, "trusted_proxies")
                .map(|entry| {
                    Network::parse(entry).ok_or_else(|| {
                        wrong("trusted_proxies", format!("{entry} is neither an address nor a network"))
                    })
                })
                .collect::<Result<_, _>>()?,
            repositories_dir: folder("repositories_dir", "repositories"),
            master_key_file: folder("master_key_file", "master.key"),
            local_server: truth(values, "local_server")?.unwrap_or(database_url.is_none()),
            setup_token: text(values, "setup_token").map(|token| Secret::from_text(token.to_owned())),
            workspace_creation: match text(values, "workspace_creation").unwrap_or("everyone") {
                "everyone" => WorkspaceCreation::Everyone,
                "administrators" => WorkspaceCreation::Administrators,
                _ => return Err(wrong("workspace_creation", "has to be everyone or administrators")),
            },
            mail: mail(values)?,
            instance_domain: instance_domain(values)?,
            dns_server: text(values, "dns_server")
                .map(|text| text.parse())
                .transpose()
                .map_err(|_| wrong("dns_server", "has to be an address and a port, such as 127.0.0.1:53"))?,
            provider: provider(values)?,
            egress_allow: list(values, "egress_allow")
                .map(|entry| {
                    Allowed::parse(entry).ok_or_else(|| {
                        wrong("egress_allow", format!("{entry} isn't host:port, such as 127.0.0.1:11434"))
                    })
                })
                .collect::<Result<_, _>>()?,
            instance_egress_allow: list(values, "instance_egress_allow").map(str::to_owned).collect(),
            log: text(values, "log").unwrap_or("info").to_owned(),
            log_as_json: match text(values, "log_format").unwrap_or("text") {
                "text" => false,
                "json" => true,
                _ => return Err(wrong("log_format", "has to be text or json")),
            },
            database_url,
            data_dir,
        })
    }

    /// The public origin, without a final slash.
    pub fn origin(&self) -> String {
        self.public_url.origin().ascii_serialization()
    }

    /// What Stoa's own outgoing calls may reach, and never: itself.
    pub fn outgoing_rules(&self) -> Rules {
        let internal = self.internal_url.as_ref();
        let ports = [
            Some(self.listen.port()),
            self.public_url.port_or_known_default(),
            internal.and_then(Url::port_or_known_default),
            self.tls.as_ref().map(|tls| tls.listen.port()),
        ];
        let hosts = [self.public_url.host_str(), internal.and_then(Url::host_str)];
        Rules {
            allow: self.egress_allow.clone(),
            own_ports: ports.into_iter().flatten().collect(),
            own_hosts: hosts.into_iter().flatten().map(str::to_owned).collect(),
        }
    }

    /// How another command of this program finds the same data folder: nothing where it is the usual one.
    pub fn data_dir_flag(&self) -> String {
        let shown = self.data_dir.display();
        if self.data_dir == Path::new(DATA_DIR) { String::new() } else { format!(" --data-dir {shown}") }
    }

    /// Whether instances' names and the public host are below one domain, for which either can set cookies. Below which
    /// endings that isn't so, such as `co.uk`, is in no rule but a long list, which gets older with this program: so
    /// this only warns. An instance domain that stands in the list itself shares nothing with anybody.
    pub fn shares_a_domain(&self) -> bool {
        let instance = format!("x.{}", self.instance_domain);
        match self.public_url.host() {
            Some(Host::Domain(name)) if !is_loopback(&self.public_url) => {
                let domain = psl::domain_str(name);
                domain.is_some() && domain == psl::domain_str(&instance)
            }
            _ => false,
        }
    }

    /// Where mails go, as far as administrators are told.
    pub fn mail_route(&self) -> Option<MailRoute> {
        let (server, sender) = self.mail.as_ref()?;
        Some(MailRoute { server: format!("{}:{}", server.host, server.port), sender: sender.clone() })
    }

    /// What the operator should know, and do something about.
    pub fn notes(&self) -> Vec<Note> {
        let mut notes = Vec::new();
        if self.master_key_file.starts_with(&self.data_dir) {
            notes.push(Note {
                code: "key_beside_data",
                detail: format!(
                    "The master key {} lies beside what it seals: whoever copies the folder has both. Put it elsewhere with STOA_MASTER_KEY_FILE.",
                    self.master_key_file.display()
                ),
            });
        }
        // Where there is none yet, it is made for its owner alone.
        if std::fs::metadata(&self.data_dir).is_ok_and(|about| about.permissions().mode() & 0o077 != 0) {
            notes.push(Note {
                code: "open_data_dir",
                detail: format!(
                    "Other users of this machine can look into {}. Close it: chmod 700 {0}",
                    self.data_dir.display()
                ),
            });
        }
        if self.shares_a_domain() {
            notes.push(Note {
                code: "shared_domain",
                detail: "Instances have names below the domain of the page: an application can set cookies for it. Give them a domain of their own with STOA_INSTANCE_DOMAIN.".to_owned(),
            });
        }
        if self.tls.as_ref().is_some_and(|tls| tls.acme.is_some() && tls.files.is_none()) {
            notes.push(Note {
                code: "no_wildcard",
                detail: format!(
                    "Whoever connects as a user comes to a host of its own, for which no authority can be asked by HTTP: browsers refuse it. Set STOA_TLS_CERT_FILE and STOA_TLS_KEY_FILE to a certificate for *.{}; what it isn't for is asked for as before.",
                    self.instance_domain
                ),
            });
        }
        if let Some((server, _)) = &self.mail
            && server.user.is_some()
            && matches!(server.encryption, Encryption::Optional | Encryption::Never)
            && !is_loopback_host(&server.host)
        {
            notes.push(Note {
                code: "readable_mail_password",
                detail: "The password for the mail server can be read on the way, because encryption isn't required. Set starttls=required in STOA_SMTP_URL.".to_owned(),
            });
        }
        notes
    }

    /// Whether the public host is a name of this machine's own.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.public_url)
    }
}

fn text<'v>(values: &'v Values, name: &str) -> Option<&'v str> {
    values.get(name).map(|value| value.trim())
}

fn list<'v>(values: &'v Values, name: &str) -> impl Iterator<Item = &'v str> {
    text(values, name).unwrap_or_default().split(',').map(str::trim).filter(|entry| !entry.is_empty())
}

fn truth(values: &Values, name: &str) -> Result<Option<bool>, SettingsError> {
    text(values, name)
        .map(|value| value.parse().map_err(|_| wrong(name, "has to be true or false")))
        .transpose()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn public_url(values: &Values, listen: SocketAddr) -> Result<Url, SettingsError> {
    let ours = format!("http://localhost:{}", listen.port());
    let given = text(values, "public_url").unwrap_or(&ours);
    let url = Url::parse(given).map_err(|_| wrong("public_url", "isn't a URL"))?;
    if url.host().is_none() || !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("public_url", "has to begin with https://, or http:// and a loopback name"));
    }
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            "public_url",
            "has to be a scheme, a host and perhaps a port, and nothing behind them",
        ));
    }
    if url.scheme() == "http" && !is_loopback(&url) && !truth(values, "insecure_http")?.unwrap_or(false) {
        return Err(wrong(
            "public_url",
            "is plain http beyond this machine: passwords would be readable on the way. Use https, or set insecure_http to true",
        ));
    }
    Ok(url)
}

fn tls(values: &Values, public: &Url) -> Result<Option<Tls>, SettingsError> {
    const FILES: [&str; 2] = ["tls_cert_file", "tls_key_file"];
    const NEEDED: &str = "is needed too: TLS wants STOA_TLS_LISTEN, STOA_TLS_CERT_FILE and STOA_TLS_KEY_FILE, or STOA_ACME_DIRECTORY";
    let acme = acme(values)?;
    let has_files = FILES.iter().any(|name| text(values, name).is_some());
    if text(values, "tls_listen").is_none() && !has_files && acme.is_none() {
        return Ok(None);
    }
    let given = |name| text(values, name).ok_or_else(|| wrong(name, NEEDED));
    let files = if has_files || acme.is_none() {
        let [certificate, key] = FILES.map(|name| given(name).map(PathBuf::from));
        given("tls_listen")?;
        Some(TlsFiles { certificate: certificate?, key: key? })
    } else {
        None
    };
    let listen = given("tls_listen")?
        .parse()
        .map_err(|_| wrong("tls_listen", "has to be an address and a port, such as 0.0.0.0:443"))?;
    if public.scheme() != "https" {
        return Err(wrong(
            "public_url",
            "has to begin with https:// where STOA_TLS_LISTEN is set: all links are made from it",
        ));
    }
    Ok(Some(Tls { listen, files, acme }))
}

fn acme(values: &Values) -> Result<Option<Acme>, SettingsError> {
    let contact = text(values, "acme_contact").map(str::to_owned);
    if contact.as_ref().is_some_and(|contact| stoa_domain::email::EmailAddress::parse(contact).is_none()) {
        return Err(wrong("acme_contact", "has to be an address of mail"));
    }
    let Some(given) = text(values, "acme_directory") else {
        return match contact {
            None => Ok(None),
            Some(_) => Err(wrong("acme_directory", "is needed too: STOA_ACME_CONTACT is for it")),
        };
    };
    let directory = Url::parse(given).map_err(|_| wrong("acme_directory", "isn't a URL"))?;
    if directory.scheme() != "https" || directory.host().is_none() {
        return Err(wrong("acme_directory", "has to begin with https:// and name a host"));
    }
    Ok(Some(Acme { directory, contact }))
}

fn internal_url(values: &Values, public: &Url) -> Result<Option<Url>, SettingsError> {
    let Some(given) = text(values, "internal_url") else { return Ok(None) };
    let url = Url::parse(given).map_err(|_| wrong("internal_url", "isn't a URL"))?;
    if url.host().is_none() || !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("internal_url", "has to begin with http:// or https:// and name a host"));
    }
    // By another scheme it is the same address all the same.
    if url.host_str() == public.host_str() && url.port_or_known_default() == public.port_or_known_default()
        || url.host_str() == public.host_str() && url.port().is_none() && public.port().is_none()
    {
        return Err(wrong(
            "internal_url",
            "is the public address: it has to be one by which the other replicas reach this one, and nobody else",
        ));
    }
    Ok(Some(url))
}

fn instance_domain(values: &Values) -> Result<String, SettingsError> {
    let domain =
        text(values, "instance_domain").unwrap_or("localhost").trim_matches('.').to_ascii_lowercase();
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if domain.len() <= 180 && domain.split('.').all(is_label) {
        Ok(domain)
    } else {
        Err(wrong("instance_domain", "isn't a domain name"))
    }
}

fn provider(values: &Values) -> Result<Option<ProviderSettings>, SettingsError> {
    let Some(issuer) = text(values, "oidc_issuer") else { return Ok(None) };
    let malformed =
        || wrong("oidc_issuer", "has to be an https:// address, exactly as the provider names itself");
    let url = Url::parse(issuer).map_err(|_| malformed())?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(malformed)?;
    // Plain HTTP is for a provider on this very machine.
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback_host(host));
    if !is_safe || url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err(malformed());
    }
    let client_id = text(values, "oidc_client_id")
        .ok_or_else(|| wrong("oidc_client_id", "is needed with STOA_OIDC_ISSUER"))?
        .to_owned();
    let of_file = text(values, "oidc_client_secret_file").map(|file| {
        std::fs::read_to_string(file)
            .map(|secret| secret.trim_end().to_owned())
            .map_err(|error| wrong("oidc_client_secret_file", format!("{file} can't be read: {error}")))
    });
    let secret = of_file.transpose()?.or_else(|| text(values, "oidc_client_secret").map(str::to_owned));
    Ok(Some(ProviderSettings {
        name: text(values, "oidc_name").unwrap_or(host).to_owned(),
        issuer: issuer.to_owned(),
        client_id,
        client_secret: secret.map(Secret::from_text),
    }))
}

fn mail(values: &Values) -> Result<Option<(MailServer, String)>, SettingsError> {
    let Some(given) = text(values, "smtp_url") else { return Ok(None) };
    let malformed = || wrong("smtp_url", "has to be smtp://user:password@host:port or smtps://…");
    let url = Url::parse(given).map_err(|_| malformed())?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(malformed)?;
    // An address is looked up without the brackets that it has in a URL.
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
        return Err(malformed());
    }
    let mut starttls = None;
    for (name, value) in url.query_pairs() {
        if name != "starttls" {
            return Err(wrong(
                "smtp_url",
                format!("{name} isn't known: starttls is all that can stand behind ?"),
            ));
        }
        starttls = Some(value.into_owned());
    }
    let (encryption, port) = match (url.scheme(), starttls.as_deref()) {
        ("smtps", None) => (Encryption::Implicit, 465),
        ("smtps", Some(_)) => {
            return Err(wrong("smtp_url", "smtps is TLS from the first byte: starttls is for smtp"));
        }
        ("smtp", None) if is_loopback_host(&host) => (Encryption::Optional, 25),
        ("smtp", None | Some("required")) => (Encryption::Required, 587),
        ("smtp", Some("optional")) => (Encryption::Optional, 25),
        ("smtp", Some("never")) => (Encryption::Never, 25),
        ("smtp", Some(_)) => return Err(wrong("smtp_url", "starttls has to be required, optional or never")),
        _ => return Err(malformed()),
    };
    let authorities = text(values, "smtp_ca_file").map(|file| {
        std::fs::read(file).map_err(|error| wrong("smtp_ca_file", format!("{file} can't be read: {error}")))
    });
    let from = text(values, "mail_from")
        .ok_or_else(|| wrong("mail_from", "is needed with STOA_SMTP_URL: the sender of mails"))?
        .to_owned();
    let server = MailServer {
        port: url.port().unwrap_or(port),
        encryption,
        user: mail_user(values, &url)?,
        authorities: authorities.transpose()?,
        host,
    };
    Ok(Some((server, from)))
}

/// As whom the mail server is signed in to; the password stands in the URL or in a file, not in both.
fn mail_user(values: &Values, url: &Url) -> Result<Option<(String, Secret)>, SettingsError> {
    let user = (!url.username().is_empty()).then(|| decoded(url.username()));
    let Some(file) = text(values, "smtp_password_file") else {
        return Ok(
            user.map(|user| (user, Secret::from_text(url.password().map(decoded).unwrap_or_default())))
        );
    };
    let refuse = |problem: String| wrong("smtp_password_file", problem);
    let user =
        user.ok_or_else(|| refuse("needs the user in STOA_SMTP_URL: smtp://user@host:port".to_owned()))?;
    if url.password().is_some() {
        return Err(refuse("is set, and STOA_SMTP_URL has a password too. Take one of them away".to_owned()));
    }
    let password =
        std::fs::read_to_string(file).map_err(|error| refuse(format!("{file} can't be read: {error}")))?;
    Ok(Some((user, Secret::from_text(password.trim_end_matches(['\r', '\n']).to_owned()))))
}

fn is_loopback_host(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// User and password stand percent-encoded in a URL.
fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}
