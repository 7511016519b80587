"""What answers cost that are paid by the token: added up in a file of the run, with a limit."""

import json
import threading
from collections.abc import Mapping
from pathlib import Path

from auditdm_hub.atomic import atomic_write_json
from auditdm_hub.errors import ModelError

MILLION = 1_000_000
SPENDING = "spending.json"
"""The file of a run."""
Prices = Mapping[str, tuple[float, float]]
"""URL#MODEL or MODEL -> price of a million tokens read, and of a million written, in one currency."""


class Ledger:
    """Tokens of each model, and what they cost; kept in a file, so that a resumed run goes on adding."""

    def __init__(self, file: Path, prices: Prices, limit: float = 0.0) -> None:
        """Open the ledger in a file, or begin one; a `limit` of 0 is none."""
        self._file, self._prices, self._limit = file, prices, limit
        self._lock = threading.Lock()
        self._tokens: dict[str, list[int]] = json.loads(file.read_text()) if file.is_file() else {}

    def add(self, model: str, read: int, written: int) -> None:
        """Take note of the tokens of an answer."""
        with self._lock:
            counts = self._tokens.setdefault(model, [0, 0])
            counts[0] += read
            counts[1] += written

    def keep(self) -> None:
        """Write the file."""
        with self._lock:
            atomic_write_json(self._file, self._tokens)

    def refuse_more(self) -> None:
        """End the audit if the limit is reached.

        Raises:
            ModelError: it is.
        """
        if self._limit and self.spent >= self._limit:
            raise ModelError(
                f"the answers cost {self.spent:.2f} so far, and --max-cost is {self._limit:g}: continue with --resume "
                "and a higher --max-cost"
            )

    @property
    def spent(self) -> float:
        """The cost of all tokens so far, in the currency of the prices; a model without a price costs nothing."""
        with self._lock:
            rows = [(self._price(model), counts) for model, counts in self._tokens.items()]
        return sum((price[0] * counts[0] + price[1] * counts[1]) / MILLION for price, counts in rows)

    def _price(self, name: str) -> tuple[float, float]:
        return self._prices.get(name) or self._prices.get(name.rpartition("#")[2]) or (0.0, 0.0)

    @property
    def tokens(self) -> dict[str, tuple[int, int]]:
        """Tokens read and written, by model."""
        with self._lock:
            return {model: (read, written) for model, (read, written) in sorted(self._tokens.items())}
