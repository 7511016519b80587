"""The tables of a failure set: their columns, how a row is named, and which split it belongs to.

| config | a row is |
| --- | --- |
| `failures` (default) | a unique failure: target against consensus, with both images where one was made |
| `failure_types` | a failure type, with its rule and its rate |
| `exchanges` | everything that was asked, with what did not fail; `failure_type` is "" but for failures |

A consensus is not ground truth: the column is `consensus_answer`, never "label". `id` is the same for the same image,
question and target on every machine.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from auditdm_hub.records import content_id

if TYPE_CHECKING:
    from datasets import Features

Config = Literal["failures", "failure_types", "exchanges"]
CONFIGS: tuple[Config, ...] = ("failures", "failure_types", "exchanges")
SPLITS = ("train", "test")
SPLITS_OF: dict[Config, tuple[str, ...]] = {"failures": SPLITS, "failure_types": ("train",), "exchanges": SPLITS}
IMAGES = ("image", "source_image")
UNASSIGNED = "unassigned"
INDEX = "index.parquet"
"""config, split, id and digest of every row: what a difference between two releases is computed from."""
TEST_SHARE = 5  # one source image in so many


def row_id(image_sha: str, question: str, target: str) -> str:
    """Return the content id of a row: 16 hex digits of a hash over image pixels, question and target (its revision)."""
    return content_id(image_sha, question, target)


def row_digest(row: Mapping[str, object]) -> str:
    """Return a hash over a row (16 hex digits); its images count by the hashes of their pixels, which are columns."""
    return content_id({key: value for key, value in row.items() if key not in IMAGES})


def split_of(source_image_sha: str) -> str:
    """Return "train" or "test": every row about one source image, changed or not, is in the same split for ever."""
    return "test" if int(source_image_sha[8:16], 16) % TEST_SHARE == 0 else "train"


def pattern(config: str, split: str) -> str:
    """Return the glob of a split's shards."""
    return f"data/{config}/{split}-*.parquet"


def shard_path(config: str, split: str, index: int, count: int) -> str:
    """Return where shard `index` of `count` lies."""
    return f"data/{config}/{split}-{index:05d}-of-{count:05d}.parquet"


def features_of(config: Config, types: Sequence[str]) -> "Features":
    """Return the columns of a config.

    Args:
        config: which table.
        types: the names of the failure types, in the order of their labels, without "unassigned".
    """
    from datasets import ClassLabel, Features, Image, List, Value

    text, share = Value("string"), Value("float64")
    if config == "failure_types":
        counts = {name: Value("int64") for name in ("count", "failures", "trials")}
        rates = {name: share for name in ("rate", "low", "high", "q_value")}
        return Features({"name": text, "description": text, "rule": text, "status": text, **counts, **rates})
    answers = List({"model": text, "answer": text})
    asked = {
        "id": text,
        "image": Image(),
        "question": text,
        "pairing": text,
        "instruction": text,
        "target_answer": text,
        "reference_answers": answers,
        "consensus_answer": text,
        "agreement": share,
    }
    made = {
        "image_source": text,
        "image_sha256": text,
        "source_image_sha256": text,
        "image_origin": text,
        "image_license": text,
        "generator": text,
        "generator_license": text,
        "auditor": text,
        "target": text,
    }
    if config == "failures":
        kind = {"failure_type": ClassLabel(names=[*types, UNASSIGNED]), "failure_type_status": text}
        return Features(
            {"id": asked.pop("id"), "image": asked.pop("image"), "source_image": Image(), **asked, **kind, **made}
        )
    return Features({**asked, "outcome": text, "reason": text, "failure_type": text, **made})
