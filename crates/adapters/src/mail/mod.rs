//! Mail by SMTP.

mod connection;

use std::io::ErrorKind;
use std::time::Duration;

use futures_util::future::BoxFuture;
use lettre::Message;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use stoa_app::ports::{Delivery, InlineImage, Letter, Mail};
use stoa_domain::Secret;

use connection::{Beginning, Unconnected};

/// How the connection is kept from being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// TLS from the first byte: `smtps://`.
    Implicit,
    Required,
    Optional,
    Never,
}

/// Where mails go, as the operator has set it.
#[derive(Clone)]
pub struct MailServer {
    pub host: String,
    pub port: u16,
    pub encryption: Encryption,
    pub user: Option<(String, Secret)>,
    /// Certificates in PEM that the server's may rest on, besides those that everybody knows.
    pub authorities: Option<Vec<u8>>,
}

pub struct SmtpMail {
    host: String,
    port: u16,
    beginning: Beginning,
    credentials: Option<Credentials>,
    from: Mailbox,
}

/// What is wrong with the operator's mail settings.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    #[error("STOA_MAIL_FROM isn't an address: {0}")]
    From(String),
    #[error("TLS to the mail server can't be set up: {0}")]
    Tls(#[from] lettre::transport::smtp::Error),
    #[error("STOA_SMTP_CA_FILE holds no certificate in PEM")]
    Authorities,
    #[error("TLS to the mail server can't be set up: {0}")]
    Versions(String),
}

const CUT: &str = "The mail server cut the connection.";

/// How long reaching the server may take.
const REACH: Duration = Duration::from_secs(10);
/// And all of a letter, however slowly it goes on: less than the queue's lease, so that nobody else takes the letter while
/// this try goes on.
const WHOLE: Duration = Duration::from_secs(60);

impl SmtpMail {
    /// # Errors
    /// Where a setting isn't right. The server itself isn't asked yet.
    pub fn new(server: MailServer, from: &str) -> Result<Self, MailError> {
        let from: Mailbox = from.parse().map_err(|_| MailError::From(from.to_owned()))?;
        let upgraded = |is_required| {
            Ok::<_, MailError>(Beginning::Upgraded { parameters: parameters(&server)?, is_required })
        };
        let beginning = match server.encryption {
            Encryption::Implicit => {
                Beginning::Encrypted(connection::encrypted(server.authorities.as_deref())?)
            }
            Encryption::Required => upgraded(true)?,
            Encryption::Optional => upgraded(false)?,
            Encryption::Never => Beginning::Plain,
        };
        let credentials = server.user.map(|(user, password)| {
            Credentials::new(user, password.reveal_text().unwrap_or_default().to_owned())
        });
        Ok(Self { host: server.host, port: server.port, beginning, credentials, from })
    }

    /// One connection for each letter: what is wrong with one keeps no other.
    async fn carry(&self, message: &Message) -> Result<AsyncSmtpConnection, Unconnected> {
        // Many servers refuse who introduces itself as localhost.
        let hello = ClientId::Domain(self.from.email.domain().to_owned());
        let mut connection = connection::connect(&self.host, self.port, &self.beginning, &hello).await?;
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        connection.send(message.envelope(), &message.formatted()).await?;
        Ok(connection)
    }

    /// The operator's address; with the workspace's name before the operator's where it goes out in that name.
    fn from(&self, sender: Option<&str>) -> Mailbox {
        let own = self.from.name.as_deref().unwrap_or("Stoa");
        let name = match sender {
            Some(sender) => Some(format!("{sender} via {own}")),
            None => self.from.name.clone(),
        };
        Mailbox::new(name, self.from.email.clone())
    }

