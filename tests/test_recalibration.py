"""A site's threshold: chosen by the rule of the contract's, applied only to its own contract, and named every time."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from melanoma_edge.bundle import signing
from melanoma_edge.errors import TrustError, UsageError
from melanoma_edge.evaluation.intervals import wilson
from melanoma_edge.evaluation.operating_point import choose_threshold
from melanoma_edge.evidence.models import open_models
from melanoma_edge.evidence.recalibrating import recalibrate
from melanoma_edge.files import to_json
from melanoma_edge.recalibration import Applied, read_recalibration, signature_path
from melanoma_edge.runtime import open_model
from melanoma_edge.runtime.artifact import read_record
from melanoma_edge.safeguards import Safeguards, default_safeguards
from melanoma_edge.strictjson import to_plain
from melanoma_edge.training.run import Run

LAYOUT = {"source": "auto", "image_type": "dermoscopic"}


@pytest.fixture(scope="session")
def site(trained: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give class folders of a site: 12 melanomas, 12 nevi, and an image that the model learned from."""
    home = tmp_path_factory.mktemp("site")
    generator = np.random.default_rng(3)
    for place in range(24):
        path = home / ("MEL" if place < 12 else "NV") / f"site_{place}.png"
        path.parent.mkdir(exist_ok=True)
        coarse = generator.integers(0, 256, (6, 6, 3), np.uint8)
        Image.fromarray(coarse).resize((72, 72)).save(path)
    learned = next(row for row in Run.open(trained.run).catalog.part("train") if row.label == "NV")
    shutil.copy(learned.path, home / "NV" / Path(learned.path).name)
    return home


@pytest.fixture(scope="session")
def made(trained: Any, site: Path) -> Any:
    (model,) = open_models([trained.artifact("model-int8.tflite")])
    return recalibrate(model, [site], LAYOUT, sensitivity=0.8, allow_uncertified=True, runner_of=open_model)


@pytest.fixture
def written(made: Any, tmp_path: Path) -> Path:
    path = tmp_path / "site.json"
    path.write_text(to_json(to_plain(made)))
    return path


def test_the_threshold_is_that_of_the_site_by_the_contracts_rule(trained: Any, site: Path, made: Any) -> None:
    runner = open_model(trained.artifact("model-int8.tflite"))
    scores, targets = [], []
    with runner:
        for path in sorted(site.rglob("site_*.png")):
            from melanoma_edge.pixels import decode, square

            pixels = square(decode(path), runner.contract.input_size)
            scores.append(float(runner.contract.target_score(runner.infer(pixels[None])[0])))
            targets.append(path.parent.name == "MEL")
    point = choose_threshold(scores, targets, 0.8)
    assert made.after.threshold == pytest.approx(point.threshold, abs=1e-9)
    kept = np.mean([score >= point.threshold for score, target in zip(scores, targets, strict=True) if target])
    assert made.after.sensitivity.value == pytest.approx(kept)
    assert made.before.threshold == runner.contract.threshold
    assert (made.site.positives, made.site.lesions) == (12, 24)
    assert made.site.left_out == {"learned from or tuned on": 1}
    assert made.certified is False and "fewer than" in made.sentence and "site" in made.sentence
    assert made.contract_sha256 == runner.contract.sha256


def test_it_is_applied_to_the_file_that_was_scored_alone(trained: Any, written: Path, made: Any) -> None:
    applied = read_recalibration(written)
    contract = open_model(trained.artifact("model-int8.tflite")).contract
    after = applied.to(contract, contract.sha256, made.artifact_sha256, "x")
    assert after.threshold == applied.document.after.threshold != contract.threshold
    assert replace(after, operating_point=contract.operating_point) == contract
    other = replace(contract, name="other")
    with pytest.raises(TrustError, match="another contract"):
        applied.to(other, other.sha256, made.artifact_sha256, "x")
    for file in (None, read_record(trained.artifact("model-float32.onnx")).sha256):
        with pytest.raises(TrustError, match=f"scores of the file {made.artifact_sha256[:12]}"):
            applied.to(contract, contract.sha256, file, "x")
    of_float = Applied(replace(applied.document, artifact_sha256=None), "")
    assert of_float.to(contract, contract.sha256, None, "x") == after
    with pytest.raises(TrustError, match="scores of the float model"):
        of_float.to(contract, contract.sha256, made.artifact_sha256, "x")
    for change in ({"target": "malignant"}, {"before": replace(applied.document.before, threshold=0.123)}):
        with pytest.raises(TrustError, match="another contract"):
            Applied(replace(applied.document, **change), "").to(contract, contract.sha256, made.artifact_sha256, "x")


def test_a_limit_of_doubt_above_the_new_threshold_falls_away(trained: Any, written: Path) -> None:
    applied = read_recalibration(written)
    contract = open_model(trained.artifact("model-int8.tflite")).contract
    point = replace(contract.operating_point, threshold=0.9)
    doubt = Safeguards(default_safeguards(64).quality, None, 0.5)
    doubting = replace(contract, operating_point=point, safeguards=doubt)
    for threshold, kept in ((0.4, None), (0.7, 0.5)):
        document = replace(
            applied.document,
            before=replace(applied.document.before, threshold=0.9),
            after=replace(applied.document.after, threshold=threshold),
        )
        after = Applied(document, "").to(doubting, contract.sha256, document.artifact_sha256, "x")
        assert after.safeguards is not None and after.safeguards.uncertain_from == kept


