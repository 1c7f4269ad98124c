"""A Flask application that shares its session with the Rust application.

It serves on a free port and prints the port.
"""

import argparse
import hashlib
import os
import sys
import threading
import uuid
from datetime import datetime, timedelta, timezone

from flask import Flask, flash, get_flashed_messages, session
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import CSRFProtect, generate_csrf
from markupsafe import Markup
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.serving import WSGIRequestHandler, make_server

import values


def create_app(arguments):
    parser = argparse.ArgumentParser()
    parser.add_argument("--key", required=True)
    parser.add_argument("--fallback", action="append", default=[])
    parser.add_argument("--digest", choices=["sha1", "sha256", "sha512"], default="sha1")
    options = parser.parse_args(arguments)

    app = Flask(__name__)
    # The header X-Forwarded-Proto says whether a request was sent over HTTPS.
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=0, x_proto=1)
    app.config.update(
        SECRET_KEY=options.key,
        SECRET_KEY_FALLBACKS=options.fallback,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_CHECK_DEFAULT=False,
    )

    class Sessions(SecureCookieSessionInterface):
        digest_method = staticmethod(getattr(hashlib, options.digest))

    if options.digest != "sha1":
        app.session_interface = Sessions()
    add_routes(app)
    add_protected_routes(app)
    return app


def add_routes(app):
    app.post("/login")(login)
    app.get("/state")(state)
    app.post("/visit")(visit)
    app.post("/set-all")(set_all)
    app.post("/flash")(say)
    app.get("/flashes")(flashes)
    app.post("/big")(big)
    app.post("/logout")(logout)


def add_protected_routes(app):
    csrf = CSRFProtect(app)

    @app.get("/csrf-token")
    def token():
        return generate_csrf()

    @app.post("/protected")
    def protected():
        csrf.protect()
        return "done"


def login():
    session["user"] = "ada"
    session.permanent = True
    return ""


def state():
    return values.describe(dict(session))[1]


def visit():
    session["visits"] = session.get("visits", 0) + 1
    return ""


def set_all():
    session.update(
        pair=(1, "two"),
        nested=(1, (2.5, (b"\xff", []))),
        token=b"\x00\xff hi",
        no_bytes=b"",
        banner=Markup("<em>Sale & more</em>"),
        order=uuid.UUID("12345678-1234-5678-1234-567812345678"),
        seen=datetime(2023, 11, 14, 23, 13, 20, tzinfo=timezone(timedelta(hours=1))),
        like_tuple={" t": [1, 2]},
        like_escape={" di": {" di": "x"}},
        like_bytes={" b": "aGk="},
        ratio=0.1,
        whole=2.0,
        large=2**64 - 1,
        negative=-(2**63),
        greeting='Grüß "dich" 日本 😀\n\u2028',
        nothing=None,
        yes=True,
        cart=[[1, 2], [], [3]],
        tree={"a": {"b": [b"x", {"c": Markup("<i>")}]}, "é": {}},
    )
    return ""


def say():
    flash("Saved")
    flash("No such product: <42>", "error")
    flash(Markup("<em>Sale</em>"), "info")
    return ""


def flashes():
    return [
        [category, str(message), isinstance(message, Markup)]
        for category, message in get_flashed_messages(with_categories=True)
    ]


def big():
    session["big"] = "A session can hold many words. " * 150
    return ""


def logout():
    session.clear()
    return ""


class QuietHandler(WSGIRequestHandler):
    def log(self, *_):
        pass


def end_with_the_caller():
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    server = make_server("127.0.0.1", 0, create_app(sys.argv[1:]), threaded=True, request_handler=QuietHandler)
    print(server.port, flush=True)
    threading.Thread(target=end_with_the_caller, daemon=True).start()
    server.serve_forever()
