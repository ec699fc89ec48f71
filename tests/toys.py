"""A toy run that is exported, run and compared in seconds and without training; fixtures of several rooms."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from melanoma_edge.contract import INTENDED_USE, SCHEMA, ModelContract, OperatingPoint, PixelRecipe, Provenance
from melanoma_edge.data.catalog import Catalog, CatalogRow
from melanoma_edge.model.spec import Block, NetworkSpec
from melanoma_edge.safeguards import OutlierLimits, text_of
from melanoma_edge.training.run import split_images

TOY_SIZE = 32
TOY_CLASSES = ("MEL", "NV", "BKL")
TOY_SPEC = NetworkSpec(
    family="mobilenet_v2",
    width=1.0,
    image_size=TOY_SIZE,
    classes=len(TOY_CLASSES),
    stem=8,
    blocks=(Block(0, 8, 1, False), Block(32, 16, 2, False), Block(64, 16, 1, True)),
    last=64,
)


@dataclass(frozen=True, eq=False)
class ToyRun:
    """Stand in for ``Run`` with random weights."""

    path: Path
    contract: ModelContract
    catalog: Catalog
    network: NetworkSpec = TOY_SPEC

    @property
    def artifacts(self) -> Path:
        return self.path / "artifacts"

    @property
    def record(self) -> Any:
        return SimpleNamespace(weights_sha256="b" * 64)

    @cached_property
    def _weights(self) -> dict[str, Any]:
        return toy_weights(self.network)

    def weights(self) -> dict[str, Any]:
        return self._weights

    def images(self, split: str, progress: Any = None) -> Any:
        rows = [row for row in self.catalog.rows if row.split == split]
        pixels = np.stack([np.asarray(Image.open(row.path)) for row in rows])
        return split_images(rows, self.catalog.classes, pixels)


def toy_contract(**changes: Any) -> ModelContract:
    fields: dict[str, Any] = {
        "schema": SCHEMA,
        "name": "toy é",
        "classes": TOY_CLASSES,
        "target": "melanoma",
        "target_classes": ("MEL",),
        "melanoma_classes": ("MEL",),
        "malignant_classes": ("MEL",),
        "class_prior": (0.25, 0.5, 0.25),
        "input_size": TOY_SIZE,
        "input_range": (0, 255),
        "image_types": ("dermoscopic",),
        "pixels": PixelRecipe(),
        "temperature": 1.3,
        "operating_point": OperatingPoint(0.3, 0.9, 50, 5, False),
        "intended_use": INTENDED_USE,
        "provenance": Provenance("toy", "train", ("toy",), ("CC0",), True, "a" * 64, "b" * 64, "b" * 64),
    }
    return ModelContract(**{**fields, **changes})


def toy_weights(spec: NetworkSpec) -> dict[str, Any]:
    """Return weights whose activations vary enough for quantization to be visible."""
    from melanoma_edge.model.classifier import get_weights
    from melanoma_edge.model.mobilenet import build

    generator = np.random.default_rng(0)
    weights = get_weights(build(spec))
    for name, values in weights.items():
        if name.endswith(("gamma", "moving_variance")):
            weights[name] = generator.uniform(0.5, 1.5, values.shape).astype(np.float32)
        elif name.endswith(("beta", "moving_mean", "bias")):
            weights[name] = generator.normal(0, 0.3, values.shape).astype(np.float32)
        else:
            fan_in = max(values.size // values.shape[-1], 9)
            weights[name] = generator.normal(0, np.sqrt(2 / fan_in), values.shape).astype(np.float32)
    return weights


def toy_pixels(count: int, seed: int) -> Any:
    """Return smooth coloured images, uint8 ``[count, 32, 32, 3]``."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, (count, 5, 5, 3), np.uint8)
    return np.stack([np.asarray(Image.fromarray(image).resize((TOY_SIZE, TOY_SIZE))) for image in coarse])


def toy_catalog(folder: Path) -> Catalog:
    """Write 40 images of 20 groups and return their catalog: two images a group, splits by group."""
    folder.mkdir(parents=True)
    rows = []
    for index, pixels in enumerate(toy_pixels(40, seed=1)):
        path, group = folder / f"image_{index:02}.png", index // 2
        Image.fromarray(pixels).save(path)
        split = "test" if group >= 18 else "validation" if group >= 16 else "train"
        label = TOY_CLASSES[0] if group % 4 == 0 else TOY_CLASSES[2] if group % 8 == 1 else TOY_CLASSES[1]
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        rows.append(CatalogRow(path.stem, str(path), label, f"lesion_{group}", "toy", digest, split))
    return Catalog(tuple(rows), TOY_CLASSES, ("toy",), ("CC0",), synthetic=True)


_made: dict[str, Any] = {}
"""What was made in this session: two rooms have a fixture of one name each, but share what it gives."""


@pytest.fixture(scope="session")
def toy_run(tmp_path_factory: pytest.TempPathFactory) -> ToyRun:
    """Return a run with random weights and 40 images."""
    if "run" not in _made:
        folder = tmp_path_factory.mktemp("toy")
        _made["run"] = ToyRun(folder / "run", toy_contract(), toy_catalog(folder / "images"))
    return _made["run"]  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def toy_artifacts(toy_run: ToyRun) -> dict[tuple[str, str], Any]:
    """Export the toy run in every format and precision; by format and precision."""
    import exporters

    if "artifacts" not in _made:
        pairs = ((form, precision) for form in exporters.FORMATS.values() for precision in exporters.Precision)
        asked = [(form.name, precision.value) for form, precision in pairs if not form.refuse(precision, 1)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MELANOMA_EDGE_CACHE", str(toy_run.path.parent / "cache"))
            options: dict[str, Any] = {"calibration_images": 12, "check_calibration": False}
            written = exporters.export_many(toy_run, asked, **options)  # type: ignore[arg-type]
        _made["artifacts"] = {(one.format, one.precision.value): one for one in written}
    return _made["artifacts"]  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def toy_batch() -> Any:
    """Return 64 images."""
    return toy_pixels(64, seed=2)


@pytest.fixture(scope="session")
def toy_expected(toy_run: ToyRun, toy_batch: Any) -> Any:
    """Return what Keras answers for ``toy_batch``."""
    from melanoma_edge.model.classifier import inference_model

    model = inference_model(toy_run.network, toy_run.weights(), toy_run.contract.temperature)
    return np.asarray(model(toy_batch.astype(np.float32), training=False))


def around(centre: Sequence[float], limit: float) -> OutlierLimits:
    """Return limits by which an embedding is strange the further it lies from the centre, whatever the direction."""
    return OutlierLimits(tuple(centre), (text_of([1] * len(centre)),), (0.0,), limit)
