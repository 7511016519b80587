"""The card of a failure set."""

import hashlib
import re
from collections.abc import Iterator
from typing import Any

from auditdm_cards.rendering import render
from auditdm_hub.publishing.benchmark import CONFIG, SPLIT, TABLE
from auditdm_hub.publishing.facts import FailureSet, Sample, TypeFacts
from auditdm_hub.report.schema import Results
from auditdm_hub.report.wording import ARM_NAMES, BEST_FIRST
from auditdm_hub.text import visible

TASKS = ["visual-question-answering", "image-text-to-text"]
TAGS = ["auditdm", "failure-analysis", "red-teaming", "evaluation", "vision-language-models"]
SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)
LARGEST = "10M<n<100M"
SHOWN_TYPES = 12
"""Failure types of which the card shows samples; the table has them all."""
PAPER = "2512.16921"


def dataset_card(release: FailureSet) -> dict[str, bytes]:
    """Return README.md of a failure set, and the images that it shows."""
    shown = [kind for kind in release.types if kind.samples][:SHOWN_TYPES]
    readme = render(
        "dataset.md.j2",
        _front_matter(release),
        release=release,
        shown=[(kind, [_shown(sample) for sample in kind.samples]) for kind in shown],
        audits=[_audit(audit) for audit in release.audits],
        statuses=sorted({kind.status for kind in release.types}),
        key=_bibtex_key(release),
        rows=sum(release.rows["failures"].values()),
        asked=sum(release.rows["exchanges"].values()),
        example=release.types[0].name if release.types else "",
        revision=release.version,
        benchmark=TABLE in release.files and release.on_hub,
        paper=PAPER,
    )
    return {"README.md": readme, **dict(_assets(shown))}


def _front_matter(release: FailureSet) -> dict[str, Any]:
    return {
        **_license(release),
        "pretty_name": visible(f"Failures of {', '.join(sorted({audit['target'] for audit in release.audits}))}"),
        "language": ["en"],
        "task_categories": TASKS,
        "tags": TAGS,
        "size_categories": [_size(sum(sum(splits.values()) for splits in release.rows.values()))],
        "annotations_creators": ["machine-generated"],
        "source_datasets": sorted({use.origin for use in release.images if _is_hub_id(use.origin)}) or ["original"],
        "configs": [*(_config(release, config) for config in release.features), *_benchmark(release)],
        "dataset_info": [_info(release, config) for config in release.features],
    }


def _license(release: FailureSet) -> dict[str, str]:
    licence = release.license
    if licence.id != "other":
        return {"license": licence.id}
    return {
        "license": "other",
        "license_name": re.sub(r"[^a-z0-9.]+", "-", licence.name.lower()),
        "license_link": licence.link,
    }


def _config(release: FailureSet, config: str) -> dict[str, Any]:
    files = [{"split": split, "path": glob} for split, glob in release.data_files[config].items()]
    first = {"default": True} if config == "failures" else {}
    return {"config_name": config, **first, "data_files": files}


def _benchmark(release: FailureSet) -> Iterator[dict[str, Any]]:
    if TABLE in release.files:
        yield {"config_name": CONFIG, "data_files": [{"split": SPLIT, "path": TABLE}]}


def _info(release: FailureSet, config: str) -> dict[str, Any]:
    return {
        "config_name": config,
        "features": release.features[config]._to_yaml_list(),  # what datasets itself writes into its cards
        "splits": [
            {"name": split, "num_bytes": _bytes(release, f"data/{config}/{split}-"), "num_examples": count}
            for split, count in release.rows[config].items()
        ],
        "download_size": release.data_bytes[config],
        "dataset_size": release.data_bytes[config],
    }


def _bytes(release: FailureSet, prefix: str) -> int:
    return sum(size for path, (size, _) in release.files.items() if path.startswith(prefix))


def _audit(audit: Results) -> dict[str, Any]:
    """Return what the card says of one audit."""
    arms = [(ARM_NAMES[arm], found) for arm in BEST_FIRST if (found := audit["search_success"].get(arm))]
    return {"results": audit, "arms": arms, "models": audit["models"], "consensus": audit["consensus"]}


def _shown(sample: Sample) -> dict[str, Any]:
    return {
        "sample": sample,
        "image": _asset(sample.image),
        "source": _asset(sample.source_image) if sample.source_image else "",
    }


def _assets(shown: list[TypeFacts]) -> Iterator[tuple[str, bytes]]:
    for kind in shown:
        for sample in kind.samples:
            for data in (sample.image, sample.source_image):
                if data:
                    yield _asset(data), data


def _asset(data: bytes) -> str:
    return f"assets/{hashlib.sha256(data).hexdigest()[:16]}.png"


def _size(rows: int) -> str:
    return next((name for limit, name in SIZES if rows < limit), LARGEST)


def _is_hub_id(origin: str) -> bool:
    return re.fullmatch(r"[\w.-]+/[\w.-]+", origin) is not None


def _bibtex_key(release: FailureSet) -> str:
    return re.sub(r"[^a-z0-9]+", "_", release.name.lower()).strip("_")
