"""Faults by rule: what a server does wrong, to which requests, how often."""

import re
import threading
from dataclasses import dataclass, field
from typing import Literal

Plane = Literal["hub", "data"]


@dataclass
class Rule:
    """What to do to requests that match.

    `status` answers with that status and does nothing; `delay` waits so many seconds before that; `drop` closes
    the connection: "before" anything is done, or "after" all is done, so that only the reply is lost; `cut` sends so
    many bytes of the body and closes; `flip` changes the byte at that place of the body. `after` requests pass first,
    then it is done `times` times (0 = for ever).
    """

    path: str
    method: str = ""
    plane: Plane | None = None
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drop: Literal["", "before", "after"] = ""
    cut: int | None = None
    flip: int | None = None
    times: int = 1
    after: int = 0
    done: int = 0

    def matches(self, method: str, path: str, plane: Plane) -> bool:
        return (
            (not self.method or self.method == method)
            and (self.plane is None or self.plane == plane)
            and re.search(self.path, path) is not None
        )


class Faults:
    """The rules of a server."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._lock = threading.Lock()

    def add(self, rule: Rule) -> None:
        with self._lock:
            self._rules.append(rule)

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def find(self, method: str, path: str, plane: Plane) -> Rule | None:
        """Return the rule that hits this request, and count it."""
        with self._lock:
            for rule in self._rules:
                if not rule.matches(method, path, plane):
                    continue
                if rule.after > 0:
                    rule.after -= 1
                    continue
                if rule.times and rule.done >= rule.times:
                    continue
                rule.done += 1
                return rule
        return None
