"""Text that models, users and strangers wrote, as it may stand in a card: it says what it says, and does nothing."""

import html
import json
import re

from auditdm_hub.text import visible

LONGEST = 200
MARKED = re.compile(r"[|`*_\[\]\\{}~#!<>()$]|^[-+=]|\b(?=https?://|www\.)")


def plain(text: object, longest: int = LONGEST) -> str:
    """Return a text for running prose or the cell of a table: one line, no markup, no link, shortened if it is long."""
    flat = visible(" ".join(str(text).split()))
    if len(flat) > longest:
        flat = flat[: longest - 1].rstrip() + "…"
    return MARKED.sub(_entity, html.escape(flat, quote=True).replace("&", "\0")).replace("\0", "&") if flat else ""


def code(text: object, longest: int = LONGEST) -> str:
    """Return a text as code in a line of markdown; it cannot end the code, nor a cell of a table."""
    flat = visible(" ".join(str(text).split()))
    if len(flat) > longest:
        flat = flat[: longest - 1].rstrip() + "…"
    return f"<code>{html.escape(flat, quote=True).replace('|', '&#124;').replace('`', '&#96;')}</code>" if flat else ""


def quoted(text: str) -> str:
    """Return a text as a literal of Python, for code that is to be copied."""
    return json.dumps(visible(text), ensure_ascii=False)


def _entity(found: re.Match[str]) -> str:
    return f"&#{ord(found[0])};" if found[0] else "&#8203;"
