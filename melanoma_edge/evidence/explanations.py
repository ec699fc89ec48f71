"""Where a model looks, whether its maps can be believed, and which lesions it gets wrong."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from melanoma_edge.contract import ModelContract
from melanoma_edge.decision import place_scores
from melanoma_edge.errors import UsageError, named
from melanoma_edge.evaluation.lesions import lesions
from melanoma_edge.evidence.explanations_document import SCHEMA, Case, Explanations, Mapped, Randomised, Walk
from melanoma_edge.evidence.maps import (
    Array,
    Score,
    area,
    cams,
    cascade,
    centre_share,
    mean_estimate,
    path_scores,
    rank_correlation,
    shuffled,
)
from melanoma_edge.evidence.perturb import COVERED
from melanoma_edge.evidence.side_by_side import RunnerOf, SideBySide, asked, header, note_of, sample_of
from melanoma_edge.files import write_bytes
from melanoma_edge.progress import Progress, silent
from melanoma_edge.report.overlay import overlay
from melanoma_edge.runtime.base import CAM, OUTPUT, Runner
from melanoma_edge.runtime.worker import IsolatedRunner
from melanoma_edge.training.run import Run, SplitImages

ALARMS = 20
MAPPED = 40
"""Images of the target whose maps are checked by taking places away; randomised weights see as many."""
RESAMPLES = 1000
_PICTURE = (320, 160)
_NAMES = ("missed", "alarm")

Areas = NDArray[np.float64]
"""Areas of images ``[n, 2]``: in the map's order, and by chance."""


def check_maps(subject: SideBySide) -> None:
    """Raise ``UsageError`` for files that answer no class activation map."""
    blind = [str(model.path) for model in subject.models if model.record and CAM not in model.record.extras]
    if blind:
        what = f"files that answer no class activation map: {named(blind)}"
        raise UsageError(what, fix=f"melanoma-edge export {subject.run.path} --format tflite --with-cam")


def forget_pictures(folder: Path) -> None:
    """Remove the pictures of an older document: they would show lesions that the new one does not list."""
    for what in _NAMES:
        for path in folder.glob(f"{what}-[0-9]*.jpg"):
            path.unlink()


def explain(
    subject: SideBySide,
    pictures: Path | None = None,
    *,
    seed: int = 0,
    runner_of: RunnerOf = IsolatedRunner,
    progress: Progress = silent,
) -> Explanations:
    """Check the maps of a run's model and files, and list what they get wrong on test.

    Args:
        subject: the models; files must answer a map.
        pictures: folder for a picture of every lesion listed, beside its map; none are drawn without.
        seed: of orders by chance, shuffled weights and the bootstrap.
        runner_of: opens a model; by default in a process of its own.
        progress: told of images done.

    Raises:
        UsageError: as ``check_maps``.
        DataError: when images of the run are gone.
        TrustError: for a model that cannot be run.
    """
    check_maps(subject)
    run, contract, test = subject.run, subject.run.contract, subject.run.images("test")
    shown = _targets(test, contract, seed)
    scores: list[Array] = []
    maps: list[Array] = []
    paths: list[tuple[Areas, Areas]] = []
    for model in subject.models:
        with runner_of(model.path) as runner:
            answers = asked(runner, test.pixels, (OUTPUT, CAM), "test", progress)
            scores.append(np.asarray(contract.target_score(answers[OUTPUT]), np.float64))
            maps.append(place_scores(answers[CAM], contract))
            paths.append(_paths(runner, contract, shown, progress))
    unit = lesions(test.groups, test.labels)
    found = [
        Mapped(
            name=model.name,
            artifact=note_of(model),
            grid=(int(own.shape[1]), int(own.shape[2])),
            like_float=rank_correlation(maps[0], own) if place else None,
            centre=centre_share(own, COVERED, RESAMPLES, seed),
            centre_of_even=round(COVERED**2, 4),
            deletion=_summed(deletion, seed),
            insertion=_summed(insertion, seed),
        )
        for place, (model, own, (deletion, insertion)) in enumerate(zip(subject.models, maps, paths, strict=True))
    ]
    missed, alarms = _gallery(test, scores, contract)
    if pictures:
        missed, alarms = (
            _drawn(cases, what, test, maps[-1], pictures) for cases, what in zip((missed, alarms), _NAMES, strict=True)
        )
    targets = int(np.isin(unit.labels, contract.target_columns).sum())
    return Explanations(
        **vars(header(subject, SCHEMA, test, targets, seed)),
        mapped_images=len(shown.ids),
        models=tuple(found),
        randomised=_randomised(subject.models[0].run or run, shown, seed),
        missed=missed,
        alarms=alarms,
    )


