"""Thinning: a narrower network of the asked cost, a run of its own, the same again after a restart."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from tiny import tiny_config, tiny_home, write_images

from melanoma_edge.compression.importance import Gated
from melanoma_edge.compression.prune import prune, prune_config
from melanoma_edge.compression.quantize import quantize
from melanoma_edge.compression.sites import sites
from melanoma_edge.compression.thin import Thinning, check, planned, thin, thin_config, validation_quality
from melanoma_edge.data.catalog import SPLITS
from melanoma_edge.errors import Interrupted, UsageError
from melanoma_edge.model.cost import cost
from melanoma_edge.runtime.keras import KerasRunner
from melanoma_edge.training.material import gather
from melanoma_edge.training.run import Run
from melanoma_edge.training.teacher import Teacher
from melanoma_edge.training.trainer import train

ASKED = Thinning(keep=0.6, images=16, rounds=2)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder with tiny images, in which trainings are tiny."""
    with tiny_home(tmp_path_factory.mktemp("thin")) as home:
        yield home


@pytest.fixture(scope="module")
def parent(home: Path) -> Run:
    return train(tiny_config(home / "data", epochs=2), home / "parent")


@pytest.fixture(scope="module")
def thinned(home: Path, parent: Run) -> Run:
    return thin(parent, home / "thinned", ASKED, thin_config(parent, epochs=2))


def test_the_new_network_has_the_cost_that_was_asked_for(parent: Run, thinned: Run) -> None:
    before, after = cost(parent.network), cost(thinned.network)
    assert 0.4 * before.macs < after.macs <= 0.6 * before.macs
    assert thinned.network.width == parent.network.width, "the width stays as information"
    assert sum(array.size for array in thinned.weights().values()) == after.parameters
    assert all(site.channels % 8 == 0 for site in sites(thinned.network))


def test_the_record_says_what_was_kept_and_what_it_cost(parent: Run, thinned: Run) -> None:
    record = thinned.record.compression
    assert record is not None
    assert record["kind"] == "thinning"
    assert (record["asked"]["keep"], record["asked"]["importance"]) == (0.6, "taylor")
    assert record["cost"]["before"]["macs"] == cost(parent.network).macs
    assert record["cost"]["after"]["int8_bytes"] == cost(thinned.network).int8_bytes
    after = {site.name: site.channels for site in sites(thinned.network)}
    for site in sites(parent.network):
        found = record["channels"][site.name]
        assert (found["before"], found["after"], len(found["kept"])) == (
            site.channels,
            after[site.name],
            found["after"],
        )
        assert set(found["kept"]) <= set(range(site.channels))
    assert set(record["validation"]) == {"parent", "before_fine_tuning"}


def test_a_thinned_run_is_a_normal_run_and_its_own_reference(parent: Run, thinned: Run) -> None:
    assert thinned.record.method == thinned.contract.provenance.method == "thin"
    assert thinned.record.parent is not None
    assert (thinned.path / thinned.record.parent.path).resolve() == parent.path
    assert thinned.reference().path == thinned.path
    assert thinned.contract.provenance.reference_sha256 == thinned.record.weights_sha256
    teacher = thinned.record.training["teacher"]
    assert teacher["weights_sha256"] == parent.record.weights_sha256
    assert (thinned.path / teacher["path"]).resolve() == parent.path
    answers = KerasRunner(thinned.path).infer(thinned.images("test").pixels[:])
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)
    narrower = thin(thinned, thinned.path.with_name("twice"), replace(ASKED, keep=0.9), thin_config(thinned, epochs=1))
    assert cost(narrower.network).macs < cost(thinned.network).macs


def test_an_interrupted_thinning_resumes_to_the_same_bytes(home: Path, parent: Run, thinned: Run) -> None:
    config = thin_config(parent, epochs=2)

    def control_c(task: str, done: int, total: int) -> None:
        if task == "epoch 2/2" and done < total:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="--resume"):
        thin(parent, home / "again", ASKED, config, progress=control_c)
    with pytest.raises(UsageError, match="another thinning"):
        thin(parent, home / "again", replace(ASKED, keep=0.7), config, resume=True)
    again = thin(parent, home / "again", ASKED, config, resume=True)
    assert again.record.weights_sha256 == thinned.record.weights_sha256
    assert (again.path / "history.csv").read_bytes() == (thinned.path / "history.csv").read_bytes()


def test_a_ctrl_c_while_measuring_leaves_nothing(home: Path, parent: Run, tmp_path: Path) -> None:
    def control_c(task: str, done: int, total: int) -> None:
        if task == "measuring channels":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        thin(parent, tmp_path / "out", ASKED, thin_config(parent), progress=control_c)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("importance", ["taylor", "magnitude", "random"])
def test_plans_are_reproducible_and_their_quality_is_that_of_the_plan(parent: Run, importance: str) -> None:
    asked = replace(ASKED, importance=importance)
    plan, again = planned(parent, asked), planned(parent, asked)
    assert plan.record == again.record
    assert all(np.array_equal(array, again.weights[name]) for name, array in plan.weights.items())
    assert cost(plan.network).macs <= 0.6 * cost(parent.network).macs
    from melanoma_edge.model.classifier import scaled, set_weights
    from melanoma_edge.model.mobilenet import build

    model, validation = build(plan.network), parent.images("validation")
    set_weights(model, plan.weights)
    logits = np.asarray(model(scaled(validation.pixels[:].astype(np.float32)), training=False))
    found = validation_quality(logits, validation)
    assert found == pytest.approx(plan.record["validation"]["before_fine_tuning"], abs=1e-3)


