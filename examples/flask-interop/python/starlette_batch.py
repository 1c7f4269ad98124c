"""Runs requests through the SessionMiddleware of Starlette and of FastAPI, without a server.

Each line of the input is a command, and each line of the output is the result.
"""

import argparse
import asyncio
import json
import sys

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


def create_apps(key):
    async def change(request: Request):
        command = await request.json()
        if command.get("clear"):
            request.session.clear()
        request.session.update(command.get("set", {}))
        return JSONResponse(dict(request.session))

    starlette = Starlette(routes=[Route("/", change, methods=["POST"])])
    fastapi = FastAPI()
    fastapi.add_api_route("/", change, methods=["POST"])
    for app in (starlette, fastapi):
        app.add_middleware(SessionMiddleware, secret_key=key)
    return {"starlette": starlette, "fastapi": fastapi}


async def run(app, command):
    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    if command.get("cookie"):
        headers.append((b"cookie", command["cookie"].encode()))
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
        "scheme": "http", "path": "/", "raw_path": b"/", "root_path": "", "query_string": b"",
        "headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }
    sent = []

    async def receive():
        return {"type": "http.request", "body": json.dumps(command).encode(), "more_body": False}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    head, body = sent[0], b"".join(message.get("body", b"") for message in sent[1:])
    cookies = [value.decode() for name, value in head["headers"] if name.lower() == b"set-cookie"]
    return {"status": head["status"], "set_cookie": cookies, "session": json.loads(body)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--key", required=True)
    parser.add_argument("--digest")
    parser.add_argument("--fallback", action="append")
    apps = create_apps(parser.parse_args().key)
    for line in sys.stdin:
        command = json.loads(line)
        try:
            result = asyncio.run(run(apps[command["app"]], command))
        except Exception as error:
            result = {"error": repr(error)}
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
