//! What the operator says: flags win, then the environment, then the file named by `--config`.
//!
//! One table names every setting. What holds a secret has no flag, so that no process list shows it. An unknown
//! setting is refused: a misspelled one would otherwise be silently without effect.

mod read;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command};

pub use read::{Settings, Tls, TlsFiles};

/// One setting. Its environment variable is `STOA_` and the name in capitals, its flag the name with dashes.
struct Known {
    name: &'static str,
    help: &'static str,
    /// Without a flag.
    secret: bool,
}

const fn open(name: &'static str, help: &'static str) -> Known {
    Known { name, help, secret: false }
}

const fn secret(name: &'static str, help: &'static str) -> Known {
    Known { name, help, secret: true }
}

const KNOWN: &[Known] = &[
    open("listen", "Address and port of the page, the API, git and the proxy [127.0.0.1:8080]"),
    open("public_url", "How people reach Stoa; all links are made from it [http://localhost:<port>]"),
    open("insecure_http", "Allows a public URL with http that isn't a loopback name [false]"),
    open("tls_listen", "Address and port of the same with TLS [none: plain HTTP]"),
    open("tls_cert_file", "Certificate with its chain, PEM; read again when it changes"),
    open("tls_key_file", "Private key of the certificate, PEM"),
    open(
        "acme_directory",
        "Directory of a certificate authority: certificates for the public host and instances [none]",
    ),
    open("acme_contact", "Address of mail that the certificate authority may write to"),
    open("trusted_proxies", "Addresses and networks of reverse proxies, separated by commas"),
    open("data_dir", "Records, master key, repositories and the local agent's folder [./data]"),
    secret("database_url", "postgres://… for several replicas [SQLite in the data directory]"),
    open("repositories_dir", "Hosted repositories; one folder for all replicas [<data>/repositories]"),
    open("internal_url", "How the other replicas reach this one"),
    open("local_server", "Whether this machine can be a server [true on SQLite]"),
    open("master_key_file", "Key that seals secrets [<data>/master.key]"),
    secret("setup_token", "One-time token of the first set-up [random, printed]"),
    open("workspace_creation", "Who may create workspaces: everyone or administrators [everyone]"),
    secret("smtp_url", "smtp://user:password@host:port or smtps://… [none: links are shown to copy]"),
    open("smtp_password_file", "File with the SMTP password, instead of in the URL"),
    open(
        "smtp_ca_file",
        "File with certificates in PEM that the mail server's may rest on, besides the usual ones",
    ),
    open("mail_from", "Sender of mails"),
    open("instance_domain", "Domain of instances' hosts [localhost]"),
    open(
        "dns_server",
        "Address and port of the name server at which domains' proofs are looked up [the machine's]",
    ),
    open("oidc_issuer", "Issuer of an OpenID Connect provider to sign in at [none]"),
    open("oidc_client_id", "What the provider calls Stoa"),
    secret("oidc_client_secret", "What Stoa proves itself with to the provider"),
    open("oidc_client_secret_file", "File with that secret, instead of in the environment"),
    open("oidc_name", "What people call the provider: on the button [its host]"),
    open("egress_allow", "host:port list of private addresses that Stoa's own outgoing calls may reach"),
    open("instance_egress_allow", "host:port list of private addresses that instances may reach"),
    open("log", "Tracing filter [info]"),
    open("log_format", "text, or json for machines [text]"),
];

/// Variables that begin with `STOA_` but are none of these settings: of building and of the client.
const OTHERS: &[&str] = &["STOA_UI_DIST", "STOA_URL", "STOA_TOKEN"];

/// What is wrong with the settings. The sentence never repeats a secret.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("the settings file {0} can't be read: {1}")]
    Unreadable(PathBuf, std::io::Error),
    #[error("the settings file {0} isn't TOML: {1}")]
    Malformed(PathBuf, String),
    #[error("the setting {0} isn't known")]
    Unknown(String),
    #[error("{name}: {problem}")]
    Wrong { name: String, problem: String },
}

fn variable(name: &str) -> String {
    format!("STOA_{}", name.to_uppercase())
}

/// Those that every command shows: where everything lies.
const SHOWN: &[&str] = &["config", "data_dir"];
const HEADING: &str = "Settings";

/// As [`with_flags`], for a command that has flags of its own: `-h` shows these, and `--help` the settings as well.
pub fn with_flags_below(command: Command) -> Command {
    let command = with_flags(command);
    let secrets = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let hidden = command.mut_args(|argument| {
        let is_setting = argument.get_help_heading() == Some(HEADING);
        let is_shown = SHOWN.contains(&argument.get_id().as_str());
        argument.hide_short_help(is_setting && !is_shown)
    });
    hidden.after_help("All settings of stoa serve can be given as well: see --help.").after_long_help(secrets)
}

