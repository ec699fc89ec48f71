"""The chain of hashes: whatever link is broken, the walk stops there and names it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from verdicts import catalog_of_drawn, give_verdicts

from melanoma_edge.errors import TrustError
from melanoma_edge.evidence.provenance import walk, walk_file
from melanoma_edge.evidence.reporting import write_report
from melanoma_edge.files import to_json
from melanoma_edge.runtime.artifact import read_record
from melanoma_edge.training.run import Run

FILE = "artifacts/model-int8.tflite"


@pytest.fixture
def folder(trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a copy of the run with a verdict, a benchmark of a file and a report."""
    copy = Path(shutil.copytree(trained.run, tmp_path / "run"))
    give_verdicts([copy / FILE])
    (copy / "report").mkdir()
    contract = Run.open(copy).contract
    own = contract.provenance
    catalog_of_drawn(monkeypatch, contract)
    measured = {
        "schema": "melanoma-edge/benchmark/1",
        **{"note": "", "busy": False, "machine": {"processor": "x", "cores": 2}, "rows": []},
        "files": [{"path": f"elsewhere/{Path(FILE).name}", "sha256": read_record(copy / FILE).sha256}],
    }
    evaluated = {
        "schema": "melanoma-edge/robustness/1",
        "weights_sha256": own.weights_sha256,
        "catalog_sha256": own.catalog_sha256,
    }
    (copy / "report/benchmark.json").write_text(to_json(measured))
    robustness = {"images_limit": None, "lesions": 1, "split": "test", "targets": 1, "target": "melanoma"}
    rest = {"models": [], "changes": [], "turned": [], "lesion_removed": []}
    (copy / "report/robustness.json").write_text(to_json(evaluated | robustness | rest))
    write_report(Run.open(copy))
    return copy


def whole(folder: Path) -> Any:
    return walk(Run.open(folder), images=True, report=True)[1]


def test_a_whole_chain_names_every_file_and_what_it_was_made_from(folder: Path) -> None:
    links = {link.name: link for link in whole(folder)}
    images = next(iter(links))
    assert images.startswith("images (") and "files here, and unchanged" in images
    assert links["weights"].parent == "catalog with its split"
    assert links["contract"].parent == "weights"
    assert links[Path(FILE).name].sha256 == read_record(folder / FILE).sha256
    assert links[f"{FILE}.parity.json"].parent == "model-int8.tflite, reference"
    assert links["report/robustness.json"].parent == "weights, catalog"
    assert links["report/benchmark.json"].parent == "model-int8.tflite"
    assert list(links)[-1] == "report/report.json"


def edit(name: str, change: Callable[[Any], Any]) -> Callable[[Path], None]:
    def broken(folder: Path) -> None:
        path = folder / name
        document = json.loads(path.read_text())
        change(document)
        path.write_text(to_json(document))

    return broken


def one_byte(name: str) -> Callable[[Path], None]:
    def broken(folder: Path) -> None:
        path = folder / name
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(bytes(data))

    return broken


