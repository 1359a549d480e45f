import hashlib
import hmac


class User:
    """One record of res.users, or none."""

    def __init__(self, env, row):
        self.env, self.row = env, row
        if row:
            self.id, self.login, self.name, self.active, self.password = row

    def __bool__(self):
        return self.row is not None

    def exists(self):
        return self

    def with_user(self, _user):
        return self

    def context_get(self):
        return {"lang": "en_US", "tz": "UTC", "uid": self.id}

    def _compute_session_token(self, sid):
        told = f"{self.id} {self.login} {self.password} {bool(self.active)}"
        return hmac.new(told.encode(), sid.encode(), hashlib.sha256).hexdigest()


class Users:
    def __init__(self, env):
        self.env = env

    def with_context(self, **_):
        return self

    def browse(self, id):
        row = self.env.cr.execute("SELECT * FROM res_users WHERE id = ?", [id]).fetchone()
        return User(self.env, row)

    def search(self, domain, limit=None, order=None):
        """The words that the domain is made of are enough here: ids are equal, texts are part of it."""
        rows = self.env.cr.execute(f"SELECT * FROM res_users ORDER BY {order}").fetchall()
        terms = [term for term in domain if isinstance(term, tuple) and term[0] != "share"]

        def fits(user):
            values = {"id": lambda value: user.id == value}
            texts = {"login": user.login, "name": user.name}
            return not terms or any(
                values[name](value) if name in values else value.lower() in texts[name].lower()
                for name, _, value in terms
            )

        return [user for user in (User(self.env, row) for row in rows) if fits(user)][:limit]


class Environment:
    def __init__(self, cr, uid, context):
        self.cr, self.uid, self.context = cr, uid, context

    def __getitem__(self, name):
        assert name == "res.users"
        return Users(self)
