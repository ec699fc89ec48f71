"""Configurations: presets, rules, and what tells two apart."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from melanoma_edge.data.reading import Reading, TableColumns
from melanoma_edge.data.split import Fold
from melanoma_edge.errors import UsageError
from melanoma_edge.strictjson import from_plain, to_plain
from melanoma_edge.training.config import PRESETS, TrainConfig, configured, differences, fold_of, reading_of


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("epochs", 10_001),
        ("batch_size", 0),
        ("learning_rate", 0.0),
        ("learning_rate", 1.5),
        ("learning_rate", float("nan")),
        ("weight_decay", -0.1),
        ("patience", 0),
        ("seed", -1),
        ("seed", 2**31),
        ("label_smoothing", 0.6),
        ("ema", 1.0),
        ("device", "tpu"),
        ("prune", 0.0),
        ("prune", 0.96),
        ("prune_pattern", "4:8"),
        ("prune_schedule", "cosine"),
        ("target_sensitivity", 1.0),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(field: str, value: Any) -> None:
    changes: dict[str, Any] = {field: value}
    with pytest.raises(UsageError, match=field.replace("_", " ")) as caught:
        TrainConfig(**changes)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("changes", [{"prune": 0.6}, {"prune": None}, {"prune_schedule": "polynomial"}])
def test_two_of_four_means_half_zeros_from_the_first_step(changes: dict[str, Any]) -> None:
    right: dict[str, Any] = {"prune": 0.5, "prune_pattern": "2:4", "prune_schedule": "constant"}
    assert TrainConfig(**right).prune == 0.5
    with pytest.raises(UsageError, match="2:4 means half zeros"):
        TrainConfig(**{**right, **changes})


def test_the_tutorials_network_with_another_preset_is_answered_with_its_own() -> None:
    with pytest.raises(UsageError, match=r"images of one size[\s\S]*Fix: tutorial-cnn is --preset tutorial"):
        configured("phone", backbone="tutorial-cnn")


def test_configurations_from_before_patterns_are_understood() -> None:
    old = to_plain(TrainConfig(prune=0.5))
    del old["prune_pattern"], old["prune_schedule"]
    assert from_plain(TrainConfig, old) == TrainConfig(prune=0.5)


def test_all_bad_values_are_named_at_once() -> None:
    with pytest.raises(UsageError, match=r"epochs.*; batch size.*; ema"):
        TrainConfig(epochs=0, batch_size=0, ema=2.0)


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_themselves_within_the_rules(preset: str) -> None:
    config = configured(preset)
    assert {name: getattr(config, name) for name in PRESETS[preset]} == PRESETS[preset]


def test_given_options_change_a_preset_and_none_does_not() -> None:
    assert configured("tiny", epochs=3, width=None, seed=0) == replace(configured("tiny"), epochs=3)


def test_an_unknown_preset_is_answered_with_the_known() -> None:
    with pytest.raises(UsageError, match=r"'huge'[\s\S]*tiny, phone, accurate"):
        configured("huge")


def test_differences_name_every_field_that_differs() -> None:
    one = TrainConfig()
    assert differences(one, one) == []
    assert differences(one, replace(one, epochs=3, prune=0.5)) == [
        "epochs: 30 in the run, 3 asked",
        "prune: None in the run, 0.5 asked",
    ]


def test_a_configuration_survives_json() -> None:
    config = configured("phone", data=("a", "b"), prune=0.5, mixed_precision=True, learning_rate=1.0)
    assert from_plain(TrainConfig, json.loads(json.dumps(to_plain(config)))) == config
    assert len(to_plain(config)) == len(fields(TrainConfig))


def test_reading_follows_from_the_configuration() -> None:
    config = TrainConfig(path_column="f", label_column="d", group_column="p", on_conflict="prefer t.csv")
    assert reading_of(config).columns == TableColumns("f", "d", "p")
    assert reading_of(config).preferred == Path("t.csv")
    assert reading_of(TrainConfig()) == Reading()
    assert (fold_of(TrainConfig()), fold_of(TrainConfig(folds=5, fold=2))) == (None, Fold(2, 5))


@pytest.mark.parametrize(
    ("choices", "says"),
    [
        ({"path_column": "f"}, "path column and label column go together"),
        ({"group_column": "p"}, "and a group column with them"),
        ({"folds": 5}, "folds and fold go together"),
        ({"fold": 2}, "folds and fold go together"),
        ({"folds": 5, "fold": 6}, "fold 6 of 5 does not exist"),
        ({"folds": 5, "fold": 0}, "fold 0 of 5 does not exist"),
        ({"folds": 0, "fold": 0}, "fold 0 of 0 does not exist"),
        ({"folds": 5, "fold": 1, "test_folder": "keep"}, "a kept test folder cannot be cross-validated"),
        ({"on_conflict": "prefer"}, "is not whole"),
        ({"split_policy": "legacy", "on_conflict": "drop"}, "takes every file as it lies"),
    ],
)
def test_choices_of_data_that_contradict_each_other_are_refused(choices: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        TrainConfig(**choices)


def test_configurations_from_before_policies_are_understood() -> None:
    old = to_plain(TrainConfig())
    for name in ("path_column", "image_type", "on_duplicate", "test_folder", "split_policy", "folds", "fold"):
        del old[name]
    assert from_plain(TrainConfig, old) == TrainConfig()
