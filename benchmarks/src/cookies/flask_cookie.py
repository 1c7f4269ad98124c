"""Flask's signed cookie without a server.

Reads the work and its duration, and prints the operations per second.
"""

import json
import sys
import time

from flask import Flask, Response

app = Flask(__name__)
app.secret_key = "b0c1f4a7d92e6835a1f0473be85dc6291e7fa3058cd4b96271e8fd3a50c794b2"
interface = app.session_interface
BLOCK = 64


def opened(cookie):
    environment = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "SERVER_NAME": "example.com", "SERVER_PORT": "443",
                   "wsgi.url_scheme": "https", "HTTP_COOKIE": cookie}
    return interface.open_session(app, app.request_class(environment))


def set_cookie(session):
    response = Response()
    interface.save_session(app, session, response)
    return response.headers["Set-Cookie"]


def open_one(cookie):
    return opened(cookie)["user_id"]


def open_all(cookie):
    return len(opened(cookie))


def save(cookie):
    session = opened(cookie)
    session["user_id"] = 43
    return set_cookie(session)


session = opened("")
session.update(json.loads(sys.argv[1]))
header = "theme=dark; " + set_cookie(session).split(";")[0]
assert open_one(header) == 42

for line in sys.stdin:
    work, seconds = line.split()
    spent, done = 0.0, 0
    while spent < float(seconds):
        call = {"OpenOne": open_one, "OpenAll": open_all, "Save": save}[work]
        start = time.perf_counter()
        for _ in range(BLOCK):
            call(header)
        spent += time.perf_counter() - start
        done += BLOCK
    print(done / spent, flush=True)
