"""What a run was made with: versions of the libraries, and the git commit of auditdm-hub if it runs from a clone."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARIES = (
    "torch", "transformers", "trl", "peft", "accelerate", "datasets", "diffusers", "huggingface_hub", "scikit-learn",
    "model2vec", "tokenizers", "safetensors", "numpy", "pillow", "pyarrow", "pydantic", "typer",
)  # fmt: skip


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the installed libraries that can change a result."""
    versions = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def git_commit() -> str:
    """Return the commit that this code is at, with "-dirty" after local changes; "" if it is not in a git checkout."""
    here = Path(__file__).parent

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(here), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()

    try:
        # An installed copy can lie inside somebody else's repository: only a tracked file is in ours.
        git("ls-files", "--error-unmatch", "provenance.py")
        return git("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    except (OSError, subprocess.SubprocessError):
        return ""


def hardware() -> str:
    """Return what the machine computes with: its NVIDIA GPUs, else its processor ("" if the system does not say)."""
    gpus = [_field(path, "Model") for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))]
    names = [name for name in gpus if name] or [_field(Path("/proc/cpuinfo"), "model name") or platform.processor()]
    count = len(names) if gpus else os.cpu_count() or 1
    unit = "" if gpus else ", 1 core" if count == 1 else f", {count} cores"
    return f"{f'{count} x ' if gpus and count > 1 else ''}{names[0]}{unit}" if names[0] else ""


def _field(path: Path, name: str) -> str:
    """Return the value of the first line "name: value" of a file of the system; "" if there is none."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == name), "")
