"""What a tiny run leaves unanswered: every photo is counted once, and limits do what they say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sides import _cache, both

from melanoma_edge.errors import UsageError
from melanoma_edge.evidence.models import open_models
from melanoma_edge.evidence.rejection import CONTRACT, DERIVED, reject
from melanoma_edge.evidence.rejection_document import Rejection
from melanoma_edge.evidence.side_by_side import SideBySide, asked, side_by_side
from melanoma_edge.runtime import open_model
from melanoma_edge.runtime.base import EMBEDDING
from melanoma_edge.strictjson import from_plain, to_plain
from melanoma_edge.training.limits import distances, outlier_limits

__all__ = ["_cache", "both"]

pytestmark = pytest.mark.usefixtures("_cache")


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of a grey picture, a stripy one and a file that is no picture."""
    folder = tmp_path_factory.mktemp("others")
    Image.new("RGB", (90, 90), (90, 90, 90)).save(folder / "grey.png")
    stripes = np.zeros((90, 90, 3), np.uint8)
    stripes[::2] = (250, 120, 60)
    Image.fromarray(stripes).save(folder / "stripes.png")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8no")
    return folder


@pytest.fixture(scope="module")
def found(both: SideBySide, others: Path) -> Rejection:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MELANOMA_EDGE_CACHE", str(both.run.path.parent / "cache"))
        return reject(both, [others], runner_of=open_model)


def test_the_document_is_read_back_and_names_its_parents(found: Rejection, both: SideBySide) -> None:
    plain = to_plain(found)
    assert from_plain(Rejection, plain) == found
    assert next(iter(plain)) == "schema"
    assert found.weights_sha256 == both.run.record.weights_sha256
    artifact = found.models[1].artifact
    record = both.models[1].record
    assert found.models[0].artifact is None
    assert artifact is not None and record is not None and artifact.sha256 == record.sha256


def test_limits_are_those_of_the_contract(found: Rejection, both: SideBySide) -> None:
    safeguards = both.run.contract.safeguards
    assert safeguards is not None and safeguards.outlier is not None
    assert found.limits.outlier_from == CONTRACT
    assert found.limits.outlier is not None and found.limits.outlier.limit == safeguards.outlier.limit
    assert found.limits.quality == safeguards.quality
    assert found.limits.uncertain_from == safeguards.uncertain_from is not None


def test_every_photo_of_test_is_told_one_thing(found: Rejection) -> None:
    for model in found.models:
        flow = dict(model.flow)
        received = flow.pop("received")
        assert received.images == found.images == sum(count.images for count in flow.values())
        assert received.targets == found.targets == sum(count.targets for count in flow.values())


def test_the_files_own_answers_are_judged(found: Rejection, both: SideBySide) -> None:
    test, safeguards = both.run.images("test"), both.run.contract.effective_safeguards
    assert safeguards.outlier is not None
    for model, one in zip(both.models, found.models, strict=True):
        with open_model(model.path) as runner:
            far = distances(asked(runner, test.pixels, (EMBEDDING,))[EMBEDDING], safeguards.outlier)
        assert one.outlier is not None
        share = next(part.share for part in one.outlier.accepted if part.name == "test")
        assert share is not None and share.value == pytest.approx((far <= safeguards.outlier.limit).mean())


def test_other_pictures_are_counted_with_those_that_cannot_be_read(found: Rejection, others: Path) -> None:
    (folder,) = [one for one in found.quality.others if one.name == str(others)]
    assert (folder.images, folder.unreadable) == (2, 1)
    assert folder.refused >= 1, "the grey one has neither edges nor colours"
    told = {one.name: one for one in found.models[0].answers}
    flat = told["drawn flat colour"]
    assert flat.retake + flat.not_assessable == flat.images == 25
    for one in told.values():
        assert one.images == one.retake + one.not_assessable + one.refer + one.refer_uncertain + one.no_sign


def test_splits_and_conformal_sets_are_of_the_run(found: Rejection, both: SideBySide) -> None:
    counts = {split: len(both.run.images(split).ids) for split in ("train", "validation", "test")}
    assert {one.name: one.images for one in found.quality.splits} == counts
    for model in found.models:
        assert sum(one.test for one in model.conformal.classes) == found.lesions
        assert sum(model.conformal.sizes.values()) == found.lesions


def test_a_contract_without_limits_is_measured_with_those_of_today(both: SideBySide, others: Path) -> None:
    safeguards = replace(both.run.contract.effective_safeguards, outlier=None)
    old = replace(both.run, contract=replace(both.run.contract, safeguards=safeguards))
    found = reject(replace(both, run=old, models=both.models[:1]), runner_of=open_model)
    assert found.limits.outlier_from == DERIVED
    train, validation = (both.run.images(split) for split in ("train", "validation"))
    with open_model(both.run.path) as runner:
        known, held_out = (asked(runner, one.pixels, (EMBEDDING,))[EMBEDDING] for one in (train, validation))
    limits = outlier_limits(known, held_out)
    assert limits is not None and found.limits.outlier is not None
    assert found.limits.outlier.limit == pytest.approx(limits.limit, rel=1e-2)


def test_files_without_their_run_are_refused(both: SideBySide, tmp_path: Path) -> None:
    lonely = tmp_path / "model-int8.tflite"
    lonely.write_bytes(both.models[1].path.read_bytes())
    with pytest.raises(UsageError, match="without its run"):
        side_by_side(open_models([lonely]))


def test_the_float_model_comes_first_also_where_a_file_alone_is_named(both: SideBySide) -> None:
    alone = side_by_side(open_models([both.models[1].path]))
    assert [model.name for model in alone.models] == [model.name for model in both.models]


def test_measured_by_command(both: SideBySide, others: Path, capsys: Any) -> None:
    from melanoma_edge.cli.main import main

    call: Callable[..., int] = lambda *more: main(["evaluate", str(both.models[1].path), *map(str, more)])  # noqa: E731
    assert call("--other", others) == 2
    assert call("--rejection", "--other", others, "--dry-run") == 0
    assert not (both.run.path / "report").exists()
    assert call("--rejection", "--other", others) == 0
    out = capsys.readouterr().out
    assert "limit of strangeness" in out and "not assessable" in out
    assert (both.run.path / "report" / "rejection.json").is_file()
