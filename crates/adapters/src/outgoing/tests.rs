//! What may be dialled, with names that lead where a test says and servers that misbehave.

#![allow(clippy::unwrap_used)]

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::IpAddr;
use std::sync::Mutex;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// Names that lead where the test says: the first time here, the second time there.
#[derive(Default)]
struct Told {
    names: Mutex<HashMap<String, VecDeque<Vec<IpAddr>>>>,
    own: Vec<IpAddr>,
    /// The system doesn't tell its own addresses.
    is_silent: bool,
}

impl Told {
    fn leads(self, name: &str, each_time: &[&[&str]]) -> Self {
        let times = each_time.iter().map(|time| time.iter().map(|one| one.parse().unwrap()).collect());
        self.names.lock().unwrap().insert(name.to_owned(), times.collect());
        self
    }
}

impl Surroundings for Told {
    fn look_up(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let mut names = self.names.lock().unwrap();
        let found = names.get_mut(&name).map(|times| {
            if times.len() > 1 { times.pop_front().unwrap() } else { times.front().unwrap().clone() }
        });
        Box::pin(async move { found.ok_or_else(|| io::ErrorKind::NotFound.into()) })
    }

    fn own_addresses(&self) -> io::Result<Vec<IpAddr>> {
        if self.is_silent { Err(io::ErrorKind::Other.into()) } else { Ok(self.own.clone()) }
    }
}

/// Answers every connection with these bytes, then holds it or closes it.
async fn server(answer: &'static [u8], holds: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = [0; 4096];
                let _ = connection.read(&mut head).await;
                let _ = connection.write_all(answer).await;
                if holds {
                    std::future::pending::<()>().await;
                }
            });
        }
    });
    port
}

const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";

fn listing(entries: &[String]) -> Rules {
    Rules { allow: entries.iter().map(|entry| Allowed::parse(entry).unwrap()).collect(), ..Rules::default() }
}

fn outgoing(rules: Rules, told: Told) -> Outgoing {
    Outgoing::with_surroundings(rules, Arc::new(told))
}

async fn get(outgoing: &Outgoing, url: &str, limits: Limits) -> Result<String, OutgoingError> {
    let request = http::Request::get(url).body(Bytes::new()).map_err(|_| OutgoingError::NoUrl)?;
    let answer = outgoing.exchange(request, limits).await?;
    Ok(format!("{} {}", answer.status().as_u16(), String::from_utf8_lossy(answer.body())))
}

fn patient() -> Limits {
    Limits::default()
}

fn impatient() -> Limits {
    let soon = Duration::from_millis(200);
    Limits { first_byte: soon, silence: soon, connect: Duration::from_millis(500), ..Limits::default() }
}

#[tokio::test]
async fn a_listed_private_address_is_reached_and_its_neighbours_are_not() {
    let port = server(HELLO, false).await;
    let other = server(HELLO, false).await;
    let outgoing = outgoing(
        listing(&[format!("127.0.0.1:{port}"), format!("gpu.internal:{port}")]),
        Told::default().leads("gpu.internal", &[&["127.0.0.1"]]).leads("other.internal", &[&["127.0.0.2"]]),
    );
    for url in [format!("http://127.0.0.1:{port}/"), format!("http://gpu.internal:{port}/")] {
        assert_eq!(get(&outgoing, &url, patient()).await.unwrap(), "200 hello", "{url}");
    }
    for url in [
        format!("http://127.0.0.1:{other}/"),
        format!("http://gpu.internal:{other}/"),
        format!("http://other.internal:{port}/"),
        format!("http://127.0.0.2:{port}/"),
        format!("http://[::1]:{port}/"),
    ] {
        let refused = get(&outgoing, &url, patient()).await.unwrap_err();
        assert!(matches!(refused, OutgoingError::Private { .. }), "{url}: {refused:?}");
        assert!(refused.to_string().contains("STOA_EGRESS_ALLOW"), "{refused}");
    }
}

/// As Node.js does it, the server ends a connection after five seconds in which nothing came.
#[tokio::test]
async fn no_question_goes_into_a_connection_that_its_server_is_about_to_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut head = [0; 4096];
        assert_ne!(connection.read(&mut head).await.unwrap(), 0);
        connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").await.unwrap();
        tokio::time::timeout(Duration::from_secs(5), connection.read(&mut head)).await
    });
    let outgoing = outgoing(listing(&[format!("127.0.0.1:{port}")]), Told::default());
    assert_eq!(get(&outgoing, &format!("http://127.0.0.1:{port}/"), patient()).await.unwrap(), "200 hello");
    let ended = serving.await.unwrap();
    assert!(matches!(ended, Ok(Ok(0))), "whoever asked didn't end it before the server would: {ended:?}");
}

