//! Logs searched, filtered, paged and outlined, also those that somebody has tampered with.

#![allow(clippy::unwrap_used)]

use std::io;
use std::path::Path;
use std::sync::Arc;

use stoa_domain::Secret;
use tokio_stream::StreamExt as _;

use super::segments::Segment;
use super::*;

const CANARY: &str = "canary-Silver-Anchor";

fn write(folder: &Path, number: u64, text: &str) {
    std::fs::write(folder.join(Segment::name(number, false)), text).unwrap();
}

/// Three segments, the first two compressed.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = |from: i64| {
        let line = |at| match at % 5 {
            0 => format!("{at} stderr ERROR order {at} failed\n{at} stderr   in pay.py\n"),
            1 => format!("{at} stdout WARN slow {at}\n"),
            2 => format!("{at} stoa stopping\n"),
            _ => format!("{at} stdout GET /{at} 200\n"),
        };
        (from..from + 10).map(line).collect::<String>()
    };
    for (number, from) in [(1, 10), (2, 20), (3, 30)] {
        write(folder.path(), number, &text(from));
    }
    compress_full(folder.path()).unwrap();
    folder
}

async fn all(folder: &Path, query: Query) -> Vec<Line> {
    read(folder.to_owned(), query).map(Result::unwrap).collect().await
}

async fn texts(folder: &Path, query: Query) -> Vec<String> {
    all(folder, query).await.into_iter().map(|line| line.text).collect()
}

fn sought(text: &str) -> Query {
    Query { text: Some(text.to_owned()), ..Query::default() }
}

fn masked() -> Look {
    let secret = Secret::from_text(CANARY.to_owned());
    Look { masks: Arc::new(Masks::of([&secret])), ..Look::default() }
}

#[tokio::test]
async fn a_text_is_found_in_compressed_segments_whatever_its_case_and_between_colours() {
    let folder = folder();
    assert_eq!(
        texts(folder.path(), sought("order 1")).await,
        ["ERROR order 10 failed", "ERROR order 15 failed"]
    );
    assert_eq!(texts(folder.path(), sought("SLOW 21")).await, ["WARN slow 21"]);
    // What stands before the text of a line isn't searched.
    assert_eq!(texts(folder.path(), sought("stderr")).await, Vec::<String>::new());
    write(folder.path(), 4, "40 stdout \u{1b}[31mor\u{1b}[0mder ünïcode\n");
    assert_eq!(texts(folder.path(), sought("order Ünï")).await.len(), 1);
    assert_eq!(texts(folder.path(), sought("der")).await.len(), 7);
}

#[test]
fn a_coloured_log_is_looked_through_once() {
    let folder = tempfile::tempdir().unwrap();
    let line = |at: usize| match at % 1_000 {
        7 => format!("{at} stdout \u{1b}[32mINFO\u{1b}[0m the needle is here\n"),
        8 => format!("{at} stdout plain needle, and another needle\n"),
        9 => format!("{at} stdout caf\u{e9} \u{1b}[1mnee\u{1b}[0mdle\n"),
        _ => format!("{at} stdout \u{1b}[32mINFO\u{1b}[0m served \u{2713} page {at}\n"),
    };
    let text: String = (0..5_000).map(line).collect();
    write(folder.path(), 1, &text);
    let needle = look::Needle::of("NEEDLE").unwrap();
    let segment = Segment { number: 1, is_compressed: false };
    let mut lines = lines::Lines::open(&segment, folder.path(), 0).unwrap();
    let mut found = Vec::new();
    while let Some(raw) = lines.next_where(&needle).unwrap() {
        let shown = Look::default().show(&raw);
        if needle.is_in(defuse::bare(&shown.text).as_bytes()) {
            found.push(raw.at % 1_000);
        }
    }
    assert_eq!(found, [7, 8, 9].repeat(5));
    // What was read meanwhile begins in the middle of a line now and then.
    assert!(lines.looked_through <= 2 * text.len(), "{} of {}", lines.looked_through, text.len());
}

