"""`auditdm-hub confirm`: types of a finished audit on fresh images, from start to report and release."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import Result
from workflows.own_objects import Model, Objects, files, interrupting, pool, weak

from auditdm_hub import confirm
from auditdm_hub.auditing.exchanges import from_row
from auditdm_hub.auditing.pool import PoolItem, split_of
from auditdm_hub.curate.predicates import holds, read_rule
from auditdm_hub.errors import ConfigError, RunError
from auditdm_hub.playground.backends import LICENCE, pictures
from auditdm_hub.report import HTML
from auditdm_hub.report.confirmation import FILE, TABLE
from auditdm_hub.runs import Run
from auditdm_hub.tables import read_rows
from auditdm_hub.workflows import Parts, Watcher, audit, confirmation
from auditdm_hub.workflows.confirmation import Confirmation, confirm_run
from auditdm_hub.workflows.watching import SILENT

CROWDS = "counting more than four objects"


def many() -> list[PoolItem]:
    return [
        PoolItem(f"own#{number}", image, caption, question, licence=LICENCE)
        for number, (image, caption, question) in enumerate(pictures(600, 5))
    ]


def parts(**others: object) -> Parts:
    own = Objects()
    return replace(
        Parts(target=own.target, references=tuple(own.references), holdout=own.holdout, pool=many()), **others
    )  # type: ignore[arg-type]


def status(run: Path) -> dict[str, str]:
    return {kind["name"]: kind["status"] for kind in Run.open(run).results()["failure_types"]}


def test_a_planted_weakness_is_confirmed_on_images_that_no_stage_has_seen(copy: Path) -> None:
    seen = {str(row["image_sha"]) for row in read_rows(copy / "seeds.parquet")}
    run = confirm_run(copy, Confirmation(images=100, items=40), parts())
    rows = list(read_rows(copy / TABLE))
    items = [(str(row["drawn_for"]), from_row(row)) for row in rows]
    assert {split_of(judged.probe.image_sha) for _, judged in items} == {"confirm"}
    assert not {judged.probe.image_sha for _, judged in items} & seen
    results = run.results()
    rules = {kind["name"]: read_rule(kind["rule"]) for kind in results["failure_types"]}
    for name, judged in items:
        fitting = [each for each, rule in rules.items() if holds(rule, judged.probe.question, judged.verdict.consensus)]
        assert name in fitting if name else not fitting
    assert status(copy)[CROWDS] == "confirmed"
    (crowds,) = (kind for kind in results["failure_types"] if kind["name"] == CROWDS)
    told = crowds["confirmation"]
    assert crowds["q_value"] <= 0.05
    assert told["target"]["rate"] > 0.9 > 0.2 > told["aside"]["rate"]
    assert told["aside_model"] == "own-holdout"
    page = (copy / HTML).read_text()
    assert f"On fresh images, asked {told['questions']} different questions, the target errs in" in page
    assert "confirmed" in (copy / "report.md").read_text()
    own = [judged for name, judged in items if name == CROWDS]
    assert told["target"]["items"] == len(own) == len({judged.probe.image_sha for judged in own})


def test_a_target_without_the_weakness_is_not_convicted(copy: Path) -> None:
    confirm_run(copy, Confirmation(images=100, items=40), parts(target=Model("own-target", "mole", mistakes=0.15)))
    assert "confirmed" not in status(copy).values()


def test_interrupted_anywhere_it_ends_with_the_same(copy: Path, tmp_path: Path) -> None:
    wanted, other = Confirmation(images=60, items=15), Path(shutil.copytree(copy, tmp_path / "other"))
    confirm_run(copy, wanted, parts())
    for stage, done in (("confirm images", 20), ("confirm types", 10), ("confirm controls", 10)):
        with pytest.raises(KeyboardInterrupt):
            confirm_run(other, wanted, parts(), interrupting(stage, done))
        assert "confirm" not in Run.open(other).stages
    confirm_run(other, wanted, parts())
    confirm_run(other, wanted, parts())
    same = (str(FILE), str(TABLE), "report.html", "report.md", "results.json")
    assert {name: files(copy)[name] for name in same} == {name: files(other)[name] for name in same}


def test_an_audit_that_goes_on_keeps_the_statuses_until_its_types_change(copy: Path) -> None:
    confirm_run(copy, Confirmation(images=60, items=15), parts())
    before = (copy / "results.json").read_bytes()
    Objects().audit(copy, resume=True)
    assert (copy / "results.json").read_bytes() == before
    (copy / "curation.yaml").write_text(f"rename:\n  {CROWDS}: crowds\n")
    Objects().audit(copy, resume=True)
    assert set(status(copy).values()) == {"proposed"}
    assert "confirmation" not in Run.open(copy).results()


def test_killed_while_the_results_are_written_again_the_audit_writes_them(copy: Path) -> None:
    confirm_run(copy, Confirmation(images=60, items=15), parts())
    wanted = {name: files(copy)[name] for name in ("results.json", "report.html")}
    with Run.create(copy, Run.open(copy).config, resume=True) as run:
        run.reopen_stage("report")
    (copy / "results.json").write_text("{")
    with pytest.raises(RunError, match="is no finished audit: run it again with --resume"):
        confirm_run(copy, Confirmation(images=60, items=15), parts())
    Objects().audit(copy, resume=True)
    assert {name: files(copy)[name] for name in wanted} == wanted


def test_killed_while_another_test_is_written_the_run_goes_on(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    confirm_run(copy, Confirmation(images=60, items=15), parts())
    before = status(copy)

    def killed(path: Path, value: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(confirmation, "atomic_write_json", killed)  # behind the table, before the figures
        with pytest.raises(KeyboardInterrupt):
            confirm_run(copy, Confirmation(images=60, items=12), parts())
    Objects().audit(copy, resume=True)
    assert set(status(copy).values()) == {"proposed"}
    confirm_run(copy, Confirmation(images=60, items=15), parts())
    assert status(copy) == before


def test_a_changed_file_is_found(copy: Path) -> None:
    confirm_run(copy, Confirmation(images=60, items=15), parts())
    (copy / FILE).write_text((copy / FILE).read_text().replace('"confirmed"', '"rejected"', 1))
    with pytest.raises(RunError, match="confirmation.json was changed after stage 'confirm' wrote it"):
        Objects().audit(copy, resume=True)


def test_only_the_images_of_the_run_are_left_where_its_pool_was_given(copy: Path) -> None:
    confirm_run(copy, Confirmation(images=60, items=15), parts(pool=None))
    own = {str(row["image_sha"]) for row in read_rows(copy / "seeds.parquet") if row["split"] == "confirm"}
    assert json.loads((copy / FILE).read_text())["images"] == len(own) < 60
    assert {str(row["image_sha"]) for row in read_rows(copy / TABLE)} <= own


def test_from_python_with_objects_and_what_it_refuses(copy: Path) -> None:
    own = Objects()
    given = {"target": own.target, "references": own.references, "holdout": own.holdout, "pool": many()}
    run = confirm(copy, images=60, items=15, **given)
    assert run.results()["confirmation"]["images"] == 60
    with pytest.raises(ConfigError, match="^target: got 'org/x', but a run has its own"):
        confirm(copy, target="org/x")
    with pytest.raises(ConfigError, match="^another-target: the target and the references must be those of the audit"):
        confirm(copy, **{**given, "target": Model("another-target", "mole")})
    with pytest.raises(ConfigError, match="^probes: unknown, wanted images, items"):
        confirm(copy, probes=3)
    with pytest.raises(ConfigError, match="^images: got 0, wanted at least 1"):
        confirm(copy, images=0)


def test_without_anyone_aside_it_is_one_line(tmp_path: Path) -> None:
    two = [Model("own-owl", "owl"), Model("own-hawk", "hawk")]
    out = tmp_path / "run"
    Objects(target=Model("own-target", "mole", weak), references=two).audit(out, holdout="none", pool=pool())
    said = parts(references=tuple(two), holdout=None)
    with pytest.raises(ConfigError, match="2 families of references vote, and no model stands aside.*--holdout"):
        confirm_run(out, Confirmation(images=20), said)
    assert "confirm" not in Run.open(out).stages


def test_from_the_command_to_a_release(tmp_path: Path, cli: Callable[..., Result]) -> None:
    run, shelf = tmp_path / "run", tmp_path / "shelf"
    audit(target="playground", steps=0, probes=300, pool_size=300, out=str(run), device="cpu", watcher=SILENT)
    wrong_holdout = "holdout: got 'playground', wanted a model that"
    for wrong, said in ((("--holdout", "playground"), wrong_holdout), (("--level", "0"), "--level")):
        refused = cli("confirm", str(run), *wrong)
        assert refused.exit_code == 2 and said in refused.output
    first = cli("publish", str(run), "ada/failures", "--to", str(shelf))
    assert first.exit_code == 0, first.output
    done = cli("confirm", str(run), "--images", "80", "--items", "30", "--device", "cpu")
    assert done.exit_code == 0, done.output
    assert "80 fresh images" in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines() if not line.startswith("Report: "))
    told = json.loads(cli("confirm", str(run), "--images", "80", "--items", "30", "--json", "--resume").stdout)
    assert {each["name"]: each["status"] for each in told["types"]} == status(run)
    assert "confirmed" in status(run).values()
    second = cli("publish", str(run), "ada/failures", "--to", str(shelf))
    assert second.exit_code == 0, second.output
    third = cli("publish", str(run), "ada/failures", "--to", str(shelf))
    assert "Already published" in third.output
    assert cli("verify", str(shelf)).exit_code == 0
    (table,) = shelf.glob("data/failure_types/*.parquet")
    assert dict(zip(*pq.read_table(table, columns=["name", "status"]).to_pydict().values(), strict=True)) == status(run)
    assert "asked about fresh images" in (shelf / "README.md").read_text()


def test_a_run_without_types_or_without_an_audit_is_refused(cli: Callable[..., Result], tmp_path: Path) -> None:
    sound = Objects(target=Model("own-target", "mole"))
    sound.audit(tmp_path / "sound")
    with pytest.raises(RunError, match="has no failure types, so there is nothing to confirm"):
        confirm_run(tmp_path / "sound", Confirmation(), parts(), Watcher(print, lambda name: lambda done, total: None))
    refused = cli("confirm", str(tmp_path / "nothing"))
    assert refused.exit_code == 1 and "is no run" in refused.stderr
