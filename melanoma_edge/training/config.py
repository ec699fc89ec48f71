"""What a training is asked to do, as one frozen value that the run keeps."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

from melanoma_edge.data.reading import Reading, reading_from
from melanoma_edge.data.split import Fold
from melanoma_edge.errors import UsageError
from melanoma_edge.model.spec import TUTORIAL
from melanoma_edge.strictjson import ADDED_LATER

DEVICES = ("auto", "cpu", "gpu")
PATTERNS = ("unstructured", "2:4")
SCHEDULES = ("polynomial", "constant")


@dataclass(frozen=True)
class TrainConfig:
    """Say what to train on and how.

    Attributes:
        data: folders; empty means the built-in synthetic set.
        source: name of the reader, or ``auto``.
        path_column, label_column, group_column: of a table in no known layout.
        image_type: ``dermoscopic`` or ``clinical``, where the layout does not say.
        on_conflict: ``error``, ``drop`` or ``prefer FILE`` for one image under two labels.
        on_duplicate: ``keep-first`` or ``error`` for byte-identical files.
        test_folder: ``pool`` or ``keep`` existing Train and Test folders.
        split_policy: ``grouped``, or ``legacy``, which leaks and is stamped so.
        legacy_copies: augmented copies of each class made before a legacy split; None means the tutorials' number.
        folds, fold: how many parts for cross-validation, and which of them, from 1, is tested on.
        skip_missing_images: leave out rows of tables without an image, counted, instead of stopping.
        skip_unknown_labels: leave out images whose label is not in the vocabulary, counted, instead of stopping.
        skip_bad_images: leave unreadable images out, recorded, instead of stopping.
        backbone, width, image_size: the network.
        init: ``imagenet``, ``none`` or a weights file.
        epochs, batch_size, learning_rate, weight_decay: the schedule; warm-up then cosine.
        label_smoothing: share of each label given to the class prior.
        ema: decay of the averaged weights, which are those evaluated and kept.
        patience: epochs without a better validation macro AUC before training stops.
        progressive: begin with smaller images, which is faster; the last third is at full size.
        source_balance: learn under the class shares of each image's own source, so that no class becomes a camera.
        device: ``auto``, ``cpu`` or ``gpu``.
        mixed_precision: float16 arithmetic; None means on a GPU only.
        prune: share of the 1x1 convolutions' weights set to zero, or None.
        prune_pattern: zeros wherever weights are small, or two in each four neighbouring input channels.
        prune_schedule: ``polynomial`` sparsity rises slowly; ``constant`` it is whole from the first step.
        target_sensitivity: of the operating point chosen on validation.
        outlier_limits: whether the contract says which embeddings are too strange to be answered.
        uncertain: share of validation lesions, next below the threshold, that are referred because of doubt, or None.
        seed: of split, initialisation, order and augmentation.
    """

    data: tuple[str, ...] = ()
    source: str = "auto"
    path_column: str | None = field(default=None, metadata=ADDED_LATER)
    label_column: str | None = field(default=None, metadata=ADDED_LATER)
    group_column: str | None = field(default=None, metadata=ADDED_LATER)
    image_type: str | None = field(default=None, metadata=ADDED_LATER)
    on_conflict: str = "error"
    on_duplicate: str = field(default="keep-first", metadata=ADDED_LATER)
    test_folder: str = field(default="pool", metadata=ADDED_LATER)
    split_policy: str = field(default="grouped", metadata=ADDED_LATER)
    legacy_copies: int | None = field(default=None, metadata=ADDED_LATER)
    folds: int | None = field(default=None, metadata=ADDED_LATER)
    fold: int | None = field(default=None, metadata=ADDED_LATER)
    skip_missing_images: bool = field(default=False, metadata=ADDED_LATER)
    skip_unknown_labels: bool = field(default=False, metadata=ADDED_LATER)
    skip_bad_images: bool = False
    backbone: str = "mobilenet_v2"
    width: float = 0.35
    image_size: int = 160
    init: str = "none"
    epochs: int = 30
    batch_size: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    label_smoothing: float = 0.05
    ema: float = 0.998
    patience: int = 12
    progressive: bool = True
    source_balance: bool = field(default=True, metadata=ADDED_LATER)
    device: str = "auto"
    mixed_precision: bool | None = None
    prune: float | None = None
    prune_pattern: str = field(default="unstructured", metadata=ADDED_LATER)
    prune_schedule: str = field(default="polynomial", metadata=ADDED_LATER)
    target_sensitivity: float = 0.95
    outlier_limits: bool = field(default=True, metadata=ADDED_LATER)
    uncertain: float | None = field(default=None, metadata=ADDED_LATER)
    seed: int = 0

    def __post_init__(self) -> None:
        problems = [message for message, holds in _rules(self).items() if not holds]
        if problems:
            flat = self.backbone == TUTORIAL and self.progressive
            fix = f"{TUTORIAL} is --preset tutorial" if flat else "see `melanoma-edge train --help`"
            raise UsageError("; ".join(problems), fix=fix)
        reading_of(self)
        fold_of(self)


def reading_of(config: TrainConfig) -> Reading:
    """Return how the configured data are read; raises ``UsageError`` for choices that contradict each other."""
    return reading_from(vars(config))


def fold_of(config: TrainConfig) -> Fold | None:
    """Return the part that is tested on in cross-validation, if any; raises ``UsageError`` where there is none such."""
    return None if config.fold is None or config.folds is None else Fold(config.fold, config.folds)


def _rules(config: TrainConfig) -> dict[str, bool]:
    return {
        f"epochs must be 1 to 10000, not {config.epochs}": 1 <= config.epochs <= 10_000,
        f"batch size must be 1 to 4096, not {config.batch_size}": 1 <= config.batch_size <= 4096,
        f"learning rate must be above 0 and at most 1, not {config.learning_rate}": 0 < config.learning_rate <= 1,
        f"weight decay must be 0 to 1, not {config.weight_decay}": 0 <= config.weight_decay <= 1,
        f"patience must be at least 1, not {config.patience}": config.patience >= 1,
        f"seed must be 0 to 2147483647, not {config.seed}": 0 <= config.seed < 2**31,
        f"label smoothing must be 0 to 0.5, not {config.label_smoothing}": 0 <= config.label_smoothing <= 0.5,
        f"ema must be 0 to below 1, not {config.ema}": 0 <= config.ema < 1,
        f"device must be one of {', '.join(DEVICES)}, not {config.device}": config.device in DEVICES,
        f"prune must lie between 0 and 0.95, not {config.prune}": config.prune is None or 0 < config.prune <= 0.95,
        f"prune pattern must be one of {', '.join(PATTERNS)}, not {config.prune_pattern}": config.prune_pattern
        in PATTERNS,
        f"prune schedule must be one of {', '.join(SCHEDULES)}, not {config.prune_schedule}": (
            config.prune_schedule in SCHEDULES
        ),
        "prune pattern 2:4 means half zeros from the first step: no other sparsity, no other schedule": (
            config.prune_pattern != "2:4" or (config.prune, config.prune_schedule) == (0.5, "constant")
        ),
        f"{TUTORIAL} flattens images of one size: progressive must be off": (
            config.backbone != TUTORIAL or not config.progressive
        ),
        f"prune knows MobileNets only, not {TUTORIAL}": config.backbone != TUTORIAL or config.prune is None,
        "folds and fold go together": (config.folds is None) == (config.fold is None),
        "a kept test folder cannot be cross-validated": config.folds is None or config.test_folder != "keep",
        "target sensitivity must lie between 0.5 and 1": 0.5 <= config.target_sensitivity < 1,
        f"uncertain must lie between 0 and 0.5, not {config.uncertain}": config.uncertain is None
        or 0 < config.uncertain <= 0.5,
    }


PRESETS: dict[str, dict[str, Any]] = {
    "tiny": {
        "backbone": "mobilenet_v1",
        "width": 0.25,
        "image_size": 96,
        "init": "none",
        "epochs": 24,
        "learning_rate": 3e-3,
    },
    "phone": {"backbone": "mobilenet_v2", "width": 0.35, "image_size": 160, "init": "imagenet", "epochs": 36},
    "accurate": {"backbone": "mobilenet_v2", "width": 1.0, "image_size": 224, "init": "imagenet", "epochs": 36},
    "tutorial": {
        "backbone": TUTORIAL,
        "width": 1.0,
        "image_size": 180,
        "init": "none",
        "epochs": 25,
        "progressive": False,
    },
}
"""Named settings: the smallest network, the one for phones, the one for a GPU, and that of the field's tutorials.

All in int8, the first three are files of at most 320 kB, 700 kB and 2.8 MB.
"""


def configured(preset: str, **options: Any) -> TrainConfig:
    """Return a preset with some fields changed; options that are None are left as the preset has them.

    Raises:
        UsageError: for an unknown preset or a value out of range.
    """
    if preset not in PRESETS:
        raise UsageError(f"unknown preset {preset!r}", fix=f"use one of {', '.join(PRESETS)}")
    given = {name: value for name, value in options.items() if value is not None}
    return replace(TrainConfig(**PRESETS[preset]), **given)


def differences(kept: TrainConfig, asked: TrainConfig) -> list[str]:
    """Name the fields in which two configurations differ, for the refusal to resume another training."""
    pairs = ((field.name, getattr(kept, field.name), getattr(asked, field.name)) for field in fields(TrainConfig))
    return [f"{name}: {old!r} in the run, {new!r} asked" for name, old, new in pairs if old != new]
