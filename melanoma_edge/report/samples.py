"""Which images of a split are worth a look: a random sample with every class, and the most confident mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.squares import Squares


@dataclass(frozen=True, eq=False)
class Picture:
    """Hold one image, uint8 ``[N, N, 3]``, with what it is and what the model says.

    ``probability`` is that of the predicted class; ``missed`` marks a target lesion scored below the threshold.
    """

    image_id: str
    pixels: NDArray[np.uint8]
    label: str
    predicted: str
    probability: float
    target_score: float
    missed: bool = False

    @property
    def wrong(self) -> bool:
        """Whether the predicted class is not the label, or the lesion is a missed target."""
        return self.missed or self.predicted != self.label


@dataclass(frozen=True, eq=False)
class Predictions:
    """Hold the predictions of a whole split.

    ``labels`` are class numbers ``[n]``, ``probabilities`` ``[n, classes]``, ``pixels`` stand for uint8
    ``[n, N, N, 3]`` (only the images drawn are read), ``target_columns`` the classes whose sum is the target score.
    """

    ids: Sequence[str]
    labels: NDArray[np.integer[Any]]
    probabilities: NDArray[np.floating[Any]]
    pixels: Squares
    target_columns: Sequence[int]

    def scores(self) -> NDArray[np.float64]:
        """Return the target score of each image, float64 ``[n]``."""
        return np.asarray(self.probabilities[:, list(self.target_columns)].sum(axis=1), np.float64)

    def missed(self, threshold: float) -> NDArray[np.bool_]:
        """Say of each image whether it is a target lesion scored below the threshold, ``[n]``."""
        return np.isin(self.labels, self.target_columns) & (self.scores() < threshold)

    def pictures(self, chosen: Sequence[int], classes: Sequence[str], threshold: float) -> list[Picture]:
        """Return the chosen images as pictures, in the order given."""
        scores, missed, predicted = self.scores(), self.missed(threshold), self.probabilities.argmax(axis=1)
        return [
            Picture(
                image_id=self.ids[index],
                pixels=np.asarray(self.pixels[index]),
                label=classes[int(self.labels[index])],
                predicted=classes[int(predicted[index])],
                probability=float(self.probabilities[index, predicted[index]]),
                target_score=float(scores[index]),
                missed=bool(missed[index]),
            )
            for index in chosen
        ]


def choose_samples(predictions: Predictions, seed: int, count: int) -> list[int]:
    """Choose images at random, one of each class first, and return their numbers ordered by label."""
    shuffled = np.random.default_rng(seed).permutation(len(predictions.labels))
    _, firsts = np.unique(predictions.labels[shuffled], return_index=True)
    chosen = [*shuffled[firsts], *np.delete(shuffled, firsts)][:count]
    return sorted(map(int, chosen), key=lambda index: int(predictions.labels[index]))


def find_mistakes(predictions: Predictions, threshold: float) -> list[int]:
    """Return the numbers of all mistakes: missed targets by rising score, then wrong classes by falling probability."""
    scores, missed = predictions.scores(), predictions.missed(threshold)
    wrong = (predictions.probabilities.argmax(axis=1) != predictions.labels) & ~missed
    confidence = predictions.probabilities.max(axis=1)
    first = sorted(np.flatnonzero(missed), key=lambda index: float(scores[index]))
    then = sorted(np.flatnonzero(wrong), key=lambda index: -float(confidence[index]))
    return [int(index) for index in (*first, *then)]
