"""``melanoma-edge inspect``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from melanoma_edge.cli.bundles import inspect_bundle
from melanoma_edge.cli.console import note, print_json, print_table, reporting
from melanoma_edge.cli.options import PATH, output_options
from melanoma_edge.cli.results import describe_compression, describe_run
from melanoma_edge.errors import UsageError

if TYPE_CHECKING:
    from exporters.steps import Inventory, Shape, Step
    from melanoma_edge.report.page import Link
    from melanoma_edge.training.run import Run

SCHEMA = "melanoma-edge/inspection/1"
_LISTED = 16
_LONG = 200
"""Items of a list that are shown one by one; of the embedding's limits there are thousands."""
_ABOUT = {"--layers": "an exported file", "--key": "a bundle"}


@click.command("inspect")
@click.argument("path", type=PATH)
@click.option("--layers", is_flag=True, help="List every operator of an exported file.")
@click.option("--verify", is_flag=True, help="Also walk the chain of hashes; of a bundle, run the golden vectors.")
@click.option("--key", type=PATH, metavar="PUB.pem", help="Refuse a bundle that the holder of this key did not sign.")
@output_options
def command(path: Path, layers: bool, verify: bool, key: Path | None, as_json: bool, quiet: bool) -> None:
    """Show what a run, an exported file or a bundle is: contract, hashes, operators, sizes, provenance.

    A file's seal, or a bundle's every hash and the fit of its parts, is checked first; one changed byte is refused.
    With --verify the chain is walked: images, split, weights, contract, exported files, parity, and whatever else was
    found out and reported; it stops at the first link that does not fit (exit code 7). Every number of a parity record
    is made again from the answers beside its file, where they were kept; else its counts alone.

    \b
    Example:
      melanoma-edge inspect runs/ham/artifacts/model-int8.tflite
      melanoma-edge inspect runs/ham/artifacts/model-int8.onnx --layers
      melanoma-edge inspect runs/ham --verify
      melanoma-edge inspect ham-bundle --verify
    """
    from melanoma_edge.bundle import is_bundle

    if is_bundle(path):
        _refuse("--layers", layers, path, f"give {path}/model.tflite, or leave --layers out")
        inspect_bundle(path, SCHEMA, key, verify, as_json, quiet)
        return
    _refuse("--key", bool(key), path, "give a bundle, or leave --key out")
    if not path.is_dir():
        _inspect_artifact(path, layers, verify, as_json, quiet)
    else:
        _refuse("--layers", layers, path, f"give one of {path}/artifacts, or leave --layers out")
        _inspect_run(path, verify, as_json, quiet)


def _refuse(option: str, given: bool, path: Path, fix: str) -> None:
    """Raise ``UsageError`` where an option was given that says nothing of what is shown."""
    if given:
        raise UsageError(f"{option} is for {_ABOUT[option]}", where=str(path), fix=fix)


def _inspect_run(path: Path, verify: bool, as_json: bool, quiet: bool) -> None:
    from melanoma_edge.strictjson import to_plain
    from melanoma_edge.training.run import Run

    run = Run.open(path)
    chain = _walked(run, quiet) if verify else []
    if as_json:
        head = {"schema": SCHEMA, "path": str(path), "kind": "run"}
        rest = {"contract": run.contract, "record": run.record, **({"chain": chain} if verify else {})}
        print_json({**head, **to_plain(rest)})
        return
    _print_contract(to_plain(run.contract))
    describe_run(run, as_json=False, quiet=quiet)
    describe_compression(run, quiet)
    for text in run.catalog.notes:
        note(f"Data: {text}", quiet)
    _print_chain(chain, quiet)


def _walked(run: Run, quiet: bool) -> Sequence[Link]:
    from melanoma_edge.evidence.provenance import walk

    with reporting(quiet) as reporter:
        return walk(run, images=True, answers=True, report=True, progress=reporter.progress)[1]


