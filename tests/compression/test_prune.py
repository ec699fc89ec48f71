"""Pruning: zeros where they were asked for, whatever the length of the training, and again after a restart."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from tiny import tiny_config, tiny_home

from melanoma_edge.compression.prune import Pruning, check, prune, prune_config, shaper_of
from melanoma_edge.compression.sparsity import deflated, int8_deflated, layer_sparsity
from melanoma_edge.errors import Interrupted, UsageError
from melanoma_edge.model.weights import Weights, load_weights
from melanoma_edge.training.run import Run
from melanoma_edge.training.trainer import train

POINTWISE = {"block_0_project", "block_1_expand", "block_1_project", "block_2_expand", "block_2_project", "last"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder with tiny images, in which trainings are tiny."""
    with tiny_home(tmp_path_factory.mktemp("prune")) as home:
        yield home


@pytest.fixture(scope="module")
def parent(home: Path) -> Run:
    return train(tiny_config(home / "data", epochs=2), home / "parent")


@pytest.fixture(scope="module")
def pruned(home: Path, parent: Run) -> Run:
    return prune(parent, home / "pruned", prune_config(parent, 0.5, epochs=4))


def zeros(weights: Weights) -> dict[str, float]:
    return {name: float((array == 0).mean()) for name, array in weights.items() if name.endswith("kernel")}


def test_every_pointwise_kernel_reaches_its_sparsity_and_no_other(parent: Run, pruned: Run) -> None:
    found = zeros(load_weights(pruned.path / "weights" / "model.npz"))
    for name, share in found.items():
        wanted = 0.5 if name.removesuffix("/kernel") in POINTWISE else 0.0
        assert share == pytest.approx(wanted, abs=0.01), name
    assert found["head/kernel"] == 0
    assert list(pruned.weights()) == list(parent.weights()), "the wrappers of pruning must be gone"


def test_the_record_counts_what_is_in_the_file(parent: Run, pruned: Run) -> None:
    record, weights = pruned.record.compression, pruned.weights()
    assert record is not None
    assert {name.removesuffix("/kernel") for name in record["layers"]} == POINTWISE
    for name, layer in record["layers"].items():
        assert layer == vars(layer_sparsity(weights[name]))
        assert layer["zeros"] == (weights[name] == 0).sum()
    assert (record["asked"], record["pattern"], record["schedule"]) == (0.5, "unstructured", "polynomial")
    assert record["reached"] == pytest.approx(0.5, abs=0.01)
    assert not record["two_of_four"]
    assert record["all_weights"] == sum(array.size for array in weights.values())
    assert set(record["layers"]) | set(record["dense"]) == {name for name in weights if name.endswith("kernel")}
    assert "head" in record["dense"]["head/kernel"]
    assert "3x3" in record["dense"]["stem/kernel"]
    assert "depthwise" in record["dense"]["block_1_depthwise/depthwise_kernel"]


def test_the_record_says_what_zeros_buy(parent: Run, pruned: Run) -> None:
    record = pruned.record.compression
    assert record is not None
    assert record["deflated_bytes"]["before"] == deflated(parent.weights())
    # The head's bias is still moved when a run is finished.
    assert record["deflated_bytes"]["after"] == pytest.approx(deflated(pruned.weights()), abs=16)
    small = record["int8_deflated_bytes"]
    assert small == {"before": int8_deflated(parent.weights()), "after": int8_deflated(pruned.weights())}
    assert record["deflated_bytes"]["after"] < 0.8 * record["deflated_bytes"]["before"]
    assert small["after"] < 0.8 * small["before"]
    assert "no time" in record["meaning"]


def test_two_of_four_is_in_every_block_of_the_pruned_layers(home: Path, parent: Run) -> None:
    run = prune(parent, home / "two-of-four", prune_config(parent, epochs=1, pattern="2:4"))
    weights, record = run.weights(), run.record.compression
    assert record is not None
    for name in POINTWISE:
        blocks = weights[f"{name}/kernel"][0, 0].T.reshape(-1, 4)
        assert ((blocks == 0).sum(axis=1) == 2).all(), "two zeros in four neighbouring input channels of an output"
    assert record["two_of_four"]
    assert (record["asked"], record["reached"], record["pattern"]) == (0.5, 0.5, "2:4")
    assert (weights["head/kernel"] != 0).all()


def test_two_of_four_goes_with_nothing_else(home: Path, parent: Run) -> None:
    assert prune_config(parent, 0.5, pattern="2:4") == prune_config(parent, pattern="2:4", schedule="constant")
    for sparsity, schedule in ((0.7, None), (None, "polynomial")):
        with pytest.raises(UsageError, match="2:4 means half zeros"):
            prune_config(parent, sparsity, pattern="2:4", schedule=schedule)
    with pytest.raises(UsageError, match="needs a trained network"):
        shaper_of(prune_config(parent, pattern="2:4"))
    with pytest.raises(UsageError, match="no sparsity asked for"):
        prune_config(parent)


def test_the_new_run_names_its_parent_and_is_its_own_reference(parent: Run, pruned: Run) -> None:
    assert pruned.record.method == pruned.contract.provenance.method == "prune"
    assert pruned.record.parent is not None
    assert (pruned.path / pruned.record.parent.path).resolve() == parent.path
    assert pruned.record.parent.weights_sha256 == parent.record.weights_sha256
    assert pruned.reference().path == pruned.path
    assert pruned.catalog == parent.catalog
    assert pruned.network == parent.network


