//! What can be typed: nouns, their verbs, and what goes with them.

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Command};

use super::readable::{a_clock_time, a_grant, a_time, an_end, some_actions};

/// The keys of the actions that can be granted.
pub const ACTIONS: [&str; 10] = [
    "view_projects",
    "restart_instances",
    "connect_as_user",
    "merge_branches",
    "stop_instances",
    "delete_instances",
    "manage_backups",
    "view_logs",
    "use_ide",
    "manage_settings",
];

/// What somebody may be asked about: an action, or what owners do.
fn asked() -> Arg {
    option("action", "KEY", "The action; manage: what owners do")
        .required(true)
        .value_parser(PossibleValuesParser::new(ACTIONS.into_iter().chain(["manage"])))
}

/// All commands of the client.
pub fn commands() -> Vec<Command> {
    vec![login(), logout(), workspace(), member(), invite(), permission(), server(), project(), instance()]
}

fn login() -> Command {
    Command::new("login")
        .about("Signs in at an installation, and keeps an access token for this machine")
        .arg(needed("url", "URL", "Its address, such as https://stoa.example"))
        .arg(option("email", "ADDRESS", "Doesn't ask for the e-mail address"))
        .arg(switch("with-token", "Reads an access token from standard input, instead of a password"))
        .arg(
            option("days", "COUNT", "For how long the token counts [365]; 0: without an end")
                .value_parser(clap::value_parser!(u16).range(0..=3650))
                .conflicts_with("with-token"),
        )
}

fn logout() -> Command {
    Command::new("logout")
        .about("Ends the access token of this machine, and forgets it")
        .arg(
            Arg::new("url").value_name("URL").help("Where, if not at the address that was signed in at last"),
        )
        .arg(switch(
            "keep-token",
            "Only forgets it here, without the password: the token goes on until it is ended on the page",
        ))
}

fn noun(name: &'static str, about: &'static str) -> Command {
    Command::new(name).about(about).subcommand_required(true).arg_required_else_help(true)
}

/// One of the workspace that is meant.
fn verb(name: &'static str, about: &'static str) -> Command {
    plain_verb(name, about).arg(
        Arg::new("workspace")
            .long("workspace")
            .short('w')
            .value_name("SLUG")
            .help("Which workspace [as said by stoa workspace use]"),
    )
}

/// One that isn't.
fn plain_verb(name: &'static str, about: &'static str) -> Command {
    Command::new(name)
        .about(about)
        .arg(option("url", "URL", "Which installation [STOA_URL, or the one that was signed in at last]"))
        .arg(switch("json", "Prints the API's own objects, also of what goes wrong"))
}

/// One that takes something away.
fn ending(name: &'static str, about: &'static str) -> Command {
    certain(verb(name, about))
}

fn certain(command: Command) -> Command {
    command.arg(switch("yes", "Doesn't ask for the name"))
}

/// One whose work goes on after the answer.
fn working(command: Command) -> Command {
    command.arg(switch("no-wait", "Doesn't wait until it is done"))
}

fn needed(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).required(true).value_name(value).help(help)
}

fn option(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}

fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

fn several(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    option(name, value, help).action(ArgAction::Append)
}

fn search() -> Arg {
    option("search", "TEXT", "Only those that hold this text")
}

fn workspace() -> Command {
    let which = || needed("which", "SLUG", "The workspace's slug");
    noun("workspace", "Workspaces that you are in")
        .subcommand(plain_verb("list", "Lists the workspaces that you are in").arg(search()))
        .subcommand(
            plain_verb("show", "Shows a workspace, and what you may in it").arg(which().required(false)),
        )
        .subcommand(
            plain_verb("create", "Makes a workspace, which you own")
                .arg(needed("name", "NAME", "Its name"))
                .arg(option("slug", "SLUG", "Its slug, instead of one made from the name")),
        )
        .subcommand(
            plain_verb("change", "Changes a workspace's name, slug or colour")
                .arg(which())
                .arg(option("name", "NAME", "A new name"))
                .arg(option("slug", "SLUG", "A new slug; the old one leads there for its members"))
                .arg(option("color", "#RRGGBB", "A new primary colour")),
        )
        .subcommand(certain(plain_verb("delete", "Deletes a workspace, with all in it")).arg(which()))
        .subcommand(plain_verb("use", "Chooses the workspace that is meant where none is named").arg(which()))
}