def test_a_signature_is_of_these_bytes_and_this_key(written: Path) -> None:
    key, stranger = signing.generated(), signing.generated()
    with pytest.raises(TrustError, match="not signed"):
        read_recalibration(written, key.public_key())
    signature_path(written).write_bytes(signing.sign(written.read_bytes(), key))
    assert read_recalibration(written, key.public_key()).signed and not read_recalibration(written).signed
    with pytest.raises(TrustError, match="signed by someone else"):
        read_recalibration(written, stranger.public_key())
    written.write_text(written.read_text().replace('"misses": ', '"misses":  '))
    with pytest.raises(TrustError, match="signed by someone else"):
        read_recalibration(written, key.public_key())


def test_a_signature_that_was_not_checked_is_said(written: Path) -> None:
    assert ", not signed)" in read_recalibration(written).in_words()
    key = signing.generated()
    signature_path(written).write_bytes(signing.sign(written.read_bytes(), key))
    found = read_recalibration(written)
    assert not found.signed and "signed, but not checked: give --recalibration-key" in found.in_words()
    assert ", signed)" in read_recalibration(written, key.public_key()).in_words()


def test_what_is_not_certified_or_refers_fewer_is_said(made: Any) -> None:
    higher = replace(made, after=replace(made.before, threshold=made.before.threshold + 0.01))
    lower = replace(made, after=replace(made.before, threshold=made.before.threshold / 2), certified=True)
    assert "NOT certified for 80% sensitivity" in Applied(higher, "").in_words()
    assert "it is HIGHER, so fewer lesions are referred" in Applied(higher, "").in_words()
    assert ", certified for 80% sensitivity" in Applied(lower, "").in_words()
    assert "fewer" not in Applied(lower, "").in_words()
    assert (higher.raised, lower.raised, replace(made, after=made.before).raised) == (True, False, False)


def test_a_higher_threshold_that_is_not_certified_must_be_allowed(trained: Any, site: Path) -> None:
    """12 melanomas certify no threshold: one that refers fewer than a certified one is not taken on their word."""
    (model,) = open_models([trained.artifact("model-int8.tflite")])

    def at(threshold: float, **how: Any) -> Any:
        point = replace(model.contract.operating_point, threshold=threshold)
        other = replace(model, contract=replace(model.contract, operating_point=point))
        return recalibrate(other, [site], LAYOUT, runner_of=open_model, **{"sensitivity": 0.8, **how})

    with pytest.raises(UsageError, match=r"higher than the contract's 0\.0+1, .* 12 melanoma lesions cannot") as caught:
        at(1e-6)
    assert caught.value.fix == "give 14 melanoma lesions at least, or add --allow-uncertified"
    allowed = at(1e-6, allow_uncertified=True)
    assert allowed.raised and not allowed.certified
    assert not at(1.0).raised
    certified = at(1e-6, sensitivity=0.5)
    assert certified.raised and certified.certified


@pytest.mark.parametrize(("factor", "kept", "spared"), [(0.5, 9, 7), (1, 9, 7), (1, 11, 5), (2, 11, 5)])
def test_a_threshold_that_moved_against_what_it_reaches_is_refused(
    written: Path, made: Any, factor: float, kept: int, spared: int
) -> None:
    """Of two thresholds the higher refers no more lesions than the lower one, of either kind."""
    after = replace(made.after, specificity=wilson(6, 12))
    assert after.sensitivity == wilson(10, 12)
    same = replace(after, threshold=after.threshold * factor)

    def read(before: Any) -> Any:
        written.write_text(to_json(to_plain(replace(made, before=before, after=after))))
        return read_recalibration(written).document

    assert read(same).before == same
    for wrong in ({"sensitivity": wilson(kept, 12)}, {"specificity": wilson(spared, 12)}, {"specificity": None}):
        with pytest.raises(TrustError, match="contradicts itself"):
            read(replace(same, **wrong))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"schema": "melanoma-edge/recalibration/2"}, "newer"),
        ({"extra": 1}, "unknown key extra"),
        ({"misses": 99}, "contradicts itself"),
        ({"after": {"threshold": 1.5, "sensitivity": None, "specificity": None}}, "contradicts itself"),
        ({"misses": "1"}, "must be a int"),
        ({"misses": 1}, "contradicts itself"),
        ({"certified": True}, "contradicts itself"),
        ({"target_sensitivity": 0.99}, "contradicts itself"),
        ({"target_sensitivity": 2.0}, "contradicts itself"),
        ({"sentence": "certified"}, "contradicts itself"),
    ],
)
def test_what_is_no_recalibration_is_refused(written: Path, change: dict[str, Any], says: str) -> None:
    written.write_text(to_json(json.loads(written.read_text()) | change))
    with pytest.raises(TrustError, match=says):
        read_recalibration(written)
    with pytest.raises(TrustError, match="missing"):
        read_recalibration(written.with_name("nowhere.json"))


def test_leaky_models_and_impossible_sensitivities_are_refused(trained: Any, site: Path) -> None:
    (model,) = open_models([trained.artifact("model-int8.tflite")])
    leaky = replace(model.contract, provenance=replace(model.contract.provenance, leaky=True))
    with pytest.raises(UsageError, match="leaky"):
        recalibrate(replace(model, contract=leaky), [site], LAYOUT)
    with pytest.raises(UsageError, match="between 0 and 1"):
        recalibrate(model, [site], LAYOUT, sensitivity=1.0)
