"""The picture of a file's layers against its float model's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from melanoma_edge.report.plots import BLUE, GREY, VERMILLION, sheet


def draw_layers(
    names: Sequence[str], snr_db: Sequence[float], added: Sequence[float], first: str | None, path: Path, title: str
) -> None:
    """Draw the signal-to-noise ratio of every layer, and what each adds to the noise by itself.

    Args:
        names: of the layers, in order.
        snr_db: of each, in decibels.
        added: share of its signal that each loses by itself, 0 to 1.
        first: the layer where it went wrong, marked, if there is one.
        path: of the PNG file.
        title: above it.
    """
    places = range(len(names))
    with sheet(path, max(7.0, 0.16 * len(names) + 2), 5.2, title) as figure:
        above, below = figure.subplots(2, 1, sharex=True)
        above.plot(places, snr_db, "o-", markersize=3.5, color=BLUE)
        above.set(ylabel="signal to noise, dB", ylim=(min(0.0, *snr_db) - 2, max(snr_db) + 5))
        below.bar(places, [100 * one for one in added], color=[VERMILLION if one == first else GREY for one in names])
        below.set(ylabel="lost by the layer itself, %")
        below.set_xticks(places, names, rotation=90, fontsize=6.5)
        if first is not None:
            for axes in (above, below):
                axes.axvline(names.index(first), color="black", linestyle=":", linewidth=1)
            above.annotate(f"first large loss: {first}", (names.index(first), max(snr_db)), fontsize=8)
        for axes in (above, below):
            axes.grid(axis="y", alpha=0.3)
