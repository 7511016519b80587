"""What `auditdm-hub publish` shows of a plan."""

from typing import Any

from auditdm_hub.publishing.hub import Published
from auditdm_hub.report.wording import plural
from auditdm_hub.text import visible
from auditdm_hub.workflows.publication import Options, Outline

LISTED = 12


def as_lines(outline: Outline, options: Options) -> list[str]:
    """Return the plan for people to read."""
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
        for config, columns in manifest.columns.items():
            lines.append(f"  columns of {config}: {', '.join(columns)}")
    sizes = sorted(((file.size, path) for path, file in manifest.files.items()), reverse=True)
    lines += ["", f"  {plural(len(plan.paths), 'file')}, {plan.size:,} bytes; the largest:"]
    lines += [f"  {size:12,}  {path}" for size, path in sizes[:LISTED]]
    checked = ", ".join(f"{count:,} {what}" for what, count in plan.checked.items())
    lines += ["", f"Gates passed: {checked}."]
    where = outline.where or f"{manifest.name}, a new {'private ' if options.private else ''}repository"
    lines.append(f"To {where}{f', on commit {outline.parent[:12]}' if outline.parent else ''}.")
    return lines


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
