# Lists an Odoo database's users, opens a session as one of them, ends it, by Odoo's own code (16.0 and later). Run with
# the Python that runs Odoo; the first argument is the verb, the others are those of the application's own command.
import json
import os
import sys

answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)
verb, options = sys.argv[1], sys.argv[2:]
asked = json.load(sys.stdin)
sys.path.insert(0, os.getcwd())

try:
    import odoo
    import odoo.http
    from odoo.modules.registry import Registry
    from odoo.tools import config
except ImportError as error:
    sys.exit("Odoo can't be loaded by the Python that was found: %s" % error)

config.parse_config(options)
database = config["db_name"]
if isinstance(database, (list, tuple)):
    database = database[0] if len(database) == 1 else None
if not database or "," in database:
    sys.exit("its configuration doesn't name one database (db_name)")


def told(user):
    return {"id": str(user.id), "login": user.login, "name": user.name or user.login, "active": bool(user.active)}


def list_users(env):
    query, limit = asked["query"].strip(), asked["limit"]
    domain = [("share", "in", [False, True])]
    if query:
        domain = ["|", ("login", "ilike", query), ("name", "ilike", query)]
        if query.isdigit():
            domain = ["|", ("id", "=", int(query))] + domain
    users = env["res.users"].with_context(active_test=False)
    for user in users.search(domain, limit=limit, order="login"):
        print(json.dumps(told(user)), file=answer)


def open_session(env):
    if not asked["user"].isdigit():
        sys.exit("there is no such user")
    user = env["res.users"].with_context(active_test=False).browse(int(asked["user"])).exists()
    if not user:
        sys.exit("there is no such user")
    if not user.active:
        sys.exit("this user isn't active")
    # As odoo.http.Session.authenticate and finalize leave one.
    store = odoo.http.root.session_store
    session = store.new()
    session.update(odoo.http.get_default_session())
    session.db = database
    session.uid = user.id
    session.login = user.login
    session.context = dict(user.with_user(user.id).context_get())
    session.session_token = user._compute_session_token(session.sid)
    store.save(session)
    cookie = {"name": "session_id", "value": session.sid, "path": "/"}
    print(json.dumps({"cookies": [cookie], "path": "/web"}), file=answer)


def end_session():
    store = odoo.http.root.session_store
    for cookie in asked["cookies"]:
        if cookie["name"] == "session_id" and store.is_valid_key(cookie["value"]):
            store.delete(store.get(cookie["value"]))


if verb == "end":
    end_session()
else:
    with Registry(database).cursor() as cursor:
        env = odoo.api.Environment(cursor, odoo.SUPERUSER_ID, {})
        {"list": list_users, "open": open_session}[verb](env)
answer.flush()
