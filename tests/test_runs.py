import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from auditdm_hub.errors import RunError
from auditdm_hub.runs import FORMAT_VERSION, Run, default_path

CONFIG = {"seed": 0, "out": "here", "training": {"beta": 0.0, "steps": 3}, "actions": ("question", "edit")}


def finish(run: Run, name: str, text: str) -> None:
    (run.path / f"{name}.txt").write_text(text)
    run.finish_stage(name, [f"{name}.txt"], seconds=1.23456)


def test_a_stage_is_done_after_it_was_finished_also_for_the_next_process(tmp_path: Path) -> None:
    with Run.create(tmp_path / "r", CONFIG) as run:
        assert not run.stage_done("probe")
        (run.path / "exchanges").mkdir()
        (run.path / "exchanges" / "0").write_text("0")
        finish(run, "pool", "p")
        run.finish_stage("probe", ["exchanges", "pool.txt"], seconds=2)
    with Run.create(tmp_path / "r", CONFIG, resume=True) as run:
        assert run.stage_done("probe")
        assert list(run.stages) == ["pool", "probe"]
        assert list(run.stages["probe"].outputs) == ["exchanges/0", "pool.txt"]
        assert run.stages["pool"].seconds == 1.235


def test_the_manifest_says_what_the_run_was_made_with(tmp_path: Path) -> None:
    with Run.create(tmp_path / "r", CONFIG):
        pass
    manifest = json.loads((tmp_path / "r" / "run.json").read_text())
    assert manifest["format_version"] == FORMAT_VERSION
    assert manifest["config"]["actions"] == ["question", "edit"]
    assert {"python", "numpy", "pyarrow"} <= manifest["versions"].keys()
    assert {"auditdm_hub", "created", "git_commit"} <= manifest.keys()


def test_a_deleted_output_has_its_stage_repeated_a_changed_one_is_refused(tmp_path: Path) -> None:
    with Run.create(tmp_path / "r", CONFIG) as run:
        finish(run, "curate", "types")
        (run.path / "curate.txt").write_text("edited by hand")
        with pytest.raises(RunError, match=r"curate\.txt was changed .* delete it and run again"):
            run.stage_done("curate")
        (run.path / "curate.txt").unlink()
        assert not run.stage_done("curate")
        with pytest.raises(RunError, match="is missing"):
            run.verify("curate")
        with pytest.raises(RunError, match="'confirm' .* is not finished"):
            run.verify("confirm")


def test_repeating_a_stage_with_another_result_forgets_the_later_ones(tmp_path: Path) -> None:
    with Run.create(tmp_path / "r", CONFIG) as run:
        for name in ("pool", "probe", "curate"):
            finish(run, name, name)
        finish(run, "probe", "probe")
        assert list(run.stages) == ["pool", "probe", "curate"]
        finish(run, "probe", "other")
        assert list(run.stages) == ["pool", "probe"]
        assert not run.stage_done("curate")


def test_what_was_written_again_for_people_leaves_the_later_ones(tmp_path: Path) -> None:
    with Run.create(tmp_path / "r", CONFIG) as run:
        for name in ("curate", "report", "rectify"):
            finish(run, name, name)
        (run.path / "report.txt").write_text("another wording")
        run.finish_stage("report", ["report.txt"], 1.0, again=True)
        assert list(run.stages) == ["curate", "report", "rectify"]
        assert all(run.stage_done(name) for name in run.stages)


def test_another_repair_leaves_what_follows_from_the_audit_alone(tmp_path: Path) -> None:
    with Run.create(tmp_path / "r", CONFIG) as run:
        for name in ("curate", "rectify", "rectify strength", "confirm", "report"):
            finish(run, name, name)
        finish(run, "rectify", "other")
        assert list(run.stages) == ["curate", "confirm", "report", "rectify"]
        run.reopen_stage("report")
        assert list(Run.open(run.path).stages) == ["curate", "confirm", "rectify"]
        finish(run, "curate", "other")
        assert list(run.stages) == ["curate"]
    with pytest.raises(RunError, match="was opened for reading"):
        Run.open(tmp_path / "r").reopen_stage("curate")


def test_an_output_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with Run.create(tmp_path / "r", CONFIG) as run, pytest.raises(RunError, match="did not write its output"):
        run.finish_stage("probe", ["exchanges"], seconds=1)


def test_an_existing_run_needs_resume(tmp_path: Path) -> None:
    Run.create(tmp_path / "r", CONFIG).close()
    with pytest.raises(RunError, match="already holds a run: add --resume"):
        Run.create(tmp_path / "r", CONFIG)


def test_resume_starts_a_run_where_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "run.json.12ab.tmp").touch()
    with Run.create(tmp_path / "r", CONFIG, resume=True) as run:
        assert sorted(entry.name for entry in run.path.iterdir()) == [".lock", "run.json"]


def test_half_an_adapter_of_a_killed_process_is_removed_on_resume(tmp_path: Path) -> None:
    Run.create(tmp_path / "run", {}).close()
    (tmp_path / "run" / "auditor" / "adapter.tmp").mkdir(parents=True)
    Run.create(tmp_path / "run", {}, resume=True).close()
    assert not (tmp_path / "run" / "auditor" / "adapter.tmp").exists()