    async fn try_send(&self, letter: Letter) -> Delivery {
        let message = letter.to.parse::<Mailbox>().map_err(|error| error.to_string()).and_then(|to| {
            Message::builder()
                .from(self.from(letter.sender.as_deref()))
                .to(to)
                .subject(letter.subject)
                // One of its own: a letter without is suspected by those who receive it.
                .message_id(None)
                .header(AutoSubmitted)
                .multipart(body_of(letter.text, letter.html, letter.images))
                .map_err(|error| error.to_string())
        });
        let message = match message {
            Ok(message) => message,
            Err(error) => return Delivery::Refused(error),
        };
        match tokio::time::timeout(WHOLE, self.carry(&message)).await {
            Ok(Ok(mut connection)) => {
                // It has the letter: how it takes leave changes nothing of that, and isn't waited for.
                tokio::spawn(async move { tokio::time::timeout(REACH, connection.abort()).await.is_ok() });
                Delivery::Sent
            }
            Ok(Err(Unconnected::Io(error))) => Delivery::Waiting(because(&error)),
            Ok(Err(Unconnected::Smtp(error))) if is_final(&error) => Delivery::Refused(said(&error)),
            Ok(Err(Unconnected::Smtp(error))) => Delivery::Waiting(said(&error)),
            Err(_) => Delivery::Waiting("The mail server doesn't answer.".to_owned()),
        }
    }
}

/// So that nobody's absence is told to whoever sends (RFC 3834, section 5).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// The plain text, and beside it the HTML with the pictures that it shows.
fn body_of(text: String, html: String, images: Vec<InlineImage>) -> MultiPart {
    if images.is_empty() {
        return MultiPart::alternative_plain_html(text, html);
    }
    let png = ContentType::parse("image/png").unwrap_or(ContentType::TEXT_PLAIN);
    let shown =
        images.into_iter().fold(MultiPart::related().singlepart(SinglePart::html(html)), |part, image| {
            part.singlepart(Attachment::new_inline(image.id).body(image.png, png.clone()))
        });
    MultiPart::alternative().singlepart(SinglePart::plain(text)).multipart(shown)
}

/// Whether the server will say the same of this letter for ever. That it doesn't take our password says nothing of the
/// letter: the operator sets that right, and what waited goes then.
fn is_final(error: &lettre::transport::smtp::Error) -> bool {
    let of_sign_in = ["530", "534", "535", "538"];
    error.is_permanent() && error.status().is_none_or(|code| !of_sign_in.contains(&code.to_string().as_str()))
}

/// The server's own words, or what kept it from any, in one line of bounded length.
fn said(error: &lettre::transport::smtp::Error) -> String {
    let words = match (error.status(), std::error::Error::source(error)) {
        (Some(code), Some(words)) => format!("{code} {words}"),
        (Some(code), None) => code.to_string(),
        (None, _) if error.is_timeout() => "The mail server doesn't answer.".to_owned(),
        // It ended where an answer was due.
        (None, _) if error.to_string().ends_with("incomplete response") => CUT.to_owned(),
        (None, _) => unreached(error).unwrap_or_else(|| error.to_string()),
    };
    let text: String = words.chars().map(|c| if is_unseen(c) { ' ' } else { c }).take(300).collect();
    text.trim().to_owned()
}

/// What moves the cursor, or turns the words around it, and isn't seen itself.
fn is_unseen(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// What kept us from the server, as a sentence, where it was the connection.
fn unreached(error: &lettre::transport::smtp::Error) -> Option<String> {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.filter_map(|cause| cause.downcast_ref::<std::io::Error>()).last().map(because)
}

fn because(failure: &std::io::Error) -> String {
    let tls = failure.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    if let Some(error) = tls {
        return untrusted(error);
    }
    let words = failure.to_string();
    let why = match failure.kind() {
        ErrorKind::TimedOut => return "The mail server doesn't answer.".to_owned(),
        ErrorKind::FileTooLarge => return "The mail server says more than anybody reads.".to_owned(),
        ErrorKind::ConnectionRefused => "connection refused",
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "there is no way to its network",
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof => return CUT.to_owned(),
        // The number at its end says nothing to whoever reads it.
        _ => words.split(" (os error").next().unwrap_or(&words),
    };
    format!("The mail server isn't reached: {why}.")
}

/// What is wrong with its TLS.
fn untrusted(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidMessage(_) => {
            "The mail server doesn't speak TLS at this port.".to_owned()
        }
        rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer) => {
            "Nobody who is trusted signed the mail server's certificate. Name the authority in STOA_SMTP_CA_FILE."
                .to_owned()
        }
        rustls::Error::InvalidCertificate(_) => format!("The mail server's certificate isn't right: {error}."),
        _ => format!("TLS with the mail server failed: {error}."),
    }
}