fn member() -> Command {
    let which = || needed("which", "MEMBER", "E-mail address, name or id");
    noun("member", "Members of the workspace")
        .subcommand(verb("list", "Lists the members").arg(search()))
        .subcommand(verb("show", "Shows a member").arg(which()))
        .subcommand(
            verb("change", "Makes a member an owner, or a plain member again").arg(which()).arg(
                option("role", "ROLE", "owner or member").required(true).value_parser(["owner", "member"]),
            ),
        )
        .subcommand(ending("remove", "Removes a member; yourself: leaves the workspace").arg(which()))
}

fn invite() -> Command {
    let which = || needed("which", "ADDRESS", "The address that was invited, or the invitation's id");
    noun("invite", "Invitations into the workspace")
        .subcommand(verb("list", "Lists the invitations that wait").arg(search()))
        .subcommand(
            verb("create", "Invites one or more addresses")
                .arg(needed("which", "ADDRESS", "E-mail addresses").num_args(1..).action(ArgAction::Append))
                .arg(option("message", "TEXT", "A few words to those who are invited")),
        )
        .subcommand(verb("resend", "Makes a new link, which ends the old one").arg(which()))
        .subcommand(verb("revoke", "Takes an invitation back").arg(which()))
}

fn permission() -> Command {
    let which = || needed("which", "MEMBER", "E-mail address, name or id");
    noun("permission", "What a member may see and do")
        .subcommand(verb("show", "Shows what a member may see and do").arg(which()))
        .subcommand(
            verb("set", "Changes what a member may: whole lists, or single words of them")
                .after_help(format!("The actions: {}.", ACTIONS.join(", ")))
                .arg(which())
                .arg(
                    option(
                        "actions",
                        "KEYS",
                        "These actions and no others, separated by commas; \"\" for none",
                    )
                    .value_parser(some_actions),
                )
                .arg(option("projects", "SLUGS", "These projects and no others"))
                .arg(option("instances", "SLUGS", "These instances and no others"))
                .arg(option("servers", "SLUGS", "These servers and no others"))
                .arg(
                    several("add", "WORD", "An action, or project:SLUG, instance:SLUG, server:SLUG")
                        .value_parser(a_grant),
                )
                .arg(several("remove", "WORD", "The same, taken away").value_parser(a_grant))
                .arg(
                    option("preset", "NAME", "The actions of this preset and no others")
                        .conflicts_with("actions"),
                )
                .arg(
                    several(
                        "until",
                        "WORD=TIME",
                        "When that ends, such as view_logs=2026-12-01T00:00:00Z; \"WORD=\": never",
                    )
                    .value_parser(an_end),
                ),
        )
        .subcommand(verb("presets", "Lists presets: actions that go together by a name"))
        .subcommand(
            verb("who", "Lists everybody who may do something")
                .arg(asked())
                .arg(option("project", "SLUG", "On this project"))
                .arg(option("instance", "SLUG", "On this instance"))
                .arg(option("server", "SLUG", "On this server")),
        )
        .subcommand(
            verb("explain", "Says why a member may do something, or may not")
                .arg(which())
                .arg(asked())
                .arg(option("project", "SLUG", "On this project"))
                .arg(option("instance", "SLUG", "On this instance"))
                .arg(option("server", "SLUG", "On this server")),
        )
}

fn server() -> Command {
    let which = || needed("which", "SERVER", "Slug or id");
    noun("server", "Servers of the workspace")
        .subcommand(verb("list", "Lists the servers that you may see").arg(search()))
        .subcommand(verb("show", "Shows a server, and its machine").arg(which()))
        .subcommand(
            verb("create", "Adds a server, and shows the command by which its machine joins")
                .visible_alias("add")
                .arg(needed("name", "NAME", "Its name"))
                .arg(switch("local", "The machine that Stoa stands on: it needs no command")),
        )
        .subcommand(
            verb("join", "Makes the command anew by which a machine joins; the one before counts no more")
                .arg(which()),
        )
        .subcommand(
            verb("change", "Renames a server")
                .arg(which())
                .arg(option("name", "NAME", "A new name").required(true)),
        )
        .subcommand(ending("delete", "Takes a server out of the workspace").arg(which()))
        .subcommand(
            ending("forget", "Removes a server whose machine never comes back, with its instances")
                .arg(which()),
        )
}

