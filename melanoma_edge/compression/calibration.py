"""Which images the ranges of an int8 model come from, and the ranges themselves."""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.compression.ranges import Histogram, Measured
from melanoma_edge.data.cache import cached_pixels
from melanoma_edge.data.catalog import Catalog, CatalogRow
from melanoma_edge.errors import DataError, UsageError, named
from melanoma_edge.progress import Progress, silent

if TYPE_CHECKING:
    from melanoma_edge.training.run import Run

_SIDE = 20
"""Places along a side at which a large tensor's values are counted."""


@dataclass(frozen=True, eq=False)
class CalibrationSet:
    """Hold calibration images: ``pixels`` uint8 ``[n, N, N, 3]``, and one hash over the images' sorted hashes."""

    pixels: NDArray[np.uint8]
    image_ids: tuple[str, ...]
    sha256: str
    class_counts: dict[str, int]
    seed: int


def calibration_images(run: Run, count: int, seed: int, progress: Progress = silent) -> CalibrationSet:
    """Draw calibration images of a run.

    Args:
        run: the run whose training images are drawn from.
        count: how many; fewer come when there are fewer training groups, more when there are more classes.
        seed: of the draw.
        progress: told of images decoded, if they are not in the cache.

    Raises:
        UsageError: when ``count`` is not positive.
        DataError: when training shares a group or an image with another split, or images are missing.
    """
    return _decoded(run, choose_rows(run.catalog, count, seed), seed, progress)


def further_images(run: Run, first: CalibrationSet, progress: Progress = silent) -> CalibrationSet | None:
    """Draw as many images again, of groups that ``first`` has none of; fewer come when there are fewer.

    Returns:
        None when no such group is left. Raises as ``calibration_images``.
    """
    known = set(first.image_ids)
    taken = {row.group for row in run.catalog.rows if row.image_id in known}
    rest = replace(run.catalog, rows=tuple(row for row in run.catalog.rows if row.group not in taken))
    if not rest.part("train"):
        return None
    return _decoded(run, choose_rows(rest, len(first.image_ids), first.seed), first.seed, progress)


def _decoded(run: Run, chosen: Sequence[CatalogRow], seed: int, progress: Progress) -> CalibrationSet:
    catalog = run.catalog
    places = {row.image_id: place for place, row in enumerate(catalog.rows)}
    cached = cached_pixels(catalog.rows, run.contract.input_size, progress=progress)
    pixels = cached.pixels[[places[row.image_id] for row in chosen]]
    found = Counter(row.label for row in chosen)
    return CalibrationSet(
        pixels=np.asarray(pixels),
        image_ids=tuple(row.image_id for row in chosen),
        sha256=_sha256(chosen),
        class_counts={name: found[name] for name in catalog.classes},
        seed=seed,
    )


def is_calibration(catalog: Catalog, images: int, seed: int, sha256: str) -> bool:
    """Tell whether ``images`` with this hash are what ``calibration_images`` draws for some count with a seed.

    The count that was asked for is not known: a few more are drawn where rare classes would else have none.
    Raises as ``choose_rows``.
    """
    counts = range(images, max(0, images - len(catalog.classes) - 1), -1)
    drawn = (choose_rows(catalog, count, seed) for count in counts)
    return any(len(rows) == images and _sha256(rows) == sha256 for rows in drawn)


def _sha256(rows: Sequence[CatalogRow]) -> str:
    return hashlib.sha256("\n".join(sorted(row.sha256 for row in rows)).encode()).hexdigest()


def choose_rows(catalog: Catalog, count: int, seed: int) -> tuple[CatalogRow, ...]:
    """Choose distinct training images, one of each group, with the classes in their training proportion.

    Returns:
        The rows in catalog order. Raises as ``calibration_images``.
    """
    if count < 1:
        raise UsageError(f"{count} calibration images", fix="ask for at least one; 512 is usual")
    _check_apart(catalog)
    generator = np.random.default_rng(seed)
    by_class: dict[str, list[CatalogRow]] = {name: [] for name in catalog.classes}
    for row in _one_of_each_group(catalog.part("train"), generator):
        by_class[row.label].append(row)
    shares = _shares([len(rows) for rows in by_class.values()], count)
    chosen = [
        rows[place]
        for rows, share in zip(by_class.values(), shares, strict=True)
        for place in generator.permutation(len(rows))[:share]
    ]
    return tuple(sorted(chosen, key=lambda row: row.image_id))