fn parameters(server: &MailServer) -> Result<TlsParameters, MailError> {
    let mut builder = TlsParameters::builder(server.host.clone());
    if let Some(pem) = &server.authorities {
        builder =
            builder.add_root_certificate(Certificate::from_pem(pem).map_err(|_| MailError::Authorities)?);
    }
    Ok(builder.build()?)
}

impl Mail for SmtpMail {
    fn send(&self, letter: Letter) -> BoxFuture<'_, Delivery> {
        Box::pin(self.try_send(letter))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn letter() -> Letter {
        Letter {
            to: "anna@example.com".to_owned(),
            sender: None,
            subject: "Hello".to_owned(),
            text: "Hello".to_owned(),
            html: "<p>Hello</p>".to_owned(),
            images: Vec::new(),
        }
    }

    #[tokio::test]
    async fn a_server_that_isn_t_there_is_told_in_words() {
        // A port that was free a moment ago.
        let host = "127.0.0.1".to_owned();
        let port = std::net::TcpListener::bind((host.as_str(), 0)).unwrap().local_addr().unwrap().port();
        let server = MailServer { host, port, encryption: Encryption::Never, user: None, authorities: None };
        let mail = SmtpMail::new(server, "stoa@stoa.example").unwrap();
        let Delivery::Waiting(said) = mail.send(letter()).await else { panic!("it is tried again") };
        assert_eq!(said, "The mail server isn't reached: connection refused.");
    }

    #[tokio::test]
    async fn words_that_would_turn_those_around_them_are_told_without() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let host = "127.0.0.1".to_owned();
        let rude = tokio::spawn(async move {
            use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all("421 not\u{202e}now\u{1b}[2Jever\r\n".as_bytes()).await.unwrap();
            let _ = stream.read_to_end(&mut Vec::new()).await;
        });
        let server = MailServer { host, port, encryption: Encryption::Never, user: None, authorities: None };
        let mail = SmtpMail::new(server, "stoa@stoa.example").unwrap();
        let Delivery::Waiting(said) = mail.send(letter()).await else { panic!("it is tried again") };
        assert_eq!(said, "421 not now [2Jever");
        rude.await.unwrap();
    }

    #[tokio::test]
    async fn a_greeting_without_an_end_is_given_up() {
        const ENDLESS: u64 = 64 << 20;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let host = "127.0.0.1".to_owned();
        let endless = tokio::spawn(async move {
            use tokio::io::AsyncWriteExt as _;
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"220 ").await.unwrap();
            let mut written = 0_u64;
            // Until nobody reads any more, and not for ever.
            while written < ENDLESS && stream.write_all(&[b'x'; 65_536]).await.is_ok() {
                written += 65_536;
            }
            written
        });
        let server =
            MailServer { host, port, encryption: Encryption::Required, user: None, authorities: None };
        let mail = SmtpMail::new(server, "stoa@stoa.example").unwrap();
        let Delivery::Waiting(said) = mail.send(letter()).await else { panic!("it is tried again") };
        assert_eq!(said, "The mail server says more than anybody reads.");
        // What is written is read, or waits in the buffers of the machine.
        assert!(endless.await.unwrap() < ENDLESS);
    }
}
