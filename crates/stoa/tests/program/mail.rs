//! Mail, with a server that treats each letter as its address says: the fault of one is no other's.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::support::{Installation, PASSWORD, until};

/// What the server does once it hears for whom a letter is.
enum Treatment {
    Take,
    Refuse,
    Cut,
    /// Not another word, for as long as somebody waits for one.
    Stall,
}

/// Who is called so is treated so.
fn treatment(line: &str) -> Treatment {
    if line.contains("refused") {
        Treatment::Refuse
    } else if line.contains("cut") {
        Treatment::Cut
    } else if line.contains("stalled") {
        Treatment::Stall
    } else {
        Treatment::Take
    }
}

/// What the server has seen.
#[derive(Default)]
struct Seen {
    /// Connections that are kept waiting at the moment.
    stalled: AtomicUsize,
    /// Letters that were taken while another was kept waiting.
    taken_meanwhile: AtomicUsize,
}

/// One connection of SMTP. `None` once it is over.
fn talk(stream: TcpStream, seen: &Seen) -> Option<()> {
    let mut out = stream.try_clone().ok()?;
    let mut lines = BufReader::new(stream);
    let mut say = |words: &str| out.write_all(format!("{words}\r\n").as_bytes()).ok();
    say("220 mail.example ready")?;
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.to_lowercase();
        match line.get(..4)? {
            "ehlo" => say("250-mail.example\r\n250 8BITMIME")?,
            "rcpt" => match treatment(&line) {
                Treatment::Take => say("250 taken")?,
                Treatment::Refuse => say("550 nobody has this address")?,
                Treatment::Cut => return None,
                Treatment::Stall => {
                    seen.stalled.fetch_add(1, Ordering::SeqCst);
                    let _ = lines.read_to_end(&mut Vec::new());
                    seen.stalled.fetch_sub(1, Ordering::SeqCst);
                    return None;
                }
            },
            "data" => {
                say("354 go on")?;
                let mut line = String::new();
                while line != ".\r\n" {
                    line.clear();
                    if lines.read_line(&mut line).ok()? == 0 {
                        return None;
                    }
                }
                seen.taken_meanwhile.fetch_add(seen.stalled.load(Ordering::SeqCst).min(1), Ordering::SeqCst);
                say("250 taken over")?;
            }
            "quit" => return say("221 good-bye"),
            _ => say("250 as you like")?,
        }
    }
}

fn mail_server() -> (u16, Arc<Seen>) {
    let seen = Arc::<Seen>::default();
    let kept = seen.clone();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let seen = kept.clone();
            std::thread::spawn(move || talk(stream, &seen));
        }
    });
    (port, seen)
}

const STALLED: usize = 6;

#[test]
fn a_letter_that_is_refused_cut_off_or_kept_waiting_delays_no_other() {
    let (port, seen) = mail_server();
    let address = format!("smtp://127.0.0.1:{port}?starttls=never");
    let stoa = Installation::prepare(&[
        ("STOA_SMTP_URL", address.as_str()),
        ("STOA_MAIL_FROM", "Stoa <stoa@stoa.example>"),
    ])
    .started();
    let account = json!({ "token": stoa.setup_token, "name": "Olga", "email": "olga@example.com", "password": PASSWORD });
    let owner = stoa.send("", "POST", "/setup", Some(account)).expect(201).cookie();
    let _ = stoa.send(&owner, "POST", "/workspaces", Some(json!({ "name": "Acme" }))).expect(201);
    let path = "/workspaces/acme/invitations";
    let invite = |name: &str| {
        let email = format!("{name}@example.com");
        stoa.send(&owner, "POST", path, Some(json!({ "email": email }))).expect(201);
    };
    let mail_of = |name: &str| -> Value {
        let listed = stoa.send(&owner, "GET", path, None).expect(200).json();
        let email = format!("{name}@example.com");
        let found = listed["items"].as_array().unwrap().iter().find(|one| one["email"] == email);
        found.unwrap()["mail"].clone()
    };
    // Those that go wrong come first.
    // More of them than letters go at once.
    for number in 1..=STALLED {
        invite(&format!("stalled-{number}"));
    }
    until("those that are kept waiting", || (seen.stalled.load(Ordering::SeqCst) == STALLED).then_some(()));
    for name in ["cut", "refused", "anna"] {
        invite(name);
    }
    until("the letter that is taken", || (mail_of("anna")["status"] == "sent").then_some(()));
    let refused =
        until("the refusal", || Some(mail_of("refused")).filter(|mail| mail["status"] == "refused"));
    assert!(refused["error"].as_str().unwrap().contains("nobody has this address"), "{refused}");
    let cut =
        until("the end of the connection", || Some(mail_of("cut")).filter(|mail| !mail["error"].is_null()));
    assert_eq!(
        (&cut["status"], &cut["error"]),
        (&json!("waiting"), &json!("The mail server cut the connection."))
    );
    assert_eq!(mail_of("stalled-1")["status"], "waiting");
    assert_eq!(seen.taken_meanwhile.load(Ordering::SeqCst), 1, "it went while the others were kept waiting");
}
