"""A Flask application with Flask-Login. It serves on a free port and prints the port."""

import argparse
import os
import sys
import threading

from flask import Flask, request, session
from flask_login import (
    LoginManager,
    UserMixin,
    confirm_login,
    current_user,
    fresh_login_required,
    login_fresh,
    login_user,
    logout_user,
)
from flask_login.utils import _create_identifier
from werkzeug.serving import WSGIRequestHandler, make_server


class User(UserMixin):
    def __init__(self, id):
        self.id = id


def create_app(arguments):
    parser = argparse.ArgumentParser()
    parser.add_argument("--key", required=True)
    parser.add_argument("--digest", required=True)
    parser.add_argument("--protection", choices=["none", "basic", "strong"], required=True)
    options = parser.parse_args(arguments)

    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=options.key,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_PROTECTION=None if options.protection == "none" else options.protection,
        REMEMBER_COOKIE_PATH="/",
    )
    LoginManager(app).user_loader(User)
    app.post("/login")(login)
    app.get("/user")(user)
    app.get("/secret")(fresh_login_required(lambda: "secret"))
    app.get("/identifier")(_create_identifier)
    app.post("/confirm")(confirm)
    app.post("/logout")(logout)
    return app


def login():
    session.permanent = "permanent" in request.args
    login_user(User(request.args["user"]), remember="remember" in request.args)
    return ""


def user():
    return {"user": current_user.get_id(), "fresh": login_fresh()}


def confirm():
    confirm_login()
    return ""


def logout():
    logout_user()
    return ""


class QuietHandler(WSGIRequestHandler):
    def log(self, *_):
        pass


def end_with_the_caller():
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    app = create_app(sys.argv[1:])
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler)
    print(server.port, flush=True)
    threading.Thread(target=end_with_the_caller, daemon=True).start()
    server.serve_forever()
