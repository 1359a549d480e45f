//! What the answer of a push warns of: what a deployment of it would not understand.

use crate::git::{Hosted, done, run, said};

/// What the person reads, line by line.
async fn lines_of_a_push(hosted: &Hosted, more: &[&str]) -> Vec<String> {
    let url = hosted.url(&hosted.token);
    let words: Vec<_> = ["push", &url].into_iter().chain(more.iter().copied()).collect();
    let output = run(hosted.work.path(), &words).await;
    assert!(output.status.success(), "{}", said(&output));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    // The program that stands for the hook here says a word of its own.
    told.lines()
        .filter_map(|line| line.strip_prefix("remote: "))
        .filter(|line| line.starts_with("warning: "))
        .map(|line| line.trim_end().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_tells_what_a_deployment_would_not_understand() {
    let hosted = Hosted::start().await;
    let write = async |name: &str, text: &str| {
        std::fs::write(hosted.work.path().join(name), text).unwrap();
        done(hosted.work.path(), &["add", name]).await;
        done(hosted.work.path(), &["commit", "--quiet", "-m", text]).await;
    };
    // `main` is deployed by an instance, so that nothing to run is told too; no instance deploys `idea`.
    let nothing = ["warning: main: There is no stoa.toml: NotFound"];
    assert_eq!(lines_of_a_push(&hosted, &["main", "main:idea"]).await, nothing);
    write("stoa.toml", "wrong").await;
    let mut both = lines_of_a_push(&hosted, &["main", "main:idea"]).await;
    both.sort_unstable();
    assert_eq!(both, ["warning: idea: stoa.toml, line 1: wrong", "warning: main: stoa.toml, line 1: wrong"]);
    assert_eq!(hosted.hosted_head("main").await, hosted.own_head().await, "it is taken all the same");
    write("stoa.toml", "good").await;
    assert_eq!(lines_of_a_push(&hosted, &["main", "main:idea"]).await, Vec::<String>::new());
    assert_eq!(lines_of_a_push(&hosted, &["--delete", "idea"]).await, Vec::<String>::new());
    // Where the application stands is looked for in the commit; what a link leads to isn't known.
    let place = hosted.work.path().to_owned();
    for (line, told) in [
        ("in other", Some("no folder, file: false")),
        ("in other/readme", Some("no folder, file: true")),
        ("in other/./", Some("a folder without a Procfile")),
        ("in other/deeper", None),
        ("in link", None),
        ("in ../other", Some("no folder, file: false")),
    ] {
        match line {
            "in other/readme" => {
                std::fs::create_dir_all(place.join("other/deeper")).unwrap();
                std::fs::write(place.join("other/readme"), "").unwrap();
                std::fs::write(place.join("other/deeper/Procfile"), "").unwrap();
            }
            "in link" => std::os::unix::fs::symlink("other/deeper", place.join("link")).unwrap(),
            _ => {}
        }
        done(&place, &["add", "."]).await;
        write("stoa.toml", line).await;
        let told: Vec<_> = told.iter().map(|told| format!("warning: main: {told}")).collect();
        assert_eq!(lines_of_a_push(&hosted, &["main"]).await, told, "{line}");
    }
    // What is no file is no text of the application's either.
    done(hosted.work.path(), &["rm", "--quiet", "stoa.toml"]).await;
    std::os::unix::fs::symlink("/etc/hostname", hosted.work.path().join("stoa.toml")).unwrap();
    done(hosted.work.path(), &["add", "stoa.toml"]).await;
    hosted.commit("a link").await;
    assert_eq!(lines_of_a_push(&hosted, &["main"]).await, nothing);
    let left = std::fs::read_dir(hosted.served.folder.path().join("hooks")).unwrap();
    let names: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["pre-receive"], "nothing is left of what was read");
}
