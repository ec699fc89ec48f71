"""The answer, the steps, and the command that takes them."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from melanoma_edge.audit import Answer, Audit
from melanoma_edge.audit.confounding import Confounder, Confounding
from melanoma_edge.audit.pairs import Copies, Kind
from melanoma_edge.audit.power import ClassCount, prove
from melanoma_edge.audit.verdict import Verdict, judge
from melanoma_edge.data.reading import Reading, TableColumns
from melanoma_edge.evaluation import Estimate

CLEAN = Copies(100, {kind.value: 0 for kind in Kind}, (), (), 0, 0, ())
PLAIN = Confounding(("MEL", "NV"), 100, 100, (), {"MEL": {"a": 400}, "NV": {"a": 400}})
ENOUGH = (ClassCount("MEL", 400, 400, 400), ClassCount("NV", 400, 400, 400))


def _judged(audited: Audit, reading: Reading | None = None, **changes: object) -> Verdict:
    files = replace(audited.files, undecodable=(), misnamed=(), thumbnails="")
    given = {"files": files, "copies": CLEAN, "confounding": PLAIN, "classes": ENOUGH} | changes
    return judge([Path("/my data")], reading or Reading(), **given, proof=prove(given["classes"]))  # type: ignore[arg-type]


def test_clean_images_are_usable_as_they_are(audited: Audit) -> None:
    verdict = _judged(audited)
    assert (verdict.answer, verdict.steps, verdict.warnings, verdict.obstacles) == (Answer.USABLE, (), (), ())
    assert shlex.split(verdict.command) == ["melanoma-edge", "train", "--data", "/my data", "--out", "runs/audited"]


def test_every_fault_has_its_step(audited: Audit) -> None:
    verdict = audited.verdict
    assert verdict.answer is Answer.AFTER_STEPS
    options = [step.option for step in verdict.steps]
    assert options == [
        "--skip-bad-images",
        "--on-conflict drop",
        "--on-duplicate keep-first",
        "--test-folder pool",
        "--split-policy grouped",
    ]
    assert all(option in verdict.command for option in options)
    assert "2 images stand under two labels (melanoma and nevus 2)" in verdict.steps[1].finding
    assert "2 images of Test stand in Train too" in verdict.steps[3].finding


def test_the_command_reads_as_the_audit_did(audited: Audit) -> None:
    reading = Reading("csv", TableColumns("file", "what", "who"), "clinical", skip_missing=True, skip_unknown=True)
    words = shlex.split(_judged(audited, reading).command)
    for option in (
        "--source csv",
        "--path-column file",
        "--label-column what",
        "--group-column who",
        "--image-type clinical",
    ):
        name, value = option.split()
        assert words[words.index(name) + 1] == value
    assert {"--skip-missing-images", "--skip-unknown-labels"} <= set(words)


@pytest.mark.parametrize(
    ("classes", "says"),
    [
        ((ENOUGH[1],), "one class only"),
        ((ENOUGH[1], ClassCount("BKL", 9, 9, 9)), "nothing malignant to learn"),
        ((ENOUGH[1], ClassCount("MEL", 9, 2, 2)), "MEL has 2"),
    ],
)
def test_what_cannot_be_trained_on_gets_no_command(audited: Audit, classes: tuple[ClassCount, ...], says: str) -> None:
    verdict = _judged(audited, classes=classes)
    assert verdict.answer is Answer.NOT_USABLE and verdict.command == ""
    assert says in verdict.obstacles[0]


def test_warnings_are_of_what_no_step_mends(audited: Audit) -> None:
    high, low = Estimate(0.8, 0.7, 0.9), Estimate(0.62, 0.5, 0.7)
    confounders = (Confounder("mean colour", high, high, high, 0.5), Confounder("size", low, low, low, 0.5))
    origins = {"MEL": {"a": 99, "b": 1}, "NV": {"b": 50}, "BKL": {"a": 30, "b": 30}}
    found = replace(PLAIN, confounders=confounders, origins=origins)
    few = (ClassCount("MEL", 99, 99, 99), ENOUGH[1], ClassCount("SK", 80, 2, 2))
    text = "\n".join(_judged(audited, confounding=found, classes=few).warnings)
    assert "mean colour alone tells the class: macro AUC 0.80" in text and "size alone" not in text
    assert "MEL from a; NV from b" in text and "BKL" not in text
    assert "class SK falls out: 2 groups are left" in text
    assert "15 melanoma lesions: too few to certify a sensitivity of 95 % (59 are needed)" in text
    assert "too few to exclude a loss of 5 points by an export (52 are needed)" in text


def test_alike_pictures_under_two_labels_are_pointed_out(audited: Audit) -> None:
    (text,) = _judged(audited, copies=replace(CLEAN, alike_conflicts=3)).warnings
    assert text == "3 pairs of alike pictures stand under different labels; look at them"
