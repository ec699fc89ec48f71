"""The plain Keras recipe that a training is measured against, as Keras' own guides write it.

``image_dataset_from_directory``, two augmenting layers, a network of ``keras.applications``, Adam, ``fit``.
Source: keras.io, "Transfer learning and fine-tuning", and tensorflow.org, "Transfer learning and fine-tuning".
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from melanoma_edge.data.catalog import Catalog
from melanoma_edge.errors import DataError, UsageError, machine_errors, named
from melanoma_edge.evaluation.calibration import softmax
from melanoma_edge.evaluation.metrics import validation_auc
from melanoma_edge.model.legacy_keras import load_tensorflow
from melanoma_edge.training.config import TrainConfig

SPLITS = ("train", "validation")
_READ = {".bmp", ".gif", ".jpeg", ".jpg", ".png"}
"""What ``image_dataset_from_directory`` reads."""
_NETWORKS = {"mobilenet_v2": "MobileNetV2", "mobilenet_v1": "MobileNet"}


@dataclass(frozen=True)
class Recipe:
    """Say what the guides leave open.

    Attributes:
        cached: keep decoded images in memory after the first epoch.
        frozen: leave batch norm's averages as they are, which is how the guides fine-tune.
    """

    cached: bool
    frozen: bool


RECIPES = {"plain": Recipe(cached=False, frozen=False), "careful": Recipe(cached=True, frozen=True)}


def check_recipe(config: TrainConfig) -> None:
    """Raise ``UsageError`` for a network that ``keras.applications`` has not."""
    if config.backbone not in _NETWORKS:
        fix = f"use one of {', '.join(_NETWORKS)}"
        raise UsageError(f"keras.applications has no {config.backbone}", fix=fix)


def link_folders(catalog: Catalog, folder: Path) -> None:
    """Lay out a split catalog for Keras' reader, by links; raise ``DataError`` for files that it cannot read."""
    unread = [row.path for row in catalog.rows if Path(row.path).suffix.lower() not in _READ]
    if unread:
        raise DataError(f"Keras' own reader knows no such files: {named(unread)}", fix="leave those images out")
    with machine_errors("linking images"):
        for split in SPLITS:
            for name in catalog.classes:
                (folder / split / name).mkdir(parents=True)
            for number, row in enumerate(catalog.part(split)):
                suffix = Path(row.path).suffix.lower()
                (folder / split / row.label / f"{number:07}{suffix}").symlink_to(Path(row.path).resolve())


def train_plain(
    folder: Path,
    classes: tuple[str, ...],
    config: TrainConfig,
    recipe: Recipe,
    trained: Callable[[], None],
    judged: Callable[[float], None],
) -> None:
    """Train by the recipe.

    Args:
        folder: as ``link_folders`` made it.
        classes: names of its folders.
        config: network, first weights, image size, epochs, batch size, learning rate and seed are taken from it.
        recipe: what the guides leave open.
        trained: called when an epoch's last step is done.
        judged: called with the validation macro AUC after each epoch.
    """
    _, keras = load_tensorflow()
    keras.utils.set_random_seed(config.seed)
    training, validation = (_images(folder / split, classes, config) for split in SPLITS)
    labels = np.array([classes.index(Path(path).parent.name) for path in validation.file_paths], np.int64)
    ready = {split: _ahead(images, recipe) for split, images in zip(SPLITS, (training, validation), strict=True)}
    model = _model(classes, config, recipe)

    def ended(epoch: int, logs: Any) -> None:
        trained()
        judged(validation_auc(softmax(model.predict(ready["validation"], verbose=0)), labels))

    watch = keras.callbacks.LambdaCallback(on_epoch_end=ended)
    model.fit(ready["train"], epochs=config.epochs, verbose=0, callbacks=[watch])


def _images(folder: Path, classes: tuple[str, ...], config: TrainConfig) -> Any:
    _, keras = load_tensorflow()
    with redirect_stdout(sys.stderr):  # Keras says there how many files it found; stdout belongs to data
        return keras.utils.image_dataset_from_directory(
            folder,
            class_names=list(classes),
            image_size=(config.image_size, config.image_size),
            batch_size=config.batch_size,
            shuffle=folder.name == "train",
            seed=config.seed,
        )


def _ahead(images: Any, recipe: Recipe) -> Any:
    tf, _ = load_tensorflow()
    return (images.cache() if recipe.cached else images).prefetch(tf.data.AUTOTUNE)


def _model(classes: tuple[str, ...], config: TrainConfig, recipe: Recipe) -> Any:
    _, keras = load_tensorflow()
    layers, side = keras.layers, config.image_size
    make = getattr(keras.applications, _NETWORKS[config.backbone])
    weights = "imagenet" if config.init == "imagenet" else None
    base = make(input_shape=(side, side, 3), alpha=config.width, include_top=False, weights=weights)
    if config.init not in ("imagenet", "none"):
        base.load_weights(config.init)
    image = keras.Input((side, side, 3))
    x = layers.RandomRotation(0.2)(layers.RandomFlip()(image))
    x = keras.applications.mobilenet_v2.preprocess_input(x)
    x = base(x, training=False) if recipe.frozen else base(x)
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(image, layers.Dense(len(classes))(x))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(config.learning_rate), loss, metrics=["accuracy"])
    return model
