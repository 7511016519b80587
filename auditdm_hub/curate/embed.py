"""Text embedders: the shipped static one, a model2vec folder, or any sentence-transformers model."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from auditdm_hub.curate.distill import sha256_of
from auditdm_hub.errors import BackendUnavailableError, ModelError
from auditdm_hub.models.revision import versioned
from auditdm_hub.protocols import Embedder

if TYPE_CHECKING:
    from model2vec import StaticModel

DEFAULT = "default"
SHIPPED = Path(__file__).parent / "embedder"
SHIPPED_SHA256 = {
    "model.safetensors": "23bb3f8d55636dfb1e203babd24432d0345600f84cd6ae610dc02457c7138a23",
    "tokenizer.json": "dd33465341c98889c3338356b6200c8b232b89af5f1b7aa8e6ee1d4d7a699631",
    "config.json": "5c78af497b825fc6ec92190df42197b7c1dd28abf9b998c56f95496d58ae65a0",
}


class StaticEmbedder:
    """Token vectors averaged: tens of thousands of short texts per second on one core, without torch."""

    def __init__(self, model: "StaticModel", name: str) -> None:
        """Wrap a loaded model2vec model."""
        self._model = model
        self.id = name

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit-length row per text; a text without a known token is a row of zeros."""
        if not texts:
            return np.zeros((0, self._model.dim), np.float32)
        # Worker threads would make no difference at this size and would need a pool.
        rows = self._model.encode(list(texts), use_multiprocessing=False)
        return unit(np.asarray(rows, np.float32))


class SentenceModel(Protocol):
    """What is used of a SentenceTransformer."""

    def encode(self, sentences: list[str], *, show_progress_bar: bool, convert_to_numpy: bool) -> NDArray[np.float32]:
        """Return one row per sentence."""
        ...


class SentenceEmbedder:
    """A sentence-transformers model."""

    def __init__(self, model: SentenceModel, name: str) -> None:
        """Wrap a loaded sentence-transformers model."""
        self._model = model
        self.id = name

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return one unit-length row per text."""
        rows = self._model.encode(list(texts), show_progress_bar=False, convert_to_numpy=True)
        return unit(np.asarray(rows, np.float32))


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the rows at unit length; rows of zeros stay as they are."""
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.where(norms > 0, norms, 1), np.float32)


def load_embedder(name: str = DEFAULT) -> Embedder:
    """Return the embedder of that name.

    Args:
        name: "default" (shipped, verified by its SHA-256), a folder that model2vec wrote, or the name or folder of a
            sentence-transformers model.

    Raises:
        ModelError: the shipped files were changed.
        BackendUnavailableError: the package that the model needs is not installed.
    """
    folder = Path(name)
    if name == DEFAULT:
        _verify_shipped()
        return StaticEmbedder(
            _load_static(SHIPPED), f"all-MiniLM-L6-v2-static@{SHIPPED_SHA256['model.safetensors'][:12]}"
        )
    if (folder / "model.safetensors").is_file() and not (folder / "config_sentence_transformers.json").exists():
        return StaticEmbedder(_load_static(folder), f"{name}@{sha256_of(folder / 'model.safetensors')[:12]}")
    try:
        package = import_module("sentence_transformers")
    except ImportError as error:
        raise BackendUnavailableError(
            f'embedder {name!r} is neither "{DEFAULT}" nor a model2vec folder, and sentence-transformers is not '
            "installed; run: pip install sentence-transformers"
        ) from error
    try:
        model = package.SentenceTransformer(name, model_kwargs={"use_safetensors": True})
    except (OSError, ValueError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(f"embedder {name!r} cannot be loaded: {first}") from error
    return SentenceEmbedder(model, versioned(name))


def _load_static(folder: Path) -> "StaticModel":
    try:
        from model2vec import StaticModel
    except ImportError as error:
        raise BackendUnavailableError("model2vec is not installed; run: pip install model2vec") from error
    try:
        return StaticModel.from_pretrained(folder)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{folder} must be a folder that model2vec wrote, got: {error}") from error


def _verify_shipped() -> None:
    for name, wanted in SHIPPED_SHA256.items():
        path = SHIPPED / name
        got = sha256_of(path) if path.is_file() else "no such file"
        if got != wanted:
            raise ModelError(f"{path} must have the SHA-256 {wanted}, got {got}; reinstall auditdm-hub")
