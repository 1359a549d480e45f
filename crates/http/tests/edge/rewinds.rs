//! Branches that lose commits: who may, and what the audit log says of it.

use serde_json::json;
use stoa_domain::ProjectId;

use crate::git::{Hosted, PUSHES, done};

#[tokio::test(flavor = "multi_thread")]
async fn only_an_owner_rewinds_or_deletes_a_branch_that_is_deployed() {
    let hosted = Hosted::start().await;
    hosted.push(&hosted.token, &["main"]).await;
    let (_, token) = hosted.member(&PUSHES, true, true).await;
    hosted.commit("second").await;
    hosted.push(&token, &["main"]).await;
    let second = hosted.own_head().await;
    assert_eq!(hosted.hosted_head("main").await, second);

    // A rewind is seen only once its commits are there: `pre-receive` refuses it.
    done(hosted.work.path(), &["reset", "--quiet", "--hard", "HEAD~1"]).await;
    hosted.commit("another second").await;
    let sentence = hosted.refused(&token, &["--force", "main"]).await;
    assert!(
        sentence.contains(
            "Only owners of the workspace may delete or rewind a branch that an instance deploys. Ask "
        ),
        "{sentence}"
    );
    let sentence = hosted.refused(&token, &["--delete", "main"]).await;
    assert!(
        sentence.contains(
            "Only owners of the workspace may delete or rewind a branch that an instance deploys. Ask "
        ),
        "{sentence}"
    );
    assert_eq!(hosted.hosted_head("main").await, second);

    // Theirs they rewind as they like.
    // What stands there afterwards is asked of the repositories' fake.
    let project: ProjectId = hosted.shop.project.parse().unwrap();
    let repositories = &hosted.served.world.repositories;
    let first = repositories.commit(project, "idea", "first");
    hosted.push(&token, &["HEAD:refs/heads/idea"]).await;
    let other = repositories.commit(project, "idea", "rewound");
    hosted.push(&token, &["--force", "HEAD~1:refs/heads/idea"]).await;
    repositories.remove_branch(project, "idea");
    hosted.push(&token, &["--delete", "idea"]).await;
    let path = format!("{}/audit?action=project.push&limit=3", hosted.shop.workspace_path);
    let events = hosted.shop.owner.get(&path).await.expect(200).json()["items"].clone();
    for (number, (said, moved)) in [
        ("deleted idea of", json!({ "name": "idea", "from": other.as_str(), "to": null })),
        (
            "rewound idea of",
            json!({ "name": "idea", "from": first.as_str(), "to": other.as_str(), "rewound": true }),
        ),
        ("pushed idea to", json!({ "name": "idea", "from": null, "to": first.as_str() })),
    ]
    .into_iter()
    .enumerate()
    {
        let event = &events[number];
        assert!(event["sentence"].as_str().unwrap().starts_with(said), "{event}");
        assert_eq!(event["detail"]["branches"], json!([moved]));
    }
    hosted.push(&hosted.token, &["--force", "main"]).await;
    assert_eq!(hosted.hosted_head("main").await, hosted.own_head().await);
}
