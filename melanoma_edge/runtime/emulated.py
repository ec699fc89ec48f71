"""An exported file on a phone's processor without a phone: the same runtimes, emulated as a Cortex-A76 by QEMU.

``python -m melanoma_edge.runtime.emulated prepare`` makes the emulated machine once; ``... compare ARTIFACT...`` runs
exported files on it and here, and says what differs.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn, Self

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.errors import Interrupted, MelanomaEdgeError, ParityFailed, UsageError, named
from melanoma_edge.files import to_json
from melanoma_edge.progress import Progress, silent
from melanoma_edge.runtime import open_artifact, open_model, read_record
from melanoma_edge.runtime.base import Pixels, Runner
from melanoma_edge.runtime.emulator import CPU, emulator_folder, packages_folder, prepare, python_command
from melanoma_edge.runtime.integers import open_integers, why_no_integers
from melanoma_edge.runtime.worker import IsolatedRunner, Opener

SCHEMA = "melanoma-edge/emulated/1"
_PACKAGE = Path(__file__).parents[2]
_THREADS = 1
_STEP = 8
Answer = NDArray[Any]


class EmulatedRunner(IsolatedRunner):
    """Run an exported file as a phone's Cortex-A76 does, some hundred times slower; see ``IsolatedRunner``."""

    def __init__(self, path: Path, folder: Path | None = None, opener: Opener = open_artifact) -> None:
        """Remember what to open; entering the ``with`` block raises ``MachineError`` when the machine is not prepared.

        Args:
            path: an exported file.
            folder: what ``prepare`` made; ``emulator_folder()`` when not given.
            opener: as for ``IsolatedRunner``.
        """
        super().__init__(path, _THREADS, opener)
        self._folder = folder or emulator_folder()

    def __enter__(self) -> Self:
        super().__enter__()
        self.name = f"{self.name} on {CPU}"
        return self

    def _python(self) -> tuple[list[str], list[str]]:
        return python_command(self._folder), [str(packages_folder(self._folder)), str(_PACKAGE)]


@dataclass(frozen=True)
class Comparison:
    """Say how the answers of one file on the emulated processor differ from those on this one.

    ``identical`` counts images whose probabilities are equal to the last bit, ``difference`` is the largest of any
    probability. ``integers`` counts the values in front of the float tail of int8 files, over all images; None for
    files where they cannot be read, and ``no_integers`` says why. Milliseconds are a mean for one image on one thread;
    emulated ones say nothing of a phone's speed.
    """

    artifact: str
    sha256: str
    runtime: str
    images: int
    classes_equal: int
    decisions_equal: int
    identical: int
    difference: float
    integers: int | None
    integers_equal: int | None
    no_integers: str | None
    native_ms: float
    emulated_ms: float


def compare(path: Path, pixels: Pixels, folder: Path | None = None, progress: Progress = silent) -> Comparison:
    """Run an exported file here and emulated.

    Args:
        path: an exported file.
        pixels: images ``[n, N, N, 3]``, at least one.
        folder: what ``prepare`` made; ``emulator_folder()`` when not given.
        progress: told of images done on the emulated processor.

    Raises:
        MachineError: when the emulated machine is not prepared.
        TrustError: as ``open_model``.
    """
    record = read_record(path)
    task = f"{path.name} on {CPU}"
    with EmulatedRunner(path, folder) as phone, open_model(path, _THREADS) as here:
        theirs, emulated_ms = _timed(phone, pixels, task, progress)
        ours, native_ms = _timed(here, pixels)
        runtime = here.name
    same, why = None, why_no_integers(record)
    if why is None:
        with EmulatedRunner(path, folder, open_integers) as phone, open_integers(path, _THREADS) as here:
            same = _timed(phone, pixels, f"integers of {task}", progress)[0] == _timed(here, pixels)[0]
    referred = [record.contract.target_score(found) >= record.contract.threshold for found in (ours, theirs)]
    return Comparison(
        artifact=str(path),
        sha256=record.sha256,
        runtime=runtime,
        images=len(pixels),
        classes_equal=int((ours.argmax(axis=1) == theirs.argmax(axis=1)).sum()),
        decisions_equal=int((referred[0] == referred[1]).sum()),
        identical=int((ours == theirs).all(axis=1).sum()),
        difference=float(np.abs(ours - theirs).max()),
        integers=None if same is None else same.size,
        integers_equal=None if same is None else int(same.sum()),
        no_integers=why,
        native_ms=native_ms,
        emulated_ms=emulated_ms,
    )


