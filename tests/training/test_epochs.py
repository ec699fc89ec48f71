"""What the processes of a cluster compare before they learn together."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from melanoma_edge.errors import UsageError
from melanoma_edge.training import epochs
from melanoma_edge.training.config import TrainConfig


def test_a_worker_with_other_options_or_images_says_so(tmp_path: Path) -> None:
    asked: list[dict[str, Any]] = []

    def heard(chief: TrainConfig, images: str, devices: int = 1) -> Any:
        class Devices:
            mixed_precision = False
            names = ("GPU:0",) * devices

            def told(self, data: bytes) -> bytes:
                asked.append(json.loads(data))
                return json.dumps(
                    {**json.loads(data), "epochs": chief.epochs, "images": images, "number of devices": 1}
                ).encode()

        return Devices()

    config, basis = TrainConfig(data=("mine",)), {"images": "a", "teacher": None}
    epochs._check_same(config, basis, heard(config, "a"))
    with pytest.raises(UsageError, match=r"another epochs than the chief[\s\S]*the same command"):
        epochs._check_same(config, basis, heard(replace(config, epochs=9), "a"))
    with pytest.raises(Exception, match=r"images of this worker are not the chief's \(mine\)"):
        epochs._check_same(config, basis, heard(config, "b"))
    with pytest.raises(UsageError, match=r"another number of devices than the chief[\s\S]*CUDA_VISIBLE_DEVICES"):
        epochs._check_same(config, basis, heard(config, "a", devices=2))
    asked.clear()
    for folder, text in (("one", "image,label\n"), ("two", "image,label\n"), ("three", "image,dx\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "table.csv").write_text(text)
        preferring = replace(config, on_conflict=f"prefer {tmp_path / folder / 'table.csv'}")
        epochs._check_same(preferring, basis, heard(config, "a"))
    assert asked[0] == asked[1] != asked[2], "a table that wins is known by its bytes, not by its path"


def test_a_batch_with_fewer_images_than_devices_is_refused() -> None:
    devices: Any = SimpleNamespace(replicas=8)
    epochs._check_enough(TrainConfig(batch_size=8), 100, devices)
    for config, images in ((TrainConfig(batch_size=7), 100), (TrainConfig(batch_size=32), 7)):
        with pytest.raises(UsageError, match=r"batches of 7 images for 8 devices[\s\S]*--batch-size 8"):
            epochs._check_enough(config, images, devices)
