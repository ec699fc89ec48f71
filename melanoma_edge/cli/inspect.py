"""``melanoma-edge inspect``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from melanoma_edge.cli.console import note, print_json, print_table
from melanoma_edge.cli.options import PATH, output_options
from melanoma_edge.cli.results import describe_compression, describe_run

SCHEMA = "melanoma-edge/inspection/1"


@click.command("inspect")
@click.argument("path", type=PATH)
@output_options
def command(path: Path, as_json: bool, quiet: bool) -> None:
    """Show what a run or an exported file is: contract, hashes, operators, sizes, provenance.

    The file's seal is checked first; one changed byte is refused.

    \b
    Example:
      melanoma-edge inspect runs/ham/artifacts/model-int8.tflite
    """
    if path.is_dir():
        _inspect_run(path, as_json, quiet)
    else:
        _inspect_artifact(path, as_json)


def _inspect_run(path: Path, as_json: bool, quiet: bool) -> None:
    from melanoma_edge.strictjson import to_plain
    from melanoma_edge.training.run import Run

    run = Run.open(path)
    if as_json:
        contract, record = to_plain(run.contract), to_plain(run.record)
        print_json({"schema": SCHEMA, "path": str(path), "kind": "run", "contract": contract, "record": record})
        return
    _print_contract(to_plain(run.contract))
    describe_run(run, as_json=False, quiet=quiet)
    describe_compression(run, quiet)
    for text in run.catalog.notes:
        note(f"Data: {text}", quiet)


def _inspect_artifact(path: Path, as_json: bool) -> None:
    from exporters import inventory
    from melanoma_edge.parity.record import recorded_verdict
    from melanoma_edge.runtime.artifact import read_artifact
    from melanoma_edge.strictjson import to_plain

    record, data = read_artifact(path)
    found = inventory.take(data, record.format)
    verdict = recorded_verdict(path, record.sha256)
    head = {"path": str(path), "kind": "artifact", "sha256": record.sha256, "bytes": record.bytes}
    head |= {"format": record.format, "precision": record.precision, "parity": verdict, "input_levels": found.levels}
    census = [asdict(row) for row in found.census()]
    if as_json:
        rest = {"calibration": to_plain(record.calibration), "contract": to_plain(record.contract), "census": census}
        print_json({"schema": SCHEMA, **head, **rest})
        return
    print_table("Artifact", ("what", "value"), head.items())
    _print_contract(to_plain(record.contract))
    rows = [tuple(row.values()) for row in census]
    print_table("Operators", ("operator", "activation", "weights", "count", "weight bytes"), rows)


def _print_contract(contract: dict[str, Any]) -> None:
    rows = []
    for key, value in contract.items():
        nested = value.items() if isinstance(value, dict) else ((None, value),)
        rows += [(f"{key}.{name}" if name else key, _text(item)) for name, item in nested]
    print_table("Contract", ("key", "value"), rows)


def _text(value: Any) -> str:
    return ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)
