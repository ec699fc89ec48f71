"""Pictures of a run: history, confusion matrix, sample predictions and the most confident mistakes.

Plain data in, PNG files out. The same data gives the same bytes. Nothing is told by colour alone; the colours
are those of Okabe and Ito (2008), which people with any common colour blindness keep apart.
"""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from melanoma_edge.files import sha256_of, written
from melanoma_edge.report.samples import Picture, Predictions, choose_samples, find_mistakes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 6
MOST = 24
"""How many pictures a grid holds at most."""

BLUE, ORANGE, VERMILLION, GREY = "#0072B2", "#E69F00", "#D55E00", "#666666"
_DPI = 110
_STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that every machine draws the same letters
    "font.size": 9,
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "legend.frameon": False,
}


def draw_plots(
    folder: Path,
    history: Sequence[Mapping[str, float]],
    confusion: Sequence[Sequence[int]],
    classes: Sequence[str],
    predictions: Predictions,
    threshold: float,
    name: str,
    stamp: str,
    seed: int,
    split: str = "test",
) -> dict[str, str]:
    """Write ``history.png`` (where there is a history), ``confusion.png``, ``samples.png`` and ``mistakes.png``.

    ``confusion`` and ``predictions`` are those of ``split``. Every title has ``stamp``, where there is one.

    Returns:
        The sha256 of each file by its name.

    Raises:
        MachineError: when the disk is full, read-only or not permitted.
    """
    head = f"{name} ({stamp})" if stamp else name
    images = f"{len(predictions.ids)} {split} images"
    samples, mistakes = choose_samples(predictions, seed, MOST), find_mistakes(predictions, threshold)
    names = ["confusion.png", "samples.png", "mistakes.png"]
    if history:
        names.insert(0, "history.png")
        draw_history(history, folder / "history.png", f"{head}: training history")
    draw_confusion(confusion, classes, folder / "confusion.png", f"{head}: confusion matrix, {split} images")
    draw_pictures(
        predictions.pictures(samples, classes, threshold),
        folder / "samples.png",
        f"{head}: {len(samples)} of {images}, drawn at random, one of each class first (seed {seed})",
    )
    draw_pictures(
        predictions.pictures(mistakes[:MOST], classes, threshold),
        folder / "mistakes.png",
        f"{head}: {_mistakes_in_words(len(mistakes), int(predictions.missed(threshold).sum()), threshold, images)}",
    )
    return {name: sha256_of(folder / name) for name in names}


def _mistakes_in_words(mistakes: int, missed: int, threshold: float, images: str) -> str:
    if not mistakes:
        return f"no mistakes in {images}"
    count = f"the {MOST} most confident of {mistakes}" if mistakes > MOST else f"all {mistakes}"
    target = f"{missed} missed" if missed else "none missed"
    return f"{count} mistakes in {images}; target lesions scored below {threshold:.3f} come first ({target})"


def draw_history(history: Sequence[Mapping[str, float]], path: Path, title: str) -> None:
    """Draw losses, and validation AUC and balanced accuracy, by epoch; mark the kept epoch and the image sizes.

    ``history`` has at least one row; ``epoch`` counts from 0 there and from 1 in the picture.
    """
    epochs = [int(row["epoch"]) + 1 for row in history]
    kept = _kept(history)
    with sheet(path, 10.5, 4.8, title) as figure:
        losses, scores = figure.subplots(1, 2)
        _curve(losses, history, "train_loss", "training loss", ORANGE, "s--")
        _curve(losses, history, "validation_loss", "validation loss", BLUE, "o-")
        for key, text, color, form in (
            ("validation_macro_auc", "macro AUC", BLUE, "o-"),
            ("validation_balanced_accuracy", "balanced accuracy", ORANGE, "s--"),
        ):
            _curve(scores, history, key, f"{text} (kept: {history[kept][key]:.3f})", color, form)
            scores.plot(epochs[kept], history[kept][key], "*", markersize=15, color="black", mec="white", zorder=5)
        _mark_ineligible(scores, history)
        for axes, text in ((losses, "Loss"), (scores, "Validation scores")):
            axes.axvline(epochs[kept], color="black", linewidth=0.8, zorder=1, label=f"kept: epoch {epochs[kept]}")
            _mark_sizes(axes, history)
            _finish_panel(axes, text, epochs)


def draw_confusion(confusion: Sequence[Sequence[int]], classes: Sequence[str], path: Path, title: str) -> None:
    """Draw counts (rows are labels, columns predictions) with the share of the row's images as colour and per cent."""
    counts = np.asarray(confusion, np.int64)
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    side = len(classes) * (1.1 if len(classes) < 5 else 0.8)
    names = [_shortened(name, 18) for name in classes]
    rows = [f"{name}\nn = {total}" for name, total in zip(names, totals[:, 0], strict=True)]
    with sheet(path, side + 3, side + 1.8, title) as figure:
        axes = figure.subplots()
        image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for row, column in np.ndindex(counts.shape):
            _cell(axes, row, column, int(counts[row, column]), float(shares[row, column]))
        axes.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(names)), rows)
        axes.set(xlabel="prediction", ylabel="label")
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        bar = figure.colorbar(image, ax=axes, shrink=0.8, format=lambda share, _: f"{share:.0%}")
        bar.set_label("share of the images with that label")


