"""Groups rows by one tree: k-means micro-clusters, merged by average linkage; several cuts of it are published.

1. More than `MICRO` distinct rows: `MiniBatchKMeans` into `MICRO` micro-clusters, seed fixed. Fewer: each distinct row
   is one. (HDBSCAN, UMAP pipelines and plain k-means were measured and were worse; see docs/curation.md.)
2. Average linkage on the cosine distance of the centres.
3. Cut at several numbers of clusters: how many there are cannot be told from the rows, so the cuts are nested and
   later stages decide.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditdm_hub.curate.embed import unit

MICRO = 400
CUTS = (8, 16, 32, 64)


@dataclass(frozen=True, slots=True)
class Tree:
    """`micro`: the micro-cluster of each row; `merges`: SciPy's linkage matrix of the micro-clusters."""

    micro: NDArray[np.int64]  # (n,)
    merges: NDArray[np.float64]  # (m - 1, 4)

    def cut(self, clusters: int) -> NDArray[np.int64]:
        """Return the cluster of each row where the tree has at most that many; numbered by first appearance."""
        from scipy.cluster.hierarchy import fcluster

        return self._number(fcluster(self.merges, clusters, "maxclust") if len(self.merges) else None)

    def cut_at(self, distance: float) -> NDArray[np.int64]:
        """Return the cluster of each row where clusters further apart than `distance` stay apart."""
        from scipy.cluster.hierarchy import fcluster

        return self._number(fcluster(self.merges, distance, "distance") if len(self.merges) else None)

    def _number(self, of_micro: NDArray[np.int32] | None) -> NDArray[np.int64]:
        labels = np.zeros(len(self.micro), np.int64) if of_micro is None else of_micro[self.micro]
        _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
        return np.asarray(np.argsort(np.argsort(first))[inverse], np.int64)


def grow(rows: NDArray[np.float32], seed: int = 0) -> Tree:
    """Return the tree of the rows (unit length or zero), of shape (n, d)."""
    if rows.ndim != 2:
        raise ValueError(f"rows must be a 2D array, got shape {rows.shape}")
    if len(rows) == 0:
        return Tree(np.zeros(0, np.int64), np.zeros((0, 4)))
    distinct, inverse = np.unique(np.round(rows, 5), axis=0, return_inverse=True)
    micro, centres = np.arange(len(distinct)), distinct
    if len(distinct) > MICRO:
        from sklearn.cluster import MiniBatchKMeans

        counts = np.bincount(inverse.ravel())
        model = MiniBatchKMeans(MICRO, n_init=1, max_iter=30, batch_size=4096, random_state=seed)
        _, micro = np.unique(model.fit_predict(distinct, sample_weight=counts), return_inverse=True)
        centres = np.stack([np.average(distinct[micro == i], axis=0, weights=counts[micro == i])
                            for i in range(micro.max() + 1)])  # fmt: skip
    return Tree(np.asarray(micro[inverse.ravel()], np.int64), _merge(centres))


def cuts_of(tree: Tree, sizes: Sequence[int] = CUTS) -> dict[int, tuple[int, ...]]:
    """Return the clusters of each row for each number of clusters that the tree really has, smallest first."""
    found: dict[int, tuple[int, ...]] = {}
    for size in sizes:
        labels = tree.cut(size)
        if len(labels):
            found[int(labels.max()) + 1] = tuple(labels.tolist())
    return dict(sorted(found.items()))


def _merge(centres: NDArray[np.float32]) -> NDArray[np.float64]:
    if len(centres) < 2:
        return np.zeros((0, 4))
    from scipy.cluster.hierarchy import linkage

    normal = unit(centres).astype(np.float64)
    distances = np.clip(1 - normal @ normal.T, 0, None)
    above = np.triu_indices(len(centres), 1)
    return np.asarray(linkage(distances[above], method="average"), np.float64)
