"""Training curves as points for inline SVG."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 320.0, 110.0
# What the training logs of its reward, with the words for a reader.
SHOWN = {
    "search_success": "search success",
    "effective_kinds": "effective kinds of success",
    "consensus_rate": "consensus rate",
    "reward": "reward",
}
PANELS = 3
WINDOW = 0.1
"""Share of the steps over which the bold line averages."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One panel: `raw` and `mean` are SVG point lists in a box of WIDTH x HEIGHT."""

    label: str
    raw: str
    mean: str
    low: float
    high: float
    first: float
    last: float
    steps: int


def training_curves(log: Sequence[Mapping[str, float]]) -> list[Curve]:
    """Return up to three panels of what the log holds; none for fewer than two steps."""
    curves = []
    for key, label in SHOWN.items():
        # A metric is missing in steps that say nothing of the models.
        points = [(line["step"], line[key]) for line in log if line.get(key) is not None and math.isfinite(line[key])]
        if len(points) >= 2:
            curves.append(_curve(label, points))
    return curves[:PANELS]


def _curve(label: str, points: Sequence[tuple[float, float]]) -> Curve:
    values = [value for _, value in points]
    mean = rolling_mean(values, max(1, round(len(values) * WINDOW)))
    low, high = min(0.0, *values), max(values)
    start, end = points[0][0], points[-1][0]
    span, rise = (end - start) or 1.0, (high - low) or 1.0

    def place(step: float, value: float) -> str:
        return f"{(step - start) / span * WIDTH:.1f},{HEIGHT - (value - low) / rise * HEIGHT:.1f}"

    return Curve(
        label=label,
        raw=" ".join(place(step, value) for step, value in points),
        mean=" ".join(place(step, value) for (step, _), value in zip(points, mean, strict=True)),
        low=low,
        high=high,
        first=mean[0],
        last=mean[-1],
        steps=int(end),
    )


def rolling_mean(values: Sequence[float], window: int) -> list[float]:
    """Return the mean of each value and up to `window` - 1 before it."""
    return [
        math.fsum(values[max(0, i - window + 1) : i + 1]) / (i + 1 - max(0, i - window + 1)) for i in range(len(values))
    ]
