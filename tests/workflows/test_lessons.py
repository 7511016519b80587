"""Lessons from more probes, from the pool's own questions, from a labelled data set, and from a release."""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from auditdm_hub.auditing.auditors import PoolQuestions
from auditdm_hub.auditing.exchanges import SCHEMA, to_row
from auditdm_hub.auditing.generate import read_trials
from auditdm_hub.auditing.pool import PoolItem
from auditdm_hub.auditing.vote import CALLED_UNANSWERABLE
from auditdm_hub.errors import ConfigError, ModelError, ReleaseError, RunError
from auditdm_hub.evaluating import asking as asking_module
from auditdm_hub.evaluating.asking import read_answers
from auditdm_hub.images import ImageStore
from auditdm_hub.models import load_vlm
from auditdm_hub.playground.backends import pictures
from auditdm_hub.playground.draw import read
from auditdm_hub.playground.models import TARGET, model_folder
from auditdm_hub.playground.skills import solve
from auditdm_hub.records import Seed
from auditdm_hub.rectifying.examples import FORGOTTEN, REPLAY, Mixture
from auditdm_hub.rectifying.train import TuningSettings
from auditdm_hub.rectifying.watch import TuningWatch
from auditdm_hub.releases.schema import split_of
from auditdm_hub.runs import Run
from auditdm_hub.tables import read_rows, write_table
from auditdm_hub.workflows.api import audit
from auditdm_hub.workflows.calls import Source, rectify
from auditdm_hub.workflows.departures import SecondLook
from auditdm_hub.workflows.lessons import AuditLessons
from auditdm_hub.workflows.more_images import MoreImages
from auditdm_hub.workflows.more_lessons import Extra, answers_for, trials_of
from auditdm_hub.workflows.planning import TRIALS
from auditdm_hub.workflows.rectification import ADAPTER, FOLDER, Rectification, rectify_release, rectify_run
from auditdm_hub.workflows.watching import SILENT

TUNING = TuningSettings(steps=4, batch_size=8, learning_rate=1e-3, eval_steps=4, device="cpu")
SMALL = Rectification(Mixture(size=300), TUNING)


def rows_of(path: Path) -> list[dict[str, object]]:
    return list(read_rows(path / FOLDER / "training.parquet"))


def test_more_is_asked_on_other_images_and_all_of_it_is_learned_from(path: Path) -> None:
    before = {row.probe.image_sha for arm in ("prompt_only", "random") for row in read_trials(path / "exchanges" / arm)}
    rectify_run(path, replace(SMALL, probes=60, pool_questions=80))
    lessons, pool = (Run.open(path / FOLDER / name) for name in ("lessons", "pool"))
    assert lessons.results()["models"]["holdout"] is None  # it has no vote, and teaches nothing
    written = read_trials(lessons.path / "exchanges" / "prompt_only")
    asked = read_trials(pool.path / "exchanges" / "prompt_only")
    assert sum(row.probe.first_pass for row in written) == 60
    assert len(asked) == 80
    assert not before & {row.probe.image_sha for row in [*written, *asked]}
    seeds = {str(row["id"]): row["question"] for row in read_rows(pool.path / "seeds.parquet")}
    own = sum(row.probe.question == seeds[row.probe.seed_id] for row in asked)
    assert 20 <= own < 55  # one in three, and those of which no word could be changed
    trained = {row["image_sha"] for row in rows_of(path)}
    assert trained & {row.probe.image_sha for row in written}
    assert trained & {row.probe.image_sha for row in asked}


def test_a_rectification_with_more_probes_goes_on_where_it_was_stopped(path: Path, tmp_path: Path) -> None:
    wanted = replace(SMALL, pool_questions=60)
    whole = Path(shutil.copytree(path, tmp_path / "whole"))
    rectify_run(whole, wanted)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("auditdm_hub.workflows.rectification.tune", _killed)
        with pytest.raises(KeyboardInterrupt):
            rectify_run(path, wanted)
    rectify_run(path, wanted, resume=True)
    for name in ("training.parquet", "adapter/adapter_model.safetensors"):
        assert (path / FOLDER / name).read_bytes() == (whole / FOLDER / name).read_bytes()


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


