"""Flask's signed cookie without a server: reads a work and a time, and prints how often a second it was done."""

import json
import sys
import time

from flask import Flask, Response

app = Flask(__name__)
app.secret_key = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
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


def save(session):
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
        things = [opened(header) if work == "Save" else header for _ in range(BLOCK)]
        call = {"OpenOne": open_one, "OpenAll": open_all, "Save": save}[work]
        start = time.perf_counter()
        for thing in things:
            call(thing)
        spent += time.perf_counter() - start
        done += BLOCK
    print(done / spent, flush=True)