#[test]
fn a_refusal_names_an_address_as_the_operator_lists_it() {
    let outgoing = outgoing(Rules::default(), Told::default());
    for (url, told) in [
        ("http://[fd00::1]:11434/", "[fd00::1]:11434 is a private address"),
        ("https://[::1]/", "[::1]:443 is a private address"),
        ("http://10.0.0.1:11434/", "10.0.0.1:11434 is a private address"),
        ("http://[fe80::1]/", "[fe80::1] leads to"),
    ] {
        let refused = outgoing.check(&url.parse().unwrap()).unwrap_err().to_string();
        assert!(refused.starts_with(told), "{refused}");
    }
    let refused = outgoing.check_place("fd00::1", 22, true).unwrap_err().to_string();
    assert!(refused.starts_with("[fd00::1]:22 is"), "{refused}");
    assert!(Allowed::parse("[fd00::1]:22").is_some());
    // Two ways are open, so both are told.
    let refused = outgoing.check(&"ftp://models.example/".parse().unwrap()).unwrap_err().to_string();
    assert!(refused.contains("https://") && refused.contains("http://"), "{refused}");
}

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_at_the_second_look_up_is_refused() {
    let port = server(HELLO, false).await;
    let told = Told::default().leads("rebinding.example", &[&["127.0.0.1"], &["127.0.0.2"]]);
    let outgoing = outgoing(listing(&[format!("127.0.0.1:{port}")]), told);
    let url = format!("http://rebinding.example:{port}/");
    assert_eq!(get(&outgoing, &url, patient()).await.unwrap(), "200 hello");
    let refused = get(&outgoing, &url, patient()).await.unwrap_err();
    assert!(matches!(refused, OutgoingError::Private { .. }), "{refused:?}");
}

#[tokio::test]
async fn one_bad_address_among_good_ones_refuses_the_name() {
    let told = Told::default().leads("mixed.example", &[&["1.1.1.1", "10.0.0.1"]]);
    let refused = get(&outgoing(Rules::default(), told), "https://mixed.example/", patient()).await;
    assert!(matches!(refused, Err(OutgoingError::Private { .. })), "{refused:?}");
}

#[tokio::test]
async fn where_the_machine_cannot_say_what_is_its_own_nothing_is_asked() {
    let told = Told { is_silent: true, ..Told::default() }.leads("models.example", &[&["1.1.1.1"]]);
    let outgoing = outgoing(Rules::default(), told);
    for url in ["https://models.example/", "https://1.1.1.1/"] {
        let refused = get(&outgoing, url, patient()).await.unwrap_err();
        assert_eq!(refused, OutgoingError::Unprepared, "{url}");
    }
}

#[tokio::test]
async fn link_local_is_never_asked_not_even_if_listed() {
    let told = Told::default().leads("metadata.example", &[&["169.254.169.254"]]);
    let rules = listing(&[
        "169.254.169.254:80".to_owned(),
        "metadata.example:80".to_owned(),
        "[fe80::1]:80".to_owned(),
    ]);
    let outgoing = outgoing(rules, told);
    for url in [
        "http://169.254.169.254/",
        "http://metadata.example/",
        "http://[fe80::1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://2852039166/",
        "http://0xa9.0xfe.0xa9.0xfe/",
    ] {
        let refused = get(&outgoing, url, patient()).await.unwrap_err();
        assert!(matches!(refused, OutgoingError::Never(_)), "{url}: {refused:?}");
    }
}

#[tokio::test]
async fn stoa_never_asks_itself() {
    let port = server(HELLO, false).await;
    let own: IpAddr = "93.184.216.34".parse().unwrap();
    let told = Told { own: vec![own], ..Told::default() }.leads("stoa.example", &[&["93.184.216.34"]]);
    let mut rules = listing(&[format!("127.0.0.1:{port}"), format!("93.184.216.34:{port}")]);
    rules.own_ports = vec![port, 443];
    rules.own_hosts = vec!["stoa.example".to_owned()];
    let outgoing = outgoing(rules, told);
    for url in [
        format!("http://127.0.0.1:{port}/"),
        format!("https://93.184.216.34:{port}/"),
        "https://stoa.example/".to_owned(),
        "https://STOA.example./".to_owned(),
    ] {
        assert_eq!(get(&outgoing, &url, patient()).await.unwrap_err(), OutgoingError::Own, "{url}");
    }
    // The machine's own public address is as private as any other of it.
    let refused = get(&outgoing, "https://93.184.216.34:8443/", patient()).await.unwrap_err();
    assert!(matches!(refused, OutgoingError::Private { .. }), "{refused:?}");
}