@contextmanager
def killed_at_write(number: int) -> Iterator[None]:
    """Let answers be kept so often, and die at the next."""
    asking, written = asking_module.write_table, list[Path]()

    def write(file: Path, *table: Any) -> None:  # noqa: ANN401
        if len(written) == number:
            raise KeyboardInterrupt
        written.append(file)
        asking(file, *table)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking_module, "write_table", write)
        yield


def test_what_the_target_refuses_is_kept_and_what_it_answers_is_left_alone(path: Path, tmp_path: Path) -> None:
    wanted = replace(SMALL, mixture=Mixture(size=300, replay=0.8), pool_questions=40, refusals=120)
    whole = Path(shutil.copytree(path, tmp_path / "whole"))
    rectify_run(whole, wanted)
    pool = Run.open(whole / FOLDER / "pool")
    said = read_answers(whole / FOLDER / "refusals")
    assert len(said) == 120
    assert all(split_of(row.group) == "train" for row in said)
    images = ImageStore(whole / FOLDER / "images")
    assert {row["split"] for row in read_rows(images.folder / "seeds.parquet")} == {"discovery"}
    model = load_vlm(str(model_folder(TARGET)), device="cpu")
    assert [row.answer for row in said] == model.answer(
        [images.get(row.group) for row in said], [row.question for row in said]
    )
    asked = {(row.probe.image_sha, row.probe.question) for row in read_trials(pool.path / "exchanges" / "prompt_only")}
    alone = [row for row in said if (row.group, row.question) not in asked]
    refused = {(row.group, row.question) for row in alone if row.answer == "unanswerable"}
    assert 15 < len(refused) < len(alone)
    taught = {(row["image_sha"], row["question"]): row for row in rows_of(whole)}
    assert len(refused & set(taught)) > 8
    assert {(row.group, row.question) for row in alone} & set(taught) <= refused
    assert all(taught[key]["label"] == "unanswerable" for key in refused & set(taught))
    assert all(taught[key]["part"] == REPLAY for key in refused & set(taught))

    with killed_at_write(1), pytest.raises(KeyboardInterrupt):  # while it asked
        rectify_run(path, wanted)
    rectify_run(path, wanted, resume=True)
    for name in ("training.parquet", "adapter/adapter_model.safetensors"):
        assert (path / FOLDER / name).read_bytes() == (whole / FOLDER / name).read_bytes()


def test_the_references_are_asked_where_a_first_adapter_answers_otherwise(path: Path, tmp_path: Path) -> None:
    tuning = replace(TUNING, steps=24, learning_rate=0.02, eval_steps=12)
    wanted = replace(SMALL, tuning=tuning, mixture=Mixture(size=300, replay=0.8), pool_questions=40, second_look=150)
    whole = Path(shutil.copytree(path, tmp_path / "whole"))
    rectify_run(whole, wanted)
    folder = whole / FOLDER
    before, after = (read_answers(folder / "looks" / side) for side in ("before", "after"))
    assert len(before) == len(after) == 150
    pool, images = Run.open(folder / "pool"), ImageStore(folder / "images")
    known = {(row.probe.image_sha, row.probe.question) for row in read_trials(pool.path / "exchanges" / "prompt_only")}
    asked = {(row.group, row.question) for row in before}
    assert not asked & known
    assert all(split_of(row.group) == "train" for row in before)
    draft = load_vlm(str(model_folder(TARGET)), device="cpu", adapter=str(folder / "draft" / "adapter"))
    said = draft.answer([images.get(row.group) for row in after], [row.question for row in after])
    assert [row.answer for row in after] == said
    departing = {(one.group, one.question) for one, two in zip(before, after, strict=True) if one.answer != two.answer}
    assert 5 < len(departing) < 150
    judged = read_trials(folder / "departures" / "exchanges" / "prompt_only")
    assert {(row.probe.image_sha, row.probe.question) for row in judged} == departing
    kept = {(row.probe.image_sha, row.probe.question) for row in judged
            if row.verdict.outcome == "agreement" or row.verdict.reason == CALLED_UNANSWERABLE}  # fmt: skip
    taught = {(row["image_sha"], row["question"]) for row in rows_of(whole) if row["part"] == FORGOTTEN}
    assert taught
    assert taught <= kept
    first = list(read_rows(folder / "draft" / "training.parquet"))
    assert not {(row["image_sha"], row["question"]) for row in first} & departing

    def killed(*stages: str) -> None:
        with pytest.raises(KeyboardInterrupt):
            rectify_run(path, wanted, resume=(path / FOLDER).is_dir())
        assert [stage for stage in Run.open(path).stages if stage.startswith("rectify")] == [*stages]

    with pytest.MonkeyPatch.context() as patch:  # in the training of the draft
        real = TuningWatch.on_step_end

        def dying(self: TuningWatch, args: Any, state: Any, control: Any, **more: Any) -> None:  # noqa: ANN401
            real(self, args, state, control, **more)
            if state.global_step == 8:
                raise KeyboardInterrupt

        patch.setattr(TuningWatch, "on_step_end", dying)
        killed("rectify pool")
    with killed_at_write(4):  # while the draft answers
        killed("rectify pool", "rectify draft")
    with pytest.MonkeyPatch.context() as patch:  # between the looks and what the references say
        patch.setattr("auditdm_hub.workflows.more_lessons.OwnQuestions", _killed)
        killed("rectify pool", "rectify draft")
    rectify_run(path, wanted, resume=True)
    for name in ("training.parquet", "adapter/adapter_model.safetensors"):
        assert (path / FOLDER / name).read_bytes() == (whole / FOLDER / name).read_bytes()
    asked_for = 2 * len(before) + sum(sum(Run.open(folder / name).results()["cost"].values())
                                      for name in ("pool", "departures"))  # fmt: skip
    assert answers_for(folder) == asked_for