def test_importance_is_measured_on_validation_and_means_on_training(
    parent: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = {split: {image.tobytes() for image in parent.images(split).pixels} for split in SPLITS}
    seen: dict[str, list[str]] = {"taylor": [], "logits": []}
    images, opened = Run.images, set()

    def noted(self: Run, split: str, *rest: Any) -> Any:
        opened.add(split)
        return images(self, split, *rest)

    def watched(name: str) -> Any:
        real = getattr(Gated, name)

        def call(self: Gated, pixels: Any, *rest: Any) -> Any:
            given = {image.tobytes() for image in pixels}
            seen[name] += [split for split in SPLITS if given <= rows[split]] or ["mixed"]
            return real(self, pixels, *rest)

        return call

    monkeypatch.setattr(Run, "images", noted)
    for name in seen:
        monkeypatch.setattr(Gated, name, watched(name))
    planned(parent, ASKED)
    assert opened == {"train", "validation"}
    assert seen == {"taylor": ["validation"] * 2, "logits": ["validation", "train", "train", "validation"]}


def test_nothing_of_the_test_split_decides_anything(
    home: Path, parent: Run, thinned: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_test(*asked: Any) -> Any:
        images = gather(*asked)
        test = images.splits["test"]
        test = replace(test, pixels=255 - test.pixels[:], labels=np.roll(test.labels, 1))
        return replace(images, splits={**images.splits, "test": test})

    monkeypatch.setattr("melanoma_edge.training.trainer.gather", other_test)
    again = thin(parent, home / "other-test", ASKED, thin_config(parent, epochs=2))
    assert again.record.metrics["test"] != thinned.record.metrics["test"]
    assert again.record.metrics["validation"] == thinned.record.metrics["validation"]
    assert again.record.weights_sha256 == thinned.record.weights_sha256
    assert again.record.calibration == thinned.record.calibration
    assert again.contract.operating_point == thinned.contract.operating_point


def test_who_taught_the_parent_is_no_reason_against_thinning_but_stays_one_against_teaching(
    home: Path, parent: Run
) -> None:
    """The parent's teacher saw images of another set, on which a run made from the parent must not be judged."""
    write_images(home / "other", seed=1)
    stranger = train(tiny_config(home / "other", epochs=1), home / "stranger")
    taught = train(tiny_config(home / "data", epochs=1), home / "taught", teacher=Teacher(stranger))
    config = thin_config(taught, epochs=1)
    check(taught, home / "thin", ASKED, config)
    made = [
        prune(taught, home / "made-1", prune_config(taught, 0.5, epochs=1)),
        thin(taught, home / "made-2", ASKED, config),
    ]
    for teacher in (stranger, taught, *made):
        with pytest.raises(UsageError, match=r"leak|teacher of other images"):
            train(tiny_config(home / "other", epochs=1, seed=3), home / "pupil", teacher=Teacher(teacher))


@pytest.mark.parametrize("target", ["target_macs", "target_kb"])
def test_targets_in_multiplications_and_in_kilobytes(parent: Run, target: str) -> None:
    whole = cost(parent.network)
    wanted = 0.7 * (whole.macs if target == "target_macs" else whole.int8_bytes / 1000)
    found = cost(planned(parent, Thinning(images=16, rounds=1, **{target: wanted})).network)  # type: ignore[arg-type]
    reached = found.macs if target == "target_macs" else found.int8_bytes / 1000
    assert 0.5 * wanted < reached <= wanted


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "exactly one"),
        ({"keep": 0.5, "target_kb": 3.0}, "exactly one"),
        ({"keep": 0.0}, "keep must lie between"),
        ({"keep": 1.0}, "keep must lie between"),
        ({"keep": float("nan")}, "keep must lie between"),
        ({"target_macs": -1.0}, "above 0"),
        ({"keep": 0.5, "importance": "luck"}, "importance must be one of"),
        ({"keep": 0.5, "images": 7}, "at least 8 images"),
        ({"keep": 0.5, "rounds": 0}, "rounds must be"),
    ],
)
def test_values_out_of_range_are_refused(options: dict[str, float], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Thinning(**options)  # type: ignore[arg-type]


def test_what_cannot_be_is_refused_before_anything_is_written(home: Path, parent: Run, tmp_path: Path) -> None:
    config = thin_config(parent, epochs=1)
    for asked, says in (
        (Thinning(keep=0.01), "no network of this shape has"),
        (Thinning(target_macs=1e9), "multiplications already"),
        (Thinning(target_kb=1e6), "bytes already"),
    ):
        with pytest.raises(UsageError, match=says):
            thin(parent, tmp_path / "out", asked, config)
    with pytest.raises(UsageError, match="replace its parent"):
        check(parent, parent.path, ASKED, config, force=True)
    quantized = quantize(parent, home / "quantized", images=8)
    with pytest.raises(UsageError, match="quantized run cannot be thinned"):
        thin(quantized, tmp_path / "out", ASKED, config)
    pruned = prune(parent, home / "pruned", prune_config(parent, 0.5, epochs=1))
    with pytest.raises(UsageError, match="undo the pruning"):
        thin(pruned, tmp_path / "out", ASKED, config)
    assert list(tmp_path.iterdir()) == []


def test_the_fine_tuning_is_shorter_and_gentler_than_the_training(parent: Run) -> None:
    config, kept = thin_config(parent, batch_size=8, seed=None), parent.record.configuration
    assert (config.epochs, config.progressive, config.batch_size, config.seed) == (4, False, 8, kept.seed)
    assert config.learning_rate == pytest.approx(kept.learning_rate / 2)
