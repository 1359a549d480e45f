//! Pictures are read by a process of their own, which can open nothing and ends by itself, whatever it is given.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use stoa_adapters::logo::{ARGUMENT, ProcessLogos};
use stoa_app::Failure;
use stoa_app::ports::{Logos as _, PictureKind};
use stoa_domain::Refusal;

const STOA: &str = env!("CARGO_BIN_EXE_stoa");

fn svg(inside: &str) -> Vec<u8> {
    format!("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 10 10'>{inside}</svg>").into_bytes()
}

async fn made(kind: PictureKind, sent: Vec<u8>) -> Result<Vec<u8>, String> {
    match ProcessLogos::new(PathBuf::from(STOA), 2).make(kind, sent.into()).await {
        Ok(png) => Ok(png),
        Err(Failure::Refused(Refusal::Invalid(problems))) => Err(problems[0].code.to_owned()),
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_the_other_process_draws_comes_back() {
    let png = made(PictureKind::Svg, svg("<rect width='9' height='9' fill='red'/>")).await.unwrap();
    assert!(png.starts_with(b"\x89PNG"));
    assert_eq!(made(PictureKind::Png, svg("")).await, Err("wrong_kind".to_owned()));
    // More than a pipe holds, and refused before it is read to its end or after: either way it says why.
    let long = [b"\x89PNG\r\n\x1a\n".to_vec(), vec![7; 2_000_000]].concat();
    assert_eq!(made(PictureKind::Png, long).await, Err("unreadable".to_owned()));
}

#[tokio::test]
async fn a_drawing_that_grows_without_end_is_given_up() {
    // Ten in each, ten levels deep: ten thousand million squares.
    let mut inside = "<defs><g id='g0'><path d='M0 0H9V9'/></g>".to_owned();
    for level in 1..=10 {
        let uses = format!("<use href='#g{}'/>", level - 1).repeat(10);
        write!(inside, "<g id='g{level}'>{uses}</g>").unwrap();
    }
    inside.push_str("</defs><use href='#g10'/>");
    let refused = made(PictureKind::Svg, svg(&inside)).await.unwrap_err();
    assert!(["too_slow", "too_large", "not_drawn", "unreadable"].contains(&refused.as_str()), "{refused}");
}

#[tokio::test]
async fn a_drawing_that_nests_by_reference_breaks_nothing_but_its_own_process() {
    let mut inside = "<defs><g id='g0'><path d='M0 0H9V9'/></g>".to_owned();
    for level in 1..=9_000 {
        write!(inside, "<g id='g{level}'><use href='#g{}'/></g>", level - 1).unwrap();
    }
    inside.push_str("</defs><use href='#g9000'/>");
    // Drawn or refused: what counts is that this process goes on.
    let _ = made(PictureKind::Svg, svg(&inside)).await;
    assert!(made(PictureKind::Svg, svg("<rect width='9' height='9'/>")).await.is_ok());
}

#[test]
fn the_other_process_can_open_nothing() {
    let mut child = Command::new(STOA)
        .args([ARGUMENT, "image/png"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let limits = format!("/proc/{}/limits", child.id());
    let is_closed_off = || {
        let text = std::fs::read_to_string(&limits).unwrap_or_default();
        let limit = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line[name.len()..].split_whitespace().next().map(str::to_owned))
        };
        limit("Max open files").as_deref() == Some("3") && limit("Max file size").as_deref() == Some("0")
    };
    let deadline = std::time::Duration::from_secs(30);
    let began = tokio::time::Instant::now();
    while !is_closed_off() {
        assert!(began.elapsed() < deadline, "its limits were never set");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    drop(child.stdin.take());
    let _ = child.wait().unwrap();
}
