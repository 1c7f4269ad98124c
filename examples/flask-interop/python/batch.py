"""Flask's sessions without a server.

Each line of the input is a command in JSON, and each line of the output is its result. A whole
Flask request writes or reads each cookie.
"""

import json
import sys
from random import Random

import flask

import values
from app import create_app

app = create_app(sys.argv[1:])
app.config["MAX_COOKIE_SIZE"] = 0
remembered = []


def sign_session(session):
    with app.test_request_context():
        flask.session.update(session)
        response = app.process_response(app.response_class())
    set_cookie = response.headers["Set-Cookie"]
    return set_cookie.split(";")[0].removeprefix("session=")


def load_session(cookie):
    with app.test_request_context(headers={"Cookie": f"session={cookie}"}):
        return dict(flask.session)


def sign(command):
    return {"cookie": sign_session(values.build(command["session"]))}


def load(command):
    return {"session": values.describe(load_session(command["cookie"]))}


def random(command):
    """Creates sessions; returns each cookie, its keys, and which of its values fit JSON."""
    generator = Random(command["seed"])
    remembered[:] = [values.random_session(generator) for _ in range(command["count"])]
    return {"sessions": [{"cookie": sign_session(session), "keys": describe_keys(session)} for session in remembered]}


def describe_keys(session):
    return [
        {
            "shown": key.encode("utf-8", "backslashreplace").decode(),
            "readable": values.fits_json(value),
        }
        for key, value in session.items()
    ]


def compare(command):
    """Returns whether a cookie has the session created at an index, and the added values."""
    expected = values.describe({**remembered[command["index"]], **command["added"]})
    found = values.describe(load_session(command["cookie"]))
    return {"equal": True} if found == expected else {"equal": False, "found": repr(found), "expected": repr(expected)}


COMMANDS = {command.__name__: command for command in [sign, load, random, compare]}

for line in sys.stdin:
    command = json.loads(line)
    try:
        answer = COMMANDS[command["do"]](command)
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
