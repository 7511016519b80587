"""Captions: COCO, scored by CIDEr as pycocoevalcap computes it (with its tokenizer, which needs Java)."""

import re
from collections.abc import Iterator, Sequence

from auditdm_hub.errors import BackendUnavailableError
from auditdm_hub.evaluating.benchmark import Ask, Benchmark, Row, texts
from auditdm_hub.evaluating.items import Answered, Item


def _captions(row: Row, ask: Ask) -> Iterator[Item]:
    found = re.search(r"(\d+)\.\w+$", row["filename"])
    name = str(int(found[1])) if found else str(row["filename"])
    yield Item(name, row["image"], ask(""), [str(each) for each in row["sentences"]])


def cider(items: Sequence[Answered]) -> list[float]:
    """Return the CIDEr of each caption (0 to 10; the corpus weighs its n-grams).

    Raises:
        BackendUnavailableError: pycocoevalcap or Java is not there.
    """
    import shutil

    try:
        from pycocoevalcap.cider.cider import Cider
        from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer
    except ImportError as error:
        raise BackendUnavailableError(
            "CIDEr needs pycocoevalcap, not installed; run: pip install 'auditdm-hub[captions]'"
        ) from error
    if shutil.which("java") is None:
        raise BackendUnavailableError("CIDEr needs Java, for the tokenizer of pycocoevalcap: install a Java runtime")
    wanted = {item.id: [{"caption": _on_one_line(text)} for text in texts(item.wanted)] for item in items}
    said = {item.id: [{"caption": _on_one_line(item.answer or "")}] for item in items}
    tokenizer = PTBTokenizer()
    _, scores = Cider().compute_score(tokenizer.tokenize(wanted), tokenizer.tokenize(said))
    return [float(score) for score in scores]


def _on_one_line(text: str) -> str:
    """Return a caption without what its tokenizer takes for the end of a line, or all later scores would move."""
    return " ".join(text.split())


BENCHMARKS = (
    Benchmark(
        "coco-caption", "yerevann/coco-karpathy", "test", "CIDEr, Karpathy's test split",
        ("filename", "image", "sentences"), _captions, cider, prompt="Describe the image briefly.", prefix="caption en",
        max_new_tokens=64, source="arXiv:1411.5726",
    ),
)  # fmt: skip
