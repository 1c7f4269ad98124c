"""Flask with its signed cookie, on its built-in server, as a reference point."""

from flask import Flask, session
from werkzeug.serving import WSGIRequestHandler, make_server

app = Flask(__name__)
app.secret_key = "c81d7e02f5a946b3908fe2d41b7a65c3"
written = 0


@app.get("/login")
def login():
    session["user_id"] = 42
    session["csrf"] = "3q2-7wAAEjRWeJq83vASNFZ4mrze"
    return "in"


@app.get("/untouched")
def untouched():
    return "hello"


@app.get("/read")
def read():
    return str(session.get("user_id"))


@app.get("/write")
def write():
    global written
    written += 1
    session["user_id"] = 10 + written % 90
    return "written"


WSGIRequestHandler.protocol_version = "HTTP/1.1"
server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.port, flush=True)
server.serve_forever()