def _check_apart(catalog: Catalog) -> None:
    """Raise unless the training part shares neither group nor image with validation and test, or says that it does."""
    train = catalog.part("train")
    if not train:
        raise DataError("the run has no training images", where="catalog", fix="train the run again")
    rest = [row for row in catalog.rows if row.split != "train"]
    groups = {row.group for row in train} & {row.group for row in rest}
    images = {row.sha256 for row in train} & {row.sha256 for row in rest}
    if (groups or images) and not catalog.leaky:
        what = f"training shares groups or images with another split: {named(sorted(groups or images))}"
        raise DataError(what, where="catalog", fix="split by group and train again")


def _one_of_each_group(rows: Sequence[CatalogRow], generator: np.random.Generator) -> list[CatalogRow]:
    """Return one image of each group, in a random order of images, none twice."""
    groups, images, kept = set(), set(), []
    for place in generator.permutation(len(rows)):
        row = rows[place]
        if row.group not in groups and row.sha256 not in images:
            groups.add(row.group)
            images.add(row.sha256)
            kept.append(row)
    return kept


def _shares(sizes: Sequence[int], count: int) -> list[int]:
    """Divide ``count`` in the proportion of ``sizes``, by largest remainder, every class present at least once."""
    total = sum(sizes)
    count = min(count, total)
    exact = [count * size / total for size in sizes]
    shares = [max(int(part), min(size, 1)) for part, size in zip(exact, sizes, strict=True)]
    order = sorted(range(len(sizes)), key=lambda place: int(exact[place]) - exact[place])
    while sum(shares) < count:
        place = next(place for place in order if shares[place] < sizes[place])
        shares[place] += 1
        order.remove(place)
        order.append(place)
    return shares


def collect_ranges(float_tflite: bytes, pixels: NDArray[np.uint8], progress: Progress = silent) -> Measured:
    """Measure what the activations of a float model hold, over all images.

    The extremes are those of all values. Of large tensors, which have many alike, about 400 places of each image are
    counted, others from image to image.

    Args:
        float_tflite: a TFLite model that takes float32 ``[1, N, N, 3]``.
        pixels: uint8 ``[n, N, N, 3]``.
        progress: told of images done.
    """
    from melanoma_edge.runtime.litert import interpreter

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*experimental_preserve_all_tensors", category=UserWarning)
        running = interpreter(float_tflite, Path("model.tflite"), keep_all=True)
    image = running.get_input_details()[0]["index"]
    seen: dict[str, Histogram] = {}
    watched: list[tuple[int, str]] = []
    for done, picture in enumerate(pixels):
        running.set_tensor(image, picture[None].astype(np.float32))
        running.invoke()
        watched = watched or _readable(running)
        for index, name in watched:
            values = running.get_tensor(index)
            seen.setdefault(name, Histogram()).add(values, _some(values, done))
        progress("measuring ranges", done + 1, len(pixels))
    return Measured(seen)


def _some(values: NDArray[np.float32], turn: int) -> NDArray[np.float32]:
    """Return the channels of a lattice of places, which moves from turn to turn."""
    if values.ndim != 4:
        return values
    down, right = (max(1, side // _SIDE) for side in values.shape[1:3])
    return values[:, turn % down :: down, turn // down % right :: right]


def _readable(running: Any) -> list[tuple[int, str]]:
    """Name the float tensors that hold values after the model ran; activations have a batch of one, kernels seldom."""
    found = []
    for tensor in running.get_tensor_details():
        try:
            values = running.get_tensor(tensor["index"])
        except ValueError:
            continue
        if values.dtype == np.float32 and values.shape[:1] == (1,):
            found.append((tensor["index"], str(tensor["name"])))
    return found