#[tokio::test]
async fn what_goes_on_with_an_error_is_of_its_level_and_others_are_left_out() {
    let folder = folder();
    let errors = Query { levels: Levels::only([Level::Error]), since: Some(30), ..Query::default() };
    assert_eq!(
        texts(folder.path(), errors).await,
        ["ERROR order 30 failed", "  in pay.py", "ERROR order 35 failed", "  in pay.py"]
    );
    let warnings = Query { levels: Levels::only([Level::Warn]), ..Query::default() };
    assert_eq!(texts(folder.path(), warnings).await.len(), 6);
    let init = Query { of: Of::Stoa, limit: Some(2), ..Query::default() };
    assert_eq!(texts(folder.path(), init).await, ["stopping", "stopping"]);
}

#[tokio::test]
async fn a_log_is_paged_backwards_and_forwards_over_its_segments() {
    let folder = folder();
    let whole = all(folder.path(), Query::default()).await;
    let mut back: Vec<Line> = Vec::new();
    loop {
        let before = back.first().map(|line| line.position.clone());
        let page = all(folder.path(), Query { before, limit: Some(7), ..Query::default() }).await;
        if page.is_empty() {
            break;
        }
        back.splice(0..0, page);
    }
    assert_eq!(back, whole);
    let begin = Some(whole[9].position.clone());
    let end = Some(whole[12].position.clone());
    let stretch = Query { begin, end, ..Query::default() };
    assert_eq!(all(folder.path(), stretch).await, whole[9..=12]);
    // Found ones too.
    let found = all(folder.path(), sought("failed")).await;
    let before = Query { before: Some(found[3].position.clone()), limit: Some(2), ..sought("failed") };
    assert_eq!(all(folder.path(), before).await, found[1..3]);
}

#[tokio::test]
async fn an_outline_tells_what_there_is_and_leads_to_it() {
    let folder = folder();
    let query = Query { levels: Levels::only([Level::Error]), ..Query::default() };
    let told: Vec<Stretch> = outline(folder.path().to_owned(), query.clone(), Some("PAY".to_owned()))
        .map(Result::unwrap)
        .collect()
        .await;
    assert_eq!(told.len(), 1);
    let stretch = &told[0];
    assert_eq!((stretch.lines, stretch.hits, stretch.levels), (12, 6, [12, 6, 18, 0]));
    assert_eq!(stretch.found, [1, 3, 5, 7, 9, 11]);
    let begin = Some(stretch.position.clone());
    let lines = all(folder.path(), Query { begin, limit: Some(12), ..query }).await;
    assert_eq!((lines.len(), lines[11].text.as_str()), (12, "  in pay.py"));
}

#[tokio::test]
async fn an_outline_of_many_lines_is_of_stretches_that_follow_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let text: String = (0..2_500).map(|at| format!("{at} stdout line {at}\n")).collect();
    write(folder.path(), 1, &text);
    let told: Vec<Stretch> =
        outline(folder.path().to_owned(), Query::default(), None).map(Result::unwrap).collect().await;
    assert_eq!(told.iter().map(|one| one.lines).collect::<Vec<_>>(), [1000, 1000, 500]);
    let begin = Some(told[2].position.clone());
    let lines = texts(folder.path(), Query { begin, limit: Some(1), ..Query::default() }).await;
    assert_eq!(lines, ["line 2000"]);
    let before = Query { before: Some(told[1].position.clone()), ..Query::default() };
    let first: Vec<Stretch> =
        outline(folder.path().to_owned(), before, None).map(Result::unwrap).collect().await;
    assert_eq!((first.len(), &first[0]), (1, &told[0]));
}

#[tokio::test]
async fn a_stretch_of_long_lines_ends_before_it_is_too_much_to_be_held() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(LONGEST);
    let text: String = (0..10).map(|at| format!("{at} stdout {long}\n")).collect();
    write(folder.path(), 1, &text);
    let told: Vec<Stretch> =
        outline(folder.path().to_owned(), Query::default(), None).map(Result::unwrap).collect().await;
    assert_eq!(told.iter().map(|one| one.lines).collect::<Vec<_>>(), [4, 4, 2]);
}

