"""`croissant.json`: a failure set in the Croissant format (http://mlcommons.org/croissant/1.0), with its RAI part.

The Hub writes a Croissant file of its own, without what the responsible-AI vocabulary asks for; here it is filled from
what the audits measured. What nobody measured is not claimed.
"""

import json
from collections.abc import Iterator
from typing import Any

from auditdm_hub.publishing.facts import FailureSet
from auditdm_hub.publishing.licenses import find
from auditdm_hub.releases.schema import SPLITS, UNASSIGNED
from auditdm_hub.text import plural, visible

REPOSITORY = "repo"
PARQUET = "application/x-parquet"
"""The media type by which the format's readers know Parquet; with the registered one they open nothing."""
SPLIT_SET, LABEL_SET = "splits", "failure_type_labels"
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "conformsTo": "dct:conformsTo",
    **{
        name: f"cr:{name}"
        for name in (
            "citeAs", "column", "equivalentProperty", "extract", "field", "fileObject", "fileProperty", "fileSet",
            "format", "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet",
            "references", "regex", "repeated", "replace", "samplingRate", "separator", "source", "subField",
            "transform",
        )
    },
}  # fmt: skip
TYPES = {"string": "sc:Text", "float64": "sc:Float", "int64": "sc:Integer"}


def croissant(release: FailureSet) -> bytes:
    """Return croissant.json."""
    terms = find(release.license.id)
    content: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": visible(release.name).replace("/", "_"),
        "description": _description(release),
        "license": terms.url if terms else f"{release.license.name}: {release.license.link}",
        **({"url": _address(release)} if release.on_hub else {}),
        "citeAs": f"{' '.join(filter(None, (visible(release.name), release.version)))}: failures of vision-language "
        "models, found by auditdm-hub. Method: AuditDM, arXiv:2512.16921",
        "keywords": ["auditdm", "failure analysis", "vision-language models"],
        "inLanguage": "en",
        "datePublished": str(release.audits[-1]["date"])[:10],
        **({"version": release.version.removeprefix("v")} if release.version else {}),
        **_responsible(release),
        "distribution": [*_files(release), *_file_sets(release)],
        "recordSet": [
            _splits(),
            _labels(release),
            *(_record_set(release, config) for config in release.features),
        ],
    }
    return (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode()


def _address(release: FailureSet) -> str:
    return f"https://huggingface.co/datasets/{release.name}"


def _description(release: FailureSet) -> str:
    targets = ", ".join(sorted({visible(audit["target"]) for audit in release.audits}))
    count = sum(release.rows["failures"].values())
    return (
        f"{count:,} questions about images on which {targets} contradicts the consensus of its references, in "
        f"{len(release.types)} named failure types, beside everything else that was asked."
    )


def _files(release: FailureSet) -> Iterator[dict[str, Any]]:
    """Yield the repository, if there is one, and each file of data, which is named with its hash."""
    if release.on_hub:
        yield {
            "@type": "cr:FileObject",
            "@id": REPOSITORY,
            "name": REPOSITORY,
            "description": "The repository that holds this file.",
            "contentUrl": _address(release),
            "encodingFormat": "git+https",
            "sha256": "https://github.com/mlcommons/croissant/issues/80",  # what the format wants of a repository
        }
    for path, (size, sha256) in sorted(release.files.items()):
        if path.startswith("data/"):
            yield {
                "@type": "cr:FileObject",
                "@id": path,
                "name": path,
                "contentUrl": path,
                "contentSize": f"{size} B",
                "encodingFormat": PARQUET,
                "sha256": sha256,
            }


def _file_sets(release: FailureSet) -> Iterator[dict[str, Any]]:
    """Yield the shards of each config; what is in no repository lies beside this file."""
    for config in release.features:
        yield {
            "@type": "cr:FileSet",
            "@id": f"{config}-files",
            "name": f"{config}-files",
            "description": f"All shards of the config {config}.",
            **({"containedIn": {"@id": REPOSITORY}} if release.on_hub else {}),
            "encodingFormat": PARQUET,
            "includes": f"data/{config}/*.parquet",
        }


def _splits() -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": SPLIT_SET,
        "name": SPLIT_SET,
        "dataType": "cr:Split",
        "description": "All rows about one source image are in the same split.",
        "key": {"@id": f"{SPLIT_SET}/name"},
        "field": [_place(SPLIT_SET, "name") | {"dataType": "sc:Text"}],
        "data": [{f"{SPLIT_SET}/name": name} for name in SPLITS],
    }


def _labels(release: FailureSet) -> dict[str, Any]:
    """Return the names of the labels of `failure_type`."""
    names = [visible(name) for name in release.features["failures"]["failure_type"].names]
    return {
        "@type": "cr:RecordSet",
        "@id": LABEL_SET,
        "name": LABEL_SET,
        "dataType": "sc:Enumeration",
        "description": f"What the integers of failures/failure_type mean; {UNASSIGNED}: of no type.",
        "key": {"@id": f"{LABEL_SET}/label"},
        "field": [
            _place(LABEL_SET, "label") | {"dataType": "sc:Integer"},
            _place(LABEL_SET, "name") | {"dataType": ["sc:Text", "sc:name"]},
        ],
        "data": [{f"{LABEL_SET}/label": label, f"{LABEL_SET}/name": name} for label, name in enumerate(names)],
    }


