"""A teacher: taught only what it may tell, seen at its own size, kept in the record."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tiny import TINY, tiny_config

from melanoma_edge.data.catalog import Catalog
from melanoma_edge.errors import Interrupted, UsageError
from melanoma_edge.training.config import TrainConfig
from melanoma_edge.training.devices import choose_devices
from melanoma_edge.training.learner import Learner
from melanoma_edge.training.run import Parent, Run
from melanoma_edge.training.teacher import Teacher, check_pupil, check_teacher
from melanoma_edge.training.trainer import train

PRIOR = np.array([0.5, 0.3, 0.2])


def batch(seed: int, count: int = 12) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (count, 40, 40, 3), np.uint8), np.arange(count) % 3


@dataclass(frozen=True)
class Stub:
    """Stand in for a run that teaches."""

    catalog: Catalog
    contract: Any
    record: Any
    path: Path = Path("teacher")


def teaching(run: Run, catalog: Catalog | None = None, **contract: Any) -> Teacher:
    """Return a teacher like a run, with another catalog or contract."""
    found = replace(run.contract, **contract)
    return Teacher(Stub(catalog or run.catalog, found, run.record))  # type: ignore[arg-type]


def moved(catalog: Catalog, start: str, end: str, **changes: Any) -> Catalog:
    """Move the first image of one split to another."""
    (first, *_) = [row for row in catalog.rows if row.split == start]
    rows = tuple(replace(row, split=end, **changes) if row is first else row for row in catalog.rows)
    return replace(catalog, rows=rows)


def test_a_teacher_of_the_same_split_may_teach(run: Run) -> None:
    check_teacher(Teacher(run), run.network.image_size)
    check_pupil(Teacher(run), run.catalog)


@pytest.mark.parametrize(
    ("start", "end", "split"),
    [("validation", "train", "validation"), ("test", "train", "test"), ("test", "validation", "test")],
)
@pytest.mark.parametrize("changes", [{}, {"group": "renamed", "image_id": "renamed"}, {"sha256": "f" * 64}])
def test_a_teacher_that_saw_what_judges_its_pupil_is_refused(
    run: Run, start: str, end: str, split: str, changes: dict[str, str]
) -> None:
    teacher = teaching(run, moved(run.catalog, start, end, **changes))
    with pytest.raises(UsageError, match=f"leak: the teacher saw 1 images of this run's {split} split"):
        check_pupil(teacher, run.catalog)


def test_a_teacher_that_learned_from_less_may_teach(run: Run) -> None:
    check_pupil(teaching(run, moved(run.catalog, "train", "test")), run.catalog)
    strangers = tuple(replace(row, sha256="0" * 64, group=f"other {row.group}") for row in run.catalog.rows)
    check_pupil(teaching(run, replace(run.catalog, rows=strangers)), run.catalog)


def test_other_classes_or_another_order_are_refused(run: Run) -> None:
    with pytest.raises(UsageError, match="classes are NV, MEL, BKL, not MEL, NV, BKL"):
        check_pupil(teaching(run, classes=("NV", "MEL", "BKL")), run.catalog)


def test_another_image_size_is_refused(run: Run) -> None:
    with pytest.raises(UsageError, match=r"looks at 32 pixels a side, this run at 64[\s\S]*--image-size 32"):
        check_teacher(Teacher(run), 64)


def test_a_teacher_whose_own_teacher_saw_other_images_is_refused(run: Run) -> None:
    digest = run.contract.provenance.catalog_sha256
    for catalog, refused in ((digest, False), ("0" * 64, True)):
        record = SimpleNamespace(parent=None, training={"teacher": {"catalog_sha256": catalog}})
        teacher = Teacher(Stub(run.catalog, run.contract, record))  # type: ignore[arg-type]
        if refused:
            with pytest.raises(UsageError, match="teacher of other images"):
                check_teacher(teacher, 32)
        else:
            check_teacher(teacher, 32)


@pytest.fixture
def families(run: Run, tmp_path: Path) -> dict[str, Run]:
    """Return copies of a run: one taught by other images, one made from that, and one made from the second."""
    made: dict[str, Run] = {}
    for name, parent in (("taught", None), ("child", "taught"), ("grandchild", "child")):
        shutil.copytree(run.path, tmp_path / name)
        file = tmp_path / name / "run.json"
        document = json.loads(file.read_text("utf-8"))
        if parent:
            document["parent"] = {"path": f"../{parent}", "weights_sha256": run.record.weights_sha256}
        else:
            document["training"]["teacher"] = {"catalog_sha256": "0" * 64}
        file.write_text(json.dumps(document), "utf-8")
        made[name] = Run.open(tmp_path / name)
    return made


@pytest.mark.parametrize("name", ["taught", "child", "grandchild"])
def test_what_is_made_from_a_refused_teacher_is_refused_too(families: dict[str, Run], name: str) -> None:
    with pytest.raises(UsageError, match="teacher of other images") as caught:
        check_teacher(Teacher(families[name]), 32)
    assert caught.value.where == str(families["taught"].path)


def test_a_parent_may_teach_its_child_whoever_taught_it(families: dict[str, Run]) -> None:
    for run in families.values():
        check_teacher(Teacher(run), 32, run)
    with pytest.raises(UsageError, match="teacher of other images"):
        check_teacher(Teacher(families["child"]), 32, families["grandchild"])
    with pytest.raises(UsageError, match="looks at 32 pixels"):
        check_teacher(Teacher(families["taught"]), 64, families["taught"])


def test_a_teacher_whose_line_is_broken_is_refused(families: dict[str, Run]) -> None:
    file = families["taught"].path / "run.json"
    document = json.loads(file.read_text("utf-8"))
    del document["training"]["teacher"]
    file.write_text(json.dumps(document), "utf-8")
    check_teacher(Teacher(families["grandchild"]), 32)
    stranger = replace(families["grandchild"].record, parent=Parent("../child", "1" * 64))
    with pytest.raises(UsageError, match="another stands there"):
        check_teacher(Teacher(replace(families["grandchild"], record=stranger)), 32)
    shutil.rmtree(families["taught"].path)
    with pytest.raises(UsageError, match=r"cannot be told[\s\S]*run\.json is missing[\s\S]*restore that run"):
        check_teacher(Teacher(families["grandchild"]), 32)


def pupil(run: Run, share: float = 0.5, **changes: Any) -> Learner:
    config = TrainConfig(image_size=32, device="cpu", **changes)
    return Learner(
        TINY, config, choose_devices("cpu", False), PRIOR, 6, lambda model: None, None, Teacher(run, share=share)
    )


def test_the_teachers_answers_are_learned_and_the_teacher_is_not_changed(run: Run) -> None:
    learners = [pupil(run, share) for share in (0.0, 1.0)]
    pixels, labels = batch(0)
    plain, soft = (one.train_batch(pixels, labels, 32, 0) for one in learners)
    alone = Learner(TINY, learners[0]._config, choose_devices("cpu", False), PRIOR, 6, lambda model: None)
    assert alone.train_batch(pixels, labels, 32, 0) == pytest.approx(plain, rel=1e-6)
    assert soft != pytest.approx(plain, rel=0.01)
    teacher = learners[1]._answers
    kept = run.weights()
    assert all(np.array_equal(v.numpy(), kept[v.name.removesuffix(":0")]) for v in teacher.weights)
    names = [name for name in learners[1].state() if name.startswith("model")]
    assert len(names) == len(kept), "the teacher is no part of the state"


def test_a_pupil_that_is_its_teacher_has_nothing_to_learn_from_it(run: Run) -> None:
    from melanoma_edge.model.classifier import set_weights

    def same(model: Any) -> None:
        set_weights(model, run.weights())

    config = TrainConfig(image_size=32, device="cpu")
    one = Learner(TINY, config, choose_devices("cpu", False), PRIOR, 6, same, None, Teacher(run, share=1.0))
    view = np.asarray(batch(0)[0][:, :32, :32], np.float32)
    answers = np.asarray(one._answers((view - 128) / 127.5, training=False))
    own = one.logits(run.weights(), view.astype(np.uint8))
    np.testing.assert_allclose(own, answers, atol=1e-5)


@pytest.mark.parametrize("size", [32, 16])
def test_the_teacher_sees_its_own_size_whatever_the_pupil_sees(run: Run, size: int) -> None:
    seen = []
    one = pupil(run)
    answers = one._answers

    def looked(pixels: Any, training: bool) -> Any:
        seen.append((pixels.shape[1], training))
        return answers(pixels, training=training)

    one._answers = looked
    assert np.isfinite(one.train_batch(*batch(0), size, 0))
    assert seen == [(32, False)]


def test_a_training_with_a_teacher_records_it_and_resumes_with_no_other(run: Run, images: Path, tmp_path: Path) -> None:
    config, out = tiny_config(images, epochs=2), tmp_path / "pupil"

    def control_c(task: str, done: int, total: int) -> None:
        if task == "epoch 2/2":
            raise KeyboardInterrupt

    whole = train(config, tmp_path / "whole", teacher=Teacher(run))
    with pytest.raises(Interrupted):
        train(config, out, teacher=Teacher(run), progress=control_c)
    for other in (None, Teacher(run, temperature=3.0)):
        with pytest.raises(UsageError, match="another teacher"):
            train(config, out, teacher=other, resume=True)
    resumed = train(config, out, teacher=Teacher(run), resume=True)
    assert resumed.record.weights_sha256 == whole.record.weights_sha256 != run.record.weights_sha256
    kept = resumed.record.training["teacher"]
    assert {name: value for name, value in kept.items() if name != "path"} == {
        "catalog_sha256": run.contract.provenance.catalog_sha256,
        "weights_sha256": run.record.weights_sha256,
        "temperature": 2.0,
        "share": 0.5,
    }
    assert (out / kept["path"]).resolve() == run.path
    assert resumed.record.parent is None, "a teacher is no parent"


def test_a_leak_is_found_before_anything_is_trained(run: Run, images: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="leak"):
        train(tiny_config(images, seed=5), tmp_path / "pupil", teacher=Teacher(run))
    with pytest.raises(UsageError, match="replace its teacher"):
        train(tiny_config(images), run.path, teacher=Teacher(run), force=True)
    assert list(tmp_path.iterdir()) == []


def test_a_leaky_teacher_teaches_only_leaky_runs(run: Run) -> None:
    leaky = teaching(run, provenance=replace(run.contract.provenance, leaky=True))
    with pytest.raises(UsageError, match="split is LEAKY"):
        check_pupil(leaky, run.catalog)
    check_pupil(leaky, replace(run.catalog, leaky=True))
