"""The sweep over changed photos, with models of which it is known what a change does to them."""

from __future__ import annotations

import json
from dataclasses import replace
from types import MappingProxyType, TracebackType
from typing import Any, Self

import numpy as np
import pytest
from sides import _cache, both

from melanoma_edge.evidence.perturb import changes
from melanoma_edge.evidence.robustness import Robustness, _ways, count_of_changes, sweep
from melanoma_edge.evidence.side_by_side import SideBySide
from melanoma_edge.strictjson import from_plain, to_plain
from melanoma_edge.training.run import SplitImages

__all__ = ["_cache", "both"]

pytestmark = pytest.mark.usefixtures("_cache")


class Lightmeter:
    """Score the red of one part of a picture; its light scales the score."""

    name, options = "lightmeter", MappingProxyType({})
    calls = 0

    def __init__(self, contract: Any, part: Any) -> None:
        self.contract, self._part = contract, part

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

    def infer(self, batch: np.ndarray) -> np.ndarray:
        Lightmeter.calls += len(batch)
        score = batch[self._part][..., 0].mean(axis=(1, 2)) / 255
        rest = (1 - score) / 2
        return np.stack([score, rest, rest], axis=1).astype(np.float32)

    def infer_all(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        return {"probabilities": self.infer(batch)}


@pytest.fixture
def lit(both: SideBySide) -> SideBySide:
    """Return the tiny run with a threshold in the middle of what a light meter says of its pictures."""
    red = np.asarray(both.run.images("test").pixels)[..., 0].mean(axis=(1, 2)) / 255
    point = replace(both.run.contract.operating_point, threshold=float(np.median(red)) + 1e-6)
    contract = replace(both.run.contract, operating_point=point, safeguards=None)
    return replace(both, run=replace(both.run, contract=contract))


WHOLE, CORNER, MIDDLE = np.s_[:], np.s_[:, :8, :8], np.s_[:, 12:20, 12:20]


def swept(subject: SideBySide, first: Any = WHOLE, second: Any = CORNER, **options: Any) -> Robustness:
    runners = {place: Lightmeter(subject.run.contract, part) for place, part in ((False, first), (True, second))}
    return sweep(subject, resamples=40, runner_of=lambda path: runners[path.suffix == ".tflite"], **options)


def test_each_model_answers_each_image_under_each_change(lit: SideBySide) -> None:
    Lightmeter.calls = 0
    found = swept(lit)
    assert Lightmeter.calls == 2 * count_of_changes() * found.images
    assert len(found.changes) == count_of_changes() - 2
    assert from_plain(Robustness, to_plain(found)) == found
    assert all([one.name for one in change.models] == [one.name for one in found.models] for change in found.changes)


def test_turns_change_nothing_for_a_model_that_sees_no_places_and_much_for_one_that_does(lit: SideBySide) -> None:
    found = swept(lit)
    meter, corner = found.turned
    assert meter.disagreement.value == 0 < corner.disagreement.value
    for change in found.changes:
        if change.kind in ("rotation", "flip"):
            assert change.models[0].agreement.value == 1
            assert change.models[0].auc_change is not None and change.models[0].auc_change.value == pytest.approx(0)


def test_dark_photos_lose_the_targets_and_bright_ones_find_them_all(lit: SideBySide) -> None:
    found = {(change.kind, change.value): change.models[0] for change in swept(lit).changes}
    dark, bright = found["brightness", "x0.5"], found["brightness", "x1.5"]
    assert dark.sensitivity is not None and bright.sensitivity is not None
    assert dark.sensitivity.value == 0 and bright.sensitivity.value == 1
    assert dark.sensitivity_loss is not None and dark.sensitivity_loss.low > 0 < dark.lost
    assert bright.specificity_loss is not None and bright.specificity_loss.value > 0 == bright.lost


def test_what_a_covered_lesion_leaves_is_compared_with_the_whole(lit: SideBySide) -> None:
    found = swept(lit, MIDDLE, CORNER)
    for removed, model in zip(found.lesion_removed, found.models, strict=True):
        assert removed.clean_auc == model.auc is not None
    middle, corner = (removed.auc for removed in found.lesion_removed)
    assert middle is not None and middle.value == 0.5, "what looks at the lesion alone sees nothing any more"
    assert corner is not None and corner.value > 0.6


def test_fewer_images_are_drawn_by_seed_and_said(lit: SideBySide) -> None:
    few = swept(lit, limit=12)
    assert few.images_limit == 12 and few.images == 12
    assert swept(lit).images_limit is None
    assert to_plain(swept(lit, limit=12)) == to_plain(few) != to_plain(swept(lit, limit=12, seed=1))


class Watched:
    """Give squares, and remember how many were asked for at once."""

    def __init__(self, pixels: np.ndarray) -> None:
        self._pixels, self.asked = pixels, [0]

    def __len__(self) -> int:
        return len(self._pixels)

    def __getitem__(self, places: slice) -> np.ndarray:
        found = self._pixels[places]
        self.asked.append(len(found))
        return found


def test_no_more_than_a_batch_of_a_split_is_in_memory() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (150, 8, 8, 3), np.uint8)
    watched = Watched(pixels)
    rows: Any = ()
    images = SplitImages((), (), np.zeros(150, np.int64), watched, rows)
    ways = _ways(images, 8, 0)
    batches = list(ways["unchanged", ""]())
    assert np.array_equal(np.concatenate(batches), pixels)
    hairs = next(one for one in changes(0) if one.value == "hair")
    drawn = np.concatenate(list(ways["drawn", "hair"]()))
    assert np.array_equal(drawn[149], hairs.make(pixels[149], 149)), "each image is told its own number"
    assert max(watched.asked) == max(map(len, batches)) < 150


def test_the_command_says_what_it_costs(both: SideBySide, capsys: Any) -> None:
    from melanoma_edge.cli.main import main

    arguments = ["evaluate", str(both.run.path), "--limit-images", "9"]
    assert main(arguments) == 2
    assert "--limit-images is for --robustness" in capsys.readouterr().err
    assert main([*arguments, "--robustness", "--dry-run", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["images"] == 9 and plan["answers"] == 9 * count_of_changes()
