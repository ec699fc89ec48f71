"""Devices: what is asked for is given or refused."""

from __future__ import annotations

import json

import pytest

from melanoma_edge.errors import MachineError
from melanoma_edge.model.legacy_keras import load_tensorflow
from melanoma_edge.training import devices
from melanoma_edge.training.devices import choose_devices, environment


def without_gpu() -> bool:
    tensorflow, _ = load_tensorflow()
    return not tensorflow.config.list_physical_devices("GPU")


def test_a_gpu_that_is_not_there_is_an_error_with_a_way_out() -> None:
    if not without_gpu():
        pytest.skip("this machine has a GPU")
    with pytest.raises(MachineError, match=r"no GPU[\s\S]*melanoma-edge\[gpu\].*--device cpu") as caught:
        choose_devices("gpu", None)
    assert caught.value.exit_code == 8


@pytest.mark.parametrize("device", ["cpu", "auto"])
def test_the_cpu_computes_in_float32_unless_told_otherwise(device: str) -> None:
    if not without_gpu():
        pytest.skip("this machine has a GPU")
    chosen = choose_devices(device, None)
    assert chosen.names == ("CPU",)
    assert chosen.strategy.num_replicas_in_sync == 1
    assert not chosen.mixed_precision
    assert choose_devices(device, True).mixed_precision


def test_the_environment_is_json_without_times_and_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_PACKAGES", ("numpy", "no-such-package"))
    found = environment(choose_devices("auto", False))
    assert json.loads(json.dumps(found)) == found
    assert set(found) == {"python", "platform", "devices", "mixed_precision", "packages"}
    assert found["packages"]["no-such-package"] == "not installed"
    assert found["packages"]["numpy"][0].isdigit()
