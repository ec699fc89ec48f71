"""Python and Kotlin answer alike: golden vectors, and real photos where they are."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from android import kotlin_engine, same_answer
from android.kotlin_engine import NotBuiltError, classpath
from android.same_answer import Answers, Row, Trial, compare, compare_decoders
from toys import toy_contract

from melanoma_edge.contract import ModelContract
from melanoma_edge.errors import MachineError
from melanoma_edge.runtime.emulator import check_ready, emulator_folder

DEMO_BUNDLE = Path(__file__).parents[2] / "android_demo" / "app" / "src" / "main" / "assets" / "bundle.zip"
PHONE = emulator_folder()
"""Taken before a test's own cache hides it."""
COUNT = 200
FOLDERS = ("originals", "pad_ufes_20/originals", "pad_ufes_20/images_300", "isic2017_256/train")
"""Real photos, those of original size first."""
ROUNDING = 1e-6
"""How far the float tail of a model may be apart; the demo's layers are all int8."""


def real_photos(data: Path) -> Iterator[Path]:
    """Yield pictures in a fixed order: all originals, then alternately the others."""
    folders = [sorted(path for path in (data / name).glob("*") if path.suffix in (".jpg", ".png")) for name in FOLDERS]
    return islice(chain(*folders[:2], *zip(*folders[2:], strict=False)), COUNT)


@pytest.fixture(scope="module")
def golden(built_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Give the golden photos of the app's own bundle."""
    assert built_demo == DEMO_BUNDLE.parents[4]
    return golden_trial(tmp_path_factory.mktemp("golden"))


def golden_trial(folder: Path) -> Trial:
    """Write the golden photos of the app's own bundle as files, and decode them."""
    photos = []
    for name, data in same_answer.read_files(DEMO_BUNDLE).items():
        if name.endswith((".jpg", ".png")):
            photos.append(folder / Path(name).name)
            photos[-1].write_bytes(data)
    return Trial(DEMO_BUNDLE, photos, folder)


def check_rows(rows: list[Row], contract: ModelContract, photos: int) -> None:
    """Check that every implementation gives every photo the same pixels and decision as Python's same runtime."""
    assert {row.one for row in rows} >= {"Kotlin litert", "Kotlin litert-plain", "Kotlin onnxruntime"}
    for row in rows:
        if row.one.split()[1] == row.other.split()[1]:
            assert row.photos == photos
            assert row.pixels in (None, photos), row
            assert row.decisions == photos, row
            assert row.difference < (ROUNDING if row.one.startswith("Kotlin") else 0.01), row


@pytest.mark.slow
def test_golden_vectors_are_answered_alike(golden: Trial) -> None:
    check_rows(golden.table(phone=None), golden.contract, 10)


@pytest.mark.slow
def test_the_pixels_are_those_of_the_bundle(golden: Trial) -> None:
    expected = [data for name, data in golden.files.items() if name.endswith(".rgb")]
    assert [one.tobytes() for one in golden.pixels] == expected


@pytest.mark.slow
def test_the_decoders_of_the_jvm_lead_to_the_same_decisions(golden: Trial) -> None:
    found = {row.kind: row for row in golden.decoders()}
    assert set(found) == {".jpg", ".png"}
    assert found[".png"].equal == found[".png"].photos == 2
    assert found[".jpg"].worst_mean <= 1.0
    assert all(row.decisions == row.photos for row in found.values())


@pytest.mark.slow
def test_a_phones_processor_answers_the_golden_vectors_alike(golden: Trial) -> None:
    try:
        check_ready(PHONE)
    except MachineError as error:
        pytest.skip(str(error))
    rows = golden.table(phone=PHONE)
    assert [row.one for row in rows if "cortex" in row.one] == ["cortex-a76 litert", "cortex-a76 onnxruntime"]
    check_rows(rows, golden.contract, 10)


@pytest.mark.slow
def test_real_photos_are_answered_alike(
    real_data: Path, built_demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = list(real_photos(real_data))
    assert len(photos) == COUNT and built_demo.is_dir()
    trial = Trial(DEMO_BUNDLE, photos, tmp_path)
    rows, decoders = trial.table(phone=None), trial.decoders()
    with capsys.disabled():
        same_answer.show(rows, decoders)
    check_rows(rows, trial.contract, COUNT)
    assert sum(row.photos for row in decoders) == COUNT
    assert all(row.worst_mean <= 1.0 and row.decisions == row.photos for row in decoders)


def test_what_is_not_built_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kotlin_engine.shutil, "which", lambda _: None)
    with pytest.raises(NotBuiltError, match="java is not installed"):
        classpath(tmp_path)
    monkeypatch.setattr(kotlin_engine.shutil, "which", lambda _: "/usr/bin/java")
    with pytest.raises(NotBuiltError, match="not built: run `mvn package`"):
        classpath(tmp_path)
    (tmp_path / "classes").mkdir()
    (tmp_path / "classpath.txt").write_text("/a.jar:/b.jar\n")
    assert classpath(tmp_path) == f"{tmp_path}/classes:/a.jar:/b.jar"


def test_differences_are_counted() -> None:
    contract = toy_contract()
    score = np.array([0.1, 0.4, 0.9], np.float32) + np.float32(contract.threshold - 0.4)
    rest = len(contract.classes) - 1
    target = contract.classes.index(contract.target_classes[0])
    one = np.repeat(((1 - score) / rest)[:, None], rest + 1, axis=1)
    one[:, target] = score
    other = one.copy()
    other[1, target] -= 0.01
    pixels = ("a", "b", "c")
    python, kotlin = Answers("Python", "litert", pixels, one), Answers("Kotlin", "litert", ("a", "b", "d"), other)
    found = compare(python, kotlin, contract)
    assert (found.one, found.other, found.photos) == ("Kotlin litert", "Python litert", 3)
    assert (found.pixels, found.decisions) == (2, 2)
    assert found.difference == pytest.approx(0.01)
    ours = np.zeros((3, 2, 2, 3), np.uint8)
    theirs = ours.copy()
    theirs[2, 0, 0, 0] = 200
    decoders = compare_decoders(".jpg", ours, theirs, (one, other), contract)
    assert (decoders.photos, decoders.equal, decoders.largest, decoders.decisions) == (3, 2, 200, 2)
    assert (decoders.mean, decoders.worst_mean) == pytest.approx((200 / 36, 200 / 12))
