"""`auditdm_hub.load_failures`: a released failure set as a `datasets.Dataset`, checked and pinned."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from auditdm_hub.errors import ConfigError, ReleaseError
from auditdm_hub.releases.address import parse_address
from auditdm_hub.releases.download import download
from auditdm_hub.releases.manifest import open_manifest
from auditdm_hub.releases.schema import CONFIGS, SPLITS_OF, Config
from auditdm_hub.releases.selection import labels_of

if TYPE_CHECKING:
    from datasets import Dataset

Format = Literal["sft", "preference"]


def load_failures(
    repo: str,
    version: str | None = None,
    *,
    type: str | None = None,
    config: Config = "failures",
    split: str | None = None,
    format: Format | None = None,
) -> "Dataset":
    """Return a released failure set.

    The release is downloaded once and every file checked against its manifest; without a connection it is the version
    that was downloaded before, never another one.

    Args:
        repo: ORG/NAME on the Hub, or a folder that was published to.
        version: "v1.0.0"; None = the newest that is not withdrawn.
        type: the name of a failure type, to have its failures only.
        config: "failures", "failure_types" or "exchanges".
        split: "train" or "test"; None = both.
        format: "sft" gives rows for TRL's `SFTTrainer` (images, prompt, completion: the consensus), "preference" rows
            for its `DPOTrainer` (images, prompt, chosen: the consensus, rejected: the target's answer).

    Raises:
        ReleaseError: there is no such version or type, or a file is not what it should be.
        HubError: the Hub does not answer, or does not allow it.
        ConfigError: an argument has a value that it cannot have.
    """
    from datasets import concatenate_datasets

    _refuse_unknown(config, split, format)
    folder = download(parse_address(repo, version))
    manifest = open_manifest(folder)
    if manifest.kind != "dataset":
        raise ReleaseError(f"{manifest.name} is an adapter, no failure set: load it with peft")
    splits = [split] if split else [name for name in SPLITS_OF[config]]
    parts = [_split(folder, sorted(manifest.files), config, name) for name in splits]
    found = concatenate_datasets(parts)
    if type is not None:
        found = _of_type(found, config, labels_of(manifest, [type])[0], type)
    return found if format is None else _formatted(found, format)


def _refuse_unknown(config: str, split: str | None, format: str | None) -> None:
    if config not in CONFIGS:
        raise ConfigError(f"config: got {config!r}, wanted {', '.join(CONFIGS)}")
    if split is not None and split not in SPLITS_OF[config]:
        raise ConfigError(f"split: got {split!r}, wanted {' or '.join(SPLITS_OF[config])} for {config}")
    if format is not None and (format not in get_args(Format) or config == "failure_types"):
        raise ConfigError(f"format: got {format!r} for {config}, wanted sft or preference for failures or exchanges")


def _split(folder: Path, files: list[str], config: str, split: str) -> "Dataset":
    from datasets import load_dataset

    shards = [str(folder / path) for path in files if path.startswith(f"data/{config}/{split}-")]
    return load_dataset("parquet", data_files={split: shards}, split=split)


def _of_type(found: "Dataset", config: str, label: int, name: str) -> "Dataset":
    column, wanted = {"failures": ("failure_type", label), "failure_types": ("name", name)}.get(
        config, ("failure_type", name)
    )
    values: list[Any] = found.data.column(column).to_pylist()
    return found.select([place for place, value in enumerate(values) if value == wanted])


def _formatted(found: "Dataset", format: Format) -> "Dataset":
    """Return rows as TRL's trainers for vision-language models take them; those without both answers are left out."""
    from datasets import Features, Image, List, Value

    needed = ("consensus_answer",) if format == "sft" else ("consensus_answer", "target_answer")
    said = [found.data.column(name).to_pylist() for name in needed]
    found = found.select([place for place, answers in enumerate(zip(*said, strict=True)) if all(answers)])
    turns = List({"role": Value("string"), "content": Value("string")})
    names = ("completion",) if format == "sft" else ("chosen", "rejected")
    features = Features({"images": List(Image()), "prompt": turns, **dict.fromkeys(names, turns)})

    def convert(row: dict[str, Any]) -> dict[str, Any]:
        answers = (row[name] for name in needed)
        return {
            "images": [row["image"]],
            "prompt": [{"role": "user", "content": row["question"]}],
            **{name: [{"role": "assistant", "content": answer}] for name, answer in zip(names, answers, strict=True)},
        }

    return found.cast_column("image", Image(decode=False)).map(
        convert, remove_columns=found.column_names, features=features
    )
