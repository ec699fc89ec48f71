"""Options that several commands share, each defined once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

F = TypeVar("F", bound=Callable[..., Any])

PATH = click.Path(path_type=Path)
"""Existence is checked by the library, whose message and exit code say more than click's."""


def given(name: str) -> bool:
    """Tell whether a parameter of the running command was given, be it with its default."""
    return click.get_current_context().get_parameter_source(name) is not ParameterSource.DEFAULT


def output_options(function: F) -> F:
    """Add ``--json``, ``--quiet`` and ``--debug``."""
    function = click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks.")(function)
    function = click.option("--quiet", is_flag=True, help="Say nothing but the result.")(function)
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")(function)


def dry_run_option(function: F) -> F:
    """Add ``--dry-run``."""
    return click.option("--dry-run", is_flag=True, help="Check everything, print the plan and stop.")(function)


def force_option(function: F) -> F:
    """Add ``--force``."""
    return click.option("--force", is_flag=True, help="Replace what is there.")(function)


def seed_option(function: F) -> F:
    """Add ``--seed``."""
    return click.option(
        "--seed", type=click.IntRange(min=0, max=2**31 - 1), default=0, show_default=True, help="Of all chance."
    )(function)


def device_option(function: F) -> F:
    """Add ``--device``; None when it is not given."""
    return click.option("--device", type=click.Choice(["auto", "cpu", "gpu"]), help="Where to train.")(function)


def batch_size_option(function: F) -> F:
    """Add ``--batch-size``; None when it is not given."""
    return click.option("--batch-size", type=int, help="Images per step.")(function)


def run_argument(function: F) -> F:
    """Add the argument ``RUN``."""
    return click.argument("run", type=PATH)(function)


def resume_option(function: F) -> F:
    """Add ``--resume``."""
    return click.option("--resume", is_flag=True, help="Continue an unfinished training.")(function)


def limit_option(function: F) -> F:
    """Add ``--limit NAME=VALUE``."""
    return click.option(
        "--limit",
        "limits",
        multiple=True,
        metavar="NAME=VALUE",
        help="Set a limit of the gate, for instance sensitivity_loss=0.03.",
    )(function)


def search_options(function: F) -> F:
    """Add ``--max-loss NAME=VALUE``, ``--rounding`` and ``--check-calibration``."""
    function = click.option(
        "--check-calibration/--no-check-calibration",
        default=True,
        show_default=True,
        help="Quantize again with ranges of other images, and record what changes.",
    )(function)
    function = click.option(
        "--rounding",
        default="learned",
        show_default=True,
        help="Of int8 weights: learned keeps what each layer answers; nearest is plain rounding.",
    )(function)
    return click.option(
        "--max-loss",
        "max_loss",
        multiple=True,
        metavar="NAME=VALUE",
        help="Leave as few blocks of int8 in float as it takes to keep this limit of the gate on validation, for "
        "instance decision_agreement=0.99; may be repeated.",
    )(function)