/// Adds `--config` and a flag for each setting that holds no secret; the help names the others too.
pub fn with_flags(command: Command) -> Command {
    let secrets = KNOWN.iter().filter(|known| known.secret);
    let lines: String =
        secrets.map(|known| format!("  {:<20} {}\n", variable(known.name), known.help)).collect();
    let command = command.after_help(format!(
        "What holds a secret has no flag, and is read from the environment or the file:\n{lines}"
    ));
    let command = command.arg(
        Arg::new("config")
            .long("config")
            .value_name("FILE")
            .help_heading(HEADING)
            .help("A file with settings, usually server.toml"),
    );
    KNOWN.iter().filter(|known| !known.secret).fold(command, |command, known| {
        command.arg(
            Arg::new(known.name)
                .long(known.name.replace('_', "-"))
                .value_name("VALUE")
                .help_heading(HEADING)
                .help(known.help)
                .long_help(format!("{}. Also {}", known.help, variable(known.name))),
        )
    })
}

/// Gathers the settings of flags, environment and file.
///
/// # Errors
/// Where one isn't known or can't be read.
pub fn gather(
    flags: &ArgMatches,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Settings, SettingsError> {
    let mut values = BTreeMap::new();
    if let Some(file) = flags.get_one::<String>("config") {
        values.extend(of_file(Path::new(file))?);
    }
    for (name, value) in environment.filter(|(name, _)| name.starts_with("STOA_")) {
        let known = KNOWN.iter().find(|known| variable(known.name) == name);
        match known {
            Some(known) => _ = values.insert(known.name, value),
            None if OTHERS.contains(&name.as_str()) => {}
            None => return Err(SettingsError::Unknown(name)),
        }
    }
    for known in KNOWN.iter().filter(|known| !known.secret) {
        if let Some(value) = flags.get_one::<String>(known.name) {
            values.insert(known.name, value.clone());
        }
    }
    // An empty variable is how many tools say "none".
    values.retain(|_, value| !value.trim().is_empty());
    Settings::read(&values)
}

fn of_file(file: &Path) -> Result<BTreeMap<&'static str, String>, SettingsError> {
    let text =
        std::fs::read_to_string(file).map_err(|error| SettingsError::Unreadable(file.to_owned(), error))?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        SettingsError::Malformed(file.to_owned(), error.message().to_owned())
    })?;
    let mut values = BTreeMap::new();
    for (name, value) in table {
        let known =
            KNOWN.iter().find(|known| known.name == name).ok_or(SettingsError::Unknown(name.clone()))?;
        let value = flat(&value).ok_or_else(|| SettingsError::Wrong {
            name,
            problem: "has to be a text, a number, true, false, or a list of texts".to_owned(),
        })?;
        values.insert(known.name, value);
    }
    Ok(values)
}

