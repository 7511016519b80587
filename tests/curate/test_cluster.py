"""One tree, several cuts, tiny inputs."""

import numpy as np
import pytest

from auditdm_hub.curate import cluster
from auditdm_hub.curate.cluster import cuts_of, grow
from auditdm_hub.curate.embed import unit


def blobs(count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = np.repeat(np.eye(8, dtype=np.float32), count, axis=0)
    return unit(centres + 0.05 * rng.standard_normal(centres.shape).astype(np.float32))


def test_blobs_are_found_with_and_without_micro_clusters() -> None:
    for count in (10, 120):  # 80 rows are their own micro-clusters, 960 are not
        labels = grow(blobs(count)).cut(8).reshape(8, count)
        assert (labels == labels[:, :1]).all()
        assert sorted(labels[:, 0]) == list(range(8))
    assert grow(blobs(120)).micro.max() < cluster.MICRO


def test_cuts_are_nested_and_the_same_every_time() -> None:
    tree = grow(blobs(120), seed=3)
    coarse, fine = tree.cut(8), tree.cut(32)
    assert all(len(set(coarse[fine == label])) == 1 for label in set(fine.tolist()))
    assert cuts_of(tree) == cuts_of(grow(blobs(120), seed=3))
    assert list(cuts_of(tree)) == [8, 16, 32, 64]


@pytest.mark.parametrize(("rows", "sizes"), [(0, []), (1, [1]), (5, [5])])
def test_tiny_inputs(rows: int, sizes: list[int]) -> None:
    tree = grow(blobs(1)[:rows])
    assert list(cuts_of(tree)) == sizes
    assert tree.cut(2).shape == tree.cut_at(0.5).shape == (rows,)


def test_equal_rows_and_rows_of_zeros() -> None:
    assert set(grow(np.ones((6, 3), np.float32)).cut(4).tolist()) == {0}
    assert grow(np.zeros((3, 3), np.float32)).cut(2).tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match=r"2D array, got shape \(3,\)"):
        grow(np.zeros(3, np.float32))