def removed(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


PARITY, RECORD = f"{FILE}.parity.json", f"{FILE}.json"


def judged(**changes: Any) -> Callable[[Path], None]:
    return edit(PARITY, lambda d: d["artifacts"][0].update(changes))


def check(name: str, **changes: Any) -> Callable[[Path], None]:
    def changed(document: Any) -> None:
        next(one for one in document["artifacts"][0]["checks"] if one["name"] == name).update(changes)

    return edit(PARITY, changed)


BREAKS: dict[str, tuple[Callable[[Path], object], str]] = {
    "catalog": (one_byte("catalog.csv"), "catalog.csv"),
    "weights": (one_byte("weights/model.npz"), "weights/model.npz"),
    "contract": (edit("contract.json", lambda d: d.update(name="other")), "contract.json"),
    "run": (edit("run.json", lambda d: d.update(weights_sha256="0" * 64)), "run.json"),
    "artifact": (one_byte(FILE), "seal|contract"),
    "record": (edit(f"{FILE}.json", lambda d: d.update(sha256="0" * 64)), "between sha256 and .*tflite.json"),
    "contract of record": (edit(f"{FILE}.json", lambda d: d.update(contract_sha256="0")), "between contract_sha256"),
    "no record": (removed(f"{FILE}.json"), "without their records"),
    "no artifact": (removed(FILE), "records without their files"),
    "parity of another file": (
        edit(f"{FILE}.parity.json", lambda d: d["artifacts"][0].update(sha256="0" * 64)),
        "between its exported file and .*parity.json",
    ),
    "parity with better numbers": (
        edit(f"{FILE}.parity.json", lambda d: d["artifacts"][0]["checks"][0].update(would_pass_at=0.1)),
        "between its exported file and .*parity.json",
    ),
    "parity with another reference": (
        edit(f"{FILE}.parity.json", lambda d: d.update(reference="0" * 64)),
        "between the reference's weights",
    ),
    "parity at another threshold": (
        edit(f"{FILE}.parity.json", lambda d: d.update(threshold=0.123)),
        "between the contract's threshold",
    ),
    "parity of people, which was of drawn images": (
        edit(PARITY, lambda d: d.update(synthetic=False)),
        "between the contract's stamps",
    ),
    "parity of another target": (
        edit(PARITY, lambda d: d.update(target="malignant")),
        "between the contract's target",
    ),
    "plot": (one_byte("plots/confusion.png"), "between run.json and plots/confusion.png"),
    "parity with more lesions": (edit(PARITY, lambda d: d.update(groups=9999)), "the catalog .groups. and"),
    "parity with fewer melanomas": (edit(PARITY, lambda d: d.update(melanomas=60)), "the catalog .melanomas. and"),
    "parity with a better bound": (check("sensitivity_loss", would_pass_at=0.01), "its own lesions .sensitivity_loss"),
    "parity with a lost lesion": (check("melanomas_lost", value=1, would_pass_at=1), "its own lesions .melanomas_lost"),
    "parity with a better sensitivity": (
        edit(PARITY, lambda d: d["artifacts"][0]["exported"]["sensitivity"].update(value=0.999)),
        "its own lesions .sensitivity.",
    ),
    "parity with a flip of nothing": (judged(flips=[{}]), "parity.json is damaged"),
    "record of another precision": (edit(RECORD, lambda d: d.update(precision="float32")), "between precision and"),
    "record of another size": (edit(RECORD, lambda d: d.update(bytes=5)), "between bytes and"),
    "text beside a file that is not there": (
        edit(RECORD, lambda d: d.update(beside={"reduced.config": "0" * 64})),
        "tflite.json and reduced.config",
    ),
    "a list beside a file": (edit(RECORD, lambda d: d.update(beside=[])), "tflite.json is damaged"),
    "a way out beside a file": (edit(RECORD, lambda d: d.update(beside={"../x": "0" * 64})), "tflite.json is damaged"),
    "record of another rounding": (edit(RECORD, lambda d: d.update(rounding="other")), "between rounding and"),
    "robustness of no weights": (
        edit("report/robustness.json", lambda d: d.pop("weights_sha256")),
        "between weights_sha256",
    ),
    "robustness of a file that is not here": (
        edit("report/robustness.json", lambda d: d.update(models=[{"path": "gone.onnx", "sha256": "0" * 64}])),
        "between gone.onnx and report/robustness.json",
    ),
    "report without its record": (removed("report/report.json"), "report.json, which is missing, and index.html"),
    "report without its pages": (
        edit("report/report.json", lambda d: d.update(pages={})),
        "between the report and MODEL_CARD.md",
    ),
    "report of another verdict": (
        edit("report/report.json", lambda d: d.update(sentence="all is well")),
        "between the report's verdict and MODEL_CARD.md",
    ),
    "robustness of other weights": (
        edit("report/robustness.json", lambda d: d.update(weights_sha256="0" * 64)),
        "between weights_sha256 and report/robustness.json",
    ),
    "robustness of other images": (
        edit("report/robustness.json", lambda d: d.update(catalog_sha256="0" * 64)),
        "between catalog_sha256",
    ),
    "benchmark of another file": (
        edit("report/benchmark.json", lambda d: d["files"][0].update(sha256="0" * 64)),
        "between model-int8.tflite and report/benchmark.json",
    ),
    "benchmark of nothing": (edit("report/benchmark.json", lambda d: d.update(files=[])), "names nothing of this run"),
    "document changed after the report": (
        edit("report/robustness.json", lambda d: d.update(note="changed")),
        "between report/robustness.json and the report|between the report and|report/robustness.json",
    ),
    "page": (one_byte("report/index.html"), "between the report and index.html"),
    "card": (removed("report/MODEL_CARD.md"), "between the report and MODEL_CARD.md"),
    "report of other documents": (
        edit("report/report.json", lambda d: d["made_of"].update({"run.json": "0" * 64})),
        "between the report and run.json|between run.json and the report",
    ),
    "report cut off": (lambda folder: (folder / "report/report.json").write_text("{"), "report.json is damaged"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_link_is_named(folder: Path, name: str) -> None:
    spoil, says = BREAKS[name]
    spoil(folder)
    with pytest.raises(TrustError, match=says) as caught:
        whole(folder)
    assert caught.value.exit_code == 7


def test_a_changed_image_breaks_the_chain_and_a_missing_one_does_not(folder: Path) -> None:
    first, second = (Path(row.path) for row in Run.open(folder).catalog.rows[:2])
    data = first.read_bytes()
    try:
        first.write_bytes(data + b"\0")
        with pytest.raises(TrustError, match="between the catalog and image"):
            whole(folder)
        walk(Run.open(folder))  # which does not look at images
    finally:
        first.write_bytes(data)
    away = second.with_suffix(".away")
    second.rename(away)
    try:
        count = len(Run.open(folder).catalog.rows)
        assert whole(folder)[0].name.startswith(f"images ({count - 1} of {count} files here")
    finally:
        away.rename(second)


def test_a_report_is_not_made_of_a_broken_chain(folder: Path) -> None:
    BREAKS["parity of another file"][0](folder)
    with pytest.raises(TrustError, match="chain of hashes breaks"):
        write_report(Run.open(folder))


def test_a_lone_file_is_walked_as_far_as_it_goes(folder: Path, tmp_path: Path) -> None:
    lone = tmp_path / "lone/model-int8.tflite"
    lone.parent.mkdir()
    shutil.copy(folder / FILE, lone)
    assert [link.name for link in walk_file(read_record(lone))][-1] == lone.name
    for ending in (".json", ".parity.json"):
        shutil.copy(folder / f"{FILE}{ending}", f"{lone}{ending}")
    assert walk_file(read_record(lone))[-1].name.endswith("parity.json")
    record = json.loads(Path(f"{lone}.parity.json").read_text())
    record["reference"] = "0" * 64
    Path(f"{lone}.parity.json").write_text(to_json(record))
    with pytest.raises(TrustError, match="reference's weights"):
        walk_file(read_record(lone))
