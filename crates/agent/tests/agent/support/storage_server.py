"""moto's S3 behind a door that can be shut: one bucket, and one user whose signature is checked."""

import logging
import os
import socket
import sys
import threading
import time

# The four calls that make the user and the bucket; all others are checked.
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "4"
for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
    os.environ[name] = "nobody"
# Whatever it is called: the bucket stands in the path.
os.environ["S3_IGNORE_SUBDOMAIN_BUCKETNAME"] = "true"
os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
logging.disable(logging.CRITICAL)

import boto3  # noqa: E402
from moto.server import ThreadedMotoServer  # noqa: E402

BUCKET = "stoa-backups"
AWAY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

folder = sys.argv[1]


def mode():
    try:
        with open(os.path.join(folder, "mode")) as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""


def copy(source, target, is_asking):
    try:
        while piece := source.recv(65536):
            while mode() == "stall":
                time.sleep(0.05)
            if is_asking and mode() == "away":
                source.sendall(AWAY)
                break
            target.sendall(piece)
    except OSError:
        pass
    for one in (source, target):
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def door(listener, port):
    while True:
        asking, _ = listener.accept()
        answering = socket.create_connection(("127.0.0.1", port))
        threading.Thread(target=copy, args=(asking, answering, True), daemon=True).start()
        threading.Thread(target=copy, args=(answering, asking, False), daemon=True).start()


server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
port = server._server.server_port
address = f"http://127.0.0.1:{port}"
users = boto3.client("iam", endpoint_url=address)
users.create_user(UserName="stoa")
key = users.create_access_key(UserName="stoa")["AccessKey"]
policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
users.put_user_policy(UserName="stoa", PolicyName="all", PolicyDocument=policy)
boto3.client("s3", endpoint_url=address).create_bucket(Bucket=BUCKET)

listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=door, args=(listener, port), daemon=True).start()
print(listener.getsockname()[1], BUCKET, key["AccessKeyId"], key["SecretAccessKey"], flush=True)
sys.stdin.read()
os._exit(0)
