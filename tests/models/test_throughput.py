"""The benchmark compares like with like: all ways give the same answers."""

import argparse
from pathlib import Path

import pytest

from benchmarks.throughput import load, measure, workload

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def test_all_ways_give_the_same_answers(tiny_folders: dict[str, Path]) -> None:
    options = argparse.Namespace(probes=10, rounds=1, batch=4, tokens=2, slice=2)
    row = measure([load(path, "cpu") for path in tiny_folders.values()], 3, options)
    assert row.equal_answers == 1.0
    assert row.probes_per_image == 3
    assert row.ours > 0 and row.ours_over_one_at_a_time == pytest.approx(row.ours / row.one_at_a_time)


def test_workload() -> None:
    work = workload(10, 3)
    assert len(work.questions) == len(work.images) == 10
    assert len({id(image) for image in work.images}) == 4
