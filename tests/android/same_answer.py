"""The same photos through every implementation: Python and Kotlin, LiteRT and onnxruntime, and an emulated phone.

``python tests/android/same_answer.py BUNDLE PHOTO...`` prints two tables. The first compares answers for the same
decoded bitmap, handed to Kotlin as a PPM file, so that no decoder takes part; the second says how far the JVM's own
JPEG and PNG decoders are from Pillow. The Kotlin classes are those that ``mvn -f android_demo package`` made.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from android.kotlin_engine import TARGET, NotBuiltError, ask_kotlin, classpath
from numpy.typing import NDArray
from PIL import Image

from melanoma_edge.bundle.container import Files, read_files
from melanoma_edge.contract import ModelContract
from melanoma_edge.errors import MachineError, MelanomaEdgeError
from melanoma_edge.pixels import decode, square
from melanoma_edge.runtime import read_record
from melanoma_edge.runtime.emulated import EmulatedRunner
from melanoma_edge.runtime.emulator import check_ready, emulator_folder
from melanoma_edge.runtime.litert import LiteRTRunner, PlainLiteRTRunner
from melanoma_edge.runtime.onnx import OnnxRunner

ENGINES = {"tflite": "litert", "tflite-plain": "litert-plain", "onnx": "onnxruntime"}
"""What Kotlin's command line calls an engine, and what the bundle calls its runtime."""
_RUNNERS = {"tflite": (LiteRTRunner, PlainLiteRTRunner), "onnx": (OnnxRunner,)}
Pixels = NDArray[np.uint8]
Probabilities = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Answers:
    """Hold what one implementation answers: sha256 of the pixels and probabilities, one per photo.

    ``pixels`` is None where the implementation was given Python's.
    """

    place: str
    runtime: str
    pixels: tuple[str, ...] | None
    probabilities: Probabilities


@dataclass(frozen=True)
class Row:
    """Say how one implementation's answers differ from another's, over ``photos``.

    ``difference`` is the largest of any probability; ``pixels`` is None where the same pixels were given.
    """

    one: str
    other: str
    photos: int
    pixels: int | None
    decisions: int
    difference: float


@dataclass(frozen=True)
class DecoderRow:
    """Say how far two decoders of the same files are apart, after the pixel recipe.

    ``mean`` and ``largest`` are absolute differences of bytes, over all photos; ``worst_mean`` is the largest mean of
    one photo.
    """

    kind: str
    photos: int
    equal: int
    mean: float
    worst_mean: float
    largest: int
    decisions: int
    difference: float


def compare(reference: Answers, other: Answers, contract: ModelContract) -> Row:
    """Say how ``other`` differs from ``reference``."""
    pixels = None
    if reference.pixels and other.pixels:
        pixels = sum(map(str.__eq__, reference.pixels, other.pixels))
    decisions = [contract.target_score(one.probabilities) >= contract.threshold for one in (reference, other)]
    return Row(
        one=f"{other.place} {other.runtime}",
        other=f"{reference.place} {reference.runtime}",
        photos=len(reference.probabilities),
        pixels=pixels,
        decisions=int((decisions[0] == decisions[1]).sum()),
        difference=float(np.abs(reference.probabilities - other.probabilities).max()),
    )


def compare_decoders(
    kind: str, ours: Pixels, theirs: Pixels, answers: tuple[Probabilities, Probabilities], contract: ModelContract
) -> DecoderRow:
    """Say how far pixels and answers are apart, photo by photo."""
    far = np.abs(ours.astype(np.int16) - theirs).reshape(len(ours), -1)
    decisions = [contract.target_score(one) >= contract.threshold for one in answers]
    return DecoderRow(
        kind=kind,
        photos=len(ours),
        equal=int((far.max(axis=1) == 0).sum()),
        mean=float(far.mean()),
        worst_mean=float(far.mean(axis=1).max()),
        largest=int(far.max()),
        decisions=int((decisions[0] == decisions[1]).sum()),
        difference=float(np.abs(answers[0] - answers[1]).max()),
    )


