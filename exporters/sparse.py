"""Storing the zeros of a pruned float32 TFLite file as gaps between weights instead of as numbers.

TFLite's sparse tensors keep the weights that are not zero, row by row, with the place of each in its row (compressed
sparse rows, as in the format's ``SparsityParameters``); a DENSIFY operator before the convolution spreads them out
when the file is loaded. That makes the file smaller as stored, which deflate would nearly do as well. On ARM, XNNPACK
computes with the sparse rows themselves when more than two thirds of the weights are zero; on x86 with AVX never.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporters import flatbuffer
from exporters.precision import Precision
from exporters.registry import Format
from melanoma_edge.errors import UsageError
from melanoma_edge.model.mobilenet import HEAD
from melanoma_edge.model.weights import Weights

_POINTWISE = (1, 1)
_OVERHEAD = 320
"""Bytes that one sparse tensor adds beside its numbers: a second tensor, an operator, the tables of dimensions."""
_SLOWER = "with int8 sparse tensors cost time: 18.4 ms an image against 10.3 without, at 85 % zeros and 224 px"


def refuse(weights: Weights, asked: Iterable[tuple[Format, Precision]], extras: Sequence[str] = ()) -> None:
    """Raise unless everything asked for can be stored sparse, and smaller than dense.

    Args:
        weights: of the run.
        asked: formats and precisions.
        extras: outputs beside the probabilities.

    Raises:
        UsageError: for other formats than TFLite, other precisions than float32, further outputs, and too few zeros.
    """
    for form, precision in asked:
        if form.name != "tflite":
            raise UsageError(f"{form.name} files cannot be stored sparse", fix="leave out --sparse, or ask for tflite")
        if precision is not Precision.FLOAT32:
            why = _SLOWER if precision.value.startswith("int8") else "only float32 tensors are stored sparse"
            fix = "leave out --sparse; zeros make the file smaller wherever it is compressed"
            raise UsageError(f"{precision} cannot be stored sparse: {why}", fix=fix)
    kernels = {name: array for name, array in weights.items() if _eligible(name, array)}
    if not any(_saved(_rows(np.moveaxis(array, 3, 0))) > 0 for array in kernels.values()):
        zeros = sum(int((array == 0).sum()) for array in kernels.values())
        share = zeros / max(1, sum(array.size for array in kernels.values()))
        what = f"stored sparse the file would be larger: {share:.0%} of the weights of 1x1 convolutions are zero"
        raise UsageError(what, fix="prune the run first (`melanoma-edge prune`), or leave out --sparse")
    if extras:
        what = f"a file with {', '.join(extras)} as output cannot be stored sparse: phones might not load it"
        fix = "leave out --sparse or the further outputs; one that the contract's limits need goes only with training"
        raise UsageError(what, fix=f"{fix} (--no-outlier-limits)")


def sparse(source: bytes) -> bytes:
    """Return the float32 model with the kernels of its 1x1 convolutions stored sparse wherever that is smaller.

    The head stays as it is. Every number that the model computes stays the same.
    """
    model = flatbuffer.load(source)
    graph = model.subgraphs[0]
    operators = []
    for operator in graph.operators:
        if flatbuffer.op_name(model, operator) == "CONV_2D":
            operators += _densified(model, operator)
        operators.append(operator)
    if len(operators) > len(graph.operators):
        graph.operators = _apart_from_head(model, operators)
    return flatbuffer.pack(model)


def _apart_from_head(model: Any, operators: list[Any]) -> list[Any]:
    """Put a RESHAPE that changes nothing before the head, behind the pooling or, of a 1x1 map, what makes that.

    Where XNNPACK computes with sparse rows, it lets the 1x1 convolution behind the pooling, the head, join them, and
    then fails to load the file. It did so on an emulated Cortex-A76, while on x86 the same file ran.
    """
    generated, graph = flatbuffer.schema(), model.subgraphs[0]
    place = next(i for i, operator in enumerate(operators) if _is_head(model, operator))
    index = operators[place].inputs[0]
    pooled = graph.tensors[index]
    copy, shape, reshape = generated.TensorT(), generated.TensorT(), generated.OperatorT()
    vars(copy).update(vars(pooled))
    name, sides, buffer = (
        f"{flatbuffer.tensor_name(pooled)}_dense",
        np.array(pooled.shape, np.int32),
        generated.BufferT(),
    )
    buffer.data = np.frombuffer(sides.tobytes(), np.uint8)
    copy.name, shape.name, shape.shape, shape.type = name, f"{name}/shape", [len(sides)], generated.TensorType.INT32
    shape.buffer = len(model.buffers)
    reshape.opcodeIndex = flatbuffer.op_index(model, "RESHAPE")
    reshape.inputs, reshape.outputs = [index, len(graph.tensors) + 1], [len(graph.tensors)]
    reshape.builtinOptionsType, reshape.builtinOptions = generated.BuiltinOptions.ReshapeOptions, _to(generated, sides)
    operators[place].inputs = [reshape.outputs[0], *operators[place].inputs[1:]]
    model.buffers.append(buffer)
    graph.tensors += [copy, shape]
    return [*operators[:place], reshape, *operators[place:]]


def _is_head(model: Any, operator: Any) -> bool:
    """Tell whether one of an operator's inputs is the head's kernel or bias."""
    tensors = [model.subgraphs[0].tensors[index] for index in operator.inputs if index >= 0]
    return any(flatbuffer.tensor_name(tensor).startswith(f"{HEAD}/") for tensor in tensors)


def _to(generated: Any, sides: NDArray[np.int32]) -> Any:
    options = generated.ReshapeOptionsT()
    options.newShape = sides
    return options


def _densified(model: Any, operator: Any) -> list[Any]:
    """Store a convolution's kernel sparse and return the operator that spreads it out again; none if not worth it."""
    graph = model.subgraphs[0]
    tensor = graph.tensors[operator.inputs[1]]
    kernel = flatbuffer.constant(model, tensor)
    name = flatbuffer.tensor_name(tensor)
    if kernel is None or kernel.shape[1:3] != _POINTWISE or name.startswith(f"{HEAD}/") or _saved(_rows(kernel)) <= 0:
        return []
    generated = flatbuffer.schema()
    dense, densify = generated.TensorT(), generated.OperatorT()
    vars(dense).update(vars(tensor))
    dense.name, dense.buffer = f"{name}_dense", 0
    _store(model, tensor, kernel)
    densify.opcodeIndex = flatbuffer.op_index(model, "DENSIFY")
    densify.inputs, densify.outputs = [operator.inputs[1]], [len(graph.tensors)]
    graph.tensors.append(dense)
    operator.inputs[1] = densify.outputs[0]
    return [densify]