fn project() -> Command {
    let which = || needed("which", "PROJECT", "Slug or id");
    noun("project", "Projects of the workspace")
        .subcommand(verb("list", "Lists the projects that you may see").arg(search()))
        .subcommand(verb("show", "Shows a project, and where to push").arg(which()))
        .subcommand(
            verb("create", "Makes a project, with a repository here or elsewhere")
                .arg(needed("name", "NAME", "Its name"))
                .arg(option("default-branch", "BRANCH", "Its first branch [main]").conflicts_with("remote"))
                .arg(option(
                    "remote",
                    "ADDRESS",
                    "Its repository is elsewhere: https://…, ssh://… or user@host:path",
                ))
                .arg(
                    switch("token", "Asks for the token that opens it, or reads it from standard input")
                        .requires("remote"),
                )
                .arg(option("user", "NAME", "The name that goes with the token").requires("token")),
        )
        .subcommand(
            verb("change", "Changes a project's name, slug or default branch")
                .arg(which())
                .arg(option("name", "NAME", "A new name"))
                .arg(option("slug", "SLUG", "A new slug"))
                .arg(option("default-branch", "BRANCH", "Another default branch")),
        )
        .subcommand(ending("delete", "Deletes a project, and its repository").arg(which()))
        .subcommand(verb("branches", "Lists its branches, and what runs of them").arg(which()).arg(search()))
        .subcommand(
            verb("remote", "Shows how a remote repository is reached, and changes that")
                .arg(which())
                .arg(option("to", "ADDRESS", "Another address"))
                .arg(switch("token", "Asks for another token, or reads it from standard input"))
                .arg(option("user", "NAME", "The name that goes with the token").requires("token"))
                .arg(option(
                    "accept-host-key",
                    "SHA256:…",
                    "The key that the host shows now counts from then on",
                ))
                .arg(switch("test", "Connects, and says what came of it"))
                .arg(switch("fetch", "Has it fetched now"))
                .arg(switch("webhook", "Makes a webhook, in place of the one that was"))
                .arg(switch("remove-webhook", "Removes the webhook: nobody calls any more"))
                .arg(switch("remove-token", "Takes the token away"))
                .arg(switch("renew-key", "Makes a new deploy key; the old one opens nothing more"))
                .group(
                    clap::ArgGroup::new("verb")
                        .args(["test", "fetch", "webhook", "remove-webhook", "remove-token", "renew-key"])
                        .conflicts_with_all(["to", "token", "accept-host-key"]),
                ),
        )
        .subcommand(
            verb("commits", "Lists the newest commits of a branch")
                .arg(which())
                .arg(option("branch", "BRANCH", "Which branch [the default one]"))
                .arg(
                    option("limit", "COUNT", "How many [20]")
                        .value_parser(clap::value_parser!(u16).range(1..=200)),
                ),
        )
        .subcommand(
            verb("commit", "Shows a commit, with what it changes")
                .arg(which())
                .arg(needed("commit", "COMMIT", "Its id, or the beginning of it"))
                .arg(option("branch", "BRANCH", "Where the beginning is looked for [the default one]")),
        )
        .subcommand(
            verb("merge", "Merges a branch into another, and deploys what deploys that one")
                .arg(switch("yes", "Merges without showing first what it would do"))
                .arg(which())
                .arg(needed("source", "SOURCE", "The branch that is merged"))
                .arg(needed("target", "TARGET", "The branch into which"))
                .arg(option("message", "TEXT", "What the merge commit says"))
                .arg(switch("dry-run", "Shows what it would do, and does nothing").conflicts_with("yes")),
        )
}

