"""What of this machine an audit depends on: versions, devices, memory, the Hub, disk space; and what to do about it."""

import os
import platform
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from auditdm_hub import __version__

Status = Literal["ok", "note", "wrong"]
GIB = 1024**3
ENOUGH_MEMORY = 4 * GIB  # the playground's audit needs 3
ENOUGH_DISK = 2 * GIB
HUB_TIMEOUT = 3.0  # seconds
VISION = ("torchvision", "num2words", "timm")
WANT_VISION = "Qwen-VL, SmolVLM, LLaVA-OneVision, InternVL, Gemma 3n and 4"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. "note" = not everything will work; "wrong" = mend it first; `remedy` is "" if nothing is to do."""

    name: str
    status: Status
    found: str
    remedy: str = ""


def diagnose(folder: Path) -> list[Check]:
    """Check this machine for runs that go to `folder`."""
    checks = [check_python(), *check_requirements(), *check_vision()]
    checks += [*check_devices(), check_memory(), check_hub(), check_token(), check_disk(folder)]
    return checks


def check_python() -> Check:
    """Say which Python and which auditdm-hub this is."""
    found = f"{__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    return Check("auditdm-hub", "ok", found)


def check_requirements() -> Iterator[Check]:
    """Compare what is installed with what the base and the audit extra require."""
    from packaging.requirements import Requirement

    for text in requires("auditdm-hub") or []:
        requirement = Requirement(text)
        is_base = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if not is_base and not (requirement.marker and requirement.marker.evaluate({"extra": "audit"})):
            continue
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            extra = "auditdm-hub" if is_base else "auditdm-hub[audit]"
            remedy = f"pip install '{extra}'" + ("" if is_base else " (only to audit, not to download or list)")
            yield Check(requirement.name, "wrong" if is_base else "note", "not installed", remedy)
            continue
        if requirement.specifier.contains(found, prereleases=True):
            yield Check(requirement.name, "ok", found)
        else:
            remedy = f"pip install '{requirement.name}{requirement.specifier}'"
            yield Check(requirement.name, "wrong", f"{found}, wanted {requirement.specifier}", remedy)


def check_vision() -> Iterator[Check]:
    """Find what processors of some families import, and a torchvision that was built for another torch.

    With such a one every image processor of transformers fails, so beside a build of torch for the CPU none is missed.
    """
    torch, *found = (_installed(name) for name in ("torch", *VISION))
    for name, there in zip(VISION, found, strict=True):
        if name == "torchvision" and torch and there and not _fits(torch, there):
            remedy = "pip uninstall torchvision, or install the build for this torch (docs/models.md: who needs it)"
            yield Check(name, "note", f"{there} beside torch {torch}: another build", remedy)
        elif there:
            yield Check(name, "ok", there)
        elif torch and not torch.endswith("+cpu"):
            yield Check(name, "note", "not installed", f"pip install 'auditdm-hub[vision]' (only for {WANT_VISION})")


def _fits(torch: str, torchvision: str) -> bool:
    """Whether a torchvision was built for this torch: for the CPU or not, as that is, and for its version."""
    from packaging.requirements import Requirement

    if torch.endswith("+cpu") != torchvision.endswith("+cpu"):
        return False
    wanted = [Requirement(text) for text in requires("torchvision") or []]
    return all(each.specifier.contains(torch) for each in wanted if each.name == "torch")


def _installed(name: str) -> str:
    """Return the version of a package, "" if it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def check_devices() -> Iterator[Check]:
    """List the devices that torch sees."""
    cores = f"{os.cpu_count()} cores"
    if find_spec("torch") is None:
        yield Check("device", "note", f"cpu ({cores}); torch is not installed", "pip install 'auditdm-hub[audit]'")
        return
    import torch

    yield Check("device", "ok", f"cpu ({cores}, {torch.get_num_threads()} threads of torch)")
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        name = torch.cuda.get_device_name(index)
        yield Check("device", "ok", f"cuda:{index} ({name}, {free / GIB:.1f} of {total / GIB:.1f} GiB free)")
    if torch.backends.mps.is_available():
        yield Check("device", "ok", "mps")
    elif not torch.cuda.is_available():
        yield Check("device", "note", "no GPU", "the playground needs none, larger models do")


def check_memory() -> Check:
    """Compare the machine's memory with what the playground needs."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return Check("memory", "note", "unknown", f"{ENOUGH_MEMORY / GIB:.0f} GiB are enough for the playground")
    if total >= ENOUGH_MEMORY:
        return Check("memory", "ok", f"{total / GIB:.1f} GiB")
    return Check("memory", "note", f"{total / GIB:.1f} GiB", "close other programs; lower batch_size in a CONFIG file")


def check_hub() -> Check:
    """Ask the Hub for its front page; being offline is no fault."""
    from huggingface_hub import constants

    endpoint = constants.ENDPOINT
    if constants.HF_HUB_OFFLINE:
        remedy = "unset HF_HUB_OFFLINE to download or publish; the playground works offline"
        return Check("hub", "note", f"{endpoint} not asked: HF_HUB_OFFLINE is set", remedy)
    try:
        with urllib.request.urlopen(urllib.request.Request(endpoint, method="HEAD"), timeout=HUB_TIMEOUT):
            return Check("hub", "ok", f"{endpoint} answers")
    except urllib.error.HTTPError as error:
        if error.code < 500:
            return Check("hub", "ok", f"{endpoint} answers")
        return Check("hub", "note", f"{endpoint} answers {error.code}", "wait and try again")
    except (OSError, ValueError) as error:
        remedy = "check the network, proxy and HF_ENDPOINT; the playground works offline"
        return Check("hub", "note", f"{endpoint} cannot be reached ({getattr(error, 'reason', error)})", remedy)


def check_token() -> Check:
    """Say whether a token of the Hub is there, never which."""
    from huggingface_hub import get_token

    if get_token():
        return Check("token", "ok", "present (not shown)")
    return Check("token", "note", "none", "only needed to publish and for gated models: hf auth login")


def check_disk(folder: Path) -> Check:
    """Compare the free disk space where runs go with what a run needs."""
    place = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(place).free
    found = f"{free / GIB:.1f} GiB free in {place}"
    if free >= ENOUGH_DISK:
        return Check("disk", "ok", found)
    return Check("disk", "wrong", found, f"free {ENOUGH_DISK / GIB:.0f} GiB, or name a folder elsewhere with --out")
