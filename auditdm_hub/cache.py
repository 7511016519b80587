"""Answers that were got once, kept on disk by content: a model that changes in any way misses.

The key is a hash of (model id, image, question, decoding). Several processes may read and write at once (SQLite in WAL
mode); each batch is one transaction, so a process that is killed loses at most the batch that it was writing.
"""

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from PIL.Image import Image

from auditdm_hub.errors import AnswersEndedError, RunError, no_space
from auditdm_hub.images import image_sha
from auditdm_hub.protocols import VisionLanguageModel

# Older builds of SQLite take no more than 999 variables in a statement.
LOOKUP = 900
WAIT_SECONDS = 60.0


def answer_key(model_id: str, image: str, question: str, decoding: str) -> bytes:
    """Return the key of an answer (16 bytes); white space in the question is folded, as models see it."""
    parts = json.dumps([model_id, image, " ".join(question.split()), decoding], ensure_ascii=False)
    return hashlib.sha256(parts.encode()).digest()[:16]


class AnswerCache:
    """A file of answers. Use it as a context manager, or call `close`."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it.

        Raises:
            RunError: the file is not a cache of answers.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, timeout=WAIT_SECONDS)
        try:
            self._database.execute("PRAGMA journal_mode=WAL")
            # A power cut may lose the last batches, never the file; a killed process loses nothing committed.
            self._database.execute("PRAGMA synchronous=NORMAL")
            with self._database:
                self._database.execute(
                    "CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, answer TEXT NOT NULL) WITHOUT ROWID"
                )
        except sqlite3.DatabaseError as error:
            self._database.close()
            if no_space(error):
                raise
            raise RunError(f"{path} cannot be used as answer cache ({error}): delete it or name another file") from None

    def get(self, keys: Sequence[bytes]) -> dict[bytes, str]:
        """Return the answers that are known."""
        found: dict[bytes, str] = {}
        unique = list(dict.fromkeys(keys))
        for start in range(0, len(unique), LOOKUP):
            part = unique[start : start + LOOKUP]
            marks = ",".join("?" * len(part))
            found.update(self._database.execute(f"SELECT key, answer FROM answers WHERE key IN ({marks})", part))
        return found

    def put(self, answers: Mapping[bytes, str | None]) -> None:
        """Keep answers, all or none. `None` (no answer was got) is not kept; an answer that is known stays."""
        rows = [(key, answer) for key, answer in answers.items() if answer is not None]
        with self._database:
            self._database.executemany("INSERT OR IGNORE INTO answers VALUES (?, ?)", rows)

    def __len__(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM answers").fetchone()[0])

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class CachedVLM:
    """A model whose answers are kept; `hits` and `misses` count questions."""

    def __init__(self, model: VisionLanguageModel, cache: AnswerCache, decoding: str) -> None:
        """Wrap a model.

        Args:
            model: whose answers are kept.
            cache: where.
            decoding: what else an answer depends on, e.g. `TransformersVLM.decoding`.
        """
        self._model = model
        self._cache = cache
        self.decoding = decoding
        self.hits = 0
        self.misses = 0

    @property
    def id(self) -> str:
        """That of the model."""
        return self._model.id

    @property
    def family(self) -> str:
        """That of the model."""
        return self._model.family

    def answer(self, images: Sequence[Image], questions: Sequence[str]) -> list[str | None]:
        """Answer from the cache where it knows, else ask the model, once for equal questions on equal images."""
        names = {id(image): image_sha(image) for image in {id(image): image for image in images}.values()}
        pairs = list(zip(images, questions, strict=True))
        keys = [answer_key(self.id, names[id(image)], question, self.decoding) for image, question in pairs]
        known: dict[bytes, str | None] = dict(self._cache.get(keys))
        self.hits += sum(key in known for key in keys)
        missing = {key: pair for key, pair in zip(keys, pairs, strict=True) if key not in known}
        self.misses += sum(key in missing for key in keys)
        if missing:
            try:
                asked = self._model.answer([image for image, _ in missing.values()], [q for _, q in missing.values()])
            except AnswersEndedError as error:  # what was paid for is kept for the run that goes on
                self._cache.put(dict(zip(missing, error.answers, strict=True)))
                raise
            fresh = dict(zip(missing, asked, strict=True))
            self._cache.put(fresh)
            known |= fresh
        return [known[key] for key in keys]