fn instance() -> Command {
    let which = || needed("which", "INSTANCE", "Slug or id");
    noun("instance", "Instances of the workspace")
        .subcommand(
            verb("list", "Lists the instances that you may see")
                .arg(search())
                .arg(option("project", "PROJECT", "Only of this project"))
                .arg(option("server", "SERVER", "Only on this server"))
                .arg(option("stage", "STAGE", "Only of this stage").value_parser(STAGES))
                .arg(option("status", "STATUS", "Only in this state")),
        )
        .subcommand(verb("show", "Shows an instance").arg(which()))
        .subcommand(working(
            verb("create", "Makes an instance, and deploys it")
                .arg(needed("name", "NAME", "Its name"))
                .arg(option("project", "PROJECT", "What it runs").required(true))
                .arg(option("server", "SERVER", "Where").required(true))
                .arg(
                    option("stage", "STAGE", "production, staging or development")
                        .required(true)
                        .value_parser(STAGES),
                )
                .arg(option("branch", "BRANCH", "Which branch").required(true))
                .arg(option("from-backup", "ID", "Made of this backup: its data, and what was set"))
                .arg(option("visibility", "WHO", "Who may open it").value_parser(["public", "members"]))
                .arg(several("set", "NAME=VALUE", "A variable of its environment"))
                .arg(several(
                    "secret",
                    "NAME",
                    "A variable whose value is read, one line each, from standard input",
                )),
        ))
        .subcommand(
            verb("change", "Changes an instance's name, visibility or protection")
                .arg(which())
                .arg(option("name", "NAME", "A new name"))
                .arg(option("visibility", "WHO", "Who may open it").value_parser(["public", "members"]))
                .arg(
                    option("protected", "true|false", "Whether it can be deleted")
                        .value_parser(["true", "false"]),
                ),
        )
        .subcommand(working(
            ending("delete", "Deletes an instance, with its data")
                .arg(which())
                .arg(switch("cancel", "Cancels what goes on there first"))
                .arg(switch("backup", "Makes a last backup first, which is kept for 30 days")),
        ))
        .subcommand(working(verb("backup", "Backs an instance up, while it runs").arg(which()).arg(option(
            "note",
            "TEXT",
            "What it is made for",
        ))))
        .subcommand(
            verb("backups", "Lists an instance's backups, or without one those of deleted instances")
                .arg(Arg::new("which").value_name("INSTANCE").help("Slug or id")),
        )
        .subcommand(working(
            ending("restore", "Brings a backup back; what it replaces is backed up first")
                .arg(which())
                .arg(option("backup", "ID", "Which [its newest one], of another instance too")),
        ))
        .subcommand(
            verb("download", "Writes a backup into a file, and goes on where it broke")
                .arg(
                    Arg::new("which")
                        .value_name("INSTANCE")
                        .required_unless_present("backup")
                        .help("Slug or id; needn't be said with --backup"),
                )
                .arg(option("backup", "ID", "Which [its newest one], of a deleted instance too"))
                .arg(option("to", "FILE", "Where to [ID.tar.zst]")),
        )
        .subcommand(ending("backup-delete", "Deletes a backup").arg(needed(
            "backup",
            "BACKUP",
            "Its id, as stoa instance backups lists it",
        )))
        .subcommand(
            verb("backup-key", "Tells what opens a backup without Stoa, by restic alone").arg(needed(
                "backup",
                "BACKUP",
                "Its id, as stoa instance backups lists it",
            )),
        )
        .subcommand(working(verb("start", "Starts an instance that is stopped").arg(which())))
        .subcommand(working(
            verb("stop", "Stops an instance")
                .arg(which())
                .arg(switch("cancel", "Cancels what goes on there first")),
        ))
        .subcommand(working(
            verb("restart", "Restarts an instance; requests wait meanwhile")
                .arg(which())
                .arg(switch("hard", "In a new sandbox, with the current settings")),
        ))
        .subcommand(working(
            verb("deploy", "Deploys the newest commit of its branch, or another")
                .arg(which())
                .arg(option("commit", "COMMIT", "This commit"))
                .arg(
                    option("release", "RELEASE", "Back to this release, by its id").conflicts_with("commit"),
                ),
        ))
        .subcommand(verb("deployments", "Lists its latest deployments").arg(which()).arg(
            option("limit", "COUNT", "How many [20]").value_parser(clap::value_parser!(u16).range(1..=200)),
        ))
        .subcommand(verb("processes", "Lists what runs of it").arg(which()))
        .subcommand(verb("schedules", "Lists what is run at its times, and what came of it").arg(which()))
        .subcommand(verb("users", "Lists the application's own users").arg(which()).arg(search()))
        .subcommand(
            verb("connect", "Makes a link to open it as one of the application's users")
                .arg(which())
                .arg(needed("user", "USER", "The user's id, as stoa instance users lists it"))
                .arg(option("reason", "TEXT", "Why: it is written to the audit log").required(true)),
        )
        .subcommand(
            verb("connected", "Lists who is connected to it as one of its users").arg(which()).arg(option(
                "end",
                "ID",
                "Ends this one",
            )),
        )
        .subcommand(
            verb("logs", "Reads what it has written")
                .arg(which())
                .arg(switch("follow", "Goes on with what it writes").short('f'))
                .arg(option("deployment", "NUMBER", "Of this deployment, instead of the application"))
                .arg(
                    option(
                        "source",
                        "SOURCE",
                        "What Stoa's init or its proxy say of it, instead of all it writes",
                    )
                    .value_parser(["app", "init", "proxy"])
                    .conflicts_with("deployment"),
                )
                .arg(search().visible_alias("grep"))
                .arg(
                    option(
                        "level",
                        "LEVELS",
                        "Of these levels, with commas between: error, warn, info, debug",
                    )
                    .value_parser(["error", "warn", "info", "debug"])
                    .value_delimiter(',')
                    .action(clap::ArgAction::Append),
                )
                .arg(
                    option("since", "TIME", "From this time on, such as 2026-11-24T12:00:00Z")
                        .value_parser(a_time),
                )
                .arg(option("until", "TIME", "Up to this time").value_parser(a_time))
                .arg(
                    option("limit", "COUNT", "So many lines [100]")
                        .value_parser(clap::value_parser!(u16).range(1..=10_000)),
                )
                .arg(
                    option("to", "FILE", "Writes all lines that fit into a file, and goes on where it broke")
                        .conflicts_with_all(["follow", "limit"]),
                )
                .arg(
                    option(
                        "form",
                        "FORM",
                        "What the file holds: text, or ndjson, the API's own objects [text]",
                    )
                    .value_parser(["text", "ndjson"])
                    .requires("to"),
                )
                .arg(option("from", "POSITION", "From this line on, by its position").requires("to"))
                .arg(option("through", "POSITION", "Up to this line, by its position").requires("to")),
        )
        .subcommand(
            verb("environment", "Shows or changes its variables; values of secret ones are never told")
                .arg(which())
                .arg(several("set", "NAME=VALUE", "Sets this one"))
                .arg(several(
                    "secret",
                    "NAME",
                    "Sets this one to what is read, one line each, from standard input",
                ))
                .arg(several("unset", "NAME", "Takes this one away")),
        )
        .subcommand(settings())
        .subcommand(verb("cancel", "Cancels what waits or goes on there").arg(which()))
}

