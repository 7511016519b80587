"""The LFS data plane: where large files go without Xet."""

import hashlib
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub_server.contents import ranged
from hub_server.http import Refused, Reply, Request, as_json
from hub_server.storage import Repo

if TYPE_CHECKING:
    from hub_server.server import HubServer

PART = 16 * 2**20
MULTIPART_FROM = 64 * 2**20


def batch(hub: "HubServer", request: Request, repo: Repo) -> Reply:
    asked = request.json()
    if asked["operation"] == "upload":
        hub.accounts.writer(request, repo.namespace)
    several = "multipart" in asked.get("transfers", ()) and any(
        each["size"] >= MULTIPART_FROM for each in asked["objects"]
    )
    objects = [_action(hub, each["oid"], each["size"], several) for each in asked["objects"]]
    return as_json({"transfer": "multipart" if several else "basic", "objects": objects})


def _action(hub: "HubServer", oid: str, size: int, several: bool) -> dict[str, Any]:
    if hub.storage.blob(oid).is_file() or hub.xet.name_of(oid):
        return {"oid": oid, "size": size}  # without actions = it is there
    verify = {"href": f"{hub.data_url}/lfs-verify"}
    upload: dict[str, Any] = {"href": f"{hub.data_url}/lfs/{oid}"}
    if several:
        count = -(-size // PART)
        parts = {f"{number:05d}": f"{hub.data_url}/lfs-part/{oid}/{number:05d}" for number in range(1, count + 1)}
        upload = {"href": f"{hub.data_url}/lfs-complete/{oid}", "header": {"chunk_size": str(PART), **parts}}
    return {"oid": oid, "size": size, "actions": {"upload": upload, "verify": verify}}


def put(hub: "HubServer", request: Request, oid: str) -> Reply:
    _receive(request, hub.storage.blob(oid), oid)
    return Reply(200)


def get(hub: "HubServer", request: Request, oid: str) -> Reply:
    file = hub.xet.assemble(oid)
    if file is None:
        raise Refused(404, message="no such object")
    return ranged(request, file, {"ETag": f'"{oid}"', "Accept-Ranges": "bytes"})


def put_part(hub: "HubServer", request: Request, oid: str, number: str) -> Reply:
    tag = _receive(request, _part(hub, oid, number), "")
    return Reply(200, headers={"ETag": f'"{tag}"'})


def complete(hub: "HubServer", request: Request, oid: str) -> Reply:
    """Put the parts of a file together."""
    parts = sorted(int(each["partNumber"]) for each in request.json()["parts"])
    digest, temporary = hashlib.sha256(), hub.storage.blob(oid).with_suffix(".whole")
    with temporary.open("wb") as file:
        for number in parts:
            data = _part(hub, oid, f"{number:05d}").read_bytes()
            digest.update(data)
            file.write(data)
    if digest.hexdigest() != oid:
        raise Refused(400, message="the parts are not the file")
    os.replace(temporary, hub.storage.blob(oid))
    for number in parts:
        _part(hub, oid, f"{number:05d}").unlink(missing_ok=True)
    return as_json({})


def verify(hub: "HubServer", request: Request) -> Reply:
    asked = request.json()
    file = hub.storage.blob(asked["oid"])
    if not file.is_file() or file.stat().st_size != asked["size"]:
        raise Refused(404, message="no such object")
    return as_json({})


def _part(hub: "HubServer", oid: str, number: str) -> Path:
    return hub.storage.folder / "files" / f"part-{oid}-{number}"


def _receive(request: Request, path: Path, oid: str) -> str:
    """Stream a body to a file and return its SHA-256, which is `oid` unless that is ""."""
    digest, temporary = hashlib.sha256(), path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    with temporary.open("wb") as file:
        for data in request.blocks():
            digest.update(data)
            file.write(data)
    if oid and digest.hexdigest() != oid:
        temporary.unlink()
        raise Refused(400, message="the content is not the object")
    os.replace(temporary, path)
    return digest.hexdigest()