def test_a_draft_that_is_gone_takes_what_followed_from_it_along(path: Path) -> None:
    tuning = replace(TUNING, steps=24, learning_rate=0.02, eval_steps=12)
    wanted = replace(SMALL, tuning=tuning, second_look=100)
    rectify_run(path, wanted)
    kept = {name: (path / FOLDER / name).read_bytes() for name in ("draft/training.parquet", "training.parquet")}
    shutil.rmtree(path / FOLDER / "draft")
    rectify_run(path, wanted, resume=True)
    assert {name: (path / FOLDER / name).read_bytes() for name in kept} == kept


def test_images_without_questions_are_asked_others_and_none_twice(tmp_path: Path) -> None:
    folder = tmp_path / "pool"
    folder.mkdir()
    for number, (image, _, _) in enumerate(pictures(120, 78)):
        image.save(folder / f"{number:03d}.png")
    out = tmp_path / "run"
    audit(target="playground", pool=str(folder), pool_size=120, steps=0, probes=50, out=str(out), device="cpu",
          actions=["question"])  # fmt: skip
    tuning = replace(TUNING, steps=24, learning_rate=0.02, eval_steps=12)
    rectify_run(
        out, replace(SMALL, mixture=Mixture(agreement=0, size=300), tuning=tuning, pool_questions=60, second_look=60)
    )
    runs = [Run.open(path) for path in (out, out / FOLDER / "pool")]
    known = {(row.probe.image_sha, row.probe.question) for run in runs for row in trials_of(run)}
    looks = {(row.group, row.question) for row in read_answers(out / FOLDER / "looks" / "before")}
    assert 20 < len(looks) <= 60
    assert not looks & known
    assert {question for _, question in looks} <= {question for _, question in known}


def test_images_that_were_given_as_objects_are_those_of_the_run(tmp_path: Path) -> None:
    items = [PoolItem(f"{number}", image, "", question) for number, (image, _, question) in enumerate(pictures(150, 7))]
    run = audit(target="playground", pool=items, pool_size=150, steps=0, probes=100, out=str(tmp_path / "run"),
                device="cpu", actions=["question"])  # fmt: skip
    rectify_run(run.path, replace(SMALL, refusals=60))
    shas = {row["image_sha"] for row in read_rows(run.path / "seeds.parquet")}
    said = read_answers(run.path / FOLDER / "refusals")
    assert len(said) > 40
    assert {row.group for row in said} <= shas


