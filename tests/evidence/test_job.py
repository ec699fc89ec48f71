"""A request is checked as a whole, before anything runs; documents go where they are looked for."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from evaluated_stubs import StubRunner

from melanoma_edge.errors import TrustError, UsageError
from melanoma_edge.evidence.documents import read_evaluation
from melanoma_edge.evidence.job import carry_out, checked_job
from melanoma_edge.evidence.models import open_models


@pytest.fixture
def home(trained: Any, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained.run, tmp_path / "run", ignore=shutil.ignore_patterns("plots")))


def test_a_file_finds_the_run_it_lies_in(home: Path, tmp_path: Path) -> None:
    inside = home / "artifacts/model-int8.tflite"
    alone = Path(shutil.copy(inside, tmp_path / "model.tflite"))
    run, file, other = open_models([home, inside, alone])
    assert (run.record, run.run and run.run.path) == (None, home)
    assert file.record and file.record.precision == "int8" and file.run and file.run.path == home
    assert other.run is None and other.record and other.contract == file.contract


def test_what_is_missing_twice_or_of_another_run_is_refused(home: Path, tmp_path: Path) -> None:
    with pytest.raises(TrustError, match="no such run or artifact"):
        open_models([tmp_path / "nothing"])
    with pytest.raises(UsageError, match="named twice"):
        open_models([home, home / "artifacts/.."])
    (home / "run.json").write_text((home / "run.json").read_text().replace('"method": "train"', '"method": "prune"'))
    contract = home / "contract.json"
    contract.write_text(contract.read_text().replace('"name": "run"', '"name": "ruin"'))
    with pytest.raises(TrustError):
        open_models([home / "artifacts/model-int8.tflite"])


@pytest.mark.parametrize(
    ("models", "options", "says"),
    [
        (["run", "again"], {}, "is no fold: trained without --folds"),
        (["run", "again", "run/artifacts/model-int8.tflite"], {}, "exported files are none"),
        (["run", "again"], {"split": "test"}, "own test parts"),
        (["run"], {"split": "test", "data": [Path("x")]}, "--split is of a run's own images"),
        (["run"], {"layout": {"source": "folder"}}, "for --data"),
        (["run"], {"skip_bad": True}, "for --data"),
        (["run", "run/artifacts/model-int8.tflite"], {"out": Path("x.json")}, "one document for several models"),
        (["model.tflite"], {}, "is not at hand"),
        (["run"], {"out": Path("model.tflite")}, "refusing to overwrite"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, models: list[str], options: dict[str, Any], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(home, tmp_path / "again")
    shutil.copy(home / "artifacts/model-int8.tflite", tmp_path / "model.tflite")
    with pytest.raises(UsageError, match=says):
        checked_job([Path(name) for name in models], **options)


def test_documents_stand_beside_what_they_are_about(home: Path) -> None:
    file = home / "artifacts/model-int8.tflite"
    places = checked_job([home, file]).places
    assert places == [home / "report/evaluation-test.json", file.with_name("model-int8.tflite.evaluation.json")]
    assert checked_job([home, file], split="train").places == [home / "report/evaluation-train.json", None]
    assert checked_job([home], data=[home]).places == [None]
    assert checked_job([file], out=home / "mine.json").places == [home / "mine.json"]


def test_run_and_file_are_measured_alike_and_each_is_fitted_again(home: Path) -> None:
    file = home / "artifacts/model-float32.tflite"
    told: list[str] = []
    job = checked_job([home, file])
    floats, exported = carry_out(job, 3, 30, progress=lambda task, done, total: told.append(task))
    assert floats.artifact is None and exported.artifact and exported.artifact.runtime == "litert"
    assert exported.artifact.sha256 == job.models[1].record.sha256  # type: ignore[union-attr]
    for name, one in floats.metrics.items():
        other = exported.metrics[name]
        assert (one is None) == (other is None)
        assert not one or not other or one.value == pytest.approx(other.value, abs=1e-3)
    assert floats.refitted and exported.refitted
    contract = job.models[0].contract
    # The float model is fitted on the very answers that its contract was made of.
    assert floats.refitted.threshold == pytest.approx(contract.threshold, abs=1e-4)
    assert floats.refitted.temperature == pytest.approx(1.0, abs=0.02)
    assert read_evaluation(home / "report/evaluation-test.json") == floats
    assert read_evaluation(file.with_name(f"{file.name}.evaluation.json")) == exported
    assert told.count("looking at pictures") == told.index(next(task for task in told if task != "looking at pictures"))
    assert floats.seed == 3 and floats.resamples == 30


def test_a_file_alone_takes_other_images(home: Path, trained: Any, tmp_path: Path) -> None:
    alone = Path(shutil.copy(home / "artifacts/model-int8.tflite", tmp_path / "model.tflite"))
    job = checked_job([alone], data=[trained.data], layout={"source": "synthetic"}, out=tmp_path / "here.json")
    (found,) = carry_out(job, resamples=10)
    assert (found.split, found.refitted, found.mixture) == ("data", None, None)
    assert found.data and found.data.sources == ("synthetic",) and found.synthetic
    assert any("nobody checked" in text for text in found.notes)
    assert read_evaluation(tmp_path / "here.json") == found
    with pytest.raises(UsageError, match="refusing to overwrite"):
        checked_job([alone], data=[trained.data], out=tmp_path / "here.json")
    checked_job([alone], data=[trained.data], out=tmp_path / "here.json", force=True)


def test_the_runner_can_be_another(home: Path) -> None:
    with pytest.raises(TrustError, match="no probabilities"):
        carry_out(checked_job([home]), resamples=5, runner_of=lambda path: StubRunner(path, "columns"))
    assert not (home / "report/evaluation-test.json").exists()
