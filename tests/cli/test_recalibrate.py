"""From a site's images to answers that say whose threshold decided."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from melanoma_edge.bundle import signing
from melanoma_edge.contract import OperatingPoint
from melanoma_edge.evidence import recalibrating

MORE = ("--allow-uncertified",)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    generator = np.random.default_rng(5)
    for place in range(12):
        path = tmp_path / "site" / ("MEL" if place % 2 else "NV") / f"site_{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (6, 6, 3), np.uint8)).resize((72, 72)).save(path)
    return tmp_path / "site"


def test_a_signed_recalibration_decides_and_says_so(run: Any, trained: Any, site: Path, tmp_path: Path) -> None:
    model, out, key = trained.artifact("model-int8.tflite"), tmp_path / "site.json", tmp_path / "key.pem"
    public = signing.save(signing.generated(), key)
    made = run(
        "recalibrate", model, "--data", site, "--out", out, "--sign", key, "--date", "2026-02-03", *MORE, "--json"
    )
    assert made.code == 0, made.err
    document = made.document
    assert document["schema"] == "melanoma-edge/recalibration/1" and document["date"] == "2026-02-03"
    assert json.loads(out.read_text()) == document
    assert "fewer than 59" in made.err
    plain = run("predict", model, trained.photo(), "--json").document
    extra = ("--recalibration", out, "--recalibration-key", public)
    changed = run("predict", model, trained.photo(), *extra, "--json").document
    assert "recalibration" not in plain
    assert changed["threshold"] == document["after"]["threshold"] != plain["threshold"]
    assert changed["probabilities"] == plain["probabilities"]
    assert changed["warnings"][0].startswith("recalibrated: threshold") and len(changed["recalibration"]) == 64
    assert changed["recalibration_certified"] is False
    assert changed["recalibration_raised"] == (changed["threshold"] > plain["threshold"])
    assert "(site)" in run("predict", model, trained.photo(), *extra).out
    unchecked = run("predict", model, trained.photo(), *extra[:2], "--quiet")
    assert unchecked.code == 0 and "signed, but not checked" in unchecked.err and "NOT certified" in unchecked.err
    assert "synthetic" in unchecked.err
    together = run("predict", model, trained.photo(), *extra[:2], "--group-by", "folder", "--quiet")
    assert together.err.count("NOT certified") == 2
    again = run("recalibrate", model, "--data", site, "--out", out)
    assert (again.code, "overwrite" in again.err) == (2, True)
    unsigned = run("recalibrate", model, "--data", site, "--out", out, *MORE, "--force")
    assert unsigned.code == 0 and "not signed" in unsigned.err
    refused = run("predict", model, trained.photo(), *extra)
    assert (refused.code, "not signed" in refused.err) == (7, True)


def test_a_higher_threshold_without_certification_is_refused(
    run: Any, trained: Any, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recalibrating, "choose_threshold", lambda *_: OperatingPoint(0.999999, 0.95, 6, 5, False))
    out = tmp_path / "site.json"
    ask = ("recalibrate", trained.artifact("model-int8.tflite"), "--data", site, "--out", out, "--quiet")
    refused = run(*ask)
    assert refused.code == 2 and "Fix: give 59 melanoma lesions at least, or add --allow-uncertified" in refused.err
    assert not out.exists()
    allowed = run(*ask, *MORE)
    assert allowed.code == 0 and "cannot certify 95%" in allowed.err and "refers fewer lesions" in allowed.err


def test_a_key_without_a_recalibration_is_refused(run: Any, trained: Any) -> None:
    answer = run("predict", trained.artifact("model-int8.tflite"), trained.photo(), "--recalibration-key", "key.pem")
    assert (answer.code, "--recalibration-key" in answer.err) == (2, True)