fn flat(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(truth) => Some(truth.to_string()),
        toml::Value::Array(list) => {
            let texts: Option<Vec<&str>> = list.iter().map(toml::Value::as_str).collect();
            texts.map(|texts| texts.join(","))
        }
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn read(flags: &[&str], environment: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let flags: Vec<&str> = std::iter::once("serve").chain(flags.iter().copied()).collect();
        let matches = with_flags(Command::new("serve")).try_get_matches_from(flags).unwrap();
        gather(&matches, environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn the_help_names_every_setting() {
        let help = with_flags(Command::new("serve")).render_long_help().to_string();
        for known in KNOWN {
            assert!(help.contains(&variable(known.name)), "{}", known.name);
        }
        assert!(!help.contains("--smtp-url"));
    }

    #[test]
    fn names_of_instances_beside_the_pages_are_noticed() {
        let shares = |public: &str, domain: &str| {
            let settings = read(&["--public-url", public, "--instance-domain", domain], &[]).unwrap();
            settings.shares_a_domain()
        };
        assert!(shares("https://stoa.example.com", "apps.example.com"));
        assert!(!shares("https://stoa.example.com", "example.org"));
        assert!(!shares("http://localhost:8080", "localhost"));
        // By the list of endings that strangers share, not by their last two words.
        assert!(!shares("https://stoa.co.uk", "apps.co.uk"));
        assert!(shares("https://stoa.example.co.uk", "apps.example.co.uk"));
        assert!(!shares("https://stoa.github.io", "github.io"));
        assert!(shares("https://stoa.github.io", "apps.stoa.github.io"));
        assert!(shares("https://stoa.corp.internal", "apps.corp.internal"));
        assert!(shares("https://apps.example", "apps.example"));
    }

    #[test]
    fn flags_win_over_the_environment_and_that_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("server.toml");
        std::fs::write(&file, "listen = \"127.0.0.1:1\"\ninstance_domain = \"apps.localhost\"\nworkspace_creation = \"administrators\"\n").unwrap();
        let file = file.to_str().unwrap().to_owned();
        let settings = read(
            &["--config", &file, "--listen", "127.0.0.1:3"],
            &[("STOA_LISTEN", "127.0.0.1:2"), ("STOA_INSTANCE_DOMAIN", "x.localhost"), ("HOME", "/")],
        )
        .unwrap();
        assert_eq!(settings.listen.port(), 3);
        assert_eq!(settings.instance_domain, "x.localhost");
        assert_eq!(settings.workspace_creation, stoa_app::settings::WorkspaceCreation::Administrators);
        assert_eq!(settings.public_url.as_str(), "http://localhost:3/");
    }

    #[test]
    fn an_unknown_setting_is_refused() {
        let refused = read(&[], &[("STOA_LISTN", "127.0.0.1:2")]).err().unwrap();
        assert_eq!(refused.to_string(), "the setting STOA_LISTN isn't known");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("server.toml");
        std::fs::write(&file, "listn = 1\n").unwrap();
        assert!(matches!(read(&["--config", file.to_str().unwrap()], &[]), Err(SettingsError::Unknown(_))));
    }

    #[test]
    fn replicas_reach_each_other_by_another_address_than_everybody() {
        let with = |public: &str, internal: &str| {
            read(&["--public-url", public, "--internal-url", internal, "--insecure-http", "true"], &[])
        };
        for (public, internal) in [
            ("https://stoa.example", "https://stoa.example"),
            ("https://stoa.example", "http://STOA.example/"),
            ("https://stoa.example", "https://stoa.example:443"),
            ("http://localhost:8080", "http://localhost:8080"),
        ] {
            let refused = with(public, internal).err().unwrap();
            assert!(refused.to_string().contains("is the public address"), "{internal}: {refused}");
        }
        assert!(with("https://stoa.example", "ftp://10.0.0.2").is_err());
        for internal in ["http://10.0.0.2:8080", "http://stoa.example:9090", "https://one.stoa.example"] {
            assert!(with("https://stoa.example", internal).is_ok(), "{internal}");
        }
    }

    #[test]
    fn what_outgoing_calls_may_reach_is_listed_by_host_and_port() {
        let with = |list: &str| read(&["--egress-allow", list], &[]);
        assert_eq!(with("127.0.0.1:11434, gpu.internal:8000,[fd00::1]:80").unwrap().egress_allow.len(), 3);
        for wrong in ["127.0.0.1", "10.0.0.0/8", "*:80", "gpu.internal:0"] {
            let refused = with(wrong).err().unwrap();
            assert!(refused.to_string().starts_with("STOA_EGRESS_ALLOW: "), "{refused}");
        }
    }

    #[test]
    fn tls_wants_both_files_and_a_public_url_by_https() {
        let files = [("STOA_TLS_CERT_FILE", "c.pem"), ("STOA_TLS_KEY_FILE", "k.pem")];
        let public = ["--public-url", "https://stoa.example"];
        let whole = read(&[&public[..], &["--tls-listen", "0.0.0.0:443"]].concat(), &files).unwrap();
        assert_eq!(whole.tls.unwrap().listen.port(), 443);
        let acme = ["--tls-listen", "0.0.0.0:443", "--acme-directory", "https://a.example/dir"];
        let tls = read(&[&public[..], &acme].concat(), &[]).unwrap().tls.unwrap();
        assert!(tls.files.is_none() && tls.acme.is_some());
        for (flags, environment, reason) in [
            (vec!["--tls-listen", "0.0.0.0:443"], &files[..], "has to begin with https://"),
            ([&public[..], &["--tls-listen", "0.0.0.0:443"]].concat(), &files[..1], "STOA_TLS_KEY_FILE"),
            (public.to_vec(), &files[..], "STOA_TLS_LISTEN"),
            ([&public[..], &["--acme-directory", "https://a.example/dir"]].concat(), &[], "STOA_TLS_LISTEN"),
            (
                [&public[..], &["--tls-listen", "0.0.0.0:443", "--acme-directory", "http://a.example"]]
                    .concat(),
                &[],
                "has to begin with https://",
            ),
            ([&public[..], &["--tls-listen", "443"]].concat(), &files[..], "an address and a port"),
        ] {
            let refused = read(&flags, environment).err().unwrap().to_string();
            assert!(refused.contains(reason), "{refused}");
        }
    }

    #[test]
    fn no_secret_has_a_flag() {
        let command = with_flags(Command::new("serve"));
        for name in ["database_url", "setup_token", "smtp_url"] {
            assert!(command.get_arguments().all(|argument| argument.get_id() != name), "{name} has a flag");
        }
    }

    #[test]
    fn a_mail_server_is_spoken_to_as_the_url_says() {
        use stoa_adapters::mail::Encryption;
        let with = |url: &str, more: &[(&str, &str)]| {
            let all = [&[("STOA_SMTP_URL", url), ("STOA_MAIL_FROM", "stoa@example.com")], more].concat();
            read(&[], &all).map(|settings| settings.mail.expect("a mail server").0)
        };
        for (url, encryption, port) in [
            ("smtps://mail.example", Encryption::Implicit, 465),
            ("smtp://mail.example", Encryption::Required, 587),
            ("smtp://localhost", Encryption::Optional, 25),
            ("smtp://mail.example?starttls=required", Encryption::Required, 587),
            ("smtp://mail.example:2525?starttls=optional", Encryption::Optional, 2525),
            ("smtp://mail.example?starttls=never", Encryption::Never, 25),
        ] {
            let server = with(url, &[]).unwrap();
            assert_eq!((server.encryption, server.port), (encryption, port), "{url}");
        }
        for wrong in [
            "http://mail.example",
            "smtp://",
            "smtp://mail.example?starttls=maybe",
            "smtp://mail.example?tls=required",
            "smtps://mail.example?starttls=never",
            "smtp://mail.example/inbox",
        ] {
            let refused = with(wrong, &[]).err().expect(wrong).to_string();
            assert!(refused.starts_with("STOA_SMTP_URL"), "{wrong}: {refused}");
        }
        let alone = read(&[], &[("STOA_SMTP_URL", "smtp://mail.example")]).err().unwrap();
        assert!(alone.to_string().starts_with("STOA_MAIL_FROM"), "{alone}");
    }

    #[test]
    fn the_mail_servers_password_can_lie_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "from the file\n").unwrap();
        let file = file.to_str().unwrap();
        let with = |url: &str, file: &str| {
            let all = [
                ("STOA_SMTP_URL", url),
                ("STOA_MAIL_FROM", "a@b.example"),
                ("STOA_SMTP_PASSWORD_FILE", file),
            ];
            read(&[], &all).map(|settings| settings.mail.expect("a mail server").0.user.expect("a user"))
        };
        let (user, password) = with("smtp://st%40a@mail.example", file).unwrap();
        assert_eq!((user.as_str(), password.reveal_text()), ("st@a", Some("from the file")));
        // Without a user nobody would be signed in; two passwords can't both be meant; one that isn't there isn't empty.
        for (url, file) in [
            ("smtp://mail.example", file),
            ("smtp://user:other@mail.example", file),
            ("smtp://user@mail.example", "/nowhere/password"),
        ] {
            let refused = with(url, file).err().expect(url).to_string();
            assert!(
                refused.starts_with("STOA_SMTP_PASSWORD_FILE") && !refused.contains("other"),
                "{refused}"
            );
        }
    }

    #[test]
    fn what_the_operator_should_know_is_noted() {
        let codes = |environment: &[(&str, &str)]| -> Vec<&'static str> {
            let settings = read(&["--public-url", "https://stoa.example.com"], environment).unwrap();
            settings.notes().into_iter().map(|note| note.code).collect()
        };
        assert_eq!(
            codes(&[
                ("STOA_INSTANCE_DOMAIN", "apps.example.org"),
                ("STOA_MASTER_KEY_FILE", "/elsewhere/key")
            ]),
            Vec::<&str>::new()
        );
        assert_eq!(
            codes(&[
                ("STOA_INSTANCE_DOMAIN", "apps.example.com"),
                ("STOA_SMTP_URL", "smtp://user:secret@mail.example?starttls=optional"),
                ("STOA_MAIL_FROM", "a@b.example"),
            ]),
            ["key_beside_data", "shared_domain", "readable_mail_password"]
        );
    }

    #[test]
    fn plain_http_beyond_this_machine_has_to_be_wished() {
        let refused = read(&["--public-url", "http://stoa.example"], &[]).err().unwrap();
        assert!(refused.to_string().contains("insecure_http"), "{refused}");
        assert!(read(&["--public-url", "http://stoa.example", "--insecure-http", "true"], &[]).is_ok());
        assert!(read(&["--public-url", "https://stoa.example/sub"], &[]).is_err());
    }
}