def _targets(test: SplitImages, contract: ModelContract, seed: int) -> SplitImages:
    places = np.flatnonzero(np.isin(test.labels, contract.target_columns)).tolist()
    rows = [test.rows[place] for place in places]
    targets = replace(
        test,
        ids=tuple(row.image_id for row in rows),
        groups=tuple(row.group for row in rows),
        labels=test.labels[places],
        pixels=test.pixels[places],
        rows=tuple(rows),
    )
    return sample_of(targets, MAPPED, seed)


def _paths(runner: Runner, contract: ModelContract, shown: SplitImages, progress: Progress) -> tuple[Areas, Areas]:
    """Return areas for deletion and insertion; each order is walked once, for what goes last comes first."""

    def score(squares: NDArray[np.uint8]) -> Array:
        return np.asarray(contract.target_score(runner.infer(squares)))

    maps = place_scores(asked(runner, shown.pixels, (OUTPUT, CAM))[CAM], contract)
    random, found = np.random.default_rng(0), []
    for done, (square, one) in enumerate(zip(shown.pixels, maps, strict=True), 1):
        grid = (int(one.shape[0]), int(one.shape[1]))
        first = np.argsort(-one.ravel(), kind="stable")
        chance = random.permutation(one.size)
        found.append([_area(square, order, grid, score) for order in (first, chance, first[::-1], chance[::-1])])
        progress(f"{runner.name} without places", done, len(maps))
    areas = np.array(found)
    return areas[:, :2], areas[:, 2:]


def _area(square: NDArray[np.uint8], order: NDArray[np.int64], grid: tuple[int, int], score: Score) -> float:
    return area(path_scores(square, order, grid, score))


def _summed(areas: Areas, seed: int) -> Walk:
    by_map, by_chance = (float(value) for value in areas.mean(axis=0))
    return Walk(by_map, by_chance, mean_estimate(areas[:, 0] - areas[:, 1], RESAMPLES, seed))


def _randomised(run: Run, shown: SplitImages, seed: int) -> tuple[Randomised, ...]:
    weights, contract = run.weights(), run.contract
    before = place_scores(cams(run.network, weights, shown.pixels), contract)
    found = []
    for words, layers in cascade(run.network):
        after = place_scores(cams(run.network, shuffled(weights, layers, seed), shown.pixels), contract)
        found.append(Randomised(words, rank_correlation(before, after)))
    return tuple(found)


def _gallery(
    test: SplitImages, scores: Sequence[Array], contract: ModelContract
) -> tuple[tuple[Case, ...], tuple[Case, ...]]:
    """Return lesions of the target that some model does not refer, lowest score first, and the surest false alarms."""
    unit = lesions(test.groups, test.labels)
    means = np.stack([unit.mean(one) for one in scores])
    targets = np.isin(unit.labels, contract.target_columns)
    last = means[-1]

    def case(lesion: int, sign: int) -> Case:
        images = np.flatnonzero(unit.of_image == lesion)
        image = images[np.argmax(sign * scores[-1][images])]
        label = contract.classes[unit.labels[lesion]]
        return Case(test.ids[image], str(unit.groups[lesion]), label, tuple(map(float, means[:, lesion])), None)

    missed = np.flatnonzero(targets & (means < contract.threshold).any(axis=0))
    alarmed = np.flatnonzero(~targets & (last >= contract.threshold))
    return (
        tuple(case(lesion, -1) for lesion in missed[np.argsort(last[missed], kind="stable")].tolist()),
        tuple(case(lesion, 1) for lesion in alarmed[np.argsort(-last[alarmed], kind="stable")][:ALARMS].tolist()),
    )


def _drawn(cases: Sequence[Case], what: str, test: SplitImages, maps: Array, folder: Path) -> tuple[Case, ...]:
    """Write a picture of each case, the photo beside its map, and name it."""
    places, made = {name: place for place, name in enumerate(test.ids)}, []
    for number, case in enumerate(cases, 1):
        place, name = places[case.image_id], f"{what}-{number:02}.jpg"
        image = Image.open(io.BytesIO(overlay(np.asarray(test.pixels[place]), maps[place])))
        stream = io.BytesIO()
        image.resize(_PICTURE, Image.Resampling.BILINEAR).save(stream, "JPEG", quality=85)
        write_bytes(folder / name, stream.getvalue())
        made.append(replace(case, picture=f"{folder.name}/{name}"))
    return tuple(made)
