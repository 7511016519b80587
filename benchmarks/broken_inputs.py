"""Inputs that are wrong or broken: each function returns what writes one to a folder, and gives the options."""

import fcntl
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from peft import LoraConfig, get_peft_model
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText

from auditdm_hub.playground.models import TARGET, model_folder

NOTHING_MORE = ("--probes", "0", "--refusals", "0", "--second-look", "0")
"""Options of a repair with what the audit found alone."""
WEAK = "pool_size: 200\nprobes: 60\nsteps: 0\nbaseline: false\n"
ALONE = "pool_size: 24\nprobes: 1\nsteps: 0\nbaseline: false\n"
QUICK = "pool_size: 24\nprobes: 6\nsteps: 0\nbaseline: false\n"
TRAINED = "pool_size: 60\nprobes: 6\nsteps: 3\nbaseline: false\n"
Prepare = Callable[[Path], Sequence[str]]


def options(*words: str) -> Prepare:
    """Return what gives these options, whatever the folder."""
    return lambda folder: words


def config(text: str | bytes) -> Prepare:
    """Return what writes a configuration and names it."""

    def write(folder: Path) -> Sequence[str]:
        file = folder / "audit.yaml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return [str(file)]

    return write


def quick(*words: str, more: str = "", base: str = QUICK) -> Prepare:
    """Return what writes a small audit, with more lines and options; {} in an option is the folder."""

    def write(folder: Path) -> Sequence[str]:
        return [*config(base + more)(folder), *(word.replace("{}", str(folder)) for word in words)]

    return write


def pool(*files: tuple[str, bytes], more: str = "") -> Prepare:
    """Return what writes a folder of files and names it as the pool."""

    def write(folder: Path) -> Sequence[str]:
        for name, content in files:
            file = folder / "pool" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        (folder / "pool").mkdir(exist_ok=True)
        return quick("--pool", str(folder / "pool"), more=f"actions: [question]\n{more}")(folder)

    return write


def picture(size: tuple[int, int] = (64, 64), mode: str = "RGB", kind: str = "PNG", shade: int = 0) -> bytes:
    """Return the bytes of an image file."""
    buffer = io.BytesIO()
    Image.new(mode, size, shade if mode == "1" else (shade, 90, 20)).save(buffer, kind)
    return buffer.getvalue()


def animated() -> bytes:
    """Return the bytes of a moving picture."""
    buffer, frames = io.BytesIO(), [Image.new("RGB", (64, 64), (shade, 0, 0)) for shade in (10, 200)]
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=40)
    return buffer.getvalue()


GOOD = tuple((f"good-{shade}.png", picture(shade=shade)) for shade in range(0, 240, 12))


def model(broken: Callable[[Path], object], role: str = "target", place: str = TARGET, base: str = QUICK) -> Prepare:
    """Return what breaks a copy of a model's folder and names it."""

    def write(folder: Path) -> Sequence[str]:
        shutil.copytree(model_folder(place), folder / "model")
        broken(folder / "model")
        return quick(f"--{role}", str(folder / "model"), base=base)(folder)

    return write


def without(*names: str) -> Callable[[Path], object]:
    """Return what deletes files."""

    def delete(folder: Path) -> object:
        for name in names:
            (folder / name).unlink()
        return None

    return delete


def cut(name: str, size: int) -> Callable[[Path], object]:
    """Return what cuts a file."""
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:size])


def weights(value: float | None) -> Callable[[Path], object]:
    """Return what sets every weight to a value; None draws them."""

    def change(folder: Path) -> object:
        file = folder / "model.safetensors"
        held = load_file(file)
        torch.manual_seed(0)
        for weight in held.values():
            weight.normal_(0.0, 0.3) if value is None else weight.fill_(value)
        save_file(held, file, {"format": "pt"})
        return None

    return change


def run_with(change: Callable[[Path], object], *words: str, text: str = QUICK) -> Prepare:
    """Return what makes a finished run in `out` and then changes it."""

    def write(folder: Path) -> Sequence[str]:
        given = config(QUICK)(folder)
        subprocess.run([PROGRAM, "audit", *given, "--out", str(folder / "out"), "--quiet"], check=True)
        change(folder / "out")
        return [*config(text)(folder), *words]

    return write


def repaired(change: Callable[[Path], object], *words: str, text: str = WEAK) -> Prepare:
    """Return what makes a finished run in `out`, changes it, and gives it to `rectify`."""

    def write(folder: Path) -> Sequence[str]:
        given = config(text)(folder)
        subprocess.run([PROGRAM, "audit", *given, "--out", str(folder / "out"), "--quiet"], check=True)
        change(folder / "out")
        return [str(folder / "out"), "--steps", "2", *NOTHING_MORE, *words]

    return write


def adapter_of(place: str) -> Prepare:
    """Return what makes an adapter of one of the playground's models and evaluates the target with it."""

    def write(folder: Path) -> Sequence[str]:
        model = AutoModelForImageTextToText.from_pretrained(model_folder(place))
        get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj"])).save_pretrained(str(folder / "adapter"))
        return ["playground", "--adapter", str(folder / "adapter"), "--suite", "playground", "--limit", "1"]

    return write


def benchmark(**columns: object) -> Prepare:
    """Return what writes a data set with these columns in the place of VQAv2's, and evaluates on it."""

    def write(folder: Path) -> Sequence[str]:
        (folder / "data" / "vqav2").mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist([columns] * 3), folder / "data" / "vqav2" / "validation.parquet")
        return ["playground", "--benchmark", "vqav2", "--data", str(folder / "data")]

    return write


def manifest(**changes: object) -> Callable[[Path], object]:
    """Return what changes entries of a run's manifest."""

    def change(run: Path) -> object:
        file = run / "run.json"
        return file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))

    return change


def hold(run: Path) -> object:
    """Lock a run as a second process would; the lock ends with this one."""
    lock = (run / ".lock").open("a")
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    HELD.append(lock)
    return lock


HELD: list[object] = []
PROGRAM = str(Path(sys.executable).with_name("auditdm-hub"))


def flip(pattern: str) -> Callable[[Path], object]:
    """Return what flips a byte in the middle of a file of the run."""

    def change(run: Path) -> object:
        file = next(iter(sorted(run.glob(pattern))))
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        return file.write_bytes(content)

    return change


def flip_images(run: Path) -> object:
    """Flip a byte of every image of a run whose trials are to be made again."""
    for file in run.glob("images/*/*.png"):
        flip(str(file.relative_to(run)))(run)
    shutil.rmtree(run / "exchanges")
    return None


def foreign(folder: Path) -> Sequence[str]:
    """Fill the run's folder with something else."""
    (folder / "out").mkdir()
    (folder / "out" / "thesis.tex").write_text("years of work")
    return quick()(folder)


def a_file(folder: Path) -> Sequence[str]:
    """Put a file where the run's folder should be."""
    (folder / "out").write_text("years of work")
    return quick()(folder)
