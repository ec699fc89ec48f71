"""The quality gate: exact whole numbers, and findings at their limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from melanoma_edge.data.synthetic.picture import photo
from melanoma_edge.data.synthetic.spec import SyntheticSpec, plan
from melanoma_edge.quality import MEASURED_AT, Finding, QualityMeasures, findings, in_words, measure
from melanoma_edge.safeguards import QualityLimits, default_safeguards

LIMITS = QualityLimits(160)
GOOD = QualityMeasures(500, 133, 2000, 15000, 0, 5000)


def noise(width: int, height: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def lesion(number: int, height: int = 480) -> Image.Image:
    spec = SyntheticSpec(lesions=40, seed=7)
    return Image.fromarray(photo(spec, plan(spec)[number], height * 4 // 3, height))


def found(image: Image.Image) -> tuple[Finding, ...]:
    return findings(measure(image), LIMITS)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 100))
def test_a_small_picture_is_measured_as_it_is(width: int, height: int, seed: int) -> None:
    """The same numbers, written down pixel by pixel."""
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    picture = noise(width, height, seed)
    values = picture[top : top + side, left : left + side].tolist()
    luma = [[(19595 * r + 38470 * g + 7471 * b + 32768) >> 16 for r, g, b in row] for row in values]
    inner = range(1, side - 1)
    edges = [
        4 * luma[y][x] - luma[y - 1][x] - luma[y + 1][x] - luma[y][x - 1] - luma[y][x + 1] for y in inner for x in inner
    ]
    total = side * side
    variance = 100 * (len(edges) * sum(e * e for e in edges) - sum(edges) ** 2) // len(edges) ** 2 if edges else 0
    assert measure(Image.fromarray(picture)) == QualityMeasures(
        short_side=side,
        aspect_percent=100 * max(width, height) // side,
        sharpness=variance,
        brightness=100 * sum(map(sum, luma)) // total,
        clipped_permille=1000 * sum(value >= 253 for row in luma for value in row) // total,
        colour=100 * sum(max(pixel) - min(pixel) for row in values for pixel in row) // total,
    )


def test_a_large_picture_is_measured_on_the_recipes_square() -> None:
    image = Image.fromarray(noise(700, 600))
    whole = measure(image)
    part = image.crop((50, 0, 650, 600)).resize((MEASURED_AT, MEASURED_AT), Image.Resampling.BILINEAR)
    assert whole == replace(measure(part), short_side=600, aspect_percent=116)


@pytest.mark.parametrize(
    ("colour", "brightness", "clipped", "chroma"),
    [
        ((0, 0, 0), 0, 0, 0),
        ((255, 255, 255), 25500, 1000, 0),
        ((253, 253, 253), 25300, 1000, 0),
        ((252, 252, 252), 25200, 0, 0),
        ((255, 0, 0), 7600, 0, 25500),
    ],
)
def test_plain_colours(colour: tuple[int, int, int], brightness: int, clipped: int, chroma: int) -> None:
    expected = QualityMeasures(300, 100, 0, brightness, clipped, chroma)
    assert measure(Image.new("RGB", (300, 300), colour)) == expected


def test_the_sharpest_picture_fits_into_32_bits() -> None:
    board = (np.indices((256, 256)).sum(axis=0) % 2 * 255).astype(np.uint8)
    sharpest = measure(Image.fromarray(np.stack([board] * 3, axis=-1))).sharpness
    assert sharpest == 100 * 1020 * 1020
    assert sharpest < 2**31


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"short_side": 160}, None),
        ({"short_side": 159}, Finding.TOO_SMALL),
        ({"aspect_percent": 200}, None),
        ({"aspect_percent": 201}, Finding.ASPECT),
        ({"sharpness": 600}, None),
        ({"sharpness": 599}, Finding.BLURRED),
        ({"brightness": 5000}, None),
        ({"brightness": 4999}, Finding.TOO_DARK),
        ({"brightness": 23000}, None),
        ({"brightness": 23001}, Finding.TOO_BRIGHT),
        ({"clipped_permille": 50}, None),
        ({"clipped_permille": 51}, Finding.CLIPPED),
        ({"colour": 300}, None),
        ({"colour": 299}, Finding.COLOURLESS),
    ],
)
def test_a_value_at_its_limit_is_good_and_the_next_is_not(change: dict[str, int], finding: Finding | None) -> None:
    assert findings(replace(GOOD, **change), LIMITS) == ((finding,) if finding else ())


def test_findings_come_in_one_order_and_say_what_follows() -> None:
    worst = QualityMeasures(1, 999, 0, 0, 1000, 0)
    assert findings(worst, LIMITS) == (
        *(Finding.TOO_SMALL, Finding.ASPECT, Finding.BLURRED, Finding.TOO_DARK, Finding.CLIPPED, Finding.COLOURLESS),
    )
    assert in_words(Finding.TOO_SMALL, LIMITS) == "retake: the photo's short side has fewer than 160 pixels"
    assert [finding for finding in Finding if in_words(finding, LIMITS).startswith("not assessable: ")] == [
        finding for finding in Finding if not finding.retake
    ]
    assert len({in_words(finding, LIMITS) for finding in Finding}) == len(Finding)


@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize("height", [160, 480])
def test_photos_of_lesions_are_good_by_default(number: int, height: int) -> None:
    assert found(lesion(number, height)) == ()


@pytest.mark.parametrize("number", range(3))
def test_faults_of_a_photo_are_found(number: int) -> None:
    image = lesion(number)
    sigma = 3 * image.height / MEASURED_AT
    assert found(image.filter(ImageFilter.GaussianBlur(sigma))) == (Finding.BLURRED,)
    assert Finding.TOO_DARK in found(image.point(lambda value: value // 4))
    assert Finding.CLIPPED in found(image.point(lambda value: min(255, 4 * value)))
    assert found(image.convert("L").convert("RGB")) == (Finding.COLOURLESS,)
    assert found(image.resize((159, 159))) == (Finding.TOO_SMALL,)


def test_black_corners_do_not_speak_against_a_photo() -> None:
    values = np.array(lesion(0))
    y, x = np.indices(values.shape[:2])
    values[np.hypot(y - 240, x - 320) > 235] = 0
    assert findings(measure(Image.fromarray(values)), default_safeguards(224).quality) == ()