def test_what_an_audit_could_not_ask_is_not_looked_at(tmp_path: Path) -> None:
    questions = [
        "what is  shown?",
        "what color is the car",
        "what is this? answer briefly.",
        "",
        "what is shown?\nA. x",
    ]
    seeds = tuple(Seed(str(n), f"{n:064x}", "", question, "a", "", "", "discovery")
                  for n, question in enumerate(questions))  # fmt: skip
    known = frozenset({(f"{3:064x}", "elsewhere?")})
    look = SecondLook(MoreImages(ImageStore(tmp_path), seeds), PoolQuestions(["elsewhere?"]), known, 10, tmp_path)
    assert [(seed.id, question) for seed, question in look._asked()] == [("0", "what is shown?")]


def test_a_first_adapter_that_changes_no_answer_leaves_nothing_to_ask(path: Path) -> None:
    tuning = replace(TUNING, steps=2, learning_rate=1e-9)
    rectify_run(path, replace(SMALL, tuning=tuning, pool_questions=40, second_look=30))
    assert not (path / FOLDER / "departures" / "results.json").is_file()
    assert not [row for row in rows_of(path) if row["part"] == FORGOTTEN]
    assert (path / ADAPTER / "adapter_model.safetensors").is_file()


def test_the_answers_of_a_labelled_data_set_go_before_the_consensus(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "labelled"
    folder.mkdir()
    lines = []
    for number, (image, _, question) in enumerate(pictures(160, 77)):
        image.save(folder / f"{number}.png")
        scene = read(image)
        truth = solve(scene, question) if scene else None
        lines.append({"file_name": f"{number}.png", "question": question, "answer": truth.answer if truth else ""})
    (folder / "metadata.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    columns = {"image": "image", "question": "question", "answer": "answer"}
    said: list[str] = []
    wanted = replace(SMALL, pool_questions=60, labelled=str(folder), columns=columns)
    rectify_run(path, wanted, watcher=replace(SILENT, say=said.append))
    pool = Run.open(path / FOLDER / "pool")
    left_out = sum(split_of(row.probe.source_image_sha) == "test" for row in trials_of(pool))
    assert f"{left_out} questions of {folder} are left out: their images are of the splits that confirm or test" in said
    answers = {
        str(row["image_sha"]): (row["question"], row["answer"]) for row in read_rows(pool.path / "seeds.parquet")
    }
    assert len(answers) == 150  # the size of the pool
    taught = [row for row in rows_of(path) if (row["image_sha"], row["question"]) in
              {(sha, question) for sha, (question, _) in answers.items()}]  # fmt: skip
    assert len(taught) > 10
    assert all(row["label"] == answers[str(row["image_sha"])][1] for row in taught)


def test_a_labelled_data_set_of_which_nothing_is_asked_is_refused(path: Path) -> None:
    with pytest.raises(ConfigError, match="would not be asked"):
        rectify_run(path, replace(SMALL, labelled="somewhere"))
    assert not (path / FOLDER).exists()


def test_a_release_is_learned_from_and_the_adapter_published(tmp_path: Path, cli: Callable[..., Result]) -> None:
    out = tmp_path / "run"
    rectify_release("playground", "playground", out, SMALL)
    rows = rows_of(out)
    parts = Counter(str(row["part"]) for row in rows)
    assert parts[REPLAY] > 50
    assert len(parts) > 5
    assert all(split_of(str(row["source_image_sha"])) == "train" for row in rows)
    found = json.loads((out / "evaluation.json").read_text())
    assert found["model"] == "playground"
    assert "controls" in [each["name"] for each in found["comparisons"]]
    assert (out / ADAPTER / "adapter_model.safetensors").is_file()
    with pytest.raises(RunError, match="--resume"):
        rectify_release("playground", "playground", out, SMALL)
    done = cli("publish", str(out), "--adapter", str(out), "--base", "ada/target", "--to", str(tmp_path / "shelf"))
    assert done.exit_code == 0, done.output
    card = (tmp_path / "shelf" / "README.md").read_text()
    assert f"| rows | {sum(not row['held_out'] for row in rows):,} |" in card
    assert "| controls |" in card


def test_a_model_that_is_not_there_is_found_before_anything_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no such folder"):
        rectify_release("playground", str(tmp_path / "nowhere"), tmp_path / "run", SMALL)
    assert not (tmp_path / "run").exists()


def test_what_endpoints_may_cost_is_said_anew(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr("auditdm_hub.workflows.more_lessons.audit", lambda **settings: asked.append(settings))
    run = Run.open(path)
    for most in (None, 7.5):
        AuditLessons(run, path / FOLDER, Extra(probes=5, max_cost=most)).probe("lessons", SILENT)
    assert [each["endpoints"]["max_cost"] for each in asked] == [0.0, 7.5]


def test_a_run_that_is_no_audit_is_told_so(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", {"model": "playground"}, resume=False)
    run.close()
    with pytest.raises(RunError, match="is no audit, so it has no failures to learn from"):
        rectify_run(tmp_path / "run", SMALL)
    config = {"target": "x", "failures": "y", "rectification": {"mixture": {}, "tuning": {}}}
    Run.create(tmp_path / "repair", config, resume=False).close()
    with pytest.raises(RunError, match="is no audit, so it has no failures to learn from"):
        rectify(tmp_path / "repair")
    with pytest.raises(ConfigError, match="--max-cost goes with RUN"):
        rectify(Source(failures="playground", target="playground"), max_cost=1.0)


def test_a_release_has_no_auditor(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no auditor"):
        rectify_release("playground", "playground", tmp_path / "run", replace(SMALL, probes=10))
    with pytest.raises(ConfigError, match="no auditor"):
        rectify_release("playground", "playground", tmp_path / "run", replace(SMALL, refusals=10))
    with pytest.raises(ConfigError, match="no auditor and no pool"):
        rectify_release("playground", "playground", tmp_path / "run", replace(SMALL, second_look=10))
    with pytest.raises((ConfigError, ReleaseError)):
        rectify_release(str(tmp_path), "playground", tmp_path / "run", SMALL)
    assert not (tmp_path / "run").exists()


def test_training_data_that_were_tampered_with_are_refused(path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("auditdm_hub.workflows.rectification.tune", _killed)
        with pytest.raises(KeyboardInterrupt):
            rectify_run(path, SMALL)
        patch.setattr("auditdm_hub.workflows.rectification.may_teach", lambda sha: False)
        with pytest.raises(RunError, match="holds an image of a split that tests"):
            rectify_run(path, SMALL, resume=True)


def test_what_training_asked_is_learned_from_and_not_asked_again(path: Path) -> None:
    """The random auditor's trials, in the place where a training keeps its own."""
    rows = [to_row(row) for row in read_trials(path / "exchanges" / "random")]
    shutil.rmtree(path / "exchanges" / "random")
    write_table(path / TRIALS / "000000-0.parquet", rows, SCHEMA)
    run = Run.open(path)
    lessons = AuditLessons(run, path / FOLDER, Extra())
    kinds = lessons.kinds()
    kept = {(row.image_sha, row.question) for row in lessons.examples(kinds, Mixture())}
    asked = {(row.probe.image_sha, row.probe.question) for row in read_trials(path / "exchanges" / "prompt_only")}
    assert kept - asked
    assert {(str(row["image_sha"]), str(row["question"])) for row in rows} >= kept - asked
    assert not {item.id for item in lessons.items(kinds)} & {str(row["id"]) for row in rows}


def test_a_failure_that_curation_dropped_gets_the_type_whose_rule_it_satisfies(path: Path) -> None:
    """What failed is asked again about other images: the same words and answers, which curation drops."""
    failed = [row for row in read_trials(path / "exchanges" / "prompt_only") if row.failed]
    shas = [row.probe.image_sha for row in failed]
    again = [
        replace(row, exchange=replace(row.exchange, probe=replace(row.probe, attempt=1000, image_sha=sha)))
        for row, sha in zip(failed, [*shas[1:], shas[0]], strict=True)
    ]
    write_table(path / TRIALS / "000000-0.parquet", [to_row(row) for row in again], SCHEMA)
    kinds = AuditLessons(Run.open(path), path / FOLDER, Extra()).kinds()
    assert {row.probe.id for row in again} <= set(kinds)
    types = json.loads((path / "types.json").read_text())["types"]
    typed = {member: kind["name"] for kind in types for member in kind["members"]}
    same = [
        kinds[new.probe.id] == kinds[old.probe.id]
        for old, new in zip(failed, again, strict=True)
        if old.probe.id in typed
    ]
    assert sum(same) > 0.8 * len(same) > 5
