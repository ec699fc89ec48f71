"""``parity --layers`` and ``--bisect``: where a file leaves its float model, and what would bring it back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from melanoma_edge.cli.console import note, print_json, print_table, reporting
from melanoma_edge.cli.searching import Judge, showing_failure

if TYPE_CHECKING:
    from melanoma_edge.parity.examine import Examination
    from melanoma_edge.parity.gate import Limits
    from melanoma_edge.training.run import Run

_SHOWN, _NAMED = 12, 2
_FLOAT = ("model-float32.tflite", "model-float32.onnx")


def run_layers(run: Run, artifact: Path, split: str, reference: Run | None, as_json: bool, quiet: bool) -> int:
    """Compare a file with its float model layer by layer, write document and picture, print both; exit code 0."""
    from melanoma_edge.files import to_json, write_text
    from melanoma_edge.parity.examine import examine
    from melanoma_edge.report.curves import draw_layers

    with reporting(quiet) as reporter, _float_file(run) as float_file:
        found = examine(run, artifact, split, reference=reference, float_file=float_file, progress=reporter.progress)
    document, layers = found.to_document(), found.layers
    assert layers is not None, "to_document refuses what cannot run"
    path = run.path / "report" / f"{artifact.name}.layers.json"
    picture = path.with_suffix(".png")
    document["picture"] = picture.name
    write_text(path, to_json(document))
    draw_layers(
        [one.name for one in layers.layers],
        [one.snr_db for one in layers.layers],
        [one.added for one in layers.layers],
        layers.first_large,
        picture,
        f"{artifact.name} against its float model, {layers.images} {split} images",
    )
    if as_json:
        print_json(document)
    else:
        _describe(found, quiet)
        note(f"Written: {path}, {picture.name}", quiet)
    return 0


@contextmanager
def _float_file(run: Run) -> Iterator[Path]:
    """Give a float32 file of a run: one that it has, else one made for the moment."""
    there = [path for name in _FLOAT if (path := run.artifacts / name).is_file()]
    if there:
        yield there[0]
        return
    from exporters import Precision
    from exporters.flatbuffer import with_metadata
    from exporters.material import Material, Recipe
    from melanoma_edge.runtime.artifact import seal

    material = Material(run, Recipe())
    document = material.document("tflite", Precision.FLOAT32)
    with TemporaryDirectory(prefix="melanoma-edge-float-") as folder:
        path = Path(folder) / _FLOAT[0]
        path.write_bytes(seal(with_metadata(material.tflite(Precision.FLOAT32), document)))
        yield path


def _describe(found: Examination, quiet: bool) -> None:
    layers = found.layers
    assert layers is not None
    known = {one.name: one for one in layers.layers}
    rows = [
        (name, known[name].op, known[name].type, f"{known[name].snr_db:.1f}", f"{known[name].added:.2%}")
        for name in layers.ranking[:_SHOWN]
    ]
    columns = ("layer", "operator", "type", "signal to noise, dB", "lost by itself")
    print_table(f"Layers of {Path(layers.artifact).name} that lose most, on {layers.images} images", columns, rows)
    tried = [(one.sentence, f"{one.explains:.0%}") for one in found.diagnosis.hypotheses[:_SHOWN]]
    if tried:
        print_table("The float model answers alike when ...", ("mistake", "explains"), tried)
    note(f"{found.sentence}.", quiet)


def run_bisect(run: Run, artifact: Path, split: str, limits: Limits, as_json: bool, quiet: bool) -> int:
    """Find the layers whose return to float makes a file good, write and print them; exit code 0.

    Raises:
        SearchFailed: when none do.
    """
    from exporters.bisect import bisect
    from exporters.search import Goal
    from melanoma_edge.files import to_json, write_text
    from melanoma_edge.strictjson import to_plain

    with showing_failure(as_json, quiet), reporting(quiet) as reporter:
        judge = Judge(run, limits, reporter.progress, split)
        found = bisect(run, artifact, Goal(judge, asdict(limits), split, most_float=1.0), reporter.progress)
    document, path = to_plain(found), run.path / "report" / f"{artifact.name}.bisect.json"
    write_text(path, to_json(document))
    if as_json:
        print_json(document)
        return 0
    rows = [
        (number, len(one.layers), "yes" if one.good else "no", _some(one.missed))
        for number, one in enumerate(found.tried, 1)
    ]
    columns = ("try", "layers in float", "keeps limits", "misses")
    print_table(f"Layers of {artifact.name} in float; which, is in the document", columns, rows)
    if found.layers:
        note(f"It keeps the limits with {', '.join(found.layers)} in float, and with no fewer of these.", quiet)
    else:
        note("It keeps the limits as it is: nothing has to be float.", quiet)
    note(f"Written: {path}", quiet)
    return 0


def _some(names: Sequence[str]) -> str:
    """Return the first names, and how many are left."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
