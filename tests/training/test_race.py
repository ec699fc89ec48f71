"""The race against plain Keras: what is counted, what is refused, and that nothing is left; the race itself is run
by the example of its command."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from tiny import CLASSES, tiny_config

from melanoma_edge.data.catalog import Catalog
from melanoma_edge.errors import DataError, MachineError, UsageError
from melanoma_edge.training import plain, race
from melanoma_edge.training.config import TrainConfig
from melanoma_edge.training.material import divided, read_data
from melanoma_edge.training.plain import RECIPES, link_folders
from melanoma_edge.training.race import Contestant, Lap, Race, check_race


@pytest.fixture
def catalog(images: Path) -> Catalog:
    config = tiny_config(images)
    return divided(read_data(config), config)


def lap(seconds: float, macro_auc: float) -> Lap:
    return Lap(seconds, 2 * seconds, 1.0, 3.0, macro_auc)


OURS = Contestant("melanoma-edge", 100, (lap(9, 0.7), lap(1, 0.85), lap(2, 0.8)))
PLAIN = Contestant("plain", 100, (lap(10, 0.6), lap(10, 0.8), lap(10, 0.8)))


def test_speed_is_of_learning_and_time_of_everything() -> None:
    assert OURS.images_per_second() == pytest.approx(300 / 12)
    assert OURS.images_per_second(cpu=True) == pytest.approx(300 / 24)
    assert PLAIN.best == 0.8
    assert PLAIN.seconds_to(0.8) == 22, "the first epoch that has it"
    assert OURS.seconds_to(0.8) == 12
    assert OURS.seconds_to(0.8, cpu=True) == 26
    assert OURS.seconds_to(0.9) is None


def test_ratios_are_ours_to_theirs_and_the_document_is_plain_json() -> None:
    found = Race(TrainConfig(), 100, 20, (OURS, PLAIN)).to_document()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert next(iter(found)) == "schema"
    (ratio,) = found["ratios"]
    assert ratio["images_per_second"] == pytest.approx((300 / 12) / (300 / 30))
    assert ratio["time_ratio"] == pytest.approx(12 / 22)
    assert ratio["cpu_time_ratio"] == pytest.approx(26 / 46)
    assert ratio["macro_auc"] == 0.8
    better = replace(PLAIN, laps=(lap(1, 0.95),))
    (ratio,) = Race(TrainConfig(), 100, 20, (OURS, better)).to_document()["ratios"]
    assert (ratio["time_ratio"], ratio["cpu_time_ratio"]) == (None, None)


def test_what_cannot_be_raced_is_refused() -> None:
    check_race(TrainConfig(), ("plain", "careful"))
    with pytest.raises(UsageError, match=r"recipe 'mine'[\s\S]*plain, careful"):
        check_race(TrainConfig(), ("plain", "mine"))
    with pytest.raises(UsageError, match=r"keras\.applications has no tutorial-cnn"):
        check_race(TrainConfig(backbone="tutorial-cnn", image_size=180, progressive=False), ("plain",))


@pytest.mark.parametrize("changes", [{"skip_bad_images": True}, {"split_policy": "legacy"}])
def test_what_would_give_the_contestants_different_images_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="the recipes"):
        check_race(TrainConfig(**changes), ("plain",))


def test_whatever_stops_a_contestant_is_told_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def failing(*_: Any) -> None:
        raise ValueError("weights of another network")

    monkeypatch.setattr(race, "train_plain", failing)
    monkeypatch.setattr(race, "_Stopwatch", lambda line: type("Watch", (), {"trained": None, "judged": None}))
    monkeypatch.setenv("MELANOMA_EDGE_CACHE", "")
    ours, theirs = multiprocessing.Pipe()
    race._run(theirs, "plain", TrainConfig(), CLASSES, tmp_path)
    told = ours.recv()
    assert isinstance(told, MachineError)
    assert "the process of plain cannot go on: ValueError: weights of another network" in str(told)
    assert "Traceback" not in capfd.readouterr().err


def _waiting(line: Connection, *_: Any) -> None:
    line.send("ready")
    line.recv()
    os.kill(os.getpid(), signal.SIGINT)
    line.send(Lap(1, 1, 1, 1, 0.5))


def test_an_interrupt_is_for_the_process_that_races_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(race, "_run", _waiting)
    runner = race._Runner("plain", TrainConfig(), CLASSES, tmp_path)
    try:
        assert runner.told() == "ready"
        assert runner.lap().macro_auc == 0.5
    finally:
        runner.end()
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_the_folders_hold_the_same_images_under_the_same_split(catalog: Catalog, tmp_path: Path) -> None:
    link_folders(catalog, tmp_path)
    for split in ("train", "validation"):
        for name in CLASSES:
            linked = sorted(os.path.realpath(file) for file in (tmp_path / split / name).iterdir())
            assert linked == sorted(os.path.realpath(row.path) for row in catalog.part(split) if row.label == name)
            assert linked
    assert sorted(folder.name for folder in tmp_path.iterdir()) == ["train", "validation"]
    rows = (replace(catalog.rows[0], path="/a/b.tif"), *catalog.rows[1:])
    with pytest.raises(DataError, match=r"/a/b\.tif"):
        link_folders(replace(catalog, rows=rows), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def _answering(line: Connection, name: str, *_: Any) -> None:
    line.send("ready")
    for number in range(2):
        line.recv()
        if name == "careful" and number:
            return
        line.send(Lap(1, 1, 1, 1, 0.5))


def test_a_process_that_ends_is_an_error_and_the_others_are_ended(
    images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(race, "_run", _answering)
    config = tiny_config(images, epochs=2)
    told: list[tuple[str, int, int]] = []
    found = race.race(config, ("plain",), progress=lambda *call: told.append(call))
    assert [one.name for one in found.contestants] == ["melanoma-edge", "plain"]
    assert [len(one.laps) for one in found.contestants] == [2, 2]
    assert (found.training, found.validation) == (51, 10)
    assert [call[1:] for call in told if call[0] == "epochs in turns"] == [(done, 4) for done in range(1, 5)]
    with pytest.raises(MachineError, match="the process of careful was ended"):
        race.race(config, ("plain", "careful"))
    monkeypatch.setattr(race, "_run", _refusing)
    with pytest.raises(DataError, match="no such image"):
        race.race(config, ("plain",))


def _refusing(line: Connection, *_: Any) -> None:
    line.send(DataError("no such image", fix="look"))


def test_the_recipes_differ_in_what_the_guides_leave_open(monkeypatch: pytest.MonkeyPatch) -> None:
    config = TrainConfig(width=0.35, image_size=32, device="cpu")
    trained = {}
    for name, recipe in RECIPES.items():
        model = plain._model(CLASSES, config, recipe)
        assert model.output_shape == (None, len(CLASSES))
        node = next(layer for layer in model.layers if layer.name.startswith("mobilenetv2")).inbound_nodes[-1]
        trained[name] = node.call_kwargs.get("training")
    assert trained == {"plain": None, "careful": False}