def _print_chain(chain: Sequence[Link], quiet: bool) -> None:
    if chain:
        print_table("Chain", ("what", "made from", "sha256"), [(one.name, one.parent, one.sha256) for one in chain])
        note(f"Every one of {len(chain)} links fits.", quiet)


def _inspect_artifact(path: Path, layers: bool, verify: bool, as_json: bool, quiet: bool) -> None:
    from exporters import inventory
    from melanoma_edge.evidence.models import open_models
    from melanoma_edge.evidence.provenance import walk_file
    from melanoma_edge.parity.record import recorded_verdict
    from melanoma_edge.runtime.artifact import read_artifact
    from melanoma_edge.strictjson import to_plain

    record, data = read_artifact(path)
    found = inventory.take(data, record.format)
    chain: Sequence[Link] = ()
    if verify:
        (model,) = open_models([path])
        chain = _walked(model.run, quiet) if model.run else walk_file(record)
    verdict = recorded_verdict(path, record.sha256)
    head = {"path": str(path), "kind": "artifact", "sha256": record.sha256, "bytes": record.bytes}
    head |= {"format": record.format, "precision": record.precision, "parity": verdict, "input_levels": found.levels}
    if as_json:
        rest: dict[str, Any] = {
            "calibration": record.calibration,
            "contract": record.contract,
            "census": found.census(),
        }
        rest |= {
            "totals": found.totals(),
            **({"layers": found.steps} if layers else {}),
            **({"chain": chain} if verify else {}),
        }
        print_json({"schema": SCHEMA, **head, **to_plain(rest)})
        return
    print_table("Artifact", ("what", "value"), head.items())
    _print_contract(to_plain(record.contract))
    if layers:
        _print_layers(found.steps)
    _print_census(found)
    _print_chain(chain, quiet)


def _print_census(found: Inventory) -> None:
    rows = [
        (row.op, row.activation, row.weights, *map(_count, (row.count, row.weight_bytes, row.zero_weights, row.macs)))
        for row in found.census()
    ]
    whole = found.totals()
    zeros = "" if whole.zero_share is None else f"{whole.zero_share:.1%}"
    last = ("all", "", f"{whole.parameters:,} parameters", *map(_count, (whole.operators, whole.weight_bytes)))
    columns = ("operator", "activation", "weights", "count", "weight bytes", "zero weights", "MACs")
    print_table("Operators", columns, [*rows, (*last, zeros, _count(whole.macs))])


def _print_layers(steps: Sequence[Step]) -> None:
    columns = ("layer", "operator", "activation", "weights", "output", "weight bytes", "zero weights", "MACs")
    rows = [
        (one.layer, one.op, one.activation, one.weights, _sides(one.shape), *map(_count, _counts(one))) for one in steps
    ]
    print_table("Layers", columns, rows)


def _counts(step: Step) -> tuple[int | None, ...]:
    return step.weight_bytes, step.zero_weights, step.macs


def _count(number: int | None) -> str:
    """Return a number for people: nothing for none, a word for one that the file does not tell."""
    return "unknown" if number is None else f"{number:,}" if number else ""


def _sides(shape: Shape | None) -> str:
    return "unknown" if shape is None else "x".join("n" if side is None else str(side) for side in shape)


def _print_contract(contract: dict[str, Any]) -> None:
    rows = []
    for key, value in contract.items():
        nested = value.items() if isinstance(value, dict) else ((None, value),)
        rows += [(f"{key}.{name}" if name else key, _text(item)) for name, item in nested]
    print_table("Contract", ("key", "value"), rows)


def _text(value: Any) -> str:
    """Return a value for people: lists joined, but long texts and long lists of numbers as their sizes."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(item)}" for name, item in value.items())
    if not isinstance(value, list):
        return str(value)
    if value and isinstance(value[0], str) and len(value[0]) > _LONG:
        return f"{len(value)} texts of {len(value[0]):,} characters"
    return ", ".join(map(str, value)) if len(value) <= _LISTED else f"{len(value):,} numbers"
