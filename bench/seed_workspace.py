"""Fills a workspace of a Stoa on SQLite that isn't running: members with profiles, projects and instances.

    python3 bench/seed_workspace.py DATA_DIR WORKSPACE_SLUG [--members 500] [--instances 2000]

The workspace has to be there, with one server. What is made is the same each time: profiles of a handful of entries for
most, of a thousand for some, of nothing for a few, and some that end. Nothing of it can sign in or be started.
"""

import argparse
import hashlib
import random
import re
import sqlite3
import time
import unicodedata
import uuid

ACTIONS = [
    "view_projects", "restart_instances", "connect_as_user", "merge_branches", "stop_instances",
    "delete_instances", "manage_backups", "view_logs", "use_ide", "manage_settings",
]
PRESETS = [
    ["view_projects", "restart_instances", "connect_as_user", "merge_branches", "stop_instances", "view_logs", "use_ide"],
    ["view_projects", "restart_instances", "connect_as_user", "view_logs"],
    ["connect_as_user", "view_logs"],
    ["view_projects"],
]
FIRST = ["Ada", "Ben", "Chen", "Dora", "Emil", "Fatou", "Grete", "Hugo", "Ines", "Jan", "Kofi", "Lena", "Milo", "Nora"]
LAST = ["Adler", "Brandt", "Costa", "Diallo", "Eriksen", "Ferreira", "Garcia", "Haddad", "Iyer", "Jensen", "Novák"]
DAY = 24 * 3600 * 1_000_000


def new_id(seed: random.Random, now: int) -> bytes:
    """A UUIDv7 of the moment, 16 bytes: `now` in microseconds."""
    random_bits = seed.getrandbits(74)
    value = (now // 1000) << 80 | 0x7 << 76 | (random_bits >> 62) << 64 | 0b10 << 62 | random_bits & ((1 << 62) - 1)
    return uuid.UUID(int=value).bytes


def sorted_as(name: str) -> str:
    """As Stoa writes names to sort them: the lists go on behind the one that was read last by it."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub("[0-9]+", lambda found: f"{len(found[0].lstrip('0')):03}{found[0].lstrip('0')}", letters)


def main() -> None:
    wish = argparse.ArgumentParser(description=__doc__)
    wish.add_argument("data_dir")
    wish.add_argument("workspace")
    wish.add_argument("--members", type=int, default=500)
    wish.add_argument("--instances", type=int, default=2000)
    wish = wish.parse_args()
    seed = random.Random(hashlib.sha256(wish.workspace.encode()).hexdigest())
    now = time.time_ns() // 1000
    base = sqlite3.connect(f"{wish.data_dir}/stoa.sqlite")
    base.execute("PRAGMA foreign_keys = ON")
    find = "SELECT workspace_id FROM workspace_slugs WHERE slug = ?"
    (workspace,) = base.execute(find, (wish.workspace,)).fetchone()
    (server,) = base.execute("SELECT id FROM servers WHERE workspace_id = ?", (workspace,)).fetchone()
    projects = [new_id(seed, now) for _ in range(max(1, wish.instances // 50))]
    base.executemany(
        "INSERT INTO projects (id, workspace_id, slug, name, kind, default_branch, revision, created_at)"
        " VALUES (?, ?, ?, ?, 'hosted', 'main', 1, ?)",
        [(one, workspace, f"site-{at:03}", f"site-{at:03}", now) for at, one in enumerate(projects)],
    )
    instances = [new_id(seed, now) for _ in range(wish.instances)]
    stages = ["production", "staging", "development"]
    (first_user,) = base.execute("SELECT COALESCE(MAX(os_user), 100000) + 1 FROM instances").fetchone()
    base.executemany(
        "INSERT INTO instances (id, workspace_id, project_id, server_id, slug, name, stage, branch, wish, status,"
        " visibility, is_protected, os_user, revision, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 'main', 'stopped', 'stopped', 'members', FALSE, ?, 1, ?)",
        [
            (one, workspace, projects[at % len(projects)], server, f"site-{at % len(projects):03}-{at:04}",
             f"site-{at % len(projects):03}-{at:04}", stages[at % 3], first_user + at, now)
            for at, one in enumerate(instances)
        ],
    )
    for at in range(wish.members):
        account, member = new_id(seed, now), new_id(seed, now)
        name = f"{seed.choice(FIRST)} {seed.choice(LAST)} {at:03}"
        email = f"member-{at:03}@example.com"
        base.execute(
            "INSERT INTO accounts (id, name, email, email_canonical, email_verified_at, is_admin, mail_on_failure,"
            " status, revision, created_at, last_seen_at) VALUES (?, ?, ?, ?, ?, FALSE, TRUE, 'active', 1, ?, ?)",
            (account, name, email, email, now, now, now - seed.randrange(30 * DAY)),
        )
        base.execute(
            "INSERT INTO members (id, workspace_id, account_id, role, access_revision, joined_at, last_seen_at)"
            " VALUES (?, ?, ?, 'member', 1, ?, ?)",
            (member, workspace, account, now, now - seed.randrange(30 * DAY)),
        )
        if at % 20 == 19:
            continue
        actions = set(PRESETS[at % len(PRESETS)]) | ({seed.choice(ACTIONS)} if at % 7 == 0 else set())
        many = 1000 if at % 50 == 0 else seed.randrange(1, 40)
        ends = now + seed.randrange(1, 40) * DAY if at % 9 == 0 else None
        base.executemany(
            "INSERT INTO member_actions (workspace_id, member_id, action, until_at) VALUES (?, ?, ?, ?)",
            [(workspace, member, action, ends if action == "view_logs" else None) for action in sorted(actions)],
        )
        base.executemany(
            "INSERT INTO member_instances (workspace_id, member_id, instance_id) VALUES (?, ?, ?)",
            [(workspace, member, one) for one in seed.sample(instances, min(many, len(instances)))],
        )
        base.executemany(
            "INSERT INTO member_projects (workspace_id, member_id, project_id) VALUES (?, ?, ?)",
            [(workspace, member, one) for one in seed.sample(projects, min(len(projects), 1 + many // 50))],
        )
        if at % 5 == 0:
            base.execute(
                "INSERT INTO member_servers (workspace_id, member_id, server_id) VALUES (?, ?, ?)",
                (workspace, member, server),
            )
    for table in ("projects", "instances", "accounts"):
        names = base.execute(f"SELECT id, name FROM {table} WHERE sorted_as = ''").fetchall()
        base.executemany(
            f"UPDATE {table} SET sorted_as = ? WHERE id = ?", [(sorted_as(name), one) for one, name in names]
        )
    base.commit()
    base.close()


if __name__ == "__main__":
    main()
