"""Flask applications that share their sessions with Rust through Flask-Session.

The arguments are the URL of Redis and, for each application, a format and a secret. The program
prints the port of each application.
"""

import math
import os
import sys
import threading
from datetime import datetime, timedelta, timezone
from uuid import UUID

from flask import Flask, current_app, flash, get_flashed_messages, session
from flask_session import Session
from redis import Redis
from werkzeug.serving import WSGIRequestHandler, make_server


def create_app(redis_url, serialization_format, secret):
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=secret or None,
        SESSION_TYPE="redis",
        SESSION_REDIS=Redis.from_url(redis_url),
        SESSION_SERIALIZATION_FORMAT=serialization_format,
        SESSION_USE_SIGNER=bool(secret),
        SESSION_COOKIE_SAMESITE="Lax",
    )
    Session(app)
    app.post("/login")(login)
    app.get("/state")(state)
    app.post("/visit")(visit)
    app.post("/set-all")(set_all)
    app.post("/flash")(say)
    app.get("/flashes")(flashes)
    app.post("/regenerate")(regenerate)
    app.post("/logout")(logout)
    return app


def login():
    session["user"] = "ada"
    return ""


def state():
    return {key: describe(value) for key, value in session.items()}


def visit():
    session["visits"] = session.get("visits", 0) + 1
    return ""


def set_all():
    session.update(
        nothing=None,
        yes=True,
        greeting='Grüß "dich" 日本 😀\n\u2028',
        numbers=[0, -1, 127, 128, 2**32, 2**63 - 1, -(2**63), 2**64 - 1],
        ratio=0.1,
        whole=2.0,
        pair=(1, "two"),
        tree={"a": {"b": [1, {"c": []}]}, "é": {}},
        like_tuple={" t": [1, 2]},
        like_escape={" di": {" di": "x"}},
        token=b"\x00\xff hi",
        seen=datetime(2023, 11, 14, 23, 13, 20, 123456, tzinfo=timezone(timedelta(hours=1))),
        born=datetime(1815, 12, 10, tzinfo=timezone.utc),
        naive=datetime(2023, 11, 14, 22, 13, 20),
        order=UUID("12345678-1234-5678-1234-567812345678"),
        by_number={1: "one", -2: "minus two"},
        no_number=math.nan,
    )
    return ""


def say():
    flash("Saved")
    flash("No such product: <42>", "error")
    return ""


def flashes():
    return [list(message) for message in get_flashed_messages(with_categories=True)]


def regenerate():
    current_app.session_interface.regenerate(session)
    return ""


def logout():
    session.clear()
    return ""


def describe(value):
    if isinstance(value, dict):
        return ["dict", [[describe(key), describe(item)] for key, item in value.items()]]
    if isinstance(value, list):
        return ["list", [describe(item) for item in value]]
    return [type(value).__name__, repr(value)]


class QuietHandler(WSGIRequestHandler):
    def log(self, *_):
        pass


def end_with_the_caller():
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    redis_url, *settings = sys.argv[1:]
    for serialization_format, secret in zip(settings[::2], settings[1::2]):
        app = create_app(redis_url, serialization_format, secret)
        server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.port, flush=True)
    end_with_the_caller()