class Trial:
    """Photos on their way through every implementation of one bundle."""

    def __init__(self, bundle: Path, photos: Sequence[Path], folder: Path) -> None:
        """Decode the photos.

        Args:
            bundle: a bundle, as folder or zip.
            photos: picture files.
            folder: an empty one for bitmaps and models.

        Raises:
            MelanomaEdgeError: when the bundle or a photo cannot be read.
        """
        self.bundle, self.photos, self.folder = bundle, list(photos), folder
        self.files: Files = read_files(bundle)
        self.contract = ModelContract.from_json(self.files["contract.json"].decode())
        self.formats = [form for form in _RUNNERS if f"model.{form}" in self.files]
        self.engines = {name: runtime for name, runtime in ENGINES.items() if name.split("-")[0] in self.formats}
        self.bitmaps = [folder / f"{number:04d}.ppm" for number in range(len(self.photos))]
        self.pixels: Pixels = np.stack([self._bitmap(*pair) for pair in zip(self.photos, self.bitmaps, strict=True)])

    def _bitmap(self, photo: Path, bitmap: Path) -> Pixels:
        picture: Image.Image = decode(photo)
        picture.save(bitmap, "PPM")
        return square(picture, self.contract.input_size)

    def in_python(self) -> dict[str, Answers]:
        """Return Python's answers by runtime."""
        hashes = tuple(hashlib.sha256(one.tobytes()).hexdigest() for one in self.pixels)
        found = {}
        for form in self.formats:
            record = read_record(self._model(form))
            for kind in _RUNNERS[form]:
                with kind(record, self.files[f"model.{form}"], threads=1) as runner:
                    found[kind.name] = Answers("Python", kind.name, hashes, runner.infer(self.pixels))
        return found

    def in_kotlin(self, engine: str) -> Answers:
        """Return Kotlin's answers for the decoded bitmaps."""
        told = ask_kotlin(self.bundle, engine, self.bitmaps)
        pixels = tuple(one["pixels_sha256"] for one in told)
        return Answers("Kotlin", told[0]["runtime"], pixels, _probabilities(told))

    def emulated(self, phone: Path) -> list[Answers]:
        """Return the answers of a phone's processor, emulated by what was prepared in the folder ``phone``."""
        found = []
        for form in self.formats:
            with EmulatedRunner(self._model(form), phone) as runner:
                name, _, place = runner.name.partition(" on ")
                found.append(Answers(place, name, None, runner.infer(self.pixels)))
        return found

    def table(self, phone: Path | None) -> list[Row]:
        """Return every implementation against the same runtime in Python, and against Python's LiteRT.

        Args:
            phone: the folder of a prepared emulated processor; None leaves it out.
        """
        ours = self.in_python()
        others = [*map(self.in_kotlin, self.engines), *(self.emulated(phone) if phone else ())]
        rows = [compare(ours[one.runtime], one, self.contract) for one in others]
        first = ours["litert"]
        return rows + [compare(first, one, self.contract) for name, one in ours.items() if name != "litert"]

    def decoders(self, engine: str = "tflite") -> list[DecoderRow]:
        """Return how far the JVM's decoders are from Pillow, by the kind of file, with Kotlin's answers to both."""
        told = ask_kotlin(self.bundle, engine, self.photos, "--pixels-out", str(self.folder))
        refused = [one["file"] for one in told if not one["pixels_sha256"]]
        if refused:
            raise RuntimeError(f"the JVM does not decode {', '.join(refused)}")
        theirs = np.stack([self._made(number) for number in range(len(told))])
        answers = self.in_kotlin(engine).probabilities, _probabilities(told)
        kinds = np.array([photo.suffix.lower() for photo in self.photos])
        return [
            compare_decoders(kind, self.pixels[at], theirs[at], (answers[0][at], answers[1][at]), self.contract)
            for kind, at in ((str(kind), kinds == kind) for kind in np.unique(kinds))
        ]

    def _made(self, number: int) -> Pixels:
        size = self.contract.input_size
        return np.fromfile(self.folder / f"{number + 1:04d}.rgb", np.uint8).reshape(size, size, 3)

    def _model(self, form: str) -> Path:
        path = self.folder / f"model.{form}"
        path.write_bytes(self.files[path.name])
        return path


def _probabilities(told: Sequence[Mapping[str, Any]]) -> Probabilities:
    return np.array([list(one["probabilities"].values()) for one in told], np.float32)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; 1 when answers differ that must not, 2 when something is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="a bundle, as folder or zip")
    parser.add_argument("photos", type=Path, nargs="+", metavar="PHOTO", help="picture files")
    given = parser.parse_args(arguments)
    try:
        classpath(TARGET)
        with tempfile.TemporaryDirectory() as folder:
            trial = Trial(given.bundle, given.photos, Path(folder))
            rows, decoders = trial.table(_phone()), trial.decoders()
    except (NotBuiltError, MelanomaEdgeError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    show(rows, decoders)
    same = [row for row in rows if row.one.split()[-1] == row.other.split()[-1]]
    return int(any(row.decisions < row.photos or row.pixels not in (None, row.photos) for row in same))


def _phone() -> Path | None:
    folder = emulator_folder()
    try:
        check_ready(folder)
    except MachineError as error:
        print(f"not compared with a phone's processor: {error}", file=sys.stderr)
        return None
    return folder


def show(rows: Sequence[Row], decoders: Sequence[DecoderRow]) -> None:
    """Print both tables."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 140)
    columns = ("against", "pixels equal", "decisions equal", "largest difference")
    table = Table("implementation", *columns, title="The same bitmap, answers compared")
    for row in rows:
        pixels = "given" if row.pixels is None else f"{row.pixels} of {row.photos}"
        table.add_row(row.one, row.other, pixels, f"{row.decisions} of {row.photos}", f"{row.difference:.1e}")
    console.print(table)
    columns = ("photos equal", "mean difference", "worst mean", "largest", "decisions equal", "of a probability")
    table = Table("files", *columns, title="The JVM's decoders against Pillow, after the pixel recipe")
    for one in decoders:
        of = f"of {one.photos}"
        means = (f"{one.mean:.4f}", f"{one.worst_mean:.3f}", str(one.largest))
        table.add_row(one.kind, f"{one.equal} {of}", *means, f"{one.decisions} {of}", f"{one.difference:.1e}")
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
