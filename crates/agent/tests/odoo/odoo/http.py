import json
import os
import re
import secrets

from .tools import config


def get_default_session():
    return {"context": {}, "db": None, "debug": "", "login": None, "uid": None, "session_token": None}


class Session(dict):
    def __init__(self, data, sid):
        super().__init__(data)
        self.__dict__["sid"] = sid

    def __getattr__(self, name):
        return self.get(name)

    def __setattr__(self, name, value):
        self[name] = value


class FilesystemSessionStore:
    def is_valid_key(self, key):
        return re.fullmatch(r"[A-Za-z0-9_-]{84}", key) is not None

    def file(self, sid):
        return os.path.join(config["data_dir"], "sessions", sid[:2], sid)

    def new(self):
        return Session({}, secrets.token_urlsafe(63))

    def get(self, sid):
        try:
            assert self.is_valid_key(sid)
            with open(self.file(sid)) as file:
                return Session(json.load(file), sid)
        except (AssertionError, OSError):
            return self.new()

    def save(self, session):
        os.makedirs(os.path.dirname(self.file(session.sid)), exist_ok=True)
        with open(self.file(session.sid), "w") as file:
            json.dump(session, file)

    def delete(self, session):
        try:
            os.remove(self.file(session.sid))
        except OSError:
            pass


class Root:
    session_store = FilesystemSessionStore()


root = Root()
