"""From images to lesions: the unit in which everything clinical is counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Lesions:
    """Map ``n`` images to ``u`` lesions.

    A lesion is the images of one group that share a label: where a group is a patient, it may hold several.

    Attributes:
        groups: group id of each lesion, ``[u]``, sorted.
        labels: class index of each lesion, int64 ``[u]``.
        of_image: the lesion of each image, int64 ``[n]``.
    """

    groups: NDArray[np.str_]
    labels: NDArray[np.int64]
    of_image: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.groups)

    def mean(self, values: Floats) -> NDArray[np.float64]:
        """Return the mean over each lesion's images, float64 ``[u, ...]``, of values ``[n, ...]``."""
        return _means(self.of_image, len(self), values)

    def first_images(self, image_ids: Sequence[str]) -> dict[int, str]:
        """Return the first image id, in sorted order, of each lesion."""
        first: dict[int, str] = {}
        for lesion, image_id in zip(self.of_image.tolist(), image_ids, strict=True):
            first[lesion] = min(first.get(lesion, image_id), image_id)
        return first


def lesions(groups: Sequence[str] | NDArray[np.str_], labels: Sequence[int] | Ints) -> Lesions:
    """Gather images into lesions.

    Args:
        groups: group id of each image, ``[n]``.
        labels: class index of each image, ``[n]``.
    """
    numbers = np.asarray(labels, np.int64)
    names, group_of_image = np.unique(np.asarray(groups, str), return_inverse=True)
    keys, of_image = np.unique(np.stack([group_of_image, numbers], axis=1), axis=0, return_inverse=True)
    return Lesions(names[keys[:, 0]], keys[:, 1], of_image.reshape(-1))


def by_group(groups: Sequence[str] | NDArray[np.str_], values: Floats) -> tuple[NDArray[np.str_], NDArray[np.float64]]:
    """Return the sorted group ids ``[g]`` and the mean of each group's images, float64 ``[g, ...]``."""
    names, index = np.unique(np.asarray(groups, str), return_inverse=True)
    return names, _means(index, len(names), values)


def _means(index: NDArray[np.int64], count: int, values: Floats) -> NDArray[np.float64]:
    exact = np.asarray(values, np.float64)
    sums = np.zeros((count, *exact.shape[1:]))
    np.add.at(sums, index, exact)
    sizes = np.bincount(index, minlength=count).astype(np.float64)
    return sums / sizes.reshape(-1, *[1] * (exact.ndim - 1))
