"""Sparse files: the same numbers from fewer bytes, where that is so, and a refusal with its reason where it is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toys import TOY_CLASSES, ToyRun, toy_pixels, toy_weights

from exporters import export_many, flatbuffer, planned
from exporters.inventory import take
from exporters.source import float_tflite
from exporters.sparse import sparse
from melanoma_edge.errors import MachineError, UsageError
from melanoma_edge.model.classifier import inference_model
from melanoma_edge.model.spec import Block, NetworkSpec
from melanoma_edge.model.weights import Weights
from melanoma_edge.runtime.emulator import emulator_folder

PHONE = emulator_folder()
"""Taken before a test's own cache hides it."""
WIDE = NetworkSpec(
    family="mobilenet_v2",
    width=1.0,
    image_size=32,
    classes=len(TOY_CLASSES),
    stem=8,
    blocks=(Block(0, 320, 2, False), Block(344, 320, 2, False)),
    last=64,
)
"""Rows of more than 256 inputs, and a kernel with more than 65,536 weights that are not zero."""


def pruned(weights: Weights, share: float) -> Weights:
    """Return weights with this share of each 1x1 kernel but the head's set to zero, the smallest ones."""
    made = dict(weights)
    for name, array in weights.items():
        if name.endswith("/kernel") and array.shape[:2] == (1, 1) and not name.startswith("head"):
            made[name] = np.where(np.abs(array) <= np.quantile(np.abs(array), share), 0, array).astype(np.float32)
    return made


def two_of_four(weights: Weights) -> Weights:
    """Return weights with the two smallest of each four neighbouring input channels set to zero."""
    made = dict(weights)
    for name, array in weights.items():
        if name.endswith("/kernel") and array.shape[:2] == (1, 1) and not name.startswith("head"):
            blocks = array[0, 0].T.reshape(-1, 4)
            ranks = np.abs(blocks).argsort(axis=1).argsort(axis=1)
            made[name] = np.where(ranks < 2, 0, blocks).reshape(array[0, 0].T.shape).T[None, None].astype(np.float32)
    return made


POINT = NetworkSpec(
    family="mobilenet_v1",
    width=1.0,
    image_size=32,
    classes=len(TOY_CLASSES),
    stem=8,
    blocks=tuple(Block(0, out, 2, False) for out in (64, 64, 96, 96)),
    last=0,
)
"""Its last map is one pixel, so that no pooling is in the file."""


def run_with(toy_run: ToyRun, path: Path, weights: Weights) -> ToyRun:
    """Return the toy run with other weights, elsewhere."""
    run = replace(toy_run, path=path)
    vars(run)["_weights"] = weights
    return run


def answers(data: bytes, pixels: Any) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=data, num_threads=1)
    interpreter.allocate_tensors()
    (image,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()
    found = []
    for one in pixels:
        interpreter.set_tensor(image["index"], one[None].astype(np.float32))
        interpreter.invoke()
        found.append(interpreter.get_tensor(output["index"])[0])
    return np.stack(found)


@pytest.fixture(scope="module")
def wide() -> bytes:
    return float_tflite(inference_model(WIDE, pruned(toy_weights(WIDE), 0.4), 1.3), 32)


@pytest.fixture
def half(toy_run: ToyRun, tmp_path: Path) -> ToyRun:
    return run_with(toy_run, tmp_path / "pruned", pruned(toy_run.weights(), 0.8))


def vectors(data: bytes) -> set[str]:
    """Return the names of the classes in which starts and places of sparse rows are stored."""
    found = [tensor.sparsity for tensor in flatbuffer.load(data).subgraphs[0].tensors if tensor.sparsity is not None]
    last = [parameters.dimMetadata[-1] for parameters in found]
    return {type(vector).__name__ for one in last for vector in (one.arraySegments, one.arrayIndices)}


def test_a_sparse_file_is_smaller_and_answers_to_the_bit(wide: bytes) -> None:
    small, pixels = sparse(wide), toy_pixels(3, seed=5)
    assert len(small) < len(wide)
    np.testing.assert_array_equal(answers(small, pixels), answers(wide, pixels))
    assert vectors(small) == {"Uint8VectorT", "Uint16VectorT", "Int32VectorT"}


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32), st.floats(0, 1))
def test_whatever_is_zero_the_answers_stay(wide: bytes, seed: int, share: float) -> None:
    model, generator = flatbuffer.load(wide), np.random.default_rng(seed)
    for tensor in model.subgraphs[0].tensors:
        kernel = flatbuffer.constant(model, tensor)
        if kernel is not None and kernel.ndim == 4:
            values = np.where(generator.random(kernel.shape) < share, generator.choice([0.0, -0.0]), kernel)
            model.buffers[tensor.buffer].data = np.frombuffer(values.astype(np.float32).tobytes(), np.uint8)
    data, pixels = flatbuffer.pack(model), toy_pixels(1, seed=6)
    small = sparse(data)
    assert len(small) <= len(data)
    np.testing.assert_array_equal(answers(small, pixels), answers(data, pixels))


def test_a_map_of_one_pixel_that_needs_no_pooling_is_stored_sparse_too() -> None:
    dense, pixels = (
        float_tflite(inference_model(POINT, pruned(toy_weights(POINT), 0.85), 1.3), 32),
        toy_pixels(3, seed=5),
    )
    small = sparse(dense)
    before, after = ([step.op for step in take(data, "tflite").steps] for data in (dense, small))
    assert "MEAN" not in before
    assert [op for op in after if op != "DENSIFY"] == [*before[:-3], "RESHAPE", *before[-3:]]
    assert len(small) < len(dense)
    np.testing.assert_array_equal(answers(small, pixels), answers(dense, pixels))


