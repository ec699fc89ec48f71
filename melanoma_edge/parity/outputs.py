"""Whether an exported model's outputs can be compared at all, before any number is made of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from melanoma_edge.errors import MelanomaEdgeError
from melanoma_edge.evaluation.lesions import Floats
from melanoma_edge.parity.gate import Check, Status
from melanoma_edge.runtime.base import WrongLabels, WrongShape

_SUM_TOLERANCE = 0.01
_LEAST_SPREAD = 0.01
_LEAST_CORRELATION = 0.9
"""Between a class and the output that took its place: what is merely wrong finds other classes by chance."""


def check_outputs(reference: Floats, exported: Floats, classes: Sequence[str]) -> tuple[Check, ...]:
    """Judge finite_outputs, constant_output, labels_match and shape_match, as far as each can be judged.

    Only when all four are there and none fails do numbers made of the outputs mean anything.

    Args:
        reference: probabilities of the float model, ``[n, classes]``.
        exported: what the exported model gave, of any shape.
        classes: names in the order of the columns.
    """
    shape = _shape(reference, exported)
    counted = () if exported.ndim == 2 and exported.shape[1] == len(classes) else (_count(exported, classes),)
    finite = _finite(exported, rows=not counted)
    if counted or Status.FAIL in (shape.status, finite.status):
        return (finite, *counted, shape)
    constant = _constant(reference, exported)
    if constant.status is Status.FAIL:
        return finite, constant, shape
    return finite, constant, _order(reference, exported, classes), shape


def failed_outputs(error: MelanomaEdgeError) -> tuple[Check, ...]:
    """Return the failed check that says why a runtime gave no outputs."""
    names: dict[type[MelanomaEdgeError], str] = {WrongLabels: "labels_match", WrongShape: "shape_match"}
    return (_check(names.get(type(error), "finite_outputs"), False, f"no outputs: {error.what}"),)


def _check(name: str, passed: bool, why: str, value: float | None = None, limit: float | None = None) -> Check:
    return Check(name, value, limit, Status.PASS if passed else Status.FAIL, None, why)


def _shape(reference: Floats, exported: Floats) -> Check:
    wanted, found = list(reference.shape), list(exported.shape)
    return _check("shape_match", found == wanted, f"outputs have shape {found}, wanted {wanted}")


def _count(exported: Floats, classes: Sequence[str]) -> Check:
    found = exported.shape[-1] if exported.ndim else 1
    return _check("labels_match", False, f"{len(classes)} labels, but {found} outputs a row in {list(exported.shape)}")


def _finite(exported: Floats, *, rows: bool) -> Check:
    """Count the values that are no probabilities, and where rows are known, the rows that do not sum to 1."""
    good = np.isfinite(exported)
    broken = int((~good).sum())
    values = np.where(good, exported, 0.0).astype(np.float64)
    outside = int(((values < -_SUM_TOLERANCE) | (values > 1 + _SUM_TOLERANCE)).sum())
    sums = int((np.abs(values.sum(axis=1) - 1) > _SUM_TOLERANCE).sum()) if rows and not broken else 0
    why = f"{broken} values are not finite, {outside} lie outside 0 to 1, {sums} rows do not sum to 1"
    return _check("finite_outputs", broken + outside + sums == 0, why, broken + outside + sums, 0)


def _constant(reference: Floats, exported: Floats) -> Check:
    """Compare how far outputs vary over the images; less than a hundredth of the reference is no answer.

    A reference that does not vary proves nothing: any broken file would agree with it.
    """
    wanted = float(np.ptp(reference, axis=0).max())
    if not wanted:
        why = "the reference itself answers every image alike, as any broken file would"
        return Check("constant_output", None, None, Status.INCONCLUSIVE, None, why)
    found = float(np.ptp(exported, axis=0).max())
    why = f"outputs vary by {found:.2g} over the images, those of the reference by {wanted:.2g}"
    return _check("constant_output", found >= _LEAST_SPREAD * wanted, why, found, _LEAST_SPREAD * wanted)


def _follows(one: Floats, other: Floats) -> bool:
    """Tell whether two columns ``[n]`` rise and fall together."""
    first, second = (np.asarray(values, np.float64) - values.mean() for values in (one, other))
    sizes = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return bool(sizes and (first * second).sum() / sizes >= _LEAST_CORRELATION)


def _order(reference: Floats, exported: Floats, classes: Sequence[str]) -> Check:
    """Find columns that fit one another's classes at least twice as well as their own, and rise and fall with them."""
    from scipy.optimize import linear_sum_assignment

    distance = np.abs(reference[:, :, None] - exported[:, None, :]).mean(axis=0)
    rows, columns = linear_sum_assignment(distance)
    moved = rows != columns
    swapped = bool(moved.any()) and distance[rows, columns][moved].sum() < distance.diagonal()[moved].sum() / 2
    swapped = swapped and all(
        _follows(reference[:, row], exported[:, column])
        for row, column in zip(rows[moved], columns[moved], strict=True)
    )
    if not swapped:
        return _check("labels_match", True, f"{len(classes)} labels, each like its own in the reference", 0, 0)
    found = zip(columns[moved], rows[moved], strict=True)
    pairs = [f"output {column} behaves as {classes[row]}" for column, row in found]
    return _check("labels_match", False, f"labels in another order: {', '.join(pairs)}", int(moved.sum()), 0)
