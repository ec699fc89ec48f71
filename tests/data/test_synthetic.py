"""The synthetic set: reproducible, honest about nuisance, whole or absent, and neither trivial nor hopeless."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from melanoma_edge.data.synthetic import (
    CLASSES,
    SyntheticSpec,
    photo,
    plan,
    render,
    scene,
)
from melanoma_edge.data.synthetic.classes import PROFILES, Look, draw_look
from melanoma_edge.data.synthetic.spec import Stream, generator
from melanoma_edge.errors import UsageError


def test_default_set_has_the_promised_size_and_shares() -> None:
    views = plan(SyntheticSpec())
    lesions = Counter(label for _, label in {(view.lesion, view.label) for view in views})
    assert sum(lesions.values()) == 2400
    assert lesions["MEL"] == 600
    assert set(lesions) == set(CLASSES)
    assert min(lesions.values()) >= 100
    assert lesions["NV"] == max(lesions.values())
    assert len(views) / 2400 == pytest.approx(1.3, abs=0.05)


@settings(deadline=None, max_examples=40)
@given(lesions=st.integers(1, 300), share=st.floats(0, 1), seed=st.integers(0, 2**32 - 1))
def test_plan_keeps_the_shares_and_names_every_image_once(lesions: int, share: float, seed: int) -> None:
    views = plan(SyntheticSpec(lesions=lesions, melanoma_share=share, seed=seed))
    ids = [view.image_id for view in views]
    labels = {view.lesion_id: view.label for view in views}
    assert ids == sorted(set(ids))
    assert len(labels) == lesions
    assert all(labels[view.lesion_id] == view.label for view in views)
    assert abs(list(labels.values()).count("MEL") - share * lesions) <= 2
    assert max(Counter(view.lesion_id for view in views).values()) <= 3


def test_a_longer_set_starts_with_the_shorter_one() -> None:
    short, long = plan(SyntheticSpec(lesions=40)), plan(SyntheticSpec(lesions=90))
    assert long[: len(short)] == short


@pytest.mark.parametrize(
    "values",
    [{"lesions": 0}, {"melanoma_share": -0.1}, {"melanoma_share": float("nan")}, {"image_size": 31}, {"seed": -1}],
)
def test_impossible_specs_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(values))):
        SyntheticSpec(**values)  # type: ignore[arg-type]


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), size=st.integers(32, 90), place=st.integers(0, 11))
def test_every_view_renders_the_same_bytes_each_time(seed: int, size: int, place: int) -> None:
    spec = SyntheticSpec(lesions=12, image_size=size, seed=seed)
    view = plan(spec)[place]
    first = render(spec, view)
    assert first.shape == (size, size * 4 // 3, 3)
    assert first.dtype == np.uint8
    assert first.tobytes() == render(spec, view).tobytes()


def test_another_process_renders_the_same_bytes() -> None:
    code = (
        "import sys, hashlib\n"
        "from melanoma_edge.data.synthetic import SyntheticSpec, plan, render\n"
        "spec = SyntheticSpec(lesions=4, image_size=64, seed=9)\n"
        "print(hashlib.sha256(b''.join(render(spec, view).tobytes() for view in plan(spec))).hexdigest())\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    spec = SyntheticSpec(lesions=4, image_size=64, seed=9)
    here = hashlib.sha256(b"".join(render(spec, view).tobytes() for view in plan(spec))).hexdigest()
    root = Path(__file__).resolve().parents[2]
    there = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert there.stdout.strip() == here


def test_seeds_and_views_give_different_pictures() -> None:
    spec = SyntheticSpec(lesions=40, image_size=48)
    views = plan(spec)
    pictures = {render(spec, view).tobytes() for view in views}
    assert len(pictures) == len(views)
    assert render(replace(spec, seed=1), views[0]).tobytes() not in pictures


def test_a_large_photo_shows_the_stored_picture() -> None:
    spec = SyntheticSpec(lesions=20, image_size=96)
    for view in plan(spec)[:6]:
        large = Image.fromarray(photo(spec, view, 1024, 768)).resize((128, 96), Image.Resampling.BOX)
        apart = np.abs(np.asarray(large, dtype=float) - render(spec, view))
        assert apart.mean() < 6


@pytest.mark.parametrize("size", [(20, 20), (400, 100), (9000, 9000)])
def test_impossible_photo_sizes_are_refused(size: tuple[int, int]) -> None:
    spec = SyntheticSpec(lesions=12)
    with pytest.raises(UsageError, match="cannot render"):
        photo(spec, plan(spec)[0], *size)


@pytest.mark.parametrize("lesion", range(5))
def test_only_the_lesion_depends_on_the_class(lesion: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the lesion, one place in the set gives the same picture whatever its class is."""
    spec = SyntheticSpec(lesions=12, image_size=64, seed=lesion)
    view = next(view for view in plan(spec) if view.lesion == lesion)
    of_class = [replace(view, label=label) for label in CLASSES]
    assert len({render(spec, view).tobytes() for view in of_class}) == len(CLASSES)
    monkeypatch.setattr("melanoma_edge.data.synthetic.picture.paint_lesion", lambda *_: None)
    assert len({render(spec, view).tobytes() for view in of_class}) == 1


