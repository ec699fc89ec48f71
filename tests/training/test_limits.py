"""Limits derived from a model's own training images."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from melanoma_edge.data.catalog import CatalogRow, save_catalog
from melanoma_edge.decision import outlier_score
from melanoma_edge.errors import DataError
from melanoma_edge.quality import QualityMeasures
from melanoma_edge.safeguards import Safeguards, default_safeguards, problem
from melanoma_edge.training.finish import Outcome, finish
from melanoma_edge.training.limits import (
    derive,
    distances,
    embeddings,
    measured,
    outlier_limits,
    quality_limits,
    refused_share,
    uncertain_from,
)
from melanoma_edge.training.run import Run

GOOD = QualityMeasures(1000, 133, 2000, 15000, 0, 5000)
DEFAULT = default_safeguards(224).quality


def test_photos_that_the_defaults_accept_leave_the_defaults() -> None:
    sharp = [replace(GOOD, sharpness=100_000, brightness=15_000 + i) for i in range(500)]
    assert quality_limits([*sharp[:-5], *[replace(GOOD, sharpness=0)] * 5], 224) == DEFAULT


@pytest.mark.parametrize(
    ("measure", "limit", "values"),
    [
        ("short_side", "smallest_side", (100, 200)),
        ("aspect_percent", "largest_aspect_percent", (201, 300)),
        ("sharpness", "least_sharpness", (100, 500)),
        ("brightness", "least_brightness", (2000, 4900)),
        ("brightness", "most_brightness", (23100, 25000)),
        ("clipped_permille", "most_clipped_permille", (60, 200)),
        ("colour", "least_colour", (10, 250)),
    ],
)
def test_a_limit_that_refuses_a_models_own_photos_is_loosened(
    measure: str, limit: str, values: tuple[int, int]
) -> None:
    generator = np.random.default_rng(0)
    odd = [replace(GOOD, **{measure: int(value)}) for value in generator.integers(*values, 400)]
    photos = [GOOD] * 1600 + odd
    found = quality_limits(photos, 224)
    assert refused_share(photos, DEFAULT) == 0.2
    assert refused_share(photos, found) <= 0.01 / 7
    assert {name for name in vars(found) if getattr(found, name) != getattr(DEFAULT, name)} == {limit}


@given(
    st.lists(
        st.builds(
            QualityMeasures,
            st.integers(1, 5000),
            st.integers(100, 900),
            st.integers(0, 10**6),
            st.integers(0, 25500),
            st.integers(0, 1000),
            st.integers(0, 25500),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_whatever_the_photos_hardly_one_is_refused_and_no_limit_is_stricter(photos: list[QualityMeasures]) -> None:
    found = quality_limits(photos, 224)
    assert refused_share(photos, found) <= 0.01
    assert problem(Safeguards(found), 0.5) == ""
    assert found.least_sharpness <= DEFAULT.least_sharpness and found.most_brightness >= DEFAULT.most_brightness


def cloud(count: int, seed: int, away: float = 0.0) -> Any:
    """Return embeddings of three classes around their own centres."""
    generator = np.random.default_rng(seed)
    centres = np.random.default_rng(99).uniform(0, 2, (3, 40))
    labels = generator.integers(0, 3, count)
    return (centres[labels] + generator.normal(away, 0.2, (count, 40))).astype(np.float32)


def test_new_images_of_the_kind_are_accepted_as_often_as_promised() -> None:
    known = cloud(600, 0)
    shares = []
    for seed in range(1, 41):
        held_out, new = cloud(99, seed), cloud(500, 1000 + seed)
        limits = outlier_limits(known, held_out)
        assert limits is not None
        shares.append(float((distances(new, limits) <= limits.limit).mean()))
    assert 0.94 <= np.mean(shares) <= 0.965


def test_what_lies_elsewhere_is_refused() -> None:
    limits = outlier_limits(cloud(600, 0), cloud(200, 1))
    assert limits is not None
    assert (distances(cloud(200, 2, away=0.4), limits) > limits.limit).mean() > 0.95
    assert len(limits.centre) == 40 and len(limits.directions) == len(limits.steps) == 10


def test_what_differs_as_training_images_differ_is_not_strange_and_each_direction_has_length_one() -> None:
    generator = np.random.default_rng(0)
    base = generator.normal(0, 1, (3, 40))
    known = generator.normal(0, 1, (300, 3)) @ base + generator.normal(0, 0.2, (300, 40))
    limits = outlier_limits(known[:200], known[200:])
    assert limits is not None
    further = 2 * generator.normal(0, 1, (50, 3)) @ base
    assert (distances(further, limits) <= limits.limit).mean() > 0.95
    assert (distances(further + 0.5 * generator.normal(0, 1, (50, 40)), limits) > limits.limit).mean() > 0.95
    lengths = np.linalg.norm(np.array(limits.vectors) * np.array(limits.steps)[:, None], axis=1)
    np.testing.assert_allclose(lengths, 1, rtol=1e-5)


def test_distances_are_those_by_which_is_decided() -> None:
    limits = outlier_limits(cloud(100, 0), cloud(40, 1))
    assert limits is not None
    new = cloud(30, 2)
    assert distances(new, limits) == pytest.approx([outlier_score(one, limits) for one in new], rel=1e-12)


@pytest.mark.parametrize(("held_out", "found"), [(18, False), (19, True)])
def test_too_few_held_out_images_make_no_limit(held_out: int, found: bool) -> None:
    assert (outlier_limits(cloud(100, 0), cloud(held_out, 1)) is not None) is found


def test_a_network_that_answers_everything_alike_makes_limits_that_a_contract_takes() -> None:
    limits = outlier_limits(np.zeros((50, 4)), np.zeros((50, 4)))
    assert limits is not None
    assert problem(replace(default_safeguards(32), outlier=limits), 0.5) == ""


@pytest.mark.parametrize(
    ("share", "limit"), [(0.05, None), (0.1, 0.25), (0.2, 0.125), (0.3, 0.025), (0.4, 0.0), (0.5, 0.0)]
)
def test_the_band_of_doubt_holds_the_share_next_below_the_threshold(share: float, limit: float | None) -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.05, 0.0])
    found = uncertain_from(scores, 0.35, share)
    assert found == (None if limit is None else pytest.approx(limit))


def test_quality_is_measured_of_the_photos_themselves(tmp_path: Path) -> None:
    rows = []
    for number, size in enumerate([(300, 200), (100, 100)]):
        path = tmp_path / f"{number}.png"
        Image.new("RGB", size, (200, 150, 100)).save(path)
        rows.append(CatalogRow(path.stem, str(path), "NV", str(number), "toy", ""))
    assert [one.short_side for one in measured(rows)] == [200, 100]
    (tmp_path / "1.png").unlink()
    with pytest.raises(DataError, match="does not exist"):
        measured(rows)


def test_limits_of_a_run_are_of_its_weights(run: Run) -> None:
    splits = {split: run.images(split) for split in ("train", "validation")}
    weights = run.weights()

    def embed(pixels: Any, places: Sequence[int]) -> np.ndarray:
        return embeddings(run.network, weights, pixels, places)

    assert derive(32, splits, None, 0).outlier is None
    few = derive(32, splits, embed, 0)
    assert few.outlier is None, "the validation split of 11 images is too small"
    many = derive(32, {"train": splits["train"], "validation": splits["train"]}, embed, 0)
    assert many.outlier is not None
    assert len(many.outlier.centre) == run.network.features
    everything = embed(splits["train"].pixels, range(len(splits["train"].ids)))
    assert (distances(everything, many.outlier) <= many.outlier.limit).mean() >= 0.95


@pytest.mark.parametrize(("wanted", "share"), [(True, None), (False, 0.3)])
def test_a_contract_holds_the_limits_that_were_asked_for(
    run: Run, tmp_path: Path, wanted: bool, share: float | None
) -> None:
    splits = {split: run.images(split) for split in ("train", "validation", "test")}
    with open(run.path / "history.csv", encoding="utf-8", newline="") as stream:
        history = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(stream)]
    outcome = Outcome(
        config=replace(run.record.configuration, outlier_limits=wanted, uncertain=share),
        spec=run.network,
        weights=run.weights(),
        predict=lambda weights, pixels: (pixels[:].mean(axis=(1, 2)) / 20 + weights["head/bias"]).astype(np.float32),
        catalog=run.catalog,
        splits={**splits, "validation": splits["train"]},
        history=history,
        environment={},
        parent=None,
        method="train",
        left_out=(),
    )
    save_catalog(run.catalog, tmp_path)
    (tmp_path / "history.csv").write_text("epoch\n0\n")
    contract = finish(tmp_path, outcome).contract
    assert contract.safeguards is not None
    assert (contract.safeguards.outlier is not None) is wanted
    limit = contract.safeguards.uncertain_from
    assert limit is None if share is None else limit is not None and limit < contract.threshold
