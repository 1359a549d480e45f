//! What can be typed: nouns, their verbs, and what goes with them.

use clap::{Arg, ArgAction, Command};

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
}

fn logout() -> Command {
    Command::new("logout")
        .about("Ends the access token of this machine, and forgets it")
        .arg(
            Arg::new("url").value_name("URL").help("Where, if not at the address that was signed in at last"),
        )
        .arg(switch("keep-token", "Only forgets it: the token goes on"))
}

fn noun(name: &'static str, about: &'static str) -> Command {
    Command::new(name).about(about).subcommand_required(true).arg_required_else_help(true)
}

fn verb(name: &'static str, about: &'static str) -> Command {
    Command::new(name)
        .about(about)
        .arg(option("url", "URL", "Which installation [STOA_URL, or the one that was signed in at last]"))
        .arg(
            Arg::new("workspace")
                .long("workspace")
                .short('w')
                .value_name("SLUG")
                .help("Which workspace [as said by stoa workspace use]"),
        )
        .arg(switch("json", "Prints the API's own objects"))
}

/// One that takes something away.
fn ending(name: &'static str, about: &'static str) -> Command {
    verb(name, about).arg(switch("yes", "Doesn't ask for the name"))
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
        .subcommand(verb("list", "All of yours").arg(search()))
        .subcommand(verb("show", "One of them").arg(which()))
        .subcommand(
            verb("create", "Makes one, which you own").arg(needed("name", "NAME", "Its name")).arg(option(
                "slug",
                "SLUG",
                "Its slug, instead of one made from the name",
            )),
        )
        .subcommand(
            verb("change", "Changes one")
                .arg(which())
                .arg(option("name", "NAME", "A new name"))
                .arg(option("slug", "SLUG", "A new slug; the old one leads there for its members"))
                .arg(option("color", "#RRGGBB", "A new primary colour")),
        )
        .subcommand(ending("delete", "Deletes one, with all in it").arg(which()))
        .subcommand(verb("use", "The one that is meant where none is named").arg(which()))
}

fn member() -> Command {
    let which = || needed("which", "MEMBER", "E-mail address, name or id");
    noun("member", "Members of the workspace")
        .subcommand(verb("list", "All of them").arg(search()))
        .subcommand(verb("show", "One of them").arg(which()))
        .subcommand(
            verb("change", "Makes one an owner, or a plain member again").arg(which()).arg(
                option("role", "ROLE", "owner or member").required(true).value_parser(["owner", "member"]),
            ),
        )
        .subcommand(ending("remove", "Removes one; yourself: leaves").arg(which()))
}

fn invite() -> Command {
    let which = || needed("which", "ADDRESS", "The address that was invited, or the invitation's id");
    noun("invite", "Invitations into the workspace")
        .subcommand(verb("list", "Those that wait").arg(search()))
        .subcommand(
            verb("create", "Invites one or more addresses")
                .arg(needed("which", "ADDRESS", "E-mail addresses").num_args(1..).action(ArgAction::Append))
                .arg(option("message", "TEXT", "A few words to those who are invited")),
        )
        .subcommand(verb("resend", "Makes a new link, which ends the old one").arg(which()))
        .subcommand(verb("revoke", "Takes one back").arg(which()))
}

fn permission() -> Command {
    let which = || needed("which", "MEMBER", "E-mail address, name or id");
    noun("permission", "What a member may see and do")
        .subcommand(verb("show", "All that one may").arg(which()))
        .subcommand(
            verb("set", "Changes what one may: whole lists, or single words of them")
                .arg(which())
                .arg(option(
                    "actions",
                    "KEYS",
                    "These actions and no others, separated by commas; \"\" for none",
                ))
                .arg(option("projects", "SLUGS", "These projects and no others"))
                .arg(option("instances", "SLUGS", "These instances and no others"))
                .arg(option("servers", "SLUGS", "These servers and no others"))
                .arg(several("add", "WORD", "An action, or project:SLUG, instance:SLUG, server:SLUG"))
                .arg(several("remove", "WORD", "The same, taken away"))
                .arg(
                    option("preset", "NAME", "The actions of this preset and no others")
                        .conflicts_with("actions"),
                )
                .arg(several(
                    "until",
                    "WORD=TIME",
                    "When that ends, such as view_logs=2026-12-01T00:00:00Z; \"WORD=\": never",
                )),
        )
        .subcommand(verb("presets", "Actions that go together by a name"))
        .subcommand(
            verb("who", "Everybody who may do something")
                .arg(option("action", "KEY", "The action, such as restart_instances").required(true))
                .arg(option("project", "SLUG", "On this project"))
                .arg(option("instance", "SLUG", "On this instance"))
                .arg(option("server", "SLUG", "On this server")),
        )
        .subcommand(
            verb("explain", "Why one may do something, or may not")
                .arg(which())
                .arg(option("action", "KEY", "The action, such as restart_instances").required(true))
                .arg(option("project", "SLUG", "On this project"))
                .arg(option("instance", "SLUG", "On this instance"))
                .arg(option("server", "SLUG", "On this server")),
        )
}

