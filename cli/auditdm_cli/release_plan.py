"""What `auditdm-hub publish` shows of a plan."""

import re
import textwrap
from typing import Any

from auditdm_hub.publishing.hub import Published
from auditdm_hub.text import plural, visible
from auditdm_hub.workflows.publication import Options, Outline

LISTED, WIDTH = 12, 79


def as_lines(outline: Outline, options: Options, full: bool = True) -> list[str]:
    """Return the plan for people to read; `full` with columns and files."""
    plan, manifest = outline.plan, outline.plan.manifest
    lines = [f"{visible(manifest.name)} {manifest.version}, {manifest.license}, in {plan.folder}"]
    if plan.last is None:
        lines.append("First release.")
    elif plan.published:
        lines.append(f"Nothing changed since {plan.last.version}.")
    else:
        lines.append(f"Since {plan.last.version} ({plan.bump or 'patch'} change):")
        lines += [f"  {bump:5}  {visible(line)}" for bump, line in plan.difference.changes]
    if manifest.rows:
        lines += ["", f"  {'config':15}{'rows':>9}{'added':>9}{'removed':>9}{'changed':>9}"]
        for config, splits in manifest.rows.items():
            counts = plan.difference.rows.get(config, {"added": sum(splits.values()) if plan.last is None else 0})
            figures = [sum(splits.values()), *(counts.get(name, 0) for name in ("added", "removed", "changed"))]
            lines.append(f"  {config:15}" + "".join(f"{figure:9,}" for figure in figures))
        for config, columns in manifest.columns.items() if full else ():
            named = ", ".join(f"{name} {_type(kind)}" for name, kind in columns.items())
            said = f"  {plural(len(columns), 'column')} of {config}: {named}"
            lines += textwrap.wrap(said, WIDTH, subsequent_indent="    ", break_long_words=False)
    sizes = sorted(((file.size, path) for path, file in manifest.files.items()), reverse=True)
    lines += ["", f"  {plural(len(plan.paths), 'file')}, {plan.size:,} bytes{'; the largest:' if full else ''}"]
    lines += [f"  {size:12,}  {path}" for size, path in sizes[:LISTED] if full]
    checked = ", ".join(plural(count, what.removesuffix("s")) for what, count in plan.checked.items())
    lines += ["", f"Gates passed: {checked}."]
    where = outline.where or f"{manifest.name}, a new {'private ' if options.private else ''}repository"
    lines.append(f"To {where}{f', on commit {outline.parent[:12]}' if outline.parent else ''}.")
    return lines


def _type(kind: str) -> str:
    """Return a column's type in few letters: "string" for "Value('string')"."""
    value = re.fullmatch(r"Value\('(\w+)'\)", kind)
    return value[1] if value else kind.partition("(")[0]


def plan_as_json(found: Published | Outline) -> dict[str, Any]:
    """Return what came of it for machines."""
    if isinstance(found, Published):
        return {"published": found.fresh, "version": str(found.version), "url": found.url, "commit": found.commit}
    plan = found.plan
    return {
        "published": False,
        "version": str(plan.manifest.version),
        "bump": plan.bump,
        "changes": [{"bump": bump, "what": line} for bump, line in plan.difference.changes],
        "rows": {config: dict(counts) for config, counts in plan.difference.rows.items()},
        "gates": dict(plan.checked),
        "parent": found.parent,
        "folder": str(plan.folder),
        "manifest": plan.manifest.as_json(),
    }
