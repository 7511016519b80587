"""What `auditdm-hub evaluate` shows."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from auditdm_hub.report import wording
from auditdm_hub.text import plural, visible

SHOWN_PARTS = 12
Results = Mapping[str, Any]


def show(results: Results, path: Path, console: Console) -> None:
    """Print an evaluation: regressions first, then scores, then released failures."""
    for line in tables(results):
        console.print(line)
    console.print(f"Answers and figures: {path}", soft_wrap=True)


def tables(results: Results) -> list[Any]:
    """Return what is shown, in order."""
    found: list[Any] = []
    comparisons = results["comparisons"]
    if comparisons:
        worse = [each for each in comparisons if _regressed(each)]
        found.append(f"{plural(len(worse), 'regression')} among {plural(len(comparisons), 'comparison')}.")
        found.append(_compared(comparisons))
    if any(results["scores"].values()):
        found.append(_scores(results["scores"]))
        found += _measured(next(iter(results["scores"].values())))
    if results.get("blind"):
        found.append(_looking(results["blind"]))
    if results["failures"]:
        found.append(_failures(results["failures"]))
    if results.get("cost"):
        found.append(f"Cost: {', '.join(f'{_amount(count)} {name}' for name, count in results['cost'].items())}.")
    return found


def _amount(count: float) -> str:
    return f"{count:,}" if isinstance(count, int) else f"{count:,.2f}"


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 1))
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", overflow="fold")
    return table


def _compared(comparisons: Sequence[Results]) -> Table:
    table = _table("after - before", "before", "after", "change", "95% interval", "p")
    for each in comparisons:
        points = [100 * each[name] for name in ("difference", "low", "high")]
        mark = " (worse)" if _regressed(each) else ""
        table.add_row(
            f"{_plain(each['name'])}{mark}", _percent(each["before"]["rate"]), _percent(each["after"]["rate"]),
            f"{points[0]:+.1f}", f"{points[1]:+.1f} to {points[2]:+.1f}", wording.chance(each["p_value"]),
        )  # fmt: skip
    return table


def _regressed(each: Results) -> bool:
    return bool(each["low"] > 0 if each["better"] == "lower" else each["high"] < 0)


def _scores(scores: Mapping[str, Sequence[Results]]) -> Table:
    table = _table("benchmark", "model", "score", "95% interval", "items")
    for side, every in scores.items():
        for each in every:
            missing = f" ({each['unanswered']:,} unanswered)" if each["unanswered"] else ""
            table.add_row(
                _plain(each["benchmark"]), side, _percent(each["value"]),
                f"{100 * each['low']:.1f}-{100 * each['high']:.1f}", f"{each['items']:,}{missing}",
            )  # fmt: skip
            for name, value in each["figures"].items():
                table.add_row(f"  {_plain(name)}", "", f"{value:.1f}" if value > 1 else _percent(value), "", "")
            if len(every) == 1:
                parts = sorted(each["parts"].items(), key=lambda item: item[1])
                for name, value in parts[:SHOWN_PARTS]:
                    table.add_row(f"  {_plain(name)}", "", _percent(value), "", "")
    return table


def _measured(scores: Sequence[Results]) -> list[str]:
    """Return a line for each benchmark: metric, data and prompt."""
    return [
        f"[dim]{_plain(each['benchmark'])}: {_plain(each['metric'])}; split {_plain(each['split'])} of "
        f"{_plain(each['dataset'])}; asked {_plain(json.dumps(each['prompt'], ensure_ascii=False))}[/dim]"
        for each in scores
    ]  # fmt: skip


def _looking(blind: Sequence[Results]) -> Table:
    """Return what a model gains by looking at the image."""
    table = _table("with a grey image and with the true one", "grey", "true", "change", "95% interval", "p")
    for each in blind:
        points = [100 * each[name] for name in ("difference", "low", "high")]
        table.add_row(
            _plain(each["name"]), _percent(each["before"]["rate"]), _percent(each["after"]["rate"]),
            f"{points[0]:+.1f}", f"{points[1]:+.1f} to {points[2]:+.1f}", wording.chance(each["p_value"]),
        )  # fmt: skip
    return table


def _failures(failures: Mapping[str, Results]) -> Table:
    table = _table("failure type", "model", "error", "95% interval", "asked")
    for side, each in failures.items():
        for kind in [*each["types"], each["controls"]]:
            table.add_row(
                _plain(kind["name"]), side, _percent(kind["error"]),
                f"{100 * kind['low']:.1f}-{100 * kind['high']:.1f}", f"{kind['asked']:,}",
            )  # fmt: skip
    return table


def _percent(share: float) -> str:
    return wording.percent(share, 1)


def show_rounds(rounds: Sequence[Results], console: Console) -> None:
    """Print the table of rounds: what each audit found, and what is still wrong of what the first one found."""
    heads = ("before" if each["round"] == 1 else f"after {each['round'] - 1}" for each in rounds)
    table = _table("rounds of repair", *heads)
    table.add_row("search success", *(_percent(each["rate"]) for each in rounds))
    table.add_row("failure types found", *(str(len(each["types"])) for each in rounds))
    for name in rounds[0]["benchmarks"]:
        table.add_row(_plain(name), *(_percent(each["benchmarks"][name]) for each in rounds))
    for name in rounds[0]["first_types"]:
        table.add_row(f"wrong: {_plain(name)}", *(_wrong(each["first_types"][name]) for each in rounds))
    table.add_row("wrong: what it got right", *(_wrong(each["kept"]) for each in rounds))
    table.add_row("answers asked for", *(f"{each['answers']:,}" for each in rounds))
    table.add_row("minutes", *(f"{each['seconds'] / 60:.1f}" for each in rounds))
    console.print(table)


def _wrong(counts: Sequence[int]) -> str:
    wrong, asked = counts
    return f"{wrong} of {asked}"


def _plain(text: str) -> str:
    return escape(visible(text))
