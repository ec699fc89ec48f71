"""Files and their float model layer by layer: the noise of a layer, and which layer is blamed for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from melanoma_edge.errors import UsageError
from melanoma_edge.parity.layers import _Sums, compare_layers, spread
from melanoma_edge.runtime.layers import LayerNote, file_layers, float_model
from melanoma_edge.training.run import Run


def sums(expected: Any, found: Any) -> _Sums:
    made = _Sums(expected.shape[-1])
    for place in range(len(expected)):
        made.add(expected[place : place + 1].astype(np.float32), found[place : place + 1].astype(np.float32))
    return made


@pytest.fixture
def signal() -> Any:
    return np.random.default_rng(0).normal(1.0, 2.0, (6, 5, 5, 3))


def test_noise_is_the_share_of_variance_that_differs(signal: Any) -> None:
    noise = np.random.default_rng(1).normal(0, 0.2, signal.shape)
    assert sums(signal, signal).noise(free=False) < 1e-9
    assert sums(signal, signal + noise).noise(free=False) == pytest.approx(0.01, rel=0.2)


def test_a_factor_and_an_offset_per_channel_are_noise_only_where_they_may_not_be(signal: Any) -> None:
    moved = signal * np.array([0.5, 3.0, 1.0]) + np.array([0.0, -4.0, 2.0])
    assert sums(signal, moved).noise(free=True) < 1e-6
    assert sums(signal, moved).noise(free=False) > 0.5
    assert np.allclose(sums(signal, moved).gains(), [0.5, 3.0, 1.0], atol=1e-5)


def test_silence_and_broken_numbers_are_seen(signal: Any) -> None:
    assert sums(signal, np.zeros_like(signal)).constant
    assert not sums(signal, signal).constant
    assert not sums(np.ones_like(signal), np.ones_like(signal)).constant, "the float layer is as still"
    broken = signal.copy()
    broken[3, 0, 0, 1] = np.nan
    assert not sums(signal, broken).finite


def test_images_are_spread_over_the_split() -> None:
    pixels = np.arange(100, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
    assert spread(pixels, 5)[:, 0, 0, 0].tolist() == [0, 25, 50, 74, 99]
    assert len(spread(pixels[:3], 5)) == 3


@pytest.fixture(scope="module")
def model(trained: Any) -> Any:
    with float_model(trained.run) as opened:
        yield opened


@pytest.mark.parametrize("name", ["model-float32.tflite", "model-float32.onnx"])
def test_float_files_have_the_layers_of_the_float_model(name: str, trained: Any, model: Any) -> None:
    pixels = Run.open(trained.run).images("test").pixels[:3]
    expected = model.ask(("layers", np.asarray(pixels)))
    with file_layers(trained.artifact(name)) as file:
        found, notes = file.ask(np.asarray(pixels)), file.introduction
    assert all(isinstance(one, LayerNote) for one in notes)
    for layer in ("stem", "block_0_depthwise", "block_1_project", "block_2_add", "last", "probabilities"):
        assert found[layer].shape == expected[layer].shape
        assert np.allclose(found[layer], expected[layer], atol=1e-4), layer


@pytest.mark.parametrize("form", ["tflite", "onnx"])
def test_an_int8_file_loses_little_in_every_layer(form: str, trained: Any, model: Any) -> None:
    run = Run.open(trained.run)
    report = compare_layers(run, trained.artifact(f"model-int8.{form}"), model, images=8)
    assert report.first_large is None and report.images == 8
    assert {one.type for one in report.layers if one.name.startswith("block")} == {"int8"}
    assert [one.added for one in report.layers if one.name == report.ranking[0]] == [
        max(one.added for one in report.layers)
    ]


def test_an_ort_file_is_refused(trained: Any, tmp_path: Any) -> None:
    from exporters import export_many

    run = Run.open(trained.run)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(run), "artifacts", property(lambda _: tmp_path))
        (written,) = export_many(run, [("ort", "float32")])
    with pytest.raises(UsageError, match="cannot be read"), file_layers(written.path):
        pass