fn settings() -> Command {
    let which = || needed("which", "INSTANCE", "Slug or id");
    let host = || needed("host", "DOMAIN", "Such as shop.example.org");
    noun("settings", "What is set of an instance: seen, changed, and what was changed before")
        .subcommand(verb("get", "Shows what is set").arg(which()))
        .subcommand(working(
            verb("set", "Sets what is said, and leaves the rest")
                .arg(which())
                .arg(option("branch", "BRANCH", "Which branch; it is deployed at once"))
                .arg(option("visibility", "WHO", "Who may open it").value_parser(["public", "members"]))
                .arg(option("memory", "SIZE", "Most memory, such as 512MiB; usual for what is usual"))
                .arg(option("processor", "NUMBER", "Most processors, such as 1.5; usual for all there are"))
                .arg(option("processes", "COUNT", "Most processes and threads, or usual"))
                .arg(option("disk", "SIZE", "Most data, such as 20GiB, or usual"))
                .arg(option("health-path", "PATH", "Asked by GET whether it is well"))
                .arg(option("health-status", "CODES", "Good answers, such as 2xx,404"))
                .arg(option("health-start", "SECONDS", "Until the first good answer"))
                .arg(option("health-every", "SECONDS", "Between later questions"))
                .arg(option("health-failures", "COUNT", "So many bad answers, and it is restarted"))
                .arg(switch("health-as-told", "Asks as the application itself says"))
                .arg(
                    option("backup-at", "TIME", "Backs it up every day, at this time in UTC, such as 02:00")
                        .value_parser(a_clock_time),
                )
                .arg(option("keep-days", "COUNT", "Of how many days one is kept"))
                .arg(option("keep-weeks", "COUNT", "Of how many weeks"))
                .arg(option("keep-months", "COUNT", "Of how many months"))
                .arg(switch("no-backups", "Backs it up by hand only"))
                .arg(several("set", "NAME=VALUE", "Sets this variable"))
                .arg(several(
                    "secret",
                    "NAME",
                    "Sets this variable to what is read, one line each, from standard input",
                ))
                .arg(several("unset", "NAME", "Takes this variable away")),
        ))
        .subcommand(verb("history", "Lists what was changed, newest first").arg(which()))
        .subcommand(working(
            verb("revert", "Undoes what a change did, as a change of its own").arg(which()).arg(needed(
                "change",
                "CHANGE",
                "Its number or id, as history lists it",
            )),
        ))
        .subcommand(
            noun("domain", "Host names of its own")
                .subcommand(
                    verb("add", "Claims a domain, and says how it is proved").arg(which()).arg(host()),
                )
                .subcommand(verb("check", "Looks now for the proof").arg(which()).arg(host()))
                .subcommand(verb("remove", "Gives a domain up: it stops serving").arg(which()).arg(host())),
        )
}

const STAGES: [&str; 3] = ["production", "staging", "development"];