@pytest.mark.parametrize("filled", [("last",), ("last", "block_0_project", "block_1_expand", "block_1_project")])
def test_what_sparse_storing_would_make_larger_stays_dense(wide: bytes, filled: tuple[str, ...]) -> None:
    model = flatbuffer.load(wide)
    for tensor in model.subgraphs[0].tensors:
        if flatbuffer.tensor_name(tensor) in [f"{layer}/weights" for layer in filled]:
            kernel = flatbuffer.constant(model, tensor)
            assert kernel is not None
            model.buffers[tensor.buffer].data = np.frombuffer(np.where(kernel == 0, 1, kernel).tobytes(), np.uint8)
    data = flatbuffer.pack(model)
    found = {step.layer.split("/")[0] for step in take(sparse(data), "tflite").steps if step.op == "DENSIFY"}
    assert found == {"last", "block_0_project", "block_1_expand", "block_1_project"} - set(filled)
    assert (sparse(data) == data) is not bool(found)


def test_the_exported_file_is_checked_and_named_for_what_it_is(half: ToyRun) -> None:
    dense, small = (
        export_many(half, [("tflite", "float32")], sparse=choice)[0]  # type: ignore[arg-type]
        for choice in (False, True)
    )
    assert (dense.path.name, small.path.name) == ("model-float32.tflite", "model-float32-sparse.tflite")
    assert small.bytes < dense.bytes
    assert small.record.keras_difference < 1e-5
    assert {row.op for row in small.record.census} - {row.op for row in dense.record.census} == {"DENSIFY"}
    assert planned(half, [("tflite", "float32")], sparse=True, force=True) == [small.path]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("form", "precision", "words"),
    [
        ("onnx", "float32", "onnx files cannot be stored sparse"),
        ("tflite", "float16", "only float32 tensors"),
        ("tflite", "int8-dynamic", "18.4 ms"),
        ("tflite", "int8", r"int8 cannot be stored sparse: with int8 sparse tensors cost time: 18\.4 ms"),
    ],
)
def test_only_float32_tflite_is_stored_sparse(half: ToyRun, form: str, precision: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        export_many(half, [("tflite", "float32"), (form, precision)], sparse=True)  # type: ignore[arg-type]
    assert caught.value.exit_code == 2
    assert not half.artifacts.exists()


def test_further_outputs_are_not_stored_sparse(half: ToyRun) -> None:
    with pytest.raises(UsageError, match="cam as output cannot be stored sparse"):
        planned(half, [("tflite", "float32")], sparse=True, extras=["cam"])  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_phone_loads_it_and_answers_alike(half: ToyRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """On ARM, with this many zeros, other kernels compute than on x86; the first files of this kind did not load."""
    from melanoma_edge.runtime import open_model
    from melanoma_edge.runtime.emulated import EmulatedRunner
    from melanoma_edge.runtime.emulator import check_ready

    try:
        check_ready(PHONE)
    except MachineError as error:
        pytest.skip(error.what)
    monkeypatch.setenv("MELANOMA_EDGE_ARM64", str(PHONE))
    (made,) = export_many(half, [("tflite", "float32")], sparse=True)  # type: ignore[arg-type]
    pixels = toy_pixels(2, seed=7)
    with EmulatedRunner(made.path) as phone, open_model(made.path) as here:
        np.testing.assert_allclose(phone.infer(pixels), here.infer(pixels), atol=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_a_run_with_too_few_zeros_is_refused(toy_run: ToyRun, tmp_path: Path, share: float) -> None:
    weights = pruned(toy_run.weights(), share) if share else toy_run.weights()
    run = run_with(toy_run, tmp_path / "run", weights)
    with pytest.raises(UsageError, match=rf"file would be larger: {share:.0%} of the weights"):
        planned(run, [("tflite", "float32")], sparse=True)  # type: ignore[arg-type]


@pytest.mark.parametrize("rounding", ["learned", "nearest"])
@pytest.mark.parametrize("shape", [two_of_four, lambda weights: pruned(weights, 0.7)], ids=["2:4", "unstructured"])
def test_int8_keeps_every_zero(
    toy_run: ToyRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: Any, rounding: str
) -> None:
    monkeypatch.setenv("MELANOMA_EDGE_CACHE", str(toy_run.path.parent / "cache"))
    run = run_with(toy_run, tmp_path / "pruned", shape(toy_run.weights()))
    asked = {"calibration_images": 12, "rounding": rounding, "check_calibration": False}
    (made,) = export_many(run, [("tflite", "int8")], **asked)  # type: ignore[arg-type]
    model = flatbuffer.load(made.path.read_bytes())
    kernels = {
        flatbuffer.tensor_name(tensor).removesuffix("/weights"): flatbuffer.constant(model, tensor)
        for tensor in model.subgraphs[0].tensors
        if flatbuffer.tensor_name(tensor).endswith("/weights") and flatbuffer.dtype_name(tensor) == "int8"
    }
    for layer, integers in kernels.items():
        kernel = run.weights().get(f"{layer}/kernel")
        if kernel is not None and integers is not None and (kernel == 0).any():
            filled = (integers[:, 0, 0].T != 0) & (kernel[0, 0] == 0)
            dead = (kernel[0, 0] == 0).all(axis=0)  # one weight gives the constant of a dead output its room
            assert not filled[:, ~dead].any() and (filled.sum(axis=0) <= 1).all(), layer
            assert (integers != 0).mean() > 0.25, "and what is not zero is mostly kept"
            if shape is two_of_four:
                assert ((integers.reshape(-1, 4) == 0).sum(axis=1) >= 2).all(), layer
    assert sum((run.weights()[f"{layer}/kernel"] == 0).any() for layer in kernels if "depthwise" not in layer) == 6
