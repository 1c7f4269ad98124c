"""An application with Flask-Session on Redis, for check-application."""

import os
import time
from datetime import timedelta

from flask import Flask, request, session
from flask_session import Session
from redis import Redis

app = Flask(__name__)
app.config["SESSION_TYPE"] = "redis"
app.config["SESSION_REDIS"] = Redis.from_url(os.environ["REDIS_URL"])
if "IDLE_TIMEOUT" in os.environ:
    app.permanent_session_lifetime = timedelta(seconds=int(os.environ["IDLE_TIMEOUT"]))
Session(app)

held = set()


def wait():
    """Waits for the release of the hold that the request names."""
    hold = request.args.get("hold")
    if hold:
        held.add(hold)
        while hold in held:
            time.sleep(0.005)


def found(value):
    return ("", 404) if value is None else str(value)


@app.get("/plain")
def plain():
    return "plain"


@app.post("/set")
def set_value():
    session.get(request.args["key"])
    wait()
    session[request.args["key"]] = request.get_data(as_text=True)
    return ""


@app.get("/get")
def get_value():
    value = session.get(request.args["key"])
    wait()
    return found(value)


@app.get("/add")
def add():
    number = session.get(request.args["key"], 0)
    wait()
    session[request.args["key"]] = number + 1
    return str(number + 1)


# The call that the documentation recommends against session fixation.
@app.post("/login")
def login():
    app.session_interface.regenerate(session)
    session["user"] = request.args["user"]
    return ""


@app.post("/logout")
def logout():
    session.clear()
    return ""


@app.get("/user")
def user():
    return found(session.get("user"))


@app.get("/held")
def is_held():
    return found("held" if request.args["hold"] in held else None)


@app.post("/release")
def release():
    held.discard(request.args["hold"])
    return ""


app.run("127.0.0.1", int(os.environ["PORT"]), threaded=True)
