"""An HTTP server that answers chat requests as a script says, faults included."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = tuple[int, dict[str, str], str]
"""Status, headers, body."""
Script = Callable[[int, dict[str, Any]], Reply]
"""From the number of the request (from 0) and its body to the reply."""


def said(text: str | None, read: int = 100, written: int = 10) -> Reply:
    """Return a whole answer."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
    body = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    return 200, {}, json.dumps(body)


def failed(status: int, message: str, code: str = "", **headers: str) -> Reply:
    """Return an error as OpenAI's API gives it."""
    return status, headers, json.dumps({"error": {"message": message, "code": code or None, "type": "error"}})


class Log:
    """What was asked, and how many requests were open at once."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.times: list[float] = []
        self.keys: set[str] = set()
        self.headers: list[set[str]] = []
        self.open = self.most = 0
        self.lock = threading.Lock()


@contextmanager
def serving(script: Script, port: int = 0) -> Iterator[tuple[str, Log]]:
    """Serve by a script; yield the address, and the log."""
    log = Log()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802 - the name is http.server's
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with log.lock:
                number = len(log.requests)
                log.requests.append(body)
                log.times.append(time.monotonic())
                log.keys.add(str(self.headers["Authorization"]))
                log.headers.append({name.lower() for name in self.headers})
                log.open += 1
                log.most = max(log.most, log.open)
            status, headers, text = script(number, body)
            with log.lock:
                log.open -= 1
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *arguments: object) -> None:
            del format, arguments

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", log
    finally:
        server.shutdown()
        server.server_close()