def test_another_configuration_is_refused_by_the_names_of_its_keys(tmp_path: Path) -> None:
    Run.create(tmp_path / "r", CONFIG).close()
    other = {"out": "there", "training": {"beta": 0.1, "steps": 3}, "actions": ["question"], "new": 1}
    with pytest.raises(RunError, match=r"\(differing: seed, training\.beta, actions, new\)"):
        Run.create(tmp_path / "r", other, resume=True, free={"out"})
    Run.create(tmp_path / "r", {**CONFIG, "out": "there"}, resume=True, free={"out"}).close()
    Run.create(tmp_path / "s", {**CONFIG, "section": {"a": 1}}).close()
    with pytest.raises(RunError, match=r"section\.a"):
        Run.create(tmp_path / "s", {**CONFIG, "section": {"a": 2}}, resume=True, free={"a"})
    Run.create(tmp_path / "s", {**CONFIG, "section": {"a": 2}}, resume=True, free={"section"}).close()


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(RunError, match="is not empty and holds no run"):
        Run.create(tmp_path, CONFIG, resume=True)
    with pytest.raises(RunError, match="is a file"):
        Run.create(tmp_path / "thesis.tex", CONFIG)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_run_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    Run.create(tmp_path, CONFIG).close()
    manifest = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**manifest, "format_version": FORMAT_VERSION + 1}))
    with pytest.raises(RunError, match="upgrade auditdm-hub"):
        Run.open(tmp_path)


@pytest.mark.parametrize(("text", "message"), [("{", "is not JSON"), ("[]", "does not describe a run")])
def test_a_broken_manifest_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(RunError, match=message):
        Run.open(tmp_path)


def test_reading_needs_no_lock_and_cannot_write(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is no run"):
        Run.open(tmp_path)
    with Run.create(tmp_path, CONFIG) as run:
        reader = Run.open(tmp_path)
        assert reader.config == run.config
        with pytest.raises(RunError, match="opened for reading"):
            reader.finish_stage("probe", [], seconds=0)
        with pytest.raises(RunError, match="has no results yet"):
            reader.results()
        (tmp_path / "results.json").write_text('{"seed": 0}')
        assert reader.results() == {"seed": 0}


def test_a_second_process_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    code = (
        f"from pathlib import Path; from auditdm_hub.runs import Run; Run.create(Path({str(tmp_path)!r}), {{}}, True)"
    )
    with Run.create(tmp_path, {}):
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert result.returncode == 1
        assert f"is in use by process {os.getpid()}" in result.stderr
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_run_without_a_place_gets_a_new_one_or_the_latest(tmp_path: Path) -> None:
    assert default_path(tmp_path, "google/Gemma 3", latest=True).name == "google-gemma-3"
    assert default_path(tmp_path, "../", latest=False).name == "run"
    for name in ("playground", "playground-2"):
        path = default_path(tmp_path, "playground", latest=False)
        assert path.name == name
        Run.create(path, CONFIG).close()
    assert default_path(tmp_path, "playground", latest=True).name == "playground-2"


# Works through three stages; its k-th change to the file system is answered with SIGKILL. Then it is resumed.
KILLED = """
import os, signal, sys
from pathlib import Path
from auditdm_hub.atomic import atomic_write_text
from auditdm_hub.runs import Run

def work(folder):
    with Run.create(folder, {"seed": 1}, resume=True) as run:
        for name in ("pool", "probe", "curate"):
            if not run.stage_done(name):
                for chunk in range(2):
                    atomic_write_text(folder / name / f"{chunk}.txt", f"{name} {chunk} " * 99)
                run.finish_stage(name, [name], seconds=0)

def kill_at(k, folder):
    left = [k]
    def hook(event, arguments):
        if event in ("open", "os.rename", "os.remove", "os.mkdir") and str(folder) in str(arguments[0]):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)

k = 0
while True:
    k += 1
    folder = Path(sys.argv[1]) / str(k)
    child = os.fork()
    if child == 0:
        kill_at(k, folder)
        work(folder)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    work(folder)
    if not os.WIFSIGNALED(status):
        break
print(k)
"""


def test_a_run_killed_at_any_change_of_the_disk_resumes_to_the_same_tables(tmp_path: Path) -> None:
    result = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True, text=True, check=True)
    attempts = int(result.stdout)
    assert attempts > 30  # ten writes, each of several steps, and every step was answered with a kill

    def tables(k: int) -> dict[str, bytes]:
        files = [path for path in (tmp_path / str(k)).rglob("*") if path.is_file() and path.name != "run.json"]
        return {str(path.relative_to(tmp_path / str(k))): path.read_bytes() for path in files if path.name != ".lock"}

    uninterrupted = tables(attempts)
    assert len(uninterrupted) == 6
    for k in range(1, attempts):
        assert tables(k) == uninterrupted, k
        assert Run.open(tmp_path / str(k)).stages.keys() == {"pool", "probe", "curate"}


def test_a_run_without_a_finished_stage_can_be_forgotten(tmp_path: Path) -> None:
    with Run.create(tmp_path / "refused", CONFIG) as run:
        (run.path / "half.txt").write_text("half")
        run.forget()
    assert not (tmp_path / "refused").exists()
    with Run.create(tmp_path / "begun", CONFIG) as run:
        (run.path / "whole.txt").write_text("whole")
        run.finish_stage("pool", ["whole.txt"], 1.0)
        run.forget()
    Run.open(tmp_path / "begun").verify("pool")
    Run.open(tmp_path / "begun").forget()
    assert (tmp_path / "begun" / "whole.txt").exists()