#[tokio::test]
async fn a_secret_is_neither_shown_nor_found_however_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let hidden = format!("{}\u{1b}[0m{}", &CANARY[..9], &CANARY[9..]);
    write(folder.path(), 1, &format!("1 stdout key {CANARY}.\n2 stdout {hidden} end\n3 stdout fine\n"));
    compress_full(folder.path()).unwrap();
    let query = Query { look: masked(), ..Query::default() };
    let shown = texts(folder.path(), query.clone()).await;
    assert_eq!(shown, ["key [secret removed].", "[secret removed] end", "fine"]);
    for letters in [CANARY, "canary", "Silver-"] {
        let search = Query { text: Some(letters.to_owned()), ..query.clone() };
        assert_eq!(texts(folder.path(), search.clone()).await, Vec::<String>::new(), "{letters}");
        let told: Vec<Stretch> = outline(folder.path().to_owned(), query.clone(), Some(letters.to_owned()))
            .map(Result::unwrap)
            .collect()
            .await;
        assert_eq!(told[0].hits, 0, "{letters}");
        let told = outline(folder.path().to_owned(), search, None).map(Result::unwrap);
        assert_eq!(told.collect::<Vec<Stretch>>().await, [], "{letters}");
    }
}

#[tokio::test]
async fn a_secret_is_not_written_also_where_a_line_is_cut_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let masks = masked().masks;
    let mut writer = Writer::at(folder.path()).unwrap().masking(masks);
    let mut cutter = Cutter::default();
    let long = format!("{}{CANARY} and more\nshort {CANARY}\n", "x".repeat(LONGEST - 12));
    let mut lines = Vec::new();
    for piece in long.as_bytes().chunks(1_000) {
        cutter.take(piece, |line| lines.push(line.to_vec()));
    }
    for line in lines {
        writer.line(1, "stdout", &line).unwrap();
    }
    let written = std::fs::read_to_string(folder.path().join(Segment::name(1, false))).unwrap();
    assert!(!written.contains("canary"), "{}", &written[written.len() - 200..]);
    assert!(written.contains("x[secret removed] …[cut]\n"), "{}", &written[written.len() - 200..]);
    assert!(written.ends_with("short [secret removed]\n"));
}

#[tokio::test]
async fn what_is_no_file_in_a_log_is_not_read_and_nobody_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let outside = folder.path().join("secret");
    std::fs::write(&outside, "1 stdout of somebody else\n").unwrap();
    let part = folder.path().join(Segment::name(1, false));
    std::os::unix::fs::symlink(&outside, &part).unwrap();
    let read_all = || async { read(folder.path().to_owned(), Query::default()).collect::<Vec<_>>().await };
    assert!(read_all().await.iter().all(Result::is_err));
    assert!(Writer::at(folder.path()).is_err());
    std::fs::remove_file(&part).unwrap();
    nix::unistd::mkfifo(&part, nix::sys::stat::Mode::from_bits_truncate(0o600)).unwrap();
    assert!(read_all().await.iter().all(Result::is_err));
    write(folder.path(), 2, "2 stdout newer\n");
    assert!(compress_full(folder.path()).is_err());
}

#[tokio::test]
async fn bytes_that_are_no_text_are_shown_as_such() {
    let folder = tempfile::tempdir().unwrap();
    Writer::at(folder.path()).unwrap().line(1, "stdout", b"nul \0 and \xff\xfe").unwrap();
    assert_eq!(texts(folder.path(), Query::default()).await, ["nul \\x00 and \\xff\\xfe"]);
    // A segment of something else altogether is passed over, without an end of a line for megabytes too.
    std::fs::write(folder.path().join(Segment::name(2, false)), vec![0; 3 << 20]).unwrap();
    write(folder.path(), 3, "3 stdout next\n");
    assert_eq!(texts(folder.path(), Query::default()).await.last().unwrap(), "next");
    assert_eq!(texts(folder.path(), sought("next")).await, ["next"]);
}