#[tokio::test]
async fn plain_http_is_for_listed_private_addresses_alone() {
    let told = || Told::default().leads("models.example", &[&["1.1.1.1"]]);
    let listed = listing(&["models.example:80".to_owned(), "1.1.1.1:80".to_owned()]);
    for rules in [Rules::default(), listed] {
        for url in ["http://models.example/", "http://1.1.1.1/"] {
            let refused = get(&outgoing(rules.clone(), told()), url, patient()).await.unwrap_err();
            assert_eq!(refused, OutgoingError::PlainHttp, "{url}");
        }
    }
    for url in ["ftp://models.example/", "file:///etc/passwd", "unix:/run/x"] {
        assert_eq!(
            outgoing(Rules::default(), told()).check(&url.parse().unwrap()).unwrap_err(),
            OutgoingError::Scheme
        );
    }
    let with_password = "https://user:hush@models.example/".parse().unwrap();
    let refused = outgoing(Rules::default(), told()).check(&with_password).unwrap_err();
    assert_eq!(refused, OutgoingError::Credentials);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let elsewhere = server(HELLO, false).await;
    let answer = format!(
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{elsewhere}/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let port = server(Box::leak(answer.into_boxed_str()).as_bytes(), false).await;
    let rules = listing(&[format!("127.0.0.1:{port}"), format!("127.0.0.1:{elsewhere}")]);
    let answer =
        get(&outgoing(rules, Told::default()), &format!("http://127.0.0.1:{port}/"), patient()).await;
    assert_eq!(answer.unwrap(), "302 ");
}

#[tokio::test]
async fn what_is_slow_endless_cut_or_no_http_ends_with_a_sentence() {
    type IsMeant = fn(&OutgoingError) -> bool;
    let cases: [(&'static [u8], bool, IsMeant); 5] = [
        (b"", true, |error| matches!(error, OutgoingError::NoAnswer(_))),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel", true, |error| {
            matches!(error, OutgoingError::Silence(_))
        }),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel", false, |error| {
            matches!(error, OutgoingError::CutOff)
        }),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n", false, |error| matches!(error, OutgoingError::Garbage)),
        (HELLO, false, |error| matches!(error, OutgoingError::TooLong(3))),
    ];
    for (answer, holds, is_meant) in cases {
        let port = server(answer, holds).await;
        let outgoing = outgoing(listing(&[format!("127.0.0.1:{port}")]), Told::default());
        let limits = Limits { body: if answer == HELLO { 3 } else { 100 }, ..impatient() };
        let ended = get(&outgoing, &format!("http://127.0.0.1:{port}/"), limits).await.unwrap_err();
        assert!(is_meant(&ended), "{ended:?}");
    }
}

#[tokio::test]
async fn a_head_without_end_is_given_up() {
    let mut head = b"HTTP/1.1 200 OK\r\n".to_vec();
    for line in 0..1000 {
        head.extend_from_slice(format!("X-{line}: y\r\n").as_bytes());
    }
    head.extend_from_slice(b"Content-Length: 0\r\n\r\n");
    let port = server(head.leak(), false).await;
    let outgoing = outgoing(listing(&[format!("127.0.0.1:{port}")]), Told::default());
    let ended = get(&outgoing, &format!("http://127.0.0.1:{port}/"), patient()).await.unwrap_err();
    assert_eq!(ended, OutgoingError::Garbage);
}

#[tokio::test]
async fn nobody_there_and_no_such_name_are_told_apart() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let outgoing = outgoing(listing(&[format!("127.0.0.1:{free}")]), Told::default());
    let refused = get(&outgoing, &format!("http://127.0.0.1:{free}/"), patient()).await.unwrap_err();
    assert!(matches!(refused, OutgoingError::NotConnected(_)), "{refused:?}");
    let unknown = get(&outgoing, "https://nowhere.example/", patient()).await.unwrap_err();
    assert_eq!(unknown, OutgoingError::Unknown("nowhere.example".to_owned()));
}

#[test]
fn the_system_knows_the_machines_own_addresses() {
    assert!(System.own_addresses().unwrap().contains(&IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)));
}
