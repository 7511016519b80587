"""`auditdm_hub.audit`: an audit from Python, with names or with objects of your own.

from auditdm_hub import audit

run = audit(target=my_model, references=[one, another], pool="photos", auditor="google/gemma-3-4b-it", steps=0)
run.results()["failure_types"]
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from auditdm_hub.config import load_config
from auditdm_hub.errors import ConfigError
from auditdm_hub.runs import Run, default_path
from auditdm_hub.workflows.parts import Parts
from auditdm_hub.workflows.pools import GIVEN
from auditdm_hub.workflows.stages import run_audit
from auditdm_hub.workflows.watching import SILENT, Watcher

MODEL = ("id", "family", "answer")
SEAMS: dict[str, tuple[str, ...]] = {
    "target": MODEL, "holdout": MODEL, "gate": MODEL, "auditor": ("id", "write"), "judge": ("id", "same"),
    "embedder": ("id", "embed"), "generator": ("id", "generate"), "editor": ("id", "edit"),
}  # fmt: skip
"""What an object in the place of a name must have, as `auditdm_hub.protocols` says."""


def audit(
    config: Path | str | None = None,
    *,
    preset: str | None = None,
    resume: bool = False,
    yes: bool = False,
    watcher: Watcher = SILENT,
    **settings: Any,  # noqa: ANN401 - names, numbers, or objects of the user's own
) -> Run:
    """Run an audit and return its run; everything that `auditdm-hub audit` takes is a keyword here.

    Args:
        config: a YAML file.
        preset: where to start from.
        resume: go on with the run in `out`.
        yes: whether the audit may be expensive.
        watcher: is told how it comes along.
        settings: keys of the configuration. `target`, `holdout`, `gate`, `auditor`, `judge`, `embedder`, `generator`
            and `editor` may be objects that follow their protocol (`auditdm_hub.protocols`), `references` a list of
            them, and `pool` an iterable of `auditdm_hub.auditing.pool.PoolItem`. An auditor of one's own is used as it
            is.

    Raises:
        AuditDMError: the configuration, a model or the pool cannot be used; the message says what to do.
    """
    names, objects = split_settings(settings)
    loaded = load_config(Path(config) if config else None, preset, names, own_target=objects.target is not None)
    if not loaded.out:
        out = default_path(Path("runs"), loaded.target, latest=resume)
        loaded = loaded.model_copy(update={"out": str(out)})
    return run_audit(loaded, objects, resume=resume, yes=yes, watcher=watcher)


def split_settings(settings: Mapping[str, Any]) -> tuple[dict[str, Any], Parts]:
    """Return the settings with an object's id in its place, and the objects.

    Raises:
        ConfigError: an object lacks what its seam needs, references are names and objects, or an object is to be
            trained.
    """
    names: dict[str, Any] = {key: str(value) if isinstance(value, Path) else value for key, value in settings.items()}
    objects: dict[str, Any] = {}
    for seam, needed in SEAMS.items():
        value = names.get(seam)
        if value is not None and not isinstance(value, str):
            objects[seam] = _checked(seam, value, needed)
            names[seam] = value.id
    given = names.get("references")
    references = () if given is None or isinstance(given, str) else tuple(given)
    references = tuple(str(each) if isinstance(each, Path) else each for each in references)
    if references:
        names["references"] = list(references)
    if any(not isinstance(each, str) for each in references):
        objects["references"] = tuple(_checked("references", each, MODEL) for each in references)
        names["references"] = [each.id for each in references]
    pool = names.get("pool")
    if pool is not None and not isinstance(pool, str):
        objects["pool"] = pool
        names["pool"] = GIVEN
    if "auditor" in objects:
        if settings.get("steps"):
            raise ConfigError(f"steps: got {settings['steps']!r}, wanted 0: an auditor object is used as it is")
        names["steps"] = 0
    return names, Parts(**objects)


def _checked(seam: str, value: object, needed: tuple[str, ...]) -> object:
    if isinstance(value, str):
        raise ConfigError(f"{seam}: got the name {value!r} among objects, wanted names only or objects only")
    missing = [name for name in needed if not hasattr(value, name)]
    if missing:
        raise ConfigError(
            f"{seam}: got {value!r}, which lacks {', '.join(missing)}: wanted a name, or an object with "
            f"{', '.join(needed)}"
        )
    return value