#[tokio::test]
async fn what_is_removed_while_it_is_read_ends_nothing() {
    let folder = folder();
    let mut lines = Box::pin(read(folder.path().to_owned(), Query { follow: true, ..Query::default() }));
    assert_eq!(lines.next().await.unwrap().unwrap().text, "ERROR order 10 failed");
    for number in [1, 2] {
        std::fs::remove_file(folder.path().join(Segment::name(number, true))).unwrap();
    }
    Writer::at(folder.path()).unwrap().line(99, "stdout", b"end").unwrap();
    let mut last = String::new();
    while last != "end" {
        last = lines.next().await.unwrap().unwrap().text;
    }
}

#[tokio::test]
async fn all_of_a_log_is_what_there_was_when_it_was_asked_for_or_nothing() {
    // More than waits to be taken, so that the reading is still under way.
    let text =
        |from: usize| (from..from + 2_000).map(|at| format!("{at} stdout line {at}\n")).collect::<String>();
    let folder = tempfile::tempdir().unwrap();
    for (number, from) in [(1, 0), (2, 2_000), (3, 4_000)] {
        write(folder.path(), number, &text(from));
    }
    let begin = || Box::pin(read(folder.path().to_owned(), Query::default()));
    let mut lines = begin();
    assert_eq!(lines.next().await.unwrap().unwrap().text, "line 0");
    Writer::at(folder.path()).unwrap().line(9_000, "stdout", b"written since").unwrap();
    let rest: Vec<Line> = lines.map(Result::unwrap).collect().await;
    assert_eq!((rest.len(), rest[5_998].text.as_str()), (5_999, "line 5999"));

    let mut lines = begin();
    assert_eq!(lines.next().await.unwrap().unwrap().text, "line 0");
    std::fs::remove_file(folder.path().join(Segment::name(2, false))).unwrap();
    let rest: Vec<io::Result<Line>> = lines.collect().await;
    assert!(rest.len() <= 2_000 && rest.last().unwrap().is_err(), "{}", rest.len());
    // What was gone before is no hole; a place in it is one.
    std::fs::remove_file(folder.path().join(Segment::name(1, false))).unwrap();
    assert_eq!(all(folder.path(), Query::default()).await.len(), 2_001);
    let from = Query { begin: Some("1-0".to_owned()), ..Query::default() };
    assert!(read(folder.path().to_owned(), from).next().await.unwrap().is_err());
    let from = Query { begin: Some("9-0".to_owned()), limit: Some(3), ..Query::default() };
    assert_eq!(all(folder.path(), from).await, []);
}

#[tokio::test]
async fn who_follows_a_log_goes_on_without_what_has_become_secret() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::at(folder.path()).unwrap();
    writer.line(1, "stdout", format!("open {CANARY}").as_bytes()).unwrap();
    let (sender, newer) = tokio::sync::watch::channel(Arc::new(Masks::default()));
    let look = Look { newer: Some(newer), ..Look::default() };
    let query = Query { follow: true, look, ..Query::default() };
    let mut lines = Box::pin(read(folder.path().to_owned(), query));
    assert_eq!(lines.next().await.unwrap().unwrap().text, format!("open {CANARY}"));
    sender.send_replace(masked().masks);
    writer.line(2, "stdout", format!("secret {CANARY}").as_bytes()).unwrap();
    assert_eq!(lines.next().await.unwrap().unwrap().text, "secret [secret removed]");
}

