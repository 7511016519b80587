"""Cards from templates: jinja2 that refuses a missing value, and YAML that is never written by a template."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from auditdm_cards.escaping import code, plain, quoted
from auditdm_hub.report.wording import STATUSES, duration, interval, number, percent
from auditdm_hub.text import plural


@cache
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("auditdm_cards"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # markdown: what is not ours goes through `plain` or `code`
    )
    found.filters |= {
        "plain": plain, "code": code, "quoted": quoted, "percent": percent, "number": number, "duration": duration,
    }  # fmt: skip
    found.globals |= {"interval": interval, "plural": plural, "STATUSES": STATUSES}
    return found


def render(template: str, front_matter: Mapping[str, Any], **values: object) -> bytes:
    """Return a README.md.

    Args:
        template: the name of a template; it writes the body.
        front_matter: becomes the YAML at the top.
        values: what the template may use.

    Raises:
        jinja2.UndefinedError: the template uses what is not there.
    """
    fields = yaml.safe_dump(dict(front_matter), allow_unicode=True, sort_keys=False, width=1000)
    body = _environment().get_template(template).render(**values)
    return f"---\n{fields}---\n{body}".encode()
