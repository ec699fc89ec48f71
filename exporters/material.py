"""What the files of one run are made from: each thing made once, and only when it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from exporters.flatbuffer import with_metadata
from exporters.plan import NOTHING, Keep, Plan, with_constants_of
from exporters.precision import Precision
from exporters.quantize import quantized
from exporters.source import float_tflite
from exporters.sparse import sparse
from melanoma_edge.compression import calibration
from melanoma_edge.compression.ranges import Measured, Ranges
from melanoma_edge.errors import UsageError
from melanoma_edge.model.weights import Weights
from melanoma_edge.progress import Progress, silent
from melanoma_edge.quiet import quiet_native
from melanoma_edge.runtime import Pixels, Probabilities
from melanoma_edge.runtime.artifact import CalibrationNote, seal, unsealed_document
from melanoma_edge.training.run import Run

if TYPE_CHECKING:
    from exporters.stability import Stability

LEARNED, NEAREST, AS_THE_RUN = "learned", "nearest", "as the run"
ROUNDINGS = (LEARNED, NEAREST)
"""How weights get onto the int8 grid: so that what layers answer stays, or each to its nearest point."""
_PROBES = 4


@dataclass(frozen=True)
class Recipe:
    """Say how files are made, int8 above all.

    Attributes:
        calibration_images: training images that ranges are measured and weights rounded on.
        seed: of their choice.
        rounding: one of ``ROUNDINGS``; a run made by ``quantize`` keeps its own.
        check_calibration: whether ranges of other images are compared, and what they would have decided.
        sparse: whether float32 leaves out the zeros of pruned weights.
        extras: outputs beside the probabilities, as ``outputs.chosen`` returns them.

    Raises:
        UsageError: for an unknown rounding.
    """

    calibration_images: int = 512
    seed: int = 0
    rounding: str = LEARNED
    check_calibration: bool = True
    sparse: bool = False
    extras: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.rounding not in ROUNDINGS:
            raise UsageError(f"unknown rounding {self.rounding!r}", fix=f"use one of {', '.join(ROUNDINGS)}")


class Material:
    """Make what several files need. ``plan`` holds the layers of ``int8`` files that are not int8."""

    def __init__(self, run: Run, recipe: Recipe, progress: Progress = silent) -> None:
        self.run, self.recipe, self.progress = run, recipe, progress
        self.plan: Plan = NOTHING
        self.stabilities: dict[tuple[Precision, tuple[str, ...]], Stability | None] = {}
        self._quantized: dict[tuple[Precision, tuple[tuple[str, Keep], ...]], bytes] = {}

    @cached_property
    def model(self) -> Any:
        """The Keras model."""
        with quiet_native():
            from melanoma_edge.model.classifier import inference_model

            return inference_model(self.run.network, self.run.weights(), self.run.contract.temperature)

    @cached_property
    def source(self) -> bytes:
        """The model as a float TFLite file."""
        return self._converted(self.model)

    @property
    def rounding(self) -> str:
        """How the weights of int8 files are rounded."""
        return AS_THE_RUN if self.run.network.folded else self.recipe.rounding

    @cached_property
    def on_grid(self) -> bytes:
        """The float TFLite file that becomes int8: with weights already on the grid where rounding was learned."""
        return self._folded(self._learned.made.weights) if self.rounding == LEARNED else self.source

    @cached_property
    def smooth(self) -> bytes:
        """The float TFLite file whose layers may stand in for those of ``on_grid``."""
        return self._folded(self._learned.smooth) if self.rounding == LEARNED else self.source

    @cached_property
    def _learned(self) -> Any:
        from melanoma_edge.compression.learned import learned_rounding

        run = self.run
        with quiet_native():
            return learned_rounding(run.network, run.weights(), self.chosen.pixels, self.recipe.seed, self.progress)

    def _folded(self, weights: Weights) -> bytes:
        with quiet_native():
            from melanoma_edge.model.classifier import inference_model

            return self._converted(inference_model(self._learned.spec, weights, self.run.contract.temperature))

    def _converted(self, model: Any) -> bytes:
        self.progress("converting", 0, 1)
        made = float_tflite(model, self.run.contract.input_size)
        self.progress("converting", 1, 1)
        return made

    @cached_property
    def chosen(self) -> calibration.CalibrationSet:
        """The calibration images."""
        recipe = self.recipe
        return calibration.calibration_images(self.run, recipe.calibration_images, recipe.seed, self.progress)

    @cached_property
    def measured(self) -> Measured:
        """What every activation holds on the calibration images."""
        return calibration.collect_ranges(self.on_grid, self.chosen.pixels, self.progress)

    @cached_property
    def ranges(self) -> Ranges:
        """The ends of every activation's int8 steps."""
        return self.measured.ranges(Precision.INT8.bits)

    @cached_property
    def probe(self) -> Pixels:
        """A few images of coarse coloured noise, the same for every run of a size."""
        size = self.run.contract.input_size
        coarse = np.random.default_rng(0).integers(0, 256, (_PROBES, 8, 8, 3), np.uint8)
        steps = np.arange(size) * 8 // size
        return coarse[:, steps][:, :, steps]

    @cached_property
    def expected(self) -> Probabilities:
        """What Keras answers for ``probe``."""
        with quiet_native():
            return np.asarray(self.model(self.probe.astype(np.float32), training=False), np.float32)

    def planned(self, precision: Precision) -> Plan:
        """Return the layers that are computed otherwise in files of a precision."""
        return self.plan if precision is Precision.INT8 else NOTHING

    def tflite(self, precision: Precision) -> bytes:
        """Return the TFLite model of a precision."""
        if self.recipe.sparse:
            return sparse(self.source)
        if not precision.calibrated:
            return quantized(self.source, precision)
        plan = self.planned(precision)
        key = precision, tuple(plan.items())
        if key not in self._quantized:
            self._quantized[key] = self.mixed(precision, self.measured.ranges(precision.bits), plan)
        return self._quantized[key]

    def mixed(self, precision: Precision, ranges: Ranges, plan: Mapping[str, Keep] = NOTHING) -> bytes:
        """Return a TFLite model with ranges of choice and some layers computed otherwise."""
        floats = [name for name, kind in plan.items() if kind is Keep.FLOAT32]
        base = with_constants_of(self.on_grid, self.smooth, floats) if floats else self.on_grid
        return quantized(base, precision, ranges, plan)

    def sealed_tflite(self, precision: Precision, plan: Plan) -> bytes:
        """Return a whole TFLite file with some layers computed otherwise, for trial."""
        document = self.document("tflite", precision, plan)
        return seal(with_metadata(self.mixed(precision, self.ranges, plan), document))

    def document(
        self,
        form: str,
        precision: Precision,
        plan: Plan = NOTHING,
        outputs: Mapping[str, tuple[int, ...]] | None = None,
    ) -> str:
        """Return the document that goes into a file, not yet sealed."""
        rounding = self.rounding if precision.calibrated else None
        return unsealed_document(
            form, precision, self.run.contract, self.note(precision), outputs, rounding=rounding, kept=plan
        )

    def note(self, precision: Precision) -> CalibrationNote | None:
        """Say where the ranges of a precision come from."""
        if not precision.calibrated:
            return None
        chosen = self.chosen
        return CalibrationNote(len(chosen.image_ids), chosen.seed, chosen.sha256, chosen.class_counts)