#[tokio::test]
async fn what_nobody_takes_is_not_held_however_many_lines_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(4 * 1024);
    for number in [1, 2] {
        let line = |at: u64| format!("{at} stdout {long} {CANARY} end {}\n", number * 100 + at);
        write(folder.path(), number, &(0..64).map(line).collect::<String>());
    }
    compress_full(folder.path()).unwrap();
    let (sender, newer) = tokio::sync::watch::channel(Arc::new(Masks::default()));
    let look = Look { newer: Some(newer), ..Look::default() };
    let followed = Query { limit: Some(10_000), follow: true, look, ..Query::default() };
    let found = Query { follow: false, before: Some("3-0".to_owned()), ..followed.clone() };
    let sought = Query { text: Some("END".to_owned()), ..followed.clone() };
    let mut readers = Vec::new();
    for query in [followed, found, sought] {
        let mut lines = Box::pin(read(folder.path().to_owned(), query));
        assert!(lines.next().await.unwrap().unwrap().text.contains(CANARY));
        readers.push(lines);
    }
    // What a line is shown without is settled as it is read: those that show it were held.
    sender.send_replace(masked().masks);
    for lines in readers {
        let rest: Vec<Line> = lines.take(127).map(Result::unwrap).collect().await;
        let held = rest.iter().take_while(|line| line.text.contains(CANARY)).count();
        assert!(held * long.len() <= 256 * 1024, "{held} lines");
        assert!(rest[held..].iter().all(|line| line.text.contains(MASKED)));
        assert_eq!(rest.len(), 127);
        assert!(rest[126].text.ends_with("end 263"));
        assert!(rest.windows(2).all(|two| two[0].at < two[1].at || two[1].at == 0));
    }
}

#[tokio::test]
async fn of_the_newest_lines_those_are_read_that_were_found_and_are_still_there() {
    let folder = tempfile::tempdir().unwrap();
    let text = |from: usize| {
        let line = |at: usize| {
            format!("{at} stdout {} {at}\n", if at.is_multiple_of(3) { "third" } else { "other" })
        };
        (from..from + 1_000).map(line).collect::<String>()
    };
    for (number, from) in [(1, 0), (2, 1_000), (3, 2_000), (4, 3_000)] {
        write(folder.path(), number, &text(from));
    }
    let newest = Query { limit: Some(9_000), text: Some("third".to_owned()), ..Query::default() };
    let whole = all(folder.path(), newest.clone()).await;
    assert_eq!((whole.len(), whole[0].at, whole[1_333].at), (1_334, 0, 3_999));
    let some = all(folder.path(), Query { limit: Some(400), ..newest.clone() }).await;
    assert_eq!(some, whole[934..]);
    // What is written once they were found isn't one of them, and what is gone by then ends nothing.
    let mut lines = Box::pin(read(folder.path().to_owned(), newest));
    assert_eq!(lines.next().await.unwrap().unwrap(), whole[0]);
    std::fs::remove_file(folder.path().join(Segment::name(3, false))).unwrap();
    Writer::at(folder.path()).unwrap().line(9_000, "stdout", b"third, written since").unwrap();
    let rest: Vec<Line> = lines.map(Result::unwrap).collect().await;
    assert!(rest.iter().eq(whole[1..].iter().filter(|line| !(2_000..3_000).contains(&line.at))));
}

#[test]
fn what_is_quoted_of_a_log_is_without_secrets_that_colours_part() {
    let hidden = format!("failed with {}\u{1b}[31m{}\u{1b}[0m", &CANARY[..9], &CANARY[9..]);
    assert_eq!(masked().quote(hidden.as_bytes(), false), "failed with [secret removed]");
    assert_eq!(masked().quote(b"\x1b[31mbuild\x1b[0m failed", false), "build failed");
    assert_eq!(masked().quote(format!("x {}", &CANARY[..12]).as_bytes(), true), "x [secret removed]");
}

#[tokio::test]
async fn of_json_the_message_is_read_and_searched_as_it_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"{"level":"error","msg":"paid","user":"kim","time":"1970-01-01T00:00:05Z"}"#;
    write(folder.path(), 1, &format!("1000000 stdout {text}\n2000000 stdout no JSON\n"));
    let look = Look { json: Some(Arc::new(Fields::default())), ..Look::default() };
    let query = Query { look, ..Query::default() };
    let lines = all(folder.path(), query.clone()).await;
    assert_eq!(
        (lines[0].text.as_str(), lines[0].level, lines[0].at),
        ("paid user=kim", Level::Error, 5_000_000)
    );
    assert_eq!((lines[1].text.as_str(), lines[1].level), ("no JSON", Level::Info));
    let found = Query { text: Some("user=KIM".to_owned()), since: Some(4_000_000), ..query };
    assert_eq!(texts(folder.path(), found).await, ["paid user=kim"]);
}
