"""HTTP for both planes: requests with bodies of any size, replies from memory or from a part of a file, faults."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from hub_server.faults import Plane, Rule

if TYPE_CHECKING:
    from hub_server.server import HubServer

BLOCK = 2**20


@dataclass
class Reply:
    """An answer: `body` in memory, or the bytes `start` to `end` of a file."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    file: Path | None = None
    start: int = 0
    end: int = 0

    @property
    def length(self) -> int:
        return self.end - self.start if self.file else len(self.body)

    def parts(self) -> Iterator[bytes]:
        if self.file is None:
            yield self.body
            return
        left = self.length
        with self.file.open("rb") as source:
            source.seek(self.start)
            while left > 0 and (data := source.read(min(BLOCK, left))):
                left -= len(data)
                yield data


class Refused(Exception):
    """Raised by a handler to end a request with an error."""

    def __init__(self, status: int, code: str = "", message: str = "", body: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        headers = {name: value for name, value in (("X-Error-Code", code), ("X-Error-Message", message)) if value}
        self.reply = as_json(body or {"error": message or code}, status, headers)


def as_json(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    return Reply(status, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})


class Request:
    """A request as handlers see it: `path` is still percent-encoded, `query` is not."""

    def __init__(self, handler: "Handler") -> None:
        parts = urlsplit(handler.path)
        self.method, self.path = str(handler.command), parts.path
        self.query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        self.every = parse_qs(parts.query)
        self.headers = handler.headers
        self.host = handler.headers.get("Host", "")
        self._handler = handler

    def body(self) -> bytes:
        return b"".join(self._handler.blocks())

    def json(self) -> Any:  # noqa: ANN401 - whatever the client sends
        return json.loads(self.body() or b"{}")

    def blocks(self) -> Iterator[bytes]:
        """Yield the body in blocks."""
        return self._handler.blocks()

    def form(self) -> dict[str, list[str]]:
        return parse_qs(self.body().decode())

    @property
    def token(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ").strip()


class Handler(BaseHTTPRequestHandler):
    """One connection; asks the server's `answer` for a reply to each request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "PlaneServer"

    def setup(self) -> None:
        super().setup()
        self._left: int | None = 0
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        super().finish()

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def do_GET(self) -> None:  # noqa: N802 - the name is the base class's
        self._serve()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    def _serve(self) -> None:
        hub, plane = self.server.hub, self.server.plane
        if plane == "data":
            self.path = self.path.removeprefix(hub.prefix)
        length = self.headers.get("Content-Length")
        chunked = "chunked" in self.headers.get("Transfer-Encoding", "")
        self._left = None if chunked else int(length or 0)
        request = Request(self)
        rule = hub.faults.find(request.method, unquote(self.path), plane)
        if rule and rule.delay:
            time.sleep(rule.delay)
        if rule and rule.drop == "before":
            hub.record(plane, request.method, request.path, 0)
            self._hang_up()
            return
        reply = self._reply(request, rule)
        for _ in self.blocks():
            pass  # what the handler did not read
        hub.record(plane, request.method, request.path, reply.status)
        if rule and rule.drop == "after":
            self._hang_up()
            return
        self._send(request, reply, rule)

    def _reply(self, request: Request, rule: Rule | None) -> Reply:
        if rule and rule.status:
            return as_json({"error": "injected"}, rule.status, rule.headers)
        try:
            return self.server.answer(request)
        except Refused as refused:
            return refused.reply

    def blocks(self) -> Iterator[bytes]:
        """Yield what is left of the request's body."""
        if self._left is None:
            while size := int(self.rfile.readline().split(b";")[0].strip() or b"0", 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline() not in (b"\r\n", b"\n", b""):
                pass
            self._left = 0
        while self._left > 0:
            data = self.rfile.read(min(BLOCK, self._left))
            if not data:
                raise ConnectionError("the client hung up")
            self._left -= len(data)
            yield data

    def _send(self, request: Request, reply: Reply, rule: Rule | None) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if "Content-Length" not in reply.headers:
            self.send_header("Content-Length", str(reply.length))
        self.end_headers()
        if request.method == "HEAD":
            return
        sent = 0
        for data in reply.parts():
            block = data
            if rule and rule.flip is not None and sent <= rule.flip < sent + len(block):
                place = rule.flip - sent
                block = block[:place] + bytes([block[place] ^ 1]) + block[place + 1 :]
            if rule and rule.cut is not None and sent + len(block) >= rule.cut:
                self.wfile.write(block[: rule.cut - sent])
                self._hang_up()
                return
            self.wfile.write(block)
            sent += len(block)

    def _hang_up(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the other side was faster

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the server keeps a record."""


class PlaneServer(ThreadingHTTPServer):
    """One origin: the Hub itself, or where its large files lie."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, hub: "HubServer", plane: Plane, port: int, answer: Callable[[Request], Reply]) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.hub, self.plane, self.answer = hub, plane, answer
        self.connections: set[socket.socket] = set()

    def server_close(self) -> None:
        """End the connections, too: a client that keeps one would go on talking to a server that is gone."""
        super().server_close()
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the other side was faster

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep what went wrong in the server itself, so that a test can say so."""
        import sys

        error = sys.exception()
        if not isinstance(error, (ConnectionError, TimeoutError)):
            self.hub.errors.append(repr(error))
            super().handle_error(request, client_address)  # type: ignore[arg-type]
