"""Options that say which images a command reads and how, for every command that reads images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from melanoma_edge.cli.options import PATH

F = TypeVar("F", bound=Callable[..., Any])

_SOURCES = ("auto", "folder", "ham10000", "isic-challenge", "isic-archive", "pad-ufes-20", "csv", "synthetic")
_PREFER = "prefer"
_DATA = click.option(
    "--data", type=PATH, multiple=True, help="Folder of images; several are merged. Default: the synthetic set."
)
_LAYOUT = (
    click.option(
        "--source", type=click.Choice(_SOURCES), default="auto", show_default=True, help="Layout of the data."
    ),
    click.option("--path-column", help="Of a table in no known layout: image files, by path or name."),
    click.option("--label-column", help="Of such a table: labels."),
    click.option("--group-column", help="Of such a table: patients or lesions, never torn apart."),
    click.option(
        "--image-type",
        type=click.Choice(["dermoscopic", "clinical"]),
        help="Of images whose layout does not say. Default: dermoscopic.",
    ),
    click.option("--skip-missing-images", is_flag=True, help="Leave out rows of a table without an image, counted."),
    click.option("--skip-unknown-labels", is_flag=True, help="Leave out images with labels not in the vocabulary."),
)
_POLICIES = (
    click.option(
        "--on-conflict",
        metavar="error|drop|prefer FILE",
        default="error",
        show_default=True,
        help="For one image under two labels: stop, leave out every copy of it, or take labels from a CSV file.",
    ),
    click.option(
        "--on-duplicate",
        type=click.Choice(["keep-first", "error"]),
        default="keep-first",
        show_default=True,
        help="For byte-identical files.",
    ),
    click.option(
        "--test-folder",
        type=click.Choice(["pool", "keep"]),
        default="pool",
        show_default=True,
        help="Split images of existing Train and Test folders anew, or keep the Test folder as test split; images "
        "outside it of a lesion inside it are then left out.",
    ),
    click.option(
        "--split-policy",
        type=click.Choice(["grouped", "legacy"]),
        default="grouped",
        show_default=True,
        help="legacy: every file on its own, copies and contradictions kept, as published numbers are often made; all "
        "that comes of it is stamped LEAKY.",
    ),
    click.option(
        "--legacy-copies",
        type=int,
        help="Augmented copies of each class made before a legacy split, and then the only augmentation. Default: 500, "
        "as in tutorials.",
    ),
    click.option("--skip-bad-images", is_flag=True, help="Leave unreadable images out, recorded, instead of stopping."),
)


def layout_options(function: F) -> F:
    """Add the options that say what lies in folders of images; ``reading_from`` makes a reading of them."""
    return _with(function, _LAYOUT)


def data_options(function: F) -> F:
    """Add the options that say which images are learned from and how; the command must be a ``DataCommand``."""
    return _with(function, (_DATA, *_LAYOUT, *_POLICIES))


def _with(function: F, options: Sequence[Callable[[F], F]]) -> F:
    for option in reversed(options):
        function = option(function)
    return function


class DataCommand(click.Command):
    """Take ``--on-conflict prefer FILE`` in two words, as an option of click cannot."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Join the word ``prefer`` and the file behind it, then parse as usual."""
        return super().parse_args(ctx, _joined(args))


def _joined(args: list[str]) -> list[str]:
    for place in range(len(args) - 2):
        if args[place : place + 2] == ["--on-conflict", _PREFER] and not args[place + 2].startswith("--"):
            return [*args[: place + 1], f"{_PREFER} {args[place + 2]}", *args[place + 3 :]]
    return args
