//! What is written to a log is read again, whole and in order.

#![allow(clippy::unwrap_used)]

use tokio_stream::StreamExt as _;

use std::path::Path;

use super::segments::{Segment, list};
use super::*;

fn folder_with(lines: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::at(folder.path()).unwrap();
    for number in 0..lines {
        writer.line(i64::try_from(number).unwrap(), "stdout", format!("line {number}").as_bytes()).unwrap();
    }
    folder
}

async fn texts(folder: &Path, query: Query) -> Vec<String> {
    read(folder.to_owned(), query).map(|line| line.unwrap().text).collect().await
}

#[tokio::test]
async fn the_newest_lines_come_without_a_place_and_the_next_ones_behind_one() {
    let folder = folder_with(10);
    let newest = Query { limit: Some(2), ..Query::default() };
    assert_eq!(texts(folder.path(), newest).await, ["line 8", "line 9"]);
    let all: Vec<Line> = read(folder.path().to_owned(), Query::default()).map(Result::unwrap).collect().await;
    let behind = Query { after: Some(all[3].position.clone()), limit: Some(2), ..Query::default() };
    assert_eq!(texts(folder.path(), behind).await, ["line 4", "line 5"]);
    let found = Query { text: Some("LINE 7".to_owned()), ..Query::default() };
    assert_eq!(texts(folder.path(), found).await, ["line 7"]);
    let between = Query { since: Some(2), until: Some(3), ..Query::default() };
    assert_eq!(texts(folder.path(), between).await, ["line 2", "line 3"]);
}

#[tokio::test]
async fn a_log_is_followed_over_the_change_of_segments() {
    let folder = folder_with(2);
    let query = Query { follow: true, limit: Some(1), ..Query::default() };
    let mut lines = Box::pin(read(folder.path().to_owned(), query));
    assert_eq!(lines.next().await.unwrap().unwrap().text, "line 1");
    let mut writer = Writer::at(folder.path()).unwrap();
    writer.line(5, "stderr", b"more").unwrap();
    assert_eq!(lines.next().await.unwrap().unwrap().text, "more");
    let long = vec![b'x'; LONGEST];
    for _ in 0..260 {
        writer.line(6, "stdout", &long).unwrap();
    }
    writer.line(7, "stdout", b"end").unwrap();
    compress_full(folder.path()).unwrap();
    let mut count = 0;
    loop {
        let line = lines.next().await.unwrap().unwrap();
        if line.text == "end" {
            break;
        }
        count += 1;
    }
    assert_eq!(count, 260);
}

#[tokio::test]
async fn an_empty_log_is_followed_from_its_first_line() {
    let folder = folder_with(0);
    let mut lines = Box::pin(read(folder.path().to_owned(), Query { follow: true, ..Query::default() }));
    let mut writer = Writer::at(folder.path()).unwrap();
    writer.line(1, "stdout", b"first\nsecond").unwrap();
    assert_eq!(lines.next().await.unwrap().unwrap().text, "first");
    assert_eq!(lines.next().await.unwrap().unwrap().text, "second");
}

#[tokio::test]
async fn positions_stay_when_a_segment_is_compressed() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::at(folder.path()).unwrap();
    let long = vec![b'y'; LONGEST];
    for _ in 0..257 {
        writer.line(6, "stdout", &long).unwrap();
    }
    writer.line(7, "stdout", b"end").unwrap();
    let before: Vec<Line> =
        read(folder.path().to_owned(), Query::default()).map(Result::unwrap).collect().await;
    compress_full(folder.path()).unwrap();
    let after: Vec<Line> =
        read(folder.path().to_owned(), Query::default()).map(Result::unwrap).collect().await;
    assert_eq!(before, after);
    let behind = Query { after: Some(before[256].position.clone()), ..Query::default() };
    assert_eq!(texts(folder.path(), behind).await, ["end"]);
}

#[tokio::test]
async fn the_oldest_segments_go() {
    let folder = tempfile::tempdir().unwrap();
    for number in 1..=134_u64 {
        std::fs::write(
            folder.path().join(Segment::name(number, false)),
            format!("{number} stdout n{number}\n"),
        )
        .unwrap();
    }
    compress_full(folder.path()).unwrap();
    let left = list(folder.path()).unwrap();
    assert_eq!(left.len(), 128);
    assert_eq!(left[0].number, 7);
}

#[tokio::test]
async fn only_the_first_lines_are_given_behind_a_place_unless_it_is_followed() {
    let folder = folder_with(400);
    let first = Query { since: Some(100), limit: Some(3), ..Query::default() };
    assert_eq!(texts(folder.path(), first.clone()).await, ["line 100", "line 101", "line 102"]);
    let followed = Query { follow: true, ..first };
    let lines = read(folder.path().to_owned(), followed).map(|line| line.unwrap().text);
    assert_eq!(lines.take(300).collect::<Vec<_>>().await.last().unwrap(), "line 399");
}