def _timed(runner: Runner, pixels: Pixels, task: str = "", progress: Progress = silent) -> tuple[Answer, float]:
    """Return all answers and the milliseconds an image took; the first image warms the runtime up."""
    runner.infer(pixels[:1])
    began = time.perf_counter()
    answers = []
    for start in range(0, len(pixels), _STEP):
        answers.append(runner.infer(pixels[start : start + _STEP]))
        progress(task, min(start + _STEP, len(pixels)), len(pixels))
    return np.concatenate(answers), (time.perf_counter() - began) / len(pixels) * 1e3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code, which is the command line's for the same error."""
    try:
        given = _parser().parse_args(arguments)
        _prepare(given) if given.command == "prepare" else _compare(given)
    except MelanomaEdgeError as error:
        return _report(error)
    except KeyboardInterrupt:
        return _report(Interrupted("stopped", fix="run the same command again"))
    return 0


def _report(error: MelanomaEdgeError) -> int:
    print(f"Error: {error}", file=sys.stderr)
    return error.exit_code


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message, fix=f"see `{self.prog} --help`")


def _parser() -> argparse.ArgumentParser:
    program = "python -m melanoma_edge.runtime.emulated"
    parser = _Parser(prog=program, description=f"Run exported files on an emulated {CPU}, as phones have.")
    commands = parser.add_subparsers(dest="command", required=True)
    text = "Make the emulated machine from arm64 packages of Debian and PyPI (about 300 MB)."
    made = commands.add_parser("prepare", help=text, description=text)
    made.add_argument("--force", action="store_true", help="make it again although it is ready")
    text = "Run files here and emulated; exit code 5 when a decision differs."
    example = f"example:\n  {program} compare runs/a/artifacts/model-int8.tflite --images runs/a --count 100"
    compared = commands.add_parser(
        "compare", help=text, description=text, epilog=example, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    compared.add_argument("artifacts", nargs="+", type=Path, metavar="ARTIFACT", help="a .tflite, .onnx or .ort file")
    compared.add_argument("--images", type=Path, metavar="RUN", help="whose images; random noise when not given")
    compared.add_argument("--split", default="validation", help="which of the run's images (default: validation)")
    compared.add_argument("--count", type=_positive, default=100, help="how many images (default: 100)")
    compared.add_argument("--json", action="store_true", dest="as_json", help="print one JSON document")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of images")
    return int(text)


def _prepare(given: argparse.Namespace) -> None:
    folder = emulator_folder()
    made = prepare(folder, given.force, _say)
    print(f"{'made' if made else 'already there'}: {folder}", file=sys.stderr)


def _compare(given: argparse.Namespace) -> None:
    found = [compare(path, _pixels(path, given), progress=_say) for path in given.artifacts]
    if given.as_json:
        document = {"schema": SCHEMA, "cpu": CPU, "artifacts": [asdict(one) for one in found]}
        print(to_json(document), end="")
    else:
        _print_table(found)
    turned = [f"{one.artifact} ({one.images - one.decisions_equal} of {one.images})" for one in found if _turns(one)]
    if turned:
        raise ParityFailed(f"decisions differ on {CPU}: {named(turned)}", fix="export another precision or format")


def _turns(one: Comparison) -> bool:
    return one.decisions_equal < one.images


def _pixels(path: Path, given: argparse.Namespace) -> Pixels:
    from melanoma_edge.training.run import Run

    size = read_record(path).contract.input_size
    if given.images is None:
        return np.random.default_rng(0).integers(0, 256, (given.count, size, size, 3), np.uint8)
    run = Run.open(given.images)
    if run.contract.input_size != size:
        what = f"the file takes {size} px, the run's images have {run.contract.input_size} px"
        raise UsageError(what, where=str(path), fix="give a run of the same image size with --images")
    return run.images(given.split, _say).pixels[: given.count]


def _print_table(found: Sequence[Comparison]) -> None:
    from rich.console import Console
    from rich.table import Table

    columns = (
        "classes",
        "decisions",
        "bit-identical",
        "largest difference",
        "integers equal",
        "ms here",
        "ms emulated",
    )
    table = Table("file", *columns, title=f"This processor and an emulated {CPU}", title_justify="left")
    for one in found:
        counted = (one.classes_equal, one.decisions_equal, one.identical)
        integers = f"none: {one.no_integers}" if one.integers is None else f"{one.integers_equal:,} of {one.integers:,}"
        times = (f"{one.native_ms:.1f}", f"{one.emulated_ms:.0f}")
        shares = (f"{number} of {one.images}" for number in counted)
        table.add_row(Path(one.artifact).name, *shares, f"{one.difference:.1e}", integers, *times)
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _say(task: str, done: int, total: int) -> None:
    if done == total:
        print(f"{task}: {total}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
