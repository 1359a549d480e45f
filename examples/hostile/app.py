"""Tries what an application in a sandbox mustn't be able to do, and says of each attempt how it went."""

import ctypes
import errno
import http.server
import os
import resource
import signal
import socket
import sys
import threading
import time

PORT = int(os.environ["PORT"])
results = []
over = threading.Event()


def say(kind, name, text):
    line = f"{kind}: {name}: {text}"
    results.append(line)
    print(line, flush=True)


def attempt(name, work):
    """Whatever raises was refused. What comes back was reached."""
    try:
        found = work()
    except Exception as error:
        say("refused", name, f"{type(error).__name__}: {error}")
    else:
        say("REACHED", name, found)


def given(name, separator):
    return [part for part in os.environ.get(name, "").split(separator) if part]


# Files


def read(path):
    if os.path.isdir(path):
        return f"{len(os.listdir(path))} entries"
    with open(path, "rb") as file:
        return f"{len(file.read(100))} bytes"


def write(path):
    with open(path, "ab"):
        return "opened for writing"


def files():
    for path in given("HOSTILE_FILES", ":"):
        attempt(f"reading {path}", lambda: read(path))
        attempt(f"writing {path}", lambda: write(path))
    for path in ["/etc/shadow", "/root", "/home", "/var/lib", "/run", "/sys", "/boot", "/proc/kcore", "/proc/1/root"]:
        attempt(f"reading {path}", lambda: read(path))
    for path in ["/app/planted", "/etc/passwd", "/usr/bin/planted", "/.stoa/init", "/proc/sys/kernel/core_pattern"]:
        attempt(f"writing {path}", lambda: write(path))
    attempt("a device", lambda: os.mknod("/tmp/device", 0o600 | 0o060000, os.makedev(8, 0)))
    attempt("finding secrets", find_secrets)


def find_secrets():
    wanted = {"master.key", "agent.key", "stoa.sqlite", "control.sock", "application.sock"}
    for folder, folders, names in os.walk("/"):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in ("/proc", "/usr")]
        for name in wanted & set(names):
            return os.path.join(folder, name)
    raise FileNotFoundError("none of " + ", ".join(sorted(wanted)))


# Sockets and addresses


def connect(address):
    host, _, port = address.rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), timeout=3).close()
    return "connected"


def connect_to_file(path):
    with socket.socket(socket.AF_UNIX) as stream:
        stream.connect(path)
    return "connected"


def network():
    for address in given("HOSTILE_ADDRESSES", ","):
        attempt(f"connecting to {address}", lambda: connect(address))
    attempt("metadata of the cloud", lambda: connect("169.254.169.254:80"))
    for port in {22, 80, 443, 2375, 5432, 8080} - {PORT}:
        attempt(f"the machine's loopback, port {port}", lambda: connect(f"127.0.0.1:{port}"))
        attempt(f"the machine by its gateway, port {port}", lambda: connect(f"10.0.2.2:{port}"))
    for address in ("10.0.0.1:80", "172.17.0.1:80", "192.168.0.1:80", "192.168.1.1:80", "100.64.0.1:80"):
        attempt(f"a private network, {address}", lambda: connect(address))
    for path in given("HOSTILE_SOCKETS", ":") + ["/run/docker.sock", "/var/run/docker.sock", "/run/systemd/private"]:
        attempt(f"the socket {path}", lambda: connect_to_file(path))
    attempt("a raw socket", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP))
    attempt("a packet socket", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))
    for folder in ("/run", "/var/run", "/.stoa", "/"):
        attempt(f"a link for its own socket in {folder}", lambda: os.symlink("/data", f"{folder}/application.sock"))


# Processes and the kernel


libc = ctypes.CDLL(None, use_errno=True)


def call(name, *arguments):
    if libc[name](*arguments) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return "done"


def other_processes():
    own = os.getpid()
    others = [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) not in (1, own)]
    if not others:
        raise ProcessLookupError("process 1 and this one are all")
    return others


def end_process_1():
    for number in sorted(set(signal.Signals) - {signal.SIGCHLD}):
        os.kill(1, number)
    time.sleep(0.5)
    os.kill(1, 0)
    raise PermissionError("process 1 hears none of them")


def processes():
    attempt("processes of others", other_processes)
    for name in ("environ", "mem", "maps", "fd"):
        attempt(f"/proc/1/{name}", lambda: read(f"/proc/1/{name}"))
    attempt("ptrace of process 1", lambda: call("ptrace", 16, 1, None, None))
    attempt("ending process 1", end_process_1)
    attempt("a user namespace", lambda: call("unshare", 0x10000000))
    attempt("another's namespace", lambda: call("setns", os.open("/proc/self/ns/net", os.O_RDONLY), 0))
    attempt("mounting", lambda: call("mount", b"none", b"/tmp", b"tmpfs", 0, None))
    attempt("another root", lambda: os.chroot("/tmp"))
    attempt("becoming root", lambda: os.setuid(0))
    attempt("more files than allowed", lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1 << 20, 1 << 20)))
    attempt("another host name", lambda: socket.sethostname("other"))
    attempt("another time", lambda: time.clock_settime(time.CLOCK_REALTIME, 0))


# Too much of everything. Bounded is what ends by itself and leaves the application standing.


def fork_bomb():
    children, ended = [], "the end of patience"
    try:
        while len(children) < 20_000:
            child = os.fork()
            if child == 0:
                signal.pause()
            children.append(child)
    except OSError as error:
        ended = type(error).__name__
    for child in children:
        os.kill(child, signal.SIGKILL)
    for child in children:
        os.waitpid(child, 0)
    kind = "REACHED" if ended == "the end of patience" else "bounded"
    say(kind, "fork bomb", f"{len(children)} processes, then {ended}")


def fill(path, most):
    written, chunk = 0, bytes(1 << 20)
    ended = "the end of patience"
    try:
        with open(path, "wb") as file:
            while written < most:
                file.write(chunk)
                file.flush()
                written += len(chunk)
    except OSError as error:
        ended = errno.errorcode[error.errno]
    os.unlink(path)
    kind = "REACHED" if ended == "the end of patience" else "bounded"
    say(kind, f"filling {os.path.dirname(path)}", f"{written >> 20} MiB, then {ended}")


def connections():
    listener = socket.create_server(("127.0.0.1", 0), backlog=16)
    open_ones, ended = [], "10,000 are open"
    try:
        while len(open_ones) < 20_000:
            open_ones.append(socket.create_connection(listener.getsockname(), timeout=1))
            open_ones.append(listener.accept()[0])
    except OSError as error:
        ended = type(error).__name__
    for one in [*open_ones, listener]:
        one.close()
    say("bounded", "10,000 connections to itself", f"{len(open_ones) // 2}, then {ended}")


def flood():
    line = b"x" * 65_535 + b"\n"
    for _ in range(16_384):
        sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()
    say("bounded", "1 GiB of log", "it was all taken; how much was kept is said beside it")


def try_all():
    for part in (files, network, processes, fork_bomb, connections, flood):
        part()
    fill("/dev/shm/full", 64 << 30)
    fill("/tmp/full", 64 << 30)
    reached = sum(line.startswith("REACHED") for line in results)
    print(f"done: {len(results) - reached} refused or bounded, {reached} reached", flush=True)
    over.set()


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path != "/health" and not over.is_set():
            self.send_response(202)
        else:
            self.send_response(200)
        body = "\n".join([*results, ""]).encode()
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


# The forks of one thread don't take others along, so all is tried beside the server.
server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Answer)
threading.Thread(target=try_all, daemon=True).start()
server.serve_forever()
