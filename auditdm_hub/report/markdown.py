"""`report.md`: the same findings as the page, with images by relative path, for a README or an issue.

Model-written text never acts: characters that mean something to markdown, HTML, mathematics or GitHub's mentions are
escaped, and a text stays on its line.
"""

import html
import re
from collections.abc import Sequence
from pathlib import Path

from auditdm_hub.evaluating.comparison import Comparison
from auditdm_hub.images import ImageStore
from auditdm_hub.records import PAIRINGS
from auditdm_hub.report import wording
from auditdm_hub.report.rounds import Round, share, type_names
from auditdm_hub.report.schema import Example, Results, TypeResult
from auditdm_hub.text import as_markdown as escape
from auditdm_hub.text import plural, visible

IMAGES = "images"
WIDTH = 128


def attribute(text: str) -> str:
    """Return a text for an HTML attribute inside a table cell of markdown."""
    return re.sub(r"[|`*_\[\]\\]", lambda found: f"&#{ord(found[0])};", html.escape(visible(" ".join(text.split()))))


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: int = 0) -> str:
    """Return a markdown table of cells that are escaped already; the last `right` columns are aligned to the right."""
    rule = ["---"] * (len(head) - right) + ["---:"] * right
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)) + "\n"


def render_markdown(results: Results, rounds: Sequence[Round] = (), repair: Sequence[Comparison] = ()) -> str:
    """Return the report, with the table of `rounds` of repair or of one `repair` if there was any.

    Its images lie where the run keeps them, relative to the run's folder.
    """
    parts = [
        f"# What {escape(wording.model_names(results).get(results['target'], results['target']))} gets wrong\n",
        escape(wording.verdict(results)) + "\n",
        _header(results),
        "## Search success\n\nFailures / all trials, invalid ones too, with Wilson 95% intervals. Effective types = "
        "exp(entropy) of the types found.\n",
        _success(results),
        *(f"{escape(sentence)}\n" for sentence in wording.passes(results)),
        *(["## Rounds of repair\n", rounds_table(rounds)] if rounds else []),
        *(["## Repair\n", f"{wording.REPAIR}\n", repair_table(repair)] if repair else []),
        "## Failure types\n",
        _types(results),
        *(_card(place, kind, results) for place, kind in enumerate(results["failure_types"], start=1)),
        "## Models\n",
        _models(results),
        *(f"{escape(sentence)}\n" for sentence in wording.trust(results)),
        "## What became of every trial\n",
        _outcomes(results),
        f"Written by auditdm-hub {escape(results['version'])}. A consensus is what most references say: it is not "
        "ground truth.\n",
    ]
    return "\n".join(parts)


def repair_table(repair: Sequence[Comparison]) -> str:
    """Return the table of before and after."""
    heads = ["", "before", "after", "change in points (95%)", "items", "p"]
    rows = [
        [escape(wording.compared(each)), wording.percent(each.before.rate, 1), wording.percent(each.after.rate, 1),
         escape(wording.change(each)), wording.number(each.after.trials), escape(wording.chance(each.p_value))]
        for each in repair
    ]  # fmt: skip
    return table(heads, rows, right=5)


def rounds_table(rounds: Sequence[Round]) -> str:
    """Return the table of rounds; the rows of types hold the share of wrong answers on images of the test split."""
    heads = ["", *("before" if each["round"] == 1 else f"after round {each['round'] - 1}" for each in rounds)]
    rows = [
        ["search success", *(wording.percent(each["rate"], 1) for each in rounds)],
        ["failure types found", *(str(len(each["types"])) for each in rounds)],
        *(
            [escape(name), *(wording.percent(each["benchmarks"][name], 1) for each in rounds)]
            for name in rounds[0]["benchmarks"]
        ),
        ["answers of models", *(wording.number(each["answers"]) for each in rounds)],
        ["time", *(wording.duration(each["seconds"]) for each in rounds)],
        *(
            [f"wrong: {escape(name)}", *(wording.percent(share(each["first_types"][name])) for each in rounds)]
            for name in type_names(rounds)
        ),
        ["wrong: what it got right", *(wording.percent(share(each["kept"]), 1) for each in rounds)],
    ]
    return table(heads, rows, right=len(rounds))


def _header(results: Results) -> str:
    done, trials = wording.scored(results)
    publishable = results["publishable"]
    return table(
        ["", ""],
        [
            ["date", escape(results["date"][:10])],
            ["seed", str(results["seed"])],
            ["trials scored", f"{done:,} of {trials:,}"],
            ["consensus rate", wording.percent(results["consensus"]["rate"])],
            ["unique failures", f"{results['unique_failures']:,}, of which {results['unassigned']:,} without a type"],
            ["time", wording.duration(results["seconds"]["total"])],
            *([escape(name), wording.number(count)] for name, count in results["cost"].items()),
            ["images", escape(f"{results['pool']['images']:,} of {results['pool']['source']}")],
            ["licence of the images", escape(results["pool"]["licence"] or "unknown")],
            ["publishable", escape(f"{'yes' if publishable['ok'] else 'no'}: {publishable['why']}")],
        ],
    )


