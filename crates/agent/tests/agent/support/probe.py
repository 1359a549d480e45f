"""Answers each connection with what the Python text that it sends leaves in `answer`."""
import os
import signal
import socketserver
import sys

if "IGNORE_TERM" in os.environ:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


class Question(socketserver.StreamRequestHandler):
    def handle(self):
        scope = {"out": sys.stdout}
        try:
            exec(self.rfile.read().decode(), scope)
            answer = str(scope.get("answer"))
        except BaseException as error:
            answer = f"{type(error).__name__}: {error}"
        self.wfile.write(answer.encode())


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256


Server(("127.0.0.1", int(os.environ["PORT"])), Question).serve_forever()