fn server() -> Command {
    let which = || needed("which", "SERVER", "Slug or id");
    noun("server", "Servers of the workspace")
        .subcommand(verb("list", "All that you may see").arg(search()))
        .subcommand(verb("show", "One of them, and its machine").arg(which()))
        .subcommand(
            verb("create", "Adds one")
                .arg(needed("name", "NAME", "Its name"))
                .arg(switch("local", "The machine that Stoa stands on")),
        )
        .subcommand(
            verb("change", "Renames one")
                .arg(which())
                .arg(option("name", "NAME", "A new name").required(true)),
        )
        .subcommand(ending("delete", "Takes one out of the workspace").arg(which()))
}

fn project() -> Command {
    let which = || needed("which", "PROJECT", "Slug or id");
    noun("project", "Projects of the workspace")
        .subcommand(verb("list", "All that you may see").arg(search()))
        .subcommand(verb("show", "One of them, and where to push").arg(which()))
        .subcommand(
            verb("create", "Makes one, with a repository here")
                .arg(needed("name", "NAME", "Its name"))
                .arg(option("default-branch", "BRANCH", "Its first branch [main]")),
        )
        .subcommand(
            verb("change", "Changes one")
                .arg(which())
                .arg(option("name", "NAME", "A new name"))
                .arg(option("slug", "SLUG", "A new slug"))
                .arg(option("default-branch", "BRANCH", "Another default branch")),
        )
        .subcommand(ending("delete", "Deletes one, and its repository").arg(which()))
        .subcommand(verb("branches", "Its branches, and what runs of them").arg(which()).arg(search()))
        .subcommand(
            verb("commits", "The newest commits of a branch")
                .arg(which())
                .arg(option("branch", "BRANCH", "Which branch [the default one]"))
                .arg(
                    option("limit", "COUNT", "How many [20]")
                        .value_parser(clap::value_parser!(u16).range(1..=200)),
                ),
        )
}

fn instance() -> Command {
    let which = || needed("which", "INSTANCE", "Slug or id");
    noun("instance", "Instances of the workspace")
        .subcommand(
            verb("list", "All that you may see")
                .arg(search())
                .arg(option("project", "PROJECT", "Only of this project"))
                .arg(option("server", "SERVER", "Only on this server"))
                .arg(option("stage", "STAGE", "Only of this stage").value_parser(STAGES))
                .arg(option("status", "STATUS", "Only in this state")),
        )
        .subcommand(verb("show", "One of them").arg(which()))
        .subcommand(working(
            verb("create", "Makes one, and deploys it")
                .arg(needed("name", "NAME", "Its name"))
                .arg(option("project", "PROJECT", "What it runs").required(true))
                .arg(option("server", "SERVER", "Where").required(true))
                .arg(
                    option("stage", "STAGE", "production, staging or development")
                        .required(true)
                        .value_parser(STAGES),
                )
                .arg(option("branch", "BRANCH", "Which branch").required(true))
                .arg(option("visibility", "WHO", "Who may open it").value_parser(["public", "members"]))
                .arg(several("set", "NAME=VALUE", "A variable of its environment"))
                .arg(several(
                    "secret",
                    "NAME",
                    "A variable whose value is read, one line each, from standard input",
                )),
        ))
        .subcommand(
            verb("change", "Changes one")
                .arg(which())
                .arg(option("name", "NAME", "A new name"))
                .arg(option("visibility", "WHO", "Who may open it").value_parser(["public", "members"]))
                .arg(
                    option("protected", "true|false", "Whether it can be deleted")
                        .value_parser(["true", "false"]),
                ),
        )
        .subcommand(working(
            ending("delete", "Deletes one, with its data")
                .arg(which())
                .arg(switch("cancel", "Cancels what goes on there first")),
        ))
        .subcommand(working(verb("start", "Starts one that is stopped").arg(which())))
        .subcommand(working(
            verb("stop", "Stops one").arg(which()).arg(switch("cancel", "Cancels what goes on there first")),
        ))
        .subcommand(working(
            verb("restart", "Restarts one; requests wait meanwhile")
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
        .subcommand(verb("deployments", "Its latest deployments").arg(which()).arg(
            option("limit", "COUNT", "How many [20]").value_parser(clap::value_parser!(u16).range(1..=200)),
        ))
        .subcommand(
            verb("logs", "What it has written")
                .arg(which())
                .arg(switch("follow", "Goes on with what it writes").short('f'))
                .arg(option("deployment", "NUMBER", "Of this deployment, instead of the application"))
                .arg(search())
                .arg(option("since", "TIME", "From this time on, such as 2026-11-24T12:00:00Z"))
                .arg(option("until", "TIME", "Up to this time"))
                .arg(
                    option("limit", "COUNT", "So many lines [100]")
                        .value_parser(clap::value_parser!(u16).range(1..=10_000)),
                ),
        )
        .subcommand(
            verb("environment", "Its variables, and changes of them; values of secret ones are never told")
                .arg(which())
                .arg(several("set", "NAME=VALUE", "Sets this one"))
                .arg(several(
                    "secret",
                    "NAME",
                    "Sets this one to what is read, one line each, from standard input",
                ))
                .arg(several("unset", "NAME", "Takes this one away")),
        )
        .subcommand(verb("cancel", "Cancels what waits or goes on there").arg(which()))
}

const STAGES: [&str; 3] = ["production", "staging", "development"];
