"""A guestbook: the Python standard library and SQLite."""

import html
import http.server
import os
import signal
import sqlite3
import sys
import threading
import urllib.parse

DATABASE = os.path.join(os.environ.get("STOA_DATA", "."), "guestbook.db")
LONGEST_NAME, LONGEST_TEXT, LARGEST_BODY = 60, 500, 8192

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Guestbook</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root {{ color-scheme: light dark; --line: #8884; --accent: #3552d4; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1.25rem; }}
h1 {{ font-size: 1.75rem; margin: 0 0 .25rem; }} small {{ opacity: .65; }}
form {{ display: grid; gap: .75rem; margin: 1.5rem 0 2rem; }}
input, textarea {{ font: inherit; padding: .5rem .65rem; border: 1px solid var(--line); border-radius: .5rem; background: transparent; color: inherit; }}
button {{ font: inherit; font-weight: 600; padding: .55rem 1rem; border: 0; border-radius: .5rem; background: var(--accent); color: white; justify-self: start; cursor: pointer; }}
article {{ border-top: 1px solid var(--line); padding: .9rem 0; }} article p {{ margin: .25rem 0 0; white-space: pre-wrap; }}
</style></head><body>
<h1>{greeting}</h1><small>{stage} · commit {commit}</small>
<form method="post" action="/"><input name="name" placeholder="Your name" maxlength="60" required aria-label="Your name">
<textarea name="text" rows="3" placeholder="What would you like to say?" maxlength="500" required aria-label="Your words"></textarea>
<button>Sign the guestbook</button></form>
{entries}
</body></html>"""


def connect():
    connection = sqlite3.connect(DATABASE, timeout=10)
    connection.execute("PRAGMA journal_mode = WAL")
    return connection


def migrate():
    with connect() as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS entries (id INTEGER PRIMARY KEY, name TEXT NOT NULL, text TEXT NOT NULL,"
            " at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)"
        )
    print("The table is there.", flush=True)


class Guestbook(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "guestbook"
    sys_version = ""

    def answer(self, status, body, kind="text/html; charset=utf-8", **headers):
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        if self.server.ending:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def do_GET(self):
        if self.path == "/health":
            return self.answer(200, "well\n", "text/plain")
        if self.path != "/":
            return self.answer(404, "Nothing here.\n", "text/plain")
        with connect() as connection:
            rows = connection.execute("SELECT name, text, at FROM entries ORDER BY id DESC LIMIT 100").fetchall()
        entries = "".join(
            f"<article><strong>{html.escape(name)}</strong> <small>{html.escape(at)}</small><p>{html.escape(text)}</p></article>"
            for name, text, at in rows
        )
        page = PAGE.format(
            greeting=html.escape(os.environ.get("GREETING", "Welcome")),
            stage=html.escape(os.environ.get("STOA_STAGE", "development")),
            commit=html.escape(os.environ.get("STOA_COMMIT", "none")[:8]),
            entries=entries or "<p><small>Nobody has signed yet. Be the first.</small></p>",
        )
        self.answer(200, page)

    do_HEAD = do_GET

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST_BODY:
            self.close_connection = True
            return self.answer(413, "That is more than fits into a guestbook.\n", "text/plain")
        fields = urllib.parse.parse_qs(self.rfile.read(length).decode("utf-8", "replace"))
        name = fields.get("name", [""])[0].strip()[:LONGEST_NAME]
        text = fields.get("text", [""])[0].strip()[:LONGEST_TEXT]
        if not name or not text:
            return self.answer(422, "A name and some words, please.\n", "text/plain")
        with connect() as connection:
            connection.execute("INSERT INTO entries (name, text) VALUES (?, ?)", (name, text))
        self.answer(303, "", Location="/")

    def log_message(self, form, *arguments):
        print(f"{self.command} {self.path} {form % arguments}", flush=True)


class Server(http.server.ThreadingHTTPServer):
    # Requests that are under way when it is asked to end are answered.
    daemon_threads = False
    ending = False
    request_queue_size = 128


def serve():
    migrate()
    port = int(os.environ.get("PORT", "8000"))
    server = Server(("127.0.0.1", port), Guestbook)

    def end(*_):
        server.ending = True
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    print(f"The guestbook listens on port {port}.", flush=True)
    server.serve_forever(poll_interval=0.05)
    print("The guestbook ends.", flush=True)
    # Connections that are kept open say nothing more: nobody waits for them.
    os._exit(0)


if __name__ == "__main__":
    if sys.argv[1:] == ["migrate"]:
        migrate()
    else:
        serve()