def test_nuisance_varies_and_is_shared_out_alike_over_the_classes() -> None:
    spec = SyntheticSpec()
    views = [view for view in plan(spec) if view.view == 0]
    melanoma = np.array([view.label == "MEL" for view in views])
    patients = [scene.draw_patient(spec.seed, view.lesion) for view in views]
    scenes = [scene.draw_scene(spec.seed, view.lesion, view.view) for view in views]
    for values in (
        [patient.tone for patient in patients],
        [patient.hairs > 0 for patient in patients],
        [shot.ruler > 0 for shot in scenes],
        [shot.bubbles > 0 for shot in scenes],
        [shot.tube > 0 for shot in scenes],
        [shot.warmth for shot in scenes],
        [shot.blur for shot in scenes],
    ):
        numbers = np.array(values, dtype=float)
        spread = numbers.std()
        assert spread > 0
        standard_error = spread * np.sqrt(1 / melanoma.sum() + 1 / (~melanoma).sum())
        assert abs(numbers[melanoma].mean() - numbers[~melanoma].mean()) < 4 * standard_error


def test_views_of_a_lesion_share_patient_and_look_but_not_pose() -> None:
    spec = SyntheticSpec(lesions=60)
    view = next(view for view in plan(spec) if view.view == 1)
    poses = [scene.draw_scene(spec.seed, view.lesion, number).pose for number in (0, 1)]
    assert poses[0] != poses[1]
    assert abs(poses[0].angle - poses[1].angle) <= 1.0


def test_no_sign_is_certain_and_none_belongs_to_one_class() -> None:
    def looks(label: str) -> list[Look]:
        return [draw_look(label, generator(0, Stream.APPEARANCE, lesion)) for lesion in range(600)]

    drawn = {label: looks(label) for label in PROFILES}
    for sign, label in (("veil", "MEL"), ("milia", "BKL"), ("scar", "DF"), ("lacunae", "VASC"), ("vessels", "BCC")):
        shares = {name: float(np.mean([getattr(look, sign) > 0 for look in drawn[name]])) for name in drawn}
        assert 0.3 < shares[label] < 0.95
        assert shares[label] == max(shares.values())
        assert sum(share > 0 for share in shares.values()) > 1


def test_mean_colour_alone_tells_the_classes_only_moderately() -> None:
    spec = SyntheticSpec(lesions=420, image_size=32)
    views = [view for view in plan(spec) if view.view == 0]
    colours = np.array([render(spec, view)[8:24, 13:29].reshape(-1, 3).mean(axis=0) for view in views])
    labels = np.array([view.label for view in views])
    learned, tested = np.arange(len(views)) % 2 == 0, np.arange(len(views)) % 2 == 1
    centroids = np.array([colours[learned & (labels == name)].mean(axis=0) for name in CLASSES])
    nearest = np.argmin(((colours[tested][:, None] - centroids) ** 2).sum(axis=2), axis=1)
    recalls = [np.mean(nearest[labels[tested] == name] == place) for place, name in enumerate(CLASSES)]
    assert 0.2 < np.mean(recalls) < 0.65
