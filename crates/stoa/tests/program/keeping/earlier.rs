//! What an earlier program has written is read by this one. `earlier/make` says how the files came to be.

use std::path::PathBuf;

use stoa_storage::Place;

use super::ground::{
    chains_and_epoch, counts_of_postgres, counts_of_sqlite, empty_postgres, give_key, sign_in,
};
use crate::support::Installation;

const W: &str = "/workspaces/acme-works";
/// Of the program at 6a3947a.
const FIRST_LIGHT: &str = "first-light";
const ITS_VERSION: i64 = 3;

fn kept(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/earlier").join(name)
}

fn brought(name: &str) -> Installation {
    let mut stoa = Installation::prepare(&[]);
    give_key(&kept(&format!("{name}.key")), &stoa);
    let records = std::fs::File::open(kept(&format!("{name}.sqlite.zst"))).unwrap();
    std::fs::write(stoa.data().join("stoa.sqlite"), zstd::decode_all(records).unwrap()).unwrap();
    stoa.setup_token = "it is set up".to_owned();
    stoa
}

fn everything_is_there(stoa: &Installation) {
    let olga = sign_in(stoa, "olga@example.com").expect(200).cookie();
    let get = |path: &str| stoa.send(&olga, "GET", path, None).expect(200).json();
    let me = get("/me");
    assert_eq!(me["name"], "Olga Ünïcode");
    assert_eq!(me["is_admin"], true);
    assert_eq!(me["workspaces"].as_array().unwrap().len(), 2);
    assert_eq!(get(W)["primary_color"], "#0a7f3f");
    // The old slug leads here too.
    assert_eq!(get("/workspaces/acme")["slug"], "acme-works");
    let members = get(&format!("{W}/members"));
    assert_eq!(members["items"].as_array().unwrap().len(), 3);
    // What they are sorted by was made when the records were brought up to date: a page goes on behind the one before.
    let first = get(&format!("{W}/members?limit=1"));
    let rest = get(&format!("{W}/members?after={}", first["next"].as_str().unwrap()));
    assert_eq!(rest["items"].as_array().unwrap()[..], members["items"].as_array().unwrap()[1..]);
    assert_eq!(get(&format!("{W}/invitations"))["items"][0]["email"], "late@example.com");
    let environment = get(&format!("{W}/instances/shop-staging/environment"));
    assert_eq!(environment["environment"][0]["value"], serde_json::Value::Null);
    assert_eq!(environment["environment"][1]["value"], "seen");
    assert!(get(&format!("{W}/audit?limit=200"))["items"].as_array().unwrap().len() > 10);
    let tess = sign_in(stoa, "tess@example.com").expect(200).cookie();
    let instance = stoa.send(&tess, "GET", &format!("{W}/instances/shop-staging"), None).expect(200).json();
    let may = serde_json::to_string(&instance["may"]).unwrap();
    assert!(may.contains("restart") && may.contains("read_logs") && !may.contains("stop"), "{may}");
    let otto = sign_in(stoa, "otto@example.com").expect(200).cookie();
    stoa.send(&otto, "GET", &format!("{W}/instances/shop-staging"), None).expect(404);
}

#[test]
fn records_of_first_light_are_read_on_sqlite() {
    let mut stoa = brought(FIRST_LIGHT);
    let said = stoa.told(&["migrate"]);
    let known = stoa_storage::known_version();
    let expected = if known == ITS_VERSION {
        format!("The records are at version {known} already.")
    } else {
        format!("The records were at version {ITS_VERSION}, and are at version {known} now.")
    };
    assert_eq!(said.trim(), expected);
    assert!(stoa.told(&["migrate"]).contains("already"));
    let (events, _) = chains_and_epoch(Place::Sqlite(stoa.data().join("stoa.sqlite")));
    assert!(events > 15, "{events}");
    let _ = stoa.run();
    everything_is_there(&stoa);
    let _ = stoa.end();
}

#[test]
fn records_of_first_light_are_read_on_postgresql() {
    let mut stoa = brought(FIRST_LIGHT);
    // Moved as they are: the other database then has what the earlier program would have written there.
    let address = empty_postgres();
    let (succeeded, said, complaint) = stoa.command_with(&["migrate", "--to", "-"], &address);
    assert!(succeeded, "{complaint}");
    assert!(said.contains("STOA_LOCAL_SERVER=true"), "{said}");
    let (ours, theirs) = (counts_of_sqlite(&stoa.data().join("stoa.sqlite")), counts_of_postgres(&address));
    assert_eq!(ours, theirs);
    assert!(theirs.contains(&("schema_versions".to_owned(), ITS_VERSION)), "{theirs:?}");
    stoa.environment.push(("STOA_DATABASE_URL".to_owned(), address.clone()));
    let _ = stoa.run();
    everything_is_there(&stoa);
    let _ = stoa.end();
    let (events, _) = chains_and_epoch(Place::Postgres(address));
    assert!(events > 15, "{events}");
}
