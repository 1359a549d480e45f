import contextlib
import os
import sqlite3


class Registry:
    def __init__(self, database):
        self.file = f"/data/{database}.sqlite"

    @contextlib.contextmanager
    def cursor(self):
        is_new = not os.path.exists(self.file)
        connection = sqlite3.connect(self.file)
        if is_new:
            connection.execute("CREATE TABLE res_users (id INTEGER PRIMARY KEY, login TEXT, name TEXT, active, password)")
            people = [(2, "admin", "Mitchell Admin", 1, "a"), (6, "demo", "Marc Demo", 1, "b"), (7, "gone", "Gone", 0, "c")]
            connection.executemany("INSERT INTO res_users VALUES (?, ?, ?, ?, ?)", people)
        try:
            yield connection
            connection.commit()
        finally:
            connection.close()
