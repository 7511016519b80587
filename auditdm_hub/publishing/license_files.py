"""LICENSES/ and NOTICE of a release."""

import textwrap
from collections.abc import Collection, Mapping
from importlib.resources import files

from auditdm_hub.errors import ReleaseError
from auditdm_hub.publishing.facts import Adapter, FailureSet, ModelUse
from auditdm_hub.publishing.licenses import OVERVIEW, RESTRICTED, Terms, find, known
from auditdm_hub.text import plural, visible

DEMANDS = {
    "by": "name the source",
    "sa": "share changed versions under the same licence",
    "nc": "no commercial use",
    "nd": "no changed versions",
    "use": "restrictions of use",
}


def license_files(licenses: Collection[str], extra_texts: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return LICENSES/: a file for each licence, and an overview.

    Args:
        licenses: ids or names of licences; "other", which says only that several are mixed, is passed over.
        extra_texts: id -> text, which the user supplies.

    Raises:
        ReleaseError: a licence is unknown, its terms have to go along and nobody supplied them, or a supplied text is
            empty.
    """
    for name, data in extra_texts.items():
        if not data.strip():
            raise ReleaseError(f"--license-file {name}: the file is empty")
    every = {terms.id: terms for terms in (known(name, "licence") for name in licenses if name != "other")}
    texts = {terms.id: data for name, data in extra_texts.items() if (terms := known(name, "--license-file"))}
    written = {f"LICENSES/{name}.txt": _text(terms, texts) for name, terms in sorted(every.items())}
    return {**written, OVERVIEW: _overview([every[name] for name in sorted(every)])}


def notice(release: FailureSet) -> bytes:
    """Return NOTICE of a failure set: whose images and whose models are in it, and what they ask for."""
    lines = [f"{visible(release.name)}: a failure set made by auditdm-hub.", "", "Images"]
    for use in release.images:
        made = f", drawn or edited by {visible(use.generator)} ({use.generator_license or 'licence unknown'})"
        lines.append(
            f"- {visible(use.origin)}, {use.license}{made if use.generator else ''}: {plural(use.rows, 'row')}"
        )
    lines += ["", "Models", *(_model_line(model) for model in release.models)]
    lines += _of_answers([model.license for model in release.models if model.license])
    return "\n".join([*lines, ""]).encode()


def adapter_notice(adapter: Adapter) -> bytes:
    """Return NOTICE of an adapter: what it is derived from, and that it was changed."""
    lines = [
        f"{visible(adapter.name)}: a LoRA adapter made by auditdm-hub.",
        "",
        f"It changes the weights of {visible(adapter.base)} ({adapter.base_license or 'licence unknown'}). Files of",
        "that model are not part of this release; adapter_config.json and adapter_model.safetensors are new.",
        *_of_derived(adapter.base_license),
    ]
    return "\n".join([*lines, ""]).encode()


def _model_line(model: ModelUse) -> str:
    return f"- {visible(model.id)} ({model.role}), {visible(model.license) or 'licence unknown'}"


def _of_derived(license_name: str) -> list[str]:
    """Return what a licence wants said beside a model that is derived from one under it."""
    terms = find(license_name) if license_name else None
    return ["", *textwrap.wrap(terms.notice, 100)] if terms and terms.notice else []


def _of_answers(names: Collection[str]) -> list[str]:
    """Return what holds for the answers and questions of models under terms of use."""
    every = {terms.name: terms.url for name in names if (terms := find(name)) and RESTRICTED in terms.demands}
    if not every:
        return []
    said = (
        "The tables hold texts that models under terms of use wrote. They are not those models, but the terms can bind "
        "who trains another model on them: read them before you do."
    )
    return ["", *textwrap.wrap(said, 100), *(f"- {name}: {url}" for name, url in sorted(every.items()))]


def _text(terms: Terms, extra: Mapping[str, bytes]) -> bytes:
    if terms.id in extra:
        return extra[terms.id]
    shipped = files(__package__).joinpath("license_texts", f"{terms.spdx}.txt")
    if terms.spdx and shipped.is_file():
        return shipped.read_bytes()
    if terms.travels:
        raise ReleaseError(
            f"{terms.name} asks that a copy of its terms goes along: get it from {terms.url} and add "
            f"--license-file {terms.id}=FILE"
        )
    return f"{terms.name}\n\nThe terms at {terms.url} apply.\n".encode()


def _overview(every: Collection[Terms]) -> bytes:
    lines = [
        "# Licences",
        "",
        "Each row names the licence of its image (`image_license`, `generator_license`). A use of",
        "the whole has to keep to all of them.",
        "",
        "| licence | asks for | terms |",
        "| --- | --- | --- |",
    ]
    for terms in every:
        asks = ", ".join(DEMANDS[each] for each in DEMANDS if each in terms.demands) or "nothing"
        lines.append(f"| {terms.name} (`{terms.id}`) | {asks} | <{terms.url}> |")
    return "\n".join([*lines, ""]).encode()
