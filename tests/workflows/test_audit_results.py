import json
from collections import Counter
from pathlib import Path

import pytest
from workflows.own_objects import POOL, PROBES, SMALL, Author, Objects, tables, timeless, trials, weak

from auditdm_hub import __version__
from auditdm_hub.curate.overrides import TEMPLATE
from auditdm_hub.records import Seed
from auditdm_hub.runs import Run
from auditdm_hub.tables import read_rows
from auditdm_hub.workflows import Watcher

TYPES = {"telling left from right", "counting more than four objects"}


def test_the_folder_holds_what_others_read(finished: Run) -> None:
    found = {file.relative_to(finished.path).as_posix() for file in finished.path.rglob("*") if file.is_file()}
    assert {name for name in found if not name.endswith(".png")} == {
        "seeds.parquet", "pool.json", "exchanges/prompt_only/00000.parquet", "exchanges/random/00000.parquet",
        "models.json", "left_out.json", "failures.parquet", "types.json", "results.json", "report.md", "report.html",
        "curation.yaml", "pictures.parquet", "makers.json", "run.json", "answers.sqlite", ".lock",
    }  # fmt: skip
    seeds = [Seed(**row) for row in read_rows(finished.path / "seeds.parquet")]  # type: ignore[arg-type]
    assert len(seeds) == POOL
    for row in (*trials(finished, "prompt_only"), *trials(finished, "random")):
        assert finished.images.path(row.probe.image_sha).is_file()
    assert (finished.path / "curation.yaml").read_text() == TEMPLATE
    assert list(finished.stages) == ["pool", "probe", "curate", "report"]


def test_only_discovery_images_are_probed(finished: Run) -> None:
    discovery = {row["id"] for row in read_rows(finished.path / "seeds.parquet") if row["split"] == "discovery"}
    assert 0 < len(discovery) < POOL
    assert {row.probe.seed_id for arm in ("prompt_only", "random") for row in trials(finished, arm)} == discovery


@pytest.mark.parametrize("arm", ["prompt_only", "random"])
def test_search_success_counts_every_trial_of_the_table(finished: Run, arm: str) -> None:
    success, rows = finished.results()["search_success"][arm], trials(finished, arm)
    first = [row for row in rows if row.probe.pairing != "(Q*, I*)"]
    assert len(first) == PROBES
    assert {row.probe.auditor for row in rows} == {arm}
    assert (success["valid"], success["trials"]) == (sum(row.failed for row in rows), len(rows))
    assert success["rate"] == success["valid"] / success["trials"]
    assert 0 < success["low"] < success["rate"] < success["high"] < 1
    assert success["effective_types"] <= len(TYPES)


def test_who_asks_what_the_target_cannot_do_finds_more(finished: Run) -> None:
    success = finished.results()["search_success"]
    assert success["trained"] is None
    assert success["prompt_only"]["low"] > success["random"]["high"]
    assert success["prompt_only"]["effective_types"] > 1.9


def test_the_planted_weaknesses_are_the_failure_types(finished: Run) -> None:
    results = finished.results()
    assert {kind["name"] for kind in results["failure_types"]} == TYPES
    for kind in results["failure_types"]:
        assert kind["status"] == "proposed"
        assert 0 < kind["low"] < 0.9 < kind["rate"] <= kind["high"] <= 1
        assert kind["count"] >= 10
        assert kind["predicate"].endswith(".")
        assert kind["examples"]
        for shown in kind["examples"]:
            assert shown["target_answer"] == weak(shown["question"], shown["consensus"]) != shown["consensus"]
            assert finished.images.path(shown["image"]).is_file()
    for page in ("report.md", "report.html"):
        assert all(name in (finished.path / page).read_text() for name in TYPES)


