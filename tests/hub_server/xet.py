"""The Xet data plane: xorbs (packs of chunks), shards (which file is made of which chunks), reconstructions.

Formats: huggingface.co/docs/xet. A hash is written in hexadecimal with the bytes of each eight in reverse.
"""

import hashlib
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lz4.frame

from hub_server.http import Refused, Reply, Request, as_json
from hub_server.storage import Storage

HEADER, ENTRY = 48, 48
END = b"\xff" * 32
VERIFIED, WITH_SHA = 0x80000000, 0x40000000
FOOTER = b"XETBLOB"


@dataclass(frozen=True)
class Chunk:
    """A chunk of a xorb: where its header begins, its length there, its scheme, and its length when unpacked."""

    offset: int
    packed: int
    scheme: int
    length: int


@dataclass(frozen=True)
class Term:
    """A run of chunks [start, end) of a xorb, `length` bytes when unpacked."""

    xorb: str
    start: int
    end: int
    length: int


def hex_of(raw: bytes) -> str:
    return "".join(raw[place : place + 8][::-1].hex() for place in range(0, 32, 8))


class Xet:
    """Keeps xorbs and files below the storage's folder."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._xorbs, self._files = storage.folder / "xorbs", storage.folder / "files"

    def put_xorb(self, request: Request, name: str) -> Reply:
        path = self._xorbs / name
        fresh = not path.exists()
        data = request.body()
        chunks = list(_chunks(data))
        if not chunks:
            raise Refused(400, message="a xorb without chunks")
        self._storage.write(path, data)
        index = [[each.offset, each.packed, each.scheme, each.length] for each in chunks]
        self._storage.write(self._files / f"xorb-{name}.json", json.dumps(index).encode())
        return as_json({"was_inserted": fresh})

    def put_shard(self, request: Request) -> Reply:
        for name, sha256, terms in _files_in(request.body()):
            for term in terms:
                if not (self._xorbs / term.xorb).is_file():
                    raise Refused(400, message=f"xorb {term.xorb} is not there")
            value = {
                "sha256": sha256,
                "size": sum(term.length for term in terms),
                "terms": [list(vars(t).values()) for t in terms],
            }
            self._storage.write(self._files / f"{name}.json", json.dumps(value).encode())
            if sha256:
                self._storage.write(self._files / f"sha-{sha256}", name.encode())
        return Reply(200, b'{"type":"result","result":1}\n', {"Content-Type": "application/x-ndjson"})

    def name_of(self, sha256: str) -> str:
        """Return the Xet hash of a file that came this way; "" if it did not."""
        path = self._files / f"sha-{sha256}"
        return path.read_text() if path.is_file() else ""

    def size_of(self, sha256: str) -> int | None:
        name = self.name_of(sha256)
        return int(json.loads((self._files / f"{name}.json").read_text())["size"]) if name else None

    def assemble(self, sha256: str) -> Path | None:
        """Return the whole file as a blob, put together on first use; None if it is not there."""
        blob = self._storage.blob(sha256)
        name = self.name_of(sha256)
        if blob.is_file() or not name:
            return blob if blob.is_file() else None
        digest, temporary = hashlib.sha256(), blob.with_suffix(".part")
        with self._storage.lock(sha256), temporary.open("wb") as file:
            for term in self._terms(name):
                with (self._xorbs / term.xorb).open("rb") as xorb:
                    for chunk in self._index(term.xorb)[term.start : term.end]:
                        xorb.seek(chunk.offset + 8)
                        data = _unpack(xorb.read(chunk.packed), chunk)
                        digest.update(data)
                        file.write(data)
        if digest.hexdigest() != sha256:
            raise Refused(500, message=f"file {sha256} cannot be put together")
        temporary.replace(blob)
        return blob

    def reconstruction(self, request: Request, name: str, origin: str) -> Reply:
        """Say where the parts of a file (or of a range of it) are."""
        if not (self._files / f"{name}.json").is_file():
            raise Refused(404, message="no such file")
        terms = self._terms(name)
        size = sum(term.length for term in terms)
        first, last = _range(request.headers.get("Range", ""), size)
        if first >= size:
            raise Refused(416)
        kept, skipped, place = [], 0, 0
        for term in terms:
            if place + term.length > first and place <= last:
                skipped = skipped if kept else first - place
                kept.append(term)
            place += term.length
        xorbs: dict[str, list[dict[str, Any]]] = {}
        for term in kept:
            chunks = self._index(term.xorb)
            begin, end = chunks[term.start].offset, chunks[term.end - 1].offset + 8 + chunks[term.end - 1].packed - 1
            part = {"chunks": {"start": term.start, "end": term.end}, "bytes": {"start": begin, "end": end}}
            entry = xorbs.setdefault(term.xorb, [{"url": f"{origin}/xorbs/{term.xorb}", "ranges": []}])[0]
            if part not in entry["ranges"]:
                entry["ranges"].append(part)
        for entries in xorbs.values():
            entries[0]["ranges"].sort(key=lambda part: part["chunks"]["start"])
        listed = [
            {"hash": term.xorb, "unpacked_length": term.length, "range": {"start": term.start, "end": term.end}}
            for term in kept
        ]
        return as_json({"offset_into_first_range": skipped, "terms": listed, "xorbs": xorbs})

    def xorb(self, request: Request, name: str) -> Reply:
        """Give one or several ranges of a xorb."""
        path = self._xorbs / name
        if not path.is_file():
            raise Refused(404)
        size = path.stat().st_size
        wanted = request.headers.get("Range", "").removeprefix("bytes=")
        ranges = [_range(f"bytes={each.strip()}", size) for each in wanted.split(",")] if wanted else [(0, size - 1)]
        if len(ranges) == 1:
            first, last = ranges[0]
            headers = {"Content-Range": f"bytes {first}-{last}/{size}"} if wanted else {}
            return Reply(206 if wanted else 200, file=path, start=first, end=last + 1, headers=headers)
        body, mark = b"", "parts-of-a-xorb"
        with path.open("rb") as file:
            for first, last in ranges:
                file.seek(first)
                head = [
                    f"--{mark}",
                    "Content-Type: application/octet-stream",
                    f"Content-Range: bytes {first}-{last}/{size}",
                ]
                body += "\r\n".join([*head, "", ""]).encode() + file.read(last + 1 - first) + b"\r\n"
        return Reply(206, body + f"--{mark}--\r\n".encode(), {"Content-Type": f"multipart/byteranges; boundary={mark}"})

    def _terms(self, name: str) -> list[Term]:
        return [Term(*each) for each in json.loads((self._files / f"{name}.json").read_text())["terms"]]

    def _index(self, xorb: str) -> list[Chunk]:
        return [Chunk(*each) for each in json.loads((self._files / f"xorb-{xorb}.json").read_text())]


def _chunks(data: bytes) -> Iterator[Chunk]:
    place = 0
    while place + 8 <= len(data) and data[place : place + 7] != FOOTER:
        packed = int.from_bytes(data[place + 1 : place + 4], "little")
        length = int.from_bytes(data[place + 5 : place + 8], "little")
        yield Chunk(place, packed, data[place + 4], length)
        place += 8 + packed


def _unpack(data: bytes, chunk: Chunk) -> bytes:
    if chunk.scheme == 0:
        return data
    plain: bytes = lz4.frame.decompress(data)
    if chunk.scheme == 1:
        return plain
    whole, groups, place = bytearray(len(plain)), [], 0  # bytes of equal place in four were put side by side
    for number in range(4):
        size = (len(plain) - number + 3) // 4
        groups.append(plain[place : place + size])
        place += size
    for number, group in enumerate(groups):
        whole[number::4] = group
    return bytes(whole)


def _files_in(data: bytes) -> Iterator[tuple[str, str, list[Term]]]:
    """Yield hash, SHA-256 ("" if it is not given) and terms of each file of a shard."""
    place = HEADER
    while data[place : place + 32] != END and place + HEADER <= len(data):
        name = hex_of(data[place : place + 32])
        flags, count = struct.unpack_from("<II", data, place + 32)
        place += HEADER
        terms = []
        for _ in range(count):
            xorb = hex_of(data[place : place + 32])
            _, length, start, end = struct.unpack_from("<IIII", data, place + 32)
            terms.append(Term(xorb, start, end, length))
            place += ENTRY
        place += count * ENTRY if flags & VERIFIED else 0
        sha256 = ""
        if flags & WITH_SHA:
            sha256 = hex_of(data[place : place + 32])
            place += ENTRY
        yield name, sha256, terms


def _range(text: str, size: int) -> tuple[int, int]:
    """Return the first and the last byte of a range."""
    first, _, last = text.removeprefix("bytes=").partition("-")
    if not first and last:
        return max(0, size - int(last)), size - 1
    return int(first or 0), min(int(last) if last else size - 1, size - 1)
