//! Exports that are whole, and all the ways in which one isn't.

use serde_json::json;

use super::*;

/// As many records as wanted, oldest first.
fn export(count: i64) -> Vec<String> {
    let workspace = Uuid::from_u128(7);
    let mut previous = vec![0_u8; 32];
    (1..=count)
        .map(|seq| {
            let record = AuditRecord {
                seq,
                id: AuditEventId::new(Uuid::from_u128(u128::try_from(seq).unwrap())),
                at: Timestamp::from_micros(1_790_000_000_123_456 + seq),
                account: (seq % 3 != 0).then(|| AccountId::new(Uuid::from_u128(1))),
                actor_name: "Anna".to_owned(),
                via: "page".to_owned(),
                address: Some("127.0.0.1".to_owned()),
                action: "instance.restart".to_owned(),
                resource_kind: Some("instance".to_owned()),
                resource_id: Some(Uuid::from_u128(9)),
                resource_name: Some("shop".to_owned()),
                outcome: "done".to_owned(),
                second_name: None,
                repeated: 1,
                detail: format!(r#"{{"z":{seq},"a":[1]}}"#),
                previous_hash: previous.clone(),
                hash: Vec::new(),
            };
            let hash = hash_of(WorkspaceId::new(workspace), &record);
            let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            let line = json!({
                "workspace": workspace, "seq": seq, "id": record.id.to_string(), "at": time(record.at),
                "at_microseconds": record.at.micros(), "actor": record.account.map(AccountId::uuid),
                "actor_name": "Anna", "via": "page", "address": "127.0.0.1", "action": "instance.restart",
                "resource_kind": "instance", "resource_id": Uuid::from_u128(9), "resource_name": "shop",
                "outcome": "done", "second_name": null, "repeated": 1,
                "detail": serde_json::from_str::<serde_json::Value>(&record.detail).unwrap(),
                "detail_text": record.detail, "sentence": "restarted shop",
                "previous_hash": hex(&previous), "hash": hex(&hash),
            });
            previous = hash;
            line.to_string()
        })
        .collect()
}

fn newest_first(count: i64) -> Vec<String> {
    let mut lines = export(count);
    lines.reverse();
    lines
}

fn examined(lines: &[String]) -> Result<Seen, String> {
    let text = lines.join("\n");
    examine(text.as_bytes(), None).map(|(seen, _)| seen).map_err(|wrong| wrong.to_string())
}

#[test]
fn a_whole_export_is_whole_in_either_order() {
    for lines in [newest_first(50), export(50), newest_first(1)] {
        let seen = examined(&lines).unwrap();
        assert_eq!(seen.verdict, Verdict::Whole);
        assert_eq!((seen.count, seen.lowest), (u64::try_from(lines.len()).unwrap(), 1));
        assert_eq!(tell(&seen, None), WHOLE);
    }
    assert_eq!(tell(&examined(&[]).unwrap(), None), PART);
}

#[test]
fn one_letter_anywhere_is_found() {
    let lines = newest_first(5);
    let changes = [
        ("\"Anna\"", "\"Anne\""),
        ("instance.restart", "instance.restarT"),
        ("\"done\"", "\"refused\""),
        ("\"shop\"", "\"shup\""),
        ("127.0.0.1", "127.0.0.2"),
        (".123Z", ".124Z"),
        ("\"repeated\":1", "\"repeated\":2"),
        ("\"a\":[1]", "\"a\":[2]"),
        ("\\\"z\\\":3", "\\\"z\\\":4"),
        ("\"second_name\":null", "\"second_name\":\"Ben\""),
        ("\"via\":\"page\"", "\"via\":\"api\""),
    ];
    for (from, to) in changes {
        let mut other = lines.clone();
        assert!(other[2].contains(from), "{from} is in {}", other[2]);
        other[2] = other[2].replacen(from, to, 1);
        let said = examined(&other).unwrap_err();
        assert!(said.starts_with("Record 3 (line 3) was changed"), "{from}: {said}");
    }
    let mut other = lines.clone();
    other[2] = other[2].replace("restarted shop", "deleted shop");
    // The sentence only repeats what is hashed: that is said, and that it repeats something else.
    let seen = examined(&other).unwrap();
    assert_eq!((seen.verdict, seen.reworded, seen.first_reworded), (Verdict::Whole, 1, Some(3)));
    let said = of_sentences(&examined(&other).unwrap());
    assert!(
        said.contains("1 of them, first that of record 3, isn't what this Stoa makes of its record"),
        "{said}"
    );
    let said = of_sentences(&examined(&lines).unwrap());
    assert_eq!(
        said,
        "The sentences aren't part of what is verified: they are made of the records, and say what these say."
    );
}

#[test]
fn a_record_that_was_removed_is_missed() {
    for at in 1..5 {
        let mut lines = newest_first(5);
        lines.remove(at);
        let seen = examined(&lines).unwrap();
        let seq = 5 - i64::try_from(at).unwrap();
        assert_eq!(seen.verdict, Verdict::Part { missing: 1, first: seq });
        assert_eq!(tell(&seen, None), PART);
    }
    // The newest can be cut off without a gap: for that there is the hash that was noted.
    let lines = newest_first(5);
    let newest: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    let noted = newest["hash"].as_str().unwrap();
    let text = |lines: &[String]| {
        examine(lines.join("\n").as_bytes(), Some(noted)).map(|(seen, held)| (seen.verdict, held)).unwrap()
    };
    assert_eq!(text(&lines), (Verdict::Whole, Some(true)));
    assert_eq!(text(&lines[1..]), (Verdict::Whole, Some(false)));
}

#[test]
fn what_was_moved_doubled_appended_or_cut_is_told() {
    let lines = newest_first(6);
    let mut moved = lines.clone();
    moved.swap(2, 3);
    assert!(examined(&moved).unwrap_err().contains("out of order"));
    let mut doubled = lines.clone();
    doubled.insert(2, lines[2].clone());
    assert!(examined(&doubled).unwrap_err().contains("stands there twice"));
    // One that was made with the right hash of its own, and of nothing before it.
    let forged = export(7)[6].replace("instance.restart", "instance.delete");
    let appended = [vec![forged], lines.clone()].concat();
    assert!(examined(&appended).unwrap_err().contains("was changed"));
    let strange = newest_first(7)[0]
        .replace("00000000-0000-0000-0000-000000000007", "00000000-0000-0000-0000-000000000008");
    assert!(examined(&[vec![strange], lines.clone()].concat()).is_err());
    let mut cut = lines.clone();
    let half = cut[3].len() / 2;
    cut[3].truncate(half);
    assert_eq!(examined(&cut).unwrap_err(), "Line 4 breaks off in the middle.");
    let mut added = lines.clone();
    added[1] = added[1].replacen('{', "{\"extra\":\"evil\",", 1);
    let said = examined(&added).unwrap_err();
    assert!(said.contains("Record 5 (line 2) was changed: no record has a field \"extra\""), "{said}");
    cut[3] = "2026-11-24 a line of another log".to_owned();
    assert!(examined(&cut).unwrap_err().starts_with("Line 4 isn't a record of an owner's export"));
}

#[test]
fn an_export_that_was_cut_in_mid_line_lacks_records_and_was_not_changed() {
    let text = newest_first(4).join("\n");
    let cut_after = |end: usize| examine(&text.as_bytes()[..end], None).map(|(seen, _)| seen);
    for line in 1..=4 {
        let begin: usize = text.split('\n').take(line - 1).map(|line| line.len() + 1).sum();
        for length in [1, 40, text.split('\n').nth(line - 1).unwrap().len() - 1] {
            let seen = cut_after(begin + length).unwrap();
            assert_eq!(seen.cut_at, Some(u64::try_from(line).unwrap()), "{length}");
            assert_eq!(tell(&seen, None), PART);
            assert_eq!(tell(&seen, Some(false)), PART);
        }
    }
    // Between two lines it is one that lacks some.
    assert_eq!(cut_after(text.find('\n').unwrap()).unwrap().verdict, Verdict::Part { missing: 3, first: 1 });
    // A record that was changed before the cut is told as such.
    let changed = text.replacen("\"Anna\"", "\"Anne\"", 1);
    assert!(matches!(
        examine(&changed.as_bytes()[..text.len() - 5], None),
        Err(Wrong::Record { line: 1, .. })
    ));
}

#[test]
fn what_is_no_export_is_not_taken_for_one_that_was_changed() {
    for text in ["dear all,\nthis is a letter\n", "{\"items\":[]}", "[1]\n", "{\"seq\":1}\n", "\u{0}\u{1}"] {
        let wrong = examine(text.as_bytes(), None).unwrap_err();
        assert!(matches!(wrong, Wrong::Other(_)), "{text:?}: {wrong}");
        assert!(wrong.to_string().starts_with("This isn't an export of an audit log"), "{wrong}");
    }
}

#[test]
fn two_chains_dont_make_one() {
    // The same numbers, from a log that was another from its third record on.
    let one = export(4);
    let other: Vec<String> = {
        let mut previous = None;
        export(4)
            .into_iter()
            .enumerate()
            .map(|(at, line)| {
                let mut line: serde_json::Value = serde_json::from_str(&line).unwrap();
                if at >= 2 {
                    line["actor_name"] = json!("Mallory");
                    if let Some(hash) = previous.take() {
                        line["previous_hash"] = hash;
                    }
                    let mut record: Line = serde_json::from_value(line.clone()).unwrap();
                    record.hash = "0".repeat(64);
                    let hash = rehashed(record);
                    line["hash"] = json!(hash);
                    previous = Some(json!(hash));
                }
                line.to_string()
            })
            .collect()
    };
    assert_eq!(examined(&other).unwrap().verdict, Verdict::Whole, "by itself it is one");
    let mixed = [one[..3].to_vec(), other[3..].to_vec()].concat();
    assert!(examined(&mixed).unwrap_err().contains("aren't of one chain"));
}

/// What a record's hash would have to be.
fn rehashed(line: Line) -> String {
    let (workspace, previous) = (WorkspaceId::new(line.workspace), bytes(&line.previous_hash).unwrap());
    hash_of(workspace, &record(line, previous)).iter().map(|byte| format!("{byte:02x}")).collect()
}