def _store(model: Any, tensor: Any, kernel: NDArray[np.float32]) -> None:
    """Put the kernel's weights that are not zero into the tensor's buffer, and their places beside them."""
    generated, rows = flatbuffer.schema(), _rows(kernel)
    kept = rows != 0
    tensor.sparsity = generated.SparsityParametersT()
    tensor.sparsity.traversalOrder = np.arange(kernel.ndim, dtype=np.int32)
    tensor.sparsity.dimMetadata = [_dense_dimension(size) for size in kernel.shape[:-1]]
    last = generated.DimensionMetadataT()
    last.format = generated.DimensionType.SPARSE_CSR
    starts = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    last.arraySegmentsType, last.arraySegments = _integers(starts)
    last.arrayIndicesType, last.arrayIndices = _integers(np.nonzero(kept)[1])
    tensor.sparsity.dimMetadata.append(last)
    model.buffers[tensor.buffer].data = np.frombuffer(rows[kept].astype("<f4").tobytes(), np.uint8)


def _dense_dimension(size: int) -> Any:
    generated = flatbuffer.schema()
    dimension = generated.DimensionMetadataT()
    dimension.format, dimension.denseSize = generated.DimensionType.DENSE, size
    return dimension


def _integers(values: NDArray[np.int64]) -> tuple[int, Any]:
    """Return the smallest of the format's vectors that holds the values, with its type."""
    generated = flatbuffer.schema()
    vectors = (
        (np.uint8, generated.SparseIndexVector.Uint8Vector, generated.Uint8VectorT()),
        (np.uint16, generated.SparseIndexVector.Uint16Vector, generated.Uint16VectorT()),
        (np.int32, generated.SparseIndexVector.Int32Vector, generated.Int32VectorT()),
    )
    for kind, number, vector in vectors:
        if values.size == 0 or values.max() <= np.iinfo(kind).max:
            vector.values = values.astype(kind)
            return number, vector
    raise AssertionError("a kernel with more than two thousand million weights")


def _eligible(name: str, array: NDArray[np.float32]) -> bool:
    return name.endswith("/kernel") and array.shape[:2] == _POINTWISE and not name.startswith(f"{HEAD}/")


def _rows(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a kernel ``[outputs, 1, 1, inputs]`` as ``[outputs, inputs]``."""
    return kernel.reshape(kernel.shape[0], -1)


def _saved(rows: NDArray[np.float32]) -> int:
    """Return how many bytes of a file are saved, or lost if negative, by storing this kernel sparse."""
    kept = int(np.count_nonzero(rows))
    place = 1 if rows.shape[1] <= 256 else 2
    start = 1 if kept < 256 else 2 if kept < 1 << 16 else 4
    return 4 * rows.size - (4 + place) * kept - start * (len(rows) + 1) - _OVERHEAD