def _success(results: Results) -> str:
    rows = []
    for arm, success in wording.arms(results).items():
        parts = success["by_pairing"]
        rows.append([
            wording.ARM_NAMES[arm],
            wording.rate_text(success),
            f"{success['valid']:,} / {success['trials']:,}",
            f"{success['effective_types']:.1f}",
            *(wording.rate_text(parts[pairing]) if pairing in parts else "" for pairing in PAIRINGS),
        ])  # fmt: skip
    head = ["auditor", "search success", "failures / trials", "effective types", *map(escape, PAIRINGS)]
    return table(head, rows, right=len(head) - 1)


def _types(results: Results) -> str:
    if not results["failure_types"]:
        return escape(results["refusal"] or "No failure type could be named.") + "\n"
    rows = [
        [f"[{escape(kind['name'])}](#type-{place})", kind["status"], f"{kind['failures']:,} / {kind['trials']:,}",
         f"{wording.percent(kind['rate'])} ({wording.interval(kind['low'], kind['high'])})"]
        for place, kind in enumerate(results["failure_types"], start=1)
    ]  # fmt: skip
    told = wording.tested_on(results)
    return table(["type", "status", "failures / trials", "failure rate"], rows, right=2) + (
        f"\n{told}\n" if told else ""
    )


def _card(place: int, kind: TypeResult, results: Results) -> str:
    references = list(results["models"]["references"])
    names = wording.model_names(results)
    head = ["original", "asked about", "question", "target", "consensus", *(escape(names[r["id"]]) for r in references)]

    def row(example: Example) -> list[str]:
        made = f"<br>{escape(example['instruction'])}" if example["instruction"] else ""
        answers = [example["reference_answers"].get(model["id"]) for model in references]
        return [
            _image(example["source_image"] or example["image"], "original"),
            _image(example["image"], example["image_source"]) + made if example["source_image"] else "the original",
            f"{escape(example['question'])}<br><sub>{example['selected']}, {escape(example['auditor'])}</sub>",
            f"**{_answer(example['target_answer'])}**",
            _answer(example["consensus"]),
            *map(_answer, answers),
        ]

    text = (
        f'<a id="type-{place}"></a>\n\n### {escape(kind["name"])}\n\n{escape(kind["predicate"])}\n\n'
        f"{kind['status'].capitalize()}: the target fails in {kind['failures']:,} of {kind['trials']:,} trials, "
        f"{wording.percent(kind['rate'])} ({wording.interval(kind['low'], kind['high'])}); "
        f"{plural(kind['count'], 'unique failure')}.\n\n{table(head, [row(e) for e in kind['examples']])}"
    )
    if told := wording.tested(kind):
        text += f"\n{escape(told)}\n"
    if kind["counterexamples"]:
        text += f"\nHere it agrees:\n\n{table(head, [row(each) for each in kind['counterexamples']])}"
    return text


def _image(sha: str, what: str) -> str:
    path = ImageStore(Path(IMAGES)).path(sha).as_posix()
    return f'<img src="{attribute(path)}" width="{WIDTH}" alt="{attribute(what)} image">'


def _answer(answer: str | None) -> str:
    return "*no answer*" if answer is None else escape(answer) or "*empty*"


def _models(results: Results) -> str:
    models = results["models"]
    rows = [["target", models["target"]["id"], models["target"]["family"]]]
    rows += [["reference", model["id"], model["family"]] for model in models["references"]]
    if models["holdout"]:
        rows.append(["holdout", models["holdout"]["id"], models["holdout"]["family"]])
    others = {
        "auditor": models["auditor"]["base"], "trained auditor": models["auditor"]["trained"],
        "image editor": models["editor"], "image generator": models["generator"], "judge": models["judge"],
        "embedder": models["embedder"],
    }  # fmt: skip
    rows += [[role, identity, ""] for role, identity in others.items() if identity]
    return table(["role", "model and revision", "family"], [[escape(cell) for cell in row] for row in rows])


def _outcomes(results: Results) -> str:
    found = wording.arms(results)
    rows = [
        [meaning, *(f"{success['outcomes'][outcome]:,}" for success in found.values())]
        for outcome, meaning in wording.OUTCOME_NAMES.items()
    ]
    rows += [
        [f"invalid: {escape(reason)}", *(f"{arm['invalid_reasons'].get(reason, 0):,}" for arm in found.values())]
        for reason in wording.invalid_reasons(results)
    ]
    text = table(["outcome", *(wording.ARM_NAMES[arm] for arm in found)], rows, right=len(found))
    if results["dropped"]:
        rows = [[escape(reason), f"{count:,}"] for reason, count in results["dropped"].items()]
        text += "\n" + table(["takes no part in the types", "trials"], rows, right=1)
    if results["faults"]:
        rows = [[escape(fault), f"{count:,}"] for fault, count in results["faults"].items()]
        text += "\n" + table(["fault", "trials"], rows, right=1)
    return text