def test_every_unique_failure_stands_in_the_table_with_its_type(finished: Run) -> None:
    results = finished.results()
    rows = list(read_rows(finished.path / "failures.parquet"))
    assert len({row["id"] for row in rows}) == len(rows) == results["unique_failures"]
    assert {row["outcome"] for row in rows} == {"failure"}
    counts = Counter(row["failure_type"] for row in rows)
    assert counts.pop("unassigned", 0) == results["unassigned"]
    assert counts == {kind["name"]: kind["count"] for kind in results["failure_types"]}
    kinds = json.loads((finished.path / "types.json").read_text())["types"]
    assert {kind["name"]: kind["count"] for kind in kinds} == counts
    failed = {row.probe.id for arm in ("prompt_only", "random") for row in trials(finished, arm) if row.failed}
    assert {member for kind in kinds for member in kind["members"]} <= {row["id"] for row in rows} <= failed


def test_the_results_say_who_took_part_and_how_long_it_took(finished: Run) -> None:
    results = finished.results()
    assert (results["version"], results["seed"], results["target"]) == (__version__, 0, "own-target")
    models = results["models"]
    assert models["target"] == {"id": "own-target", "family": "mole"}
    assert [model["family"] for model in models["references"]] == ["owl", "hawk", "lynx"]
    assert models["holdout"] == {"id": "own-holdout", "family": "kite"}
    assert models["auditor"] == {"base": "own-author", "trained": ""}
    assert (models["editor"], models["generator"], models["judge"]) == (
        "playground-editor", "playground-generator", "vqa",
    )  # fmt: skip
    seconds = results["seconds"]
    assert seconds["train"] == 0
    assert min(seconds["probe"], seconds["curate"]) > 0
    assert seconds["total"] >= seconds["probe"] + seconds["curate"]
    assert results["publishable"] == {"ok": True, "why": "images under CC0-1.0"}
    assert results["faults"] == {}


def test_the_vote_is_of_the_references_and_the_holdout_is_only_compared(finished: Run) -> None:
    consensus = finished.results()["consensus"]
    assert 0.9 < consensus["rate"] <= 1
    assert list(consensus["by_family"]) == ["owl", "hawk", "lynx"]
    assert all(0.9 < family["rate"] < 1 for family in (*consensus["by_family"].values(), consensus["holdout"]))
    assert consensus["target_only_correct"]["rate"] < 0.1
    assert 1 < consensus["effective_voters"] <= 3
    success = finished.results()["search_success"]
    assert list(consensus["left_out"]) == ["hawk", "lynx", "owl"]
    for rates in consensus["left_out"].values():
        for arm, rate in rates.items():
            assert rate["trials"] == success[arm]["trials"]
            assert abs(rate["rate"] - success[arm]["rate"]) < 0.15


def test_the_same_settings_give_the_same_run(tmp_path: Path) -> None:
    one, two = (Objects().audit(tmp_path / name, **SMALL) for name in ("one", "two"))
    assert tables(one.path) == tables(two.path)
    assert timeless(one) == timeless(two)
    other = Objects().audit(tmp_path / "other", seed=1, **SMALL)
    assert tables(other.path) != tables(one.path)


def test_without_baseline_only_the_auditor_probes(tmp_path: Path) -> None:
    run = Objects(auditor=Author("lone")).audit(tmp_path / "run", baseline=False, embedder="default", **SMALL)
    success = run.results()["search_success"]
    assert (success["random"], success["trained"]) == (None, None)
    assert success["prompt_only"]["valid"] > 0
    assert run.results()["models"]["embedder"].startswith("all-MiniLM-L6-v2-static@")
    assert [folder.name for folder in (run.path / "exchanges").iterdir()] == ["prompt_only"]


def test_the_watcher_is_told_every_stage_to_its_end(tmp_path: Path) -> None:
    lines: list[str] = []
    last: dict[str, tuple[int, int]] = {}
    watcher = Watcher(lines.append, lambda name: lambda done, total: last.update({name: (done, total)}))
    Objects().audit(tmp_path / "run", watcher=watcher, **SMALL)
    assert last == {"pool": (40, 40), "probe prompt_only": (24, 24), "probe random": (24, 24), "curate": (5, 5)}
    (line,) = lines
    assert line == (
        "Up to 80 questions to each model (0 in training, 80 in probing). Publishable: yes, images under CC0-1.0."
    )
