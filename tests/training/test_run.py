"""A finished run: opened only when whole and unchanged, and able to name its float reference."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from melanoma_edge.data.catalog import save_catalog
from melanoma_edge.data.stored import StoredSquares
from melanoma_edge.errors import DataError, TrustError, UsageError
from melanoma_edge.files import sha256_of, to_json
from melanoma_edge.model.weights import save_weights, weights_sha256
from melanoma_edge.pixels import load_pixels
from melanoma_edge.strictjson import to_plain
from melanoma_edge.training.run import Parent, Run, RunRecord, pixels_sha256, relative


@pytest.fixture
def copy(run: Run, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run.path, tmp_path / "copy"))


def rewrite(path: Path, **changes: Any) -> None:
    record = replace(Run.open(path).record, **changes)
    (path / "run.json").write_text(to_json(to_plain(record)))


def test_a_run_reads_back_byte_for_byte(copy: Path) -> None:
    found = Run.open(copy)
    assert isinstance(found.record, RunRecord)
    assert to_json(to_plain(found.record)) == (copy / "run.json").read_text()
    assert found.network == found.record.network
    assert found.artifacts == copy / "artifacts"
    assert len(found.weights()) > 20


def test_what_is_no_finished_run_is_refused(tmp_path: Path, copy: Path) -> None:
    with pytest.raises(TrustError, match=r"run\.json is missing") as caught:
        Run.open(tmp_path / "nowhere")
    assert caught.value.exit_code == 7
    (copy / "run.json").unlink()
    with pytest.raises(TrustError, match=r"not finished[\s\S]*--resume"):
        Run.open(copy)


@pytest.mark.parametrize("name", ["contract.json", "weights/model.npz", "catalog.csv", "catalog.json", "history.csv"])
def test_a_changed_or_missing_file_is_named(copy: Path, name: str) -> None:
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(bytes(data))
    with pytest.raises(TrustError, match="was changed") as caught:
        Run.open(copy)
    assert caught.value.where == str(copy / name)
    (copy / name).unlink()
    with pytest.raises(TrustError, match="is missing"):
        Run.open(copy)


def test_weights_that_are_not_those_of_the_record_are_refused(copy: Path) -> None:
    found = Run.open(copy)
    save_weights({name: array + 1 for name, array in found.weights().items()}, copy / "weights/model.npz")
    with pytest.raises(TrustError, match=r"not those of run\.json"):
        found.weights()
    rewritten = json.loads((copy / "run.json").read_text())
    rewritten["files"]["weights/model.npz"] = sha256_of(copy / "weights/model.npz")
    (copy / "run.json").write_text(json.dumps(rewritten))
    with pytest.raises(TrustError, match=r"not those of run\.json"):
        Run.open(copy).weights()


def test_a_damaged_or_newer_record_is_refused(copy: Path) -> None:
    whole = json.loads((copy / "run.json").read_text())
    cases: dict[str, str] = {
        "damaged": "{",
        "newer schema": json.dumps({**whole, "schema": "melanoma-edge/run/2"}),
        "unknown key extra": json.dumps({**whole, "extra": 1}),
        "missing key metrics": json.dumps({k: v for k, v in whole.items() if k != "metrics"}),
        "epochs must be": json.dumps({**whole, "configuration": {**whole["configuration"], "epochs": 0}}),
        "schema None": "[]",
        "recursion": "[" * 100_000,
        "run.metrics.test must be": json.dumps({**whole, "metrics": {**whole["metrics"], "test": 1}}),
        "missing key low in run.metrics.test.accuracy": _with_accuracy(whole, {"value": 0.5, "high": 1}),
        "accuracy.value must be a float": _with_accuracy(whole, {"value": "0.5", "low": 0.0, "high": 1.0}),
    }
    for message, text in cases.items():
        (copy / "run.json").write_text(text)
        with pytest.raises(TrustError, match=message):
            Run.open(copy)


def _with_accuracy(record: dict[str, Any], value: dict[str, Any]) -> str:
    metrics = record["metrics"]
    return json.dumps({**record, "metrics": {**metrics, "test": {**metrics["test"], "accuracy": value}}})


def test_weights_exchanged_with_their_hashes_are_not_the_contracts(copy: Path) -> None:
    found = Run.open(copy)
    changed = {name: array + 1 for name, array in found.weights().items()}
    save_weights(changed, copy / "weights/model.npz")
    files = {**found.record.files, "weights/model.npz": sha256_of(copy / "weights/model.npz")}
    record = replace(found.record, files=files, weights_sha256=weights_sha256(changed))
    (copy / "run.json").write_text(to_json(to_plain(record)))
    with pytest.raises(TrustError, match="not of the contract's weights") as caught:
        Run.open(copy)
    assert caught.value.exit_code == 7


def test_a_catalog_without_the_hard_cases_is_not_the_contracts(copy: Path) -> None:
    found = Run.open(copy)
    hard = found.catalog.part("test")[0].image_id
    hashes = save_catalog(found.catalog.without({hard}, ""), copy)
    rewrite_files(copy, hashes)
    for use in (lambda run: run.catalog, lambda run: run.images("test")):
        with pytest.raises(TrustError, match="catalog is not the contract's"):
            use(Run.open(copy))


def rewrite_files(path: Path, hashes: dict[str, str]) -> None:
    document = json.loads((path / "run.json").read_text())
    document["files"].update(hashes)
    (path / "run.json").write_text(json.dumps(document))


def test_a_damaged_pixel_cache_is_noticed(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MELANOMA_EDGE_CACHE", str(tmp_path))
    run.images("test")
    (cache,) = tmp_path.glob("*.npy")
    pixels = np.load(cache, mmap_mode="r+")
    pixels[:] = 0
    pixels.flush()
    with pytest.raises(TrustError, match="decoded pixels of test are not those of training") as caught:
        run.images("test")
    assert str(tmp_path) in caught.value.fix
    cache.unlink()
    assert run.images("test").pixels[:].any()


def test_every_split_has_the_hash_of_its_pixels(run: Run) -> None:
    for split in ("train", "validation", "test"):
        assert run.record.pixels[split] == pixels_sha256(run.images(split).pixels)
    assert len(set(run.record.pixels.values())) == 3


def test_the_reference_is_the_nearest_run_that_was_not_quantized(run: Run, tmp_path: Path) -> None:
    names = ("trained", "pruned", "quantized", "again")
    paths = {name: Path(shutil.copytree(run.path, tmp_path / name)) for name in names}
    digest = run.record.weights_sha256
    rewrite(paths["pruned"], method="prune", parent=Parent("../trained", digest))
    rewrite(paths["quantized"], method="quantize", parent=Parent("../pruned", digest))
    rewrite(paths["again"], method="quantize", parent=Parent("../quantized", digest))
    assert Run.open(paths["again"]).reference().path == paths["pruned"]
    assert Run.open(paths["pruned"]).reference().path == paths["pruned"]
    rewrite(paths["again"], parent=Parent("../quantized", "0" * 64))
    with pytest.raises(TrustError, match="not the one named"):
        Run.open(paths["again"]).reference()
    rewrite(paths["again"], parent=None)
    with pytest.raises(TrustError, match="without a parent"):
        Run.open(paths["again"]).reference()


def test_images_are_those_of_the_split(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    read, asked = StoredSquares.__getitem__, []
    monkeypatch.setattr(StoredSquares, "__getitem__", lambda self, places: asked.append(places) or read(self, places))
    found = run.images("test")
    assert len(found.ids) > 1 and asked == list(range(len(found.ids))), "memory holds one image of a split at a time"
    for image, row in zip(found.pixels, found.rows, strict=True):
        np.testing.assert_array_equal(image, load_pixels(Path(row.path), 32))
    assert found.ids == tuple(row.image_id for row in run.catalog.part("test"))
    assert found.pixels.shape == (len(found.ids), 32, 32, 3)
    assert found.pixels.dtype == np.uint8
    assert [run.contract.classes[label] for label in found.labels] == [row.label for row in found.rows]
    with pytest.raises(UsageError, match=r"unknown split 'exam'[\s\S]*train, validation, test"):
        run.images("exam")


def test_a_split_without_images_is_said_to_be_so(run: Run) -> None:
    emptied = Run(run.path, run.record, run.contract)
    left = {row.image_id for row in run.catalog.part("test")}
    emptied.__dict__["catalog"] = run.catalog.without(left, "")
    with pytest.raises(DataError, match="no images in split test"):
        emptied.images("test")


def test_paths_of_parents_are_relative(tmp_path: Path) -> None:
    assert relative(tmp_path / "a", tmp_path / "b") == "../a"