def _record_set(release: FailureSet, config: str) -> dict[str, Any]:
    rows = sum(release.rows[config].values())
    fields = [_field(config, name, feature) for name, feature in release.features[config].items()]
    if len(release.rows[config]) > 1:
        source = {
            "fileSet": {"@id": f"{config}-files"},
            "extract": {"fileProperty": "fullpath"},
            "transform": {"regex": rf".*data/{config}/({'|'.join(SPLITS)})-.*"},
        }
        fields.append({**_place(config, "split"), "dataType": "sc:Text", "source": source})
    return {
        "@type": "cr:RecordSet",
        "@id": config,
        "name": config,
        "description": f"{plural(rows, 'row')}.",
        "key": {"@id": f"{config}/{'name' if config == 'failure_types' else 'id'}"},
        "field": fields,
    }


def _place(record_set: str, name: str) -> dict[str, Any]:
    return {"@type": "cr:Field", "@id": f"{record_set}/{name}", "name": name}


def _field(config: str, name: str, feature: Any) -> dict[str, Any]:  # noqa: ANN401 - any feature of `datasets`
    place = _place(config, name)
    source = {"fileSet": {"@id": f"{config}-files"}, "extract": {"column": name}}
    kind = type(feature).__name__
    if kind == "Image":
        return {**place, "dataType": "sc:ImageObject", "source": {**source, "transform": {"jsonPath": "bytes"}}}
    if kind == "ClassLabel":
        said = f"A label; {LABEL_SET} names it."
        return {**place, "dataType": "sc:Integer", "description": said, "source": source}
    if kind == "List":
        parts = [
            {**_place(f"{config}/{name}", part), "dataType": TYPES[each.dtype],
             "source": {**source, "transform": {"jsonPath": part}}}
            for part, each in feature.feature.items()
        ]  # fmt: skip
        return {**place, "repeated": True, "description": "The answer of each reference, by its name.",
                "subField": parts}  # fmt: skip
    return {**place, "dataType": TYPES[feature.dtype], "source": source}


def _responsible(release: FailureSet) -> dict[str, Any]:
    """Return the fields of the RAI vocabulary, from facts."""
    references = sorted({visible(each["id"]) for audit in release.audits for each in audit["models"]["references"]})
    makers = sorted({visible(use.generator) for use in release.images if use.generator})
    made = f"Images were changed or drawn by {', '.join(makers)}." if makers else "No image was changed."
    dropped = "; ".join(f"{visible(why)}: {count:,}" for why, count in release.dropped.items())
    statuses = sorted({kind.status for kind in release.types})
    return {
        "rai:dataCollection": (
            "An auditor model writes questions, captions and edit instructions for images of a pool; a target "
            "model and several references answer; rows are kept with what each said."
        ),
        "rai:dataCollectionType": ["Machine-generated", "Existing datasets"],
        "rai:dataCollectionMissingData": f"Trials that are in no table or in no failure type: {dropped or 'none'}.",
        "rai:dataCollectionRawData": f"Images: {', '.join(sorted({visible(use.origin) for use in release.images}))}.",
        "rai:dataCollectionTimeframe": [str(audit["date"])[:10] for audit in release.audits],
        "rai:dataImputationProtocol": "Nothing was imputed: an answer that a model did not give is null.",
        "rai:dataManipulationProtocol": f"{made} Each row says how its image came to be.",
        "rai:dataPreprocessingProtocol": [
            "Failures that repeat another about the same source image were left out of the config failures.",
            "Rows are split by source image.",
        ],
        "rai:dataAnnotationProtocol": (
            "The consensus is the answer of the largest agreeing group of references, one vote for each "
            "family of models. The audit asks no person; what the images' source annotated is not part of it."
        ),
        "rai:machineAnnotationTools": references,
        "rai:annotationsPerItem": str(len(references)),
        "rai:dataAnnotationAnalysis": _oracle(release),
        "rai:dataUseCases": [
            "Finding out what a vision-language model cannot do, and whether another one shares it.",
            "Training that repairs it, on the split train.",
        ],
        "rai:dataLimitations": [
            "A consensus of models is no ground truth.",
            f"Failure types are {', '.join(statuses) or 'not named'}.",
            "Rates hold for questions as this auditor asks them, on images like these.",
        ],
        "rai:dataBiases": [
            "What all references get wrong alike is not found.",
            "An auditor asks most about what it learned to find.",
        ],
        "rai:personalSensitiveInformation": (
            "Texts were searched for e-mail addresses, phone numbers, bank accounts, payment cards and IP "
            "addresses, image files for metadata; none is in the release. What the pictures themselves show "
            "was not examined."
        ),
        "rai:dataReleaseMaintenancePlan": (
            "Versions are immutable; corrections are new versions, named in CHANGELOG.md; a version that "
            "should not be used is marked in WITHDRAWN.json."
        ),
    }


def _oracle(release: FailureSet) -> list[str]:
    """Return how good the consensus is, for each audit."""
    found = []
    for audit in release.audits:
        holdout = audit["consensus"]["holdout"]
        said = f"{audit['consensus']['rate']:.1%} of {audit['consensus']['trials']:,} trials had a consensus"
        said += f"; a reference without a vote agreed with {holdout['rate']:.1%} of it" if holdout else ""
        found.append(f"{visible(audit['target'])}: {said}.")
    return found