def test_a_compressed_run_is_not_pruned_again(pruned: Run) -> None:
    with pytest.raises(UsageError, match="already compressed"):
        prune_config(pruned, 0.7)


def test_a_run_is_never_replaced_by_its_own_child(parent: Run) -> None:
    before = {path: path.read_bytes() for path in parent.path.rglob("*") if path.is_file()}
    for out in (parent.path, parent.path.parent):
        with pytest.raises(UsageError, match="would replace its parent"):
            prune(parent, out, prune_config(parent, 0.5), force=True)
    assert {path: path.read_bytes() for path in parent.path.rglob("*") if path.is_file()} == before


def test_the_fine_tuning_is_shorter_and_gentler_than_the_training(parent: Run) -> None:
    config = prune_config(parent, 0.5)
    assert (config.epochs, config.progressive, config.prune) == (4, False, 0.5)
    assert config.learning_rate == pytest.approx(parent.record.configuration.learning_rate / 3)
    with pytest.raises(UsageError, match="prune must lie between"):
        prune_config(parent, 1.0)
    with pytest.raises(UsageError, match="prune_config"):
        prune(parent, parent.path / "out", parent.record.configuration)


def test_an_interrupted_pruning_resumes_to_the_same_weights(home: Path, parent: Run, pruned: Run) -> None:
    config = prune_config(parent, 0.5, epochs=4)

    def control_c(task: str, done: int, total: int) -> None:
        if task == "epoch 2/4" and done < total:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        prune(parent, home / "again", config, progress=control_c)
    assert prune(parent, home / "again", config, resume=True).record.weights_sha256 == pruned.record.weights_sha256


@pytest.mark.parametrize("epochs", [1, 3])
def test_training_from_scratch_prunes_even_in_the_fewest_steps(home: Path, epochs: int) -> None:
    config = tiny_config(home / "data", epochs=epochs, batch_size=500, prune=0.6, patience=1)
    run = train(config, home / f"scratch-{epochs}", shaper=shaper_of(config))
    shares = zeros(run.weights())
    assert all(shares[f"{name}/kernel"] == pytest.approx(0.6, abs=0.02) for name in POINTWISE)
    assert run.record.compression is not None
    assert run.record.compression["deflated_bytes"]["before"] is None
    rows = (run.path / "history.csv").read_text().splitlines()[1:]
    eligible = [row.endswith("1.0") for row in rows]
    assert eligible[-1]
    assert eligible[run.record.training["best_epoch"] - 1], "only whole sparsity is kept"


@pytest.mark.parametrize("schedule", ["polynomial", "constant"])
@pytest.mark.parametrize(("begin", "end"), [(0.0, 0.5), (0.4, 0.6)])
@pytest.mark.parametrize("steps", [1, 2, 3, 5, 87, 1000])
def test_full_sparsity_is_drawn_within_the_steps_there_are(
    steps: int, begin: float, end: float, schedule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tensorflow_model_optimization.sparsity import keras as sparsity

    monkeypatch.setattr(
        sparsity, "prune_low_magnitude", lambda model, pruning_schedule, **options: _Seen(pruning_schedule)
    )
    pruning = Pruning(0.7, begin, end, schedule=schedule)
    found = pruning.wrap(None, steps).schedule
    # tfmot counts the step before it asks its schedule, so that the first step is number 1.
    answers = [found(step) for step in range(1, steps + 1)]
    drawn = [(step, float(share)) for step, (draw, share) in enumerate(answers, 1) if bool(draw)]
    last, share = drawn[-1]
    assert share == pytest.approx(0.7)
    assert pruning.ready(last)
    assert not pruning.ready(last - 1)
    assert last <= max(1, round(end * steps)) or steps < 3
    assert len(drawn) <= 90
    if schedule == "constant":
        assert drawn[0] == (min(round(begin * steps), steps - 1) + 1, pytest.approx(0.7)), "whole from the first step"
    elif steps > 80:
        assert drawn[0][1] < 0.1, "sparsity rises"


class _Seen:
    def __init__(self, schedule: object) -> None:
        self.schedule = schedule
        self.layers: list[object] = []


def test_no_sparsity_asked_for_means_no_pruning(home: Path) -> None:
    assert shaper_of(tiny_config(home)) is None
    assert isinstance(shaper_of(replace(tiny_config(home), prune=0.3)), Pruning)


def test_options_replace_the_parents_and_what_is_left_out_stays(parent: Run, tmp_path: Path) -> None:
    kept, asked = parent.record.configuration, {"seed": 5, "batch_size": 8, "device": None}
    config = prune_config(parent, 0.5, **asked)
    assert (config.seed, config.batch_size, config.device) == (5, 8, kept.device)
    check(parent, tmp_path / "new", config)
    with pytest.raises(UsageError, match="replace its parent"):
        check(parent, parent.path, config, force=True)
    with pytest.raises(UsageError, match="prune_config"):
        check(parent, tmp_path / "new", kept)
    assert list(tmp_path.iterdir()) == []