def draw_pictures(pictures: Sequence[Picture], path: Path, title: str) -> None:
    """Draw up to 24 pictures, each with label, prediction, probability, target score and id.

    Wrong ones have a cross, bold words and a thick dashed frame; right ones a tick and a thin frame.
    """
    shown = pictures[:MOST]
    rows = -(-len(shown) // COLUMNS)
    with sheet(path, 2.05 * COLUMNS, 2.55 * rows + 0.5, title) as figure:
        if not shown:
            return
        grid = figure.subplots(rows, COLUMNS, squeeze=False).flat
        for axes, picture in zip(grid, shown, strict=False):
            _picture(axes, picture)
        for axes in grid[len(shown) :]:
            axes.set_axis_off()


@contextmanager
def sheet(path: Path, width: float, height: float, title: str) -> Iterator[Figure]:
    """Give a titled figure to draw on, ``width`` by ``height`` inches and more for a title of several lines.

    It is written as PNG when the block ends well.
    """
    from matplotlib import style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # Starting from the defaults keeps a user's own matplotlibrc from changing the bytes.
    with style.context(["default", _STYLE]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)  # drawn as a box
        lines = textwrap.wrap(title, int(width * 72 / 7.2))  # a bold letter of size 11 is about 7.2 points wide
        figure = Figure(figsize=(width, height + 0.2 * len(lines)), dpi=_DPI, layout="constrained")
        FigureCanvasAgg(figure)
        figure.suptitle("\n".join(lines), fontsize=11, fontweight="bold")
        yield figure
        with written(path) as temporary:
            figure.savefig(temporary, format="png", metadata={"Software": None})


def _kept(history: Sequence[Mapping[str, float]]) -> int:
    """Return the row of the best validation macro AUC among the eligible epochs, or among all if none is."""
    eligible = [index for index, row in enumerate(history) if row["eligible"]] or range(len(history))
    return max(eligible, key=lambda index: history[index]["validation_macro_auc"])


def _curve(axes: Axes, history: Sequence[Mapping[str, float]], key: str, label: str, color: str, form: str) -> None:
    epochs = [int(row["epoch"]) + 1 for row in history]
    size = 5 if len(history) <= 30 else 3
    axes.plot(epochs, [row[key] for row in history], form, markersize=size, color=color, label=label)


def _mark_ineligible(axes: Axes, history: Sequence[Mapping[str, float]]) -> None:
    """Hollow out the AUC of the epochs that could not be kept, so that a higher one among them puzzles nobody."""
    rows = [row for row in history if not row["eligible"]]
    if rows:
        points = [row["epoch"] + 1 for row in rows], [row["validation_macro_auc"] for row in rows]
        axes.plot(*points, "o", markersize=5, color=BLUE, mfc="white", label="not eligible to be kept")


def _mark_sizes(axes: Axes, history: Sequence[Mapping[str, float]]) -> None:
    """Draw a dotted line where the image size changes, and name the sizes above the panel."""
    runs = [list(rows) for _, rows in groupby(history, key=lambda row: int(row["image_size"]))]
    if len(runs) == 1:
        return
    for rows in runs[1:]:
        axes.axvline(rows[0]["epoch"] + 0.5, color=GREY, linestyle=":", linewidth=1.2, zorder=1)
    middles = [1 + (rows[0]["epoch"] + rows[-1]["epoch"]) / 2 for rows in runs]
    crowded = min(np.diff(middles)) < 0.12 * len(history)
    ruler = axes.secondary_xaxis("top")
    ruler.set_xticks(middles, [f"{int(rows[0]['image_size'])} px" for rows in runs], rotation=90 if crowded else 0)
    ruler.tick_params(length=0, labelsize=8, labelcolor=GREY)
    ruler.spines["top"].set_visible(False)


def _finish_panel(axes: Axes, title: str, epochs: Sequence[int]) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set(title=title, xlabel="epoch", xlim=(epochs[0] - 0.5, epochs[-1] + 0.5))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(axis="y", alpha=0.3)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)


def _cell(axes: Axes, row: int, column: int, count: int, share: float) -> None:
    from matplotlib.patches import Rectangle

    color = "white" if share > 0.7 else "black"
    axes.text(column, row, f"{count}\n{share:.0%}" if count else "0", ha="center", va="center", color=color)
    if row == column:
        frame = Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor="black", linewidth=1.2, clip_on=False)
        axes.add_patch(frame)


def _picture(axes: Axes, picture: Picture) -> None:
    axes.imshow(picture.pixels)
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set(color=VERMILLION, linewidth=3.5, linestyle="--") if picture.wrong else spine.set(color=GREY)
    names = f"{_shortened(picture.label, 9)} → {_shortened(picture.predicted, 9)}"
    axes.set_title(
        f"{'✗' if picture.wrong else '✓'} {names} {picture.probability:.2f}",
        loc="center",
        fontsize=7.5,
        fontweight="bold" if picture.wrong else "normal",
    )
    missed = ", MISSED" if picture.missed else ""
    axes.set_xlabel(
        f"target score {picture.target_score:.3f}{missed}\n{_shortened(picture.image_id, 24)}", fontsize=7.5
    )


def _shortened(text: str, most: int) -> str:
    """Return the text in at most ``most`` letters; the middle goes, because names differ at their ends."""
    if len(text) <= most:
        return text
    tail = (most - 1) // 2
    return f"{text[: most - 1 - tail]}…{text[-tail:]}"
