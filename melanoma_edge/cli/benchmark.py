"""``melanoma-edge benchmark``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from melanoma_edge.cli.console import note, print_json, print_table, reporting
from melanoma_edge.cli.options import PATH, dry_run_option, force_option, output_options
from melanoma_edge.cli.results import PLAN_SCHEMA, print_plan
from melanoma_edge.errors import UsageError

_RUNTIMES = "litert, litert-plain (without XNNPACK), onnxruntime, onnxruntime-untuned (without the setting of parity)"


@click.command("benchmark")
@click.argument("artifacts", type=PATH, nargs=-1, required=True)
@click.option("--runtime", "runtimes", multiple=True, help=f"{_RUNTIMES}. Default: all but litert-plain.")
@click.option("--threads", default="1", show_default=True, metavar="N[,N]", help="Numbers of CPU threads to try.")
@click.option("--seconds", type=float, help="Of inference per row; default 2.")
@click.option("--repeats", type=int, help="Inferences per row, instead of --seconds.")
@click.option("--starts", type=int, default=3, show_default=True, help="Fresh processes per row for its start-up.")
@click.option(
    "--out", type=PATH, metavar="FILE.json", help="Keep the document: `report` reads RUN/report/benchmark.json."
)
@force_option
@dry_run_option
@output_options
def command(
    artifacts: tuple[Path, ...],
    runtimes: tuple[str, ...],
    threads: str,
    seconds: float | None,
    repeats: int | None,
    starts: int,
    out: Path | None,
    force: bool,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Compare exported files: bytes, start-up, latency, memory, and the ratio to the first row.

    Each row computes in a process of its own, in turns with the others, so that noise hits all alike. The ratio is of
    the fastest inference of each round: its median, and the range of 90 % of the rounds. Below 1 is faster. When the
    first row ends in an error, ratios are to the next without. The CPU ratio leaves out waiting for a core. A file
    given twice shows how much of a ratio is noise.

    \b
    Example:
      melanoma-edge benchmark runs/ham/artifacts/model-float32.tflite runs/ham/artifacts/model-int8.tflite
      melanoma-edge benchmark runs/ham/artifacts/model-int8.onnx --runtime onnxruntime --repeats 100 --json
    """
    from melanoma_edge.files import refuse_overwrite, to_json, write_text
    from melanoma_edge.runtime.benchmark import benchmark, planned
    from melanoma_edge.runtime.measured import Setting
    from melanoma_edge.strictjson import to_plain

    if seconds is not None and repeats is not None:
        raise UsageError("--seconds and --repeats both given", fix="give one of them")
    if force and not out:
        raise UsageError("--force without --out", fix="name the file to replace with --out")
    refuse_overwrite([out] if out else [], force)
    usual = Setting()
    chosen, length = runtimes or usual.runtimes, usual.seconds if seconds is None else seconds
    setting = Setting(chosen, _counts(threads), length, repeats, starts)
    if dry_run:
        plan = {"schema": PLAN_SCHEMA, "artifacts": [one.path for one in planned(artifacts, setting)]}
        print_plan({**plan, **to_plain(setting), "rounds": setting.rounds}, as_json)
        return 0
    with reporting(quiet) as reporter:
        found = benchmark(artifacts, setting, reporter.progress)
    document = found.to_document()
    for one in document["files"]:
        one |= _inside(Path(one["path"]))
    if out:
        write_text(out, to_json(document))
    print_json(document) if as_json else _print(document, quiet)
    if out:
        note(f"Written: {out}", quiet)
    errors = [row.error for row in found.rows if row.error]
    for error in errors:
        note(f"Error: {error}")
    return errors[0].exit_code if errors else 0


def _counts(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"--threads {text!r} is no list of numbers", fix="write it as 1 or 1,2") from error


def _inside(path: Path) -> dict[str, Any]:
    """Return what explains a latency or the lack of a change: multiplications and the share of zero weights."""
    from exporters import inventory
    from melanoma_edge.errors import ExportError
    from melanoma_edge.runtime.artifact import read_artifact

    record, data = read_artifact(path)
    try:
        totals = inventory.take(data, record.format).totals()
    except ExportError:
        return {"macs": None, "zero_share": None}
    return {"macs": totals.macs, "zero_share": totals.zero_share}


def _print(document: dict[str, Any], quiet: bool) -> None:
    paths = {one["path"] for one in document["files"]}
    short = {path: Path(path).name for path in paths}
    names = short if len(set(short.values())) == len(paths) else {path: path for path in paths}
    files = {one["path"]: one for one in document["files"]}.values()
    rows = [
        (names[one["path"]], one["precision"], *_numbers(one, "bytes", "deflated_bytes", "macs"), _share(one))
        for one in files
    ]
    print_table("Files", ("file", "precision", "bytes", "deflated", "MACs", "zero weights"), rows)
    columns = ("file", "runtime", "threads", "start ms", "p50 ms", "p95 ms", "images/s", "MB", "ratio", "CPU ratio")
    print_table(_title(document["rows"]), columns, [_timed(names[row["path"]], row) for row in document["rows"]])
    _describe(document, quiet)


def _numbers(one: dict[str, Any], *keys: str) -> tuple[str, ...]:
    return tuple("unknown" if one[key] is None else f"{one[key]:,}" for key in keys)


def _title(rows: list[dict[str, Any]]) -> str:
    """Say which row the ratios are to, where it is not the first."""
    reference = next((place for place, row in enumerate(rows, 1) if "error" not in row), 1)
    return "Speed" if reference == 1 else f"Speed (ratios to row {reference}, the first without an error)"


def _share(one: dict[str, Any]) -> str:
    return "unknown" if one["zero_share"] is None else f"{one['zero_share']:.1%}"


def _timed(name: str, row: dict[str, Any]) -> tuple[object, ...]:
    if "error" in row:
        return (name, row["runtime"], row["threads"], "error", *[""] * 6)
    times = (
        f"{row['start_ms']:.0f}",
        f"{row['p50_ms']:.2f}",
        f"{row['p95_ms']:.2f}",
        f"{row['images_per_second']:.0f}",
    )
    ratio, memory = row["ratio"], row["peak_memory"]
    spread = f"{ratio['value']:.2f} ({ratio['low']:.2f}-{ratio['high']:.2f})"
    return (
        name,
        row["runtime"],
        row["threads"],
        *times,
        "unknown" if memory is None else memory // 10**6,
        spread,
        f"{row['cpu_ratio']['value']:.2f}",
    )


def _describe(document: dict[str, Any], quiet: bool) -> None:
    machine = document["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in document["versions"].items())
    instructions = " ".join(machine["instructions"]) or "instruction set unknown"
    note(f"{machine['processor']}, {machine['cores']} cores, {instructions}; {machine['system']}; {versions}.", quiet)
    note(document["note"], quiet)
    if any((one["zero_share"] or 0) > 0.3 for one in document["files"]):
        note("Zero weights make a download smaller; whether they save time, the ratios say.", quiet)
    if document["busy"]:
        load = document["load_before"]
        note(f"Warning: the machine was busy (load {load:.1f}): trust ratios only as far as their range.", quiet)
