//! Pushes that proxies pass on.

use crate::git::{Hosted, done, noise, run};
use crate::wire::Wire;

/// A proxy may take the head of an answer for the end of what has to be passed on.
#[tokio::test(flavor = "multi_thread")]
async fn a_push_is_answered_once_all_of_it_is_there() {
    let hosted = Hosted::start().await;
    std::fs::write(hosted.work.path().join("noise"), noise(1_000_000)).unwrap();
    done(hosted.work.path(), &["add", "noise"]).await;
    hosted.commit("noise").await;
    let head = hosted.own_head().await;
    let pack =
        run(hosted.work.path(), &["pack-objects", "--revs", "--all", "--stdout", "--quiet"]).await.stdout;
    let command = format!("{} {head} refs/heads/main\0report-status side-band-64k\n", "0".repeat(40));
    let mut body = format!("{:04x}{command}0000", command.len() + 4).into_bytes();
    body.extend(pack);
    let request = format!(
        "POST /git/{}/shop.git/git-receive-pack HTTP/1.1\r\nHost: localhost:8080\r\n\
         Authorization: Bearer {}\r\nContent-Type: application/x-git-receive-pack-request\r\n\
         Content-Length: {}\r\n\r\n",
        hosted.shop.workspace,
        hosted.token,
        body.len()
    );
    let (most, rest) = body.split_at(body.len() - 1000);
    let mut wire = Wire::to(hosted.served.port).await;
    wire.write(request.as_bytes()).await;
    wire.write(most).await;
    // Git has begun with it.
    let objects = hosted.served.folder.path().join(format!("{}.git/objects", hosted.shop.project));
    let is_aside = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.unwrap().file_name().to_string_lossy().starts_with("tmp_objdir-incoming")
    };
    while !std::fs::read_dir(&objects).unwrap().any(is_aside) {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    assert!(wire.has_heard_nothing(), "an answer came before the push was whole");
    wire.write(rest).await;
    let told = wire.answer().await;
    assert_eq!(told.status, 200);
    assert!(told.body.contains("unpack ok"), "{}", told.body);
    assert_eq!(hosted.hosted_head("main").await, head);
}