#[tokio::test]
async fn a_time_is_found_without_reading_what_is_older() {
    let folder = tempfile::tempdir().unwrap();
    for number in 1..=3_u64 {
        let text = format!("{} stdout a{number}\n{} stdout b{number}\n", number * 10, number * 10 + 5);
        std::fs::write(folder.path().join(Segment::name(number, false)), text).unwrap();
    }
    // Whoever read it would fail.
    std::fs::remove_file(folder.path().join(Segment::name(1, false))).unwrap();
    std::fs::write(folder.path().join(Segment::name(1, true)), "damaged").unwrap();
    let since = |since| Query { since: Some(since), ..Query::default() };
    assert_eq!(texts(folder.path(), since(21)).await, ["b2", "a3", "b3"]);
    assert_eq!(texts(folder.path(), since(35)).await, ["b3"]);
    assert_eq!(texts(folder.path(), since(36)).await, Vec::<String>::new());
    assert!(read(folder.path().to_owned(), since(5)).next().await.unwrap().is_err());
}

#[tokio::test]
async fn reading_goes_on_behind_a_segment_that_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    for number in [5_u64, 6] {
        std::fs::write(folder.path().join(Segment::name(number, false)), format!("1 stdout n{number}\n"))
            .unwrap();
    }
    let behind = Query { after: Some("2-77".to_owned()), ..Query::default() };
    assert_eq!(texts(folder.path(), behind).await, ["n5", "n6"]);
    // A position that nothing stands at harms nobody.
    let nonsense = Query { after: Some("5-3".to_owned()), ..Query::default() };
    assert_eq!(texts(folder.path(), nonsense).await, ["n6"]);
}

#[tokio::test]
async fn a_thousand_followers_need_no_thousand_threads() {
    let folder = folder_with(1);
    let query = Query { follow: true, limit: Some(1), ..Query::default() };
    let mut followers: Vec<_> =
        (0..1000).map(|_| Box::pin(read(folder.path().to_owned(), query.clone()))).collect();
    for follower in &mut followers {
        assert_eq!(follower.next().await.unwrap().unwrap().text, "line 0");
    }
    Writer::at(folder.path()).unwrap().line(9, "stdout", b"for all").unwrap();
    for follower in &mut followers {
        assert_eq!(follower.next().await.unwrap().unwrap().text, "for all");
    }
}

#[tokio::test]
async fn a_line_that_was_torn_harms_no_other() {
    let folder = folder_with(1);
    let file = folder.path().join(Segment::name(1, false));
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, [&whole[..], b"17 stdout half of a li"].concat()).unwrap();
    Writer::at(folder.path()).unwrap().line(9, "stdout", b"next \xff").unwrap();
    assert_eq!(texts(folder.path(), Query::default()).await, ["line 0", "half of a li", "next \\xff"]);
}

#[test]
fn a_cut_goes_through_no_character() {
    let folder = tempfile::tempdir().unwrap();
    let text = "ä".repeat(LONGEST);
    Writer::at(folder.path()).unwrap().line(1, "stdout", format!("x{text}").as_bytes()).unwrap();
    let written = std::fs::read_to_string(folder.path().join(Segment::name(1, false))).unwrap();
    assert!(written.ends_with("ää …[cut]\n"), "{:?}", &written[written.len() - 40..]);
}

#[tokio::test]
async fn of_a_flood_only_the_newest_lines_are_held_and_nothing_older_is_read() {
    let folder = folder_with(20_000);
    let query = Query { since: Some(100), limit: Some(2), ..Query::default() };
    let found = newest(folder.path().to_owned(), query).await.unwrap();
    let found: Vec<&str> = found.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(found, ["line 19998", "line 19999"]);
    let all = newest(folder.path().to_owned(), Query::default()).await.unwrap();
    assert_eq!(all.len(), 10_000);

    let folder = tempfile::tempdir().unwrap();
    for number in 2..=3_u64 {
        let text = format!("{} stdout a{number}\n{} stdout b{number}\n", number * 10, number * 10 + 5);
        std::fs::write(folder.path().join(Segment::name(number, false)), text).unwrap();
    }
    // Whoever read it would fail.
    std::fs::write(folder.path().join(Segment::name(1, true)), "damaged").unwrap();
    let since = |since| Query { since: Some(since), limit: Some(9), ..Query::default() };
    let found = newest(folder.path().to_owned(), since(25)).await.unwrap();
    assert_eq!(found.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["b2", "a3", "b3"]);
    assert!(newest(folder.path().to_owned(), since(5)).await.is_err());
}
