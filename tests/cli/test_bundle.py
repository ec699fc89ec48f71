"""``bundle``, and ``inspect`` and ``predict`` with what it wrote."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from verdicts import TOO_FEW, give_verdicts, small_shots

from melanoma_edge.bundle import choice

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _few_photos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "SHOTS", small_shots())


@pytest.fixture
def place(trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder with ``run``, whose int8 files PASS."""
    shutil.copytree(trained.run, tmp_path / "run", ignore=shutil.ignore_patterns("plots"))
    judge(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def judge(place: Path, **how: Any) -> None:
    give_verdicts([place / f"run/artifacts/model-int8.{form}" for form in ("tflite", "onnx")], **how)


def test_a_bundle_is_written_shown_and_used(run: Any, place: Path, trained: Any) -> None:
    made = run("bundle", "run", "--out", "b", "--release", 3, "--json")
    assert made.code == 0, made.err
    document = made.document
    assert (document["schema"], document["path"], document["zip"]) == ("melanoma-edge/bundled/1", "b", "b.zip")
    assert (document["release"], document["verdict"], document["signed"]) == (3, "PASS", False)
    assert document["bytes"] == (place / "b.zip").stat().st_size
    for path in ("b", "b.zip"):
        shown = run("inspect", path, "--verify", "--json")
        assert shown.code == 0, shown.err
        assert (shown.document["kind"], shown.document["sha256"]) == ("bundle", document["sha256"])
        assert (shown.document["golden_vectors"], shown.document["signature"]) == ("run", "none")
        answer = run("predict", path, trained.photo(), "--json")
        alone = run("predict", "b/model.tflite", trained.photo(), "--json")
        assert answer.code == 0, answer.err
        assert {**json.loads(answer.out), "artifact": ""} == {**json.loads(alone.out), "artifact": ""}


def test_tables_are_for_people(run: Any, place: Path) -> None:
    made = run("bundle", "run", "--out", "b")
    assert made.code == 0 and "PASS" in made.out and "Not signed" in made.err
    shown = run("inspect", "b")
    assert "parity_tflite" in shown.out and "golden/01.jpg" in shown.out
    assert "--verify runs the golden vectors" in shown.err and "give --key" in shown.err


def test_a_signed_bundle_is_trusted_with_its_key_alone(run: Any, place: Path) -> None:
    assert run("bundle", "--new-key", "key.pem").out == "key.pub.pem\n"
    assert run("bundle", "--new-key", "other.pem", "--quiet").err == ""
    assert run("bundle", "run", "--out", "b", "--sign", "key.pem").code == 0
    good = run("inspect", "b", "--key", "key.pub.pem", "--json")
    assert good.document["signature"] == "good"
    assert run("inspect", "b", "--json").document["signature"] == "not checked"
    bad = run("inspect", "b", "--key", "other.pub.pem")
    assert bad.code == 7 and "signed by someone else" in bad.err


def test_key_and_bundle_in_one_go(run: Any, place: Path) -> None:
    answer = run("bundle", "run", "--out", "b", "--new-key", "key.pem", "--json")
    assert answer.code == 0 and answer.document["signed"]
    assert run("inspect", "b.zip", "--key", "key.pub.pem").code == 0
    assert run("bundle", "run", "--out", "c", "--new-key", "key.pem").code == 2


def test_a_bundle_is_signed_later_by_someone_else(run: Any, place: Path) -> None:
    assert run("bundle", "run", "--out", "b", "--quiet").code == 0
    shutil.rmtree(place / "run")
    answer = run("bundle", "b.zip", "--out", "signed", "--new-key", "key.pem", "--release", 2, "--json")
    assert answer.code == 0, answer.err
    assert run("inspect", "signed", "--key", "key.pub.pem", "--json").document["release"] == 2
    for name in ("model.tflite", "parity/onnx.json", "golden/01.jpg", "model_card.md"):
        assert (place / "signed" / name).read_bytes() == (place / "b" / name).read_bytes()
    assert run("bundle", "b", "--out", "c", "--format", "tflite").code == 2
    assert run("bundle", "b", "--out", "b.zip").code == 2


def test_a_dry_run_writes_nothing(run: Any, place: Path) -> None:
    before = sorted(path.name for path in place.iterdir())
    plan = run("bundle", "run", "--out", "b", "--new-key", "key.pem", "--dry-run", "--json").document
    assert plan["verdict"] == "PASS" and plan["signed"] and len(plan["artifacts"]) == 2
    assert run("bundle", "--new-key", "key.pem", "--dry-run", "--json").document["public"] == "key.pub.pem"
    assert sorted(path.name for path in place.iterdir()) == before


@pytest.mark.parametrize(
    ("how", "code", "says"), [({"worse": True}, 5, "never comes into"), ({"targets": TOO_FEW}, 6, "too few lesions")]
)
def test_without_a_pass_there_is_no_bundle(run: Any, place: Path, how: Any, code: int, says: str) -> None:
    judge(place, **how)
    answer = run("bundle", "run", "--out", "b")
    assert (answer.code, says in answer.err) == (code, True), answer.err
    assert not list(place.glob("b*")) and not list(place.glob(".b*"))


def test_inconclusive_is_recorded_where_it_is_allowed(run: Any, place: Path) -> None:
    judge(place, targets=TOO_FEW)
    answer = run("bundle", "run", "--out", "b", "--allow-inconclusive", "--json")
    assert answer.document["verdict"] == "INCONCLUSIVE"
    assert json.loads((place / "b/manifest.json").read_text())["verdict"] == "INCONCLUSIVE"
    assert "INCONCLUSIVE" in (place / "b/model_card.md").read_text()


def test_an_unfit_onnx_file_is_left_out_with_a_note(run: Any, place: Path) -> None:
    (place / "run/artifacts/model-int8.onnx.parity.json").unlink()
    answer = run("bundle", "run", "--out", "b")
    assert answer.code == 0 and "onnx left out" in answer.err
    assert not (place / "b/model.onnx").exists()


def test_ctrl_c_leaves_nothing(run: Any, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(choice, "_best", stop)
    answer = run("bundle", "run", "--out", "b")
    assert answer.code == 130 and not list(place.glob("*b*"))


def test_predicting_with_a_bundle_loads_no_tensorflow(run: Any, place: Path, trained: Any) -> None:
    assert run("bundle", "run", "--out", "b", "--quiet").code == 0
    code = (
        "import sys; from melanoma_edge.cli.main import main; "
        f"code = main(['predict', 'b.zip', {str(trained.photo())!r}, '--quiet']); "
        "print(code, [name for name in ('tensorflow', 'matplotlib', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "0 []", done.stderr
