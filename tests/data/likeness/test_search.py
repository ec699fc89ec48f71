"""Near-duplicates: found whatever was done to the copy, and not found among different lesions."""

import pickle
from io import BytesIO

import numpy as np
import pytest
from pictures import CROP, lesion
from PIL import Image

from melanoma_edge.data.likeness.look import _thumbnail
from melanoma_edge.data.likeness.search import SAME, Copy, Search, agreement, best, windows_of

COUNT = 40


def _jpeg(image: Image.Image, quality: int) -> Image.Image:
    stream = BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream).convert("RGB")


def _search(*more: Image.Image) -> Search:
    pictures = [*(lesion(seed) for seed in range(COUNT)), *more]
    thumbs = np.stack([np.frombuffer(_thumbnail(picture), np.uint8) for picture in pictures])
    return Search(thumbs, np.array([picture.width / picture.height for picture in pictures]))


MADE = {
    **{turn.name: lesion(3).transpose(turn) for turn in Image.Transpose},
    "smaller": lesion(3).resize((90, 90)),
    "larger": lesion(3).resize((400, 400)),
    "squashed": lesion(3).resize((200, 120)),
    "jpeg 50": _jpeg(lesion(3), 50),
    "cut to 80 %": lesion(3).crop(CROP),
    "cut to 72 % and turned": lesion(3).crop((40, 5, 155, 120)).transpose(Image.Transpose.ROTATE_270),
    "all at once": _jpeg(lesion(3).crop(CROP).transpose(Image.Transpose.TRANSVERSE).resize((100, 100)), 60),
}


@pytest.mark.parametrize("copy", MADE.values(), ids=MADE)
def test_a_copy_is_found(copy: Image.Image) -> None:
    search = _search(copy)
    found = best(search.copies_of([3]) + search.copies_of([COUNT]))
    assert [{one.first, one.second} for one in found] == [{3, COUNT}]
    assert found[0].correlation > SAME


def test_how_much_is_seen_is_said() -> None:
    found = _search(lesion(3).crop(CROP)).copies_of([3])
    assert (found[0].first, found[0].second) == (3, COUNT)
    assert found[0].share == pytest.approx(0.8, abs=0.02)


def test_the_centre_square_of_a_wide_picture_is_found() -> None:
    wide = lesion(99, 240, 160)
    found = _search(wide, wide.crop((40, 0, 200, 160))).copies_of([COUNT])
    assert [(one.first, one.second) for one in found] == [(COUNT, COUNT + 1)]


def test_different_lesions_are_no_copies() -> None:
    assert _search().copies_of(range(COUNT)) == []


def test_pictures_without_detail_are_no_copies() -> None:
    plain = [Image.new("RGB", (20, 20), (200 + shade, 150, 140)) for shade in range(3)]
    assert _search(*plain).copies_of(range(COUNT, COUNT + 3)) == []


def test_a_search_can_be_sent_to_another_process() -> None:
    search = _search(MADE["jpeg 50"])
    assert pickle.loads(pickle.dumps(search)).copies_of([3]) == search.copies_of([3]) != []


def test_two_pictures_are_enough() -> None:
    thumbs = np.stack([np.frombuffer(_thumbnail(picture), np.uint8) for picture in (lesion(3), MADE["larger"])])
    assert len(Search(thumbs, np.ones(2)).copies_of([0])) == 1


def test_windows_cover_cuttings_and_square_ones_of_wide_pictures() -> None:
    square, wide = windows_of(1.0), windows_of(1.5)
    assert square[0].tolist() == [0, 1, 0, 1]
    assert len(wide) > len(square)
    width, height = wide[:, 1] - wide[:, 0], wide[:, 3] - wide[:, 2]
    assert np.any(np.isclose(1.5 * width, height))
    assert wide.min() >= 0 and wide.max() <= 1 + 1e-9


def test_agreement_is_of_detail_everywhere() -> None:
    one = np.asarray(lesion(1).convert("L").resize((64, 64)), np.float32)[None]
    other = np.asarray(lesion(2).convert("L").resize((64, 64)), np.float32)[None]
    assert agreement(one, 0.7 * one + 30)[0] > 0.95
    assert abs(agreement(one, other)[0]) < 0.4
    assert agreement(np.full_like(one, 9), np.full_like(one, 9))[0] == 0


def test_the_round_edge_of_the_field_makes_no_copies() -> None:
    y, x = np.mgrid[-1:1:160j, -1:1:160j]
    inside = (x**2 + y**2 < 0.7)[..., None]
    fields = [Image.fromarray((np.asarray(lesion(seed)) * inside).astype(np.uint8)) for seed in (70, 71, 72)]
    search = _search(*fields, fields[0].resize((90, 90)))
    found = best(search.copies_of(range(COUNT, COUNT + 4)))
    assert [{one.first, one.second} for one in found] == [{COUNT, COUNT + 3}]


def test_of_two_ways_to_see_a_pair_the_better_is_kept() -> None:
    kept = best([Copy(1, 2, 0.7, 0.9), Copy(2, 1, 0.8, 1.0), Copy(0, 2, 0.9, 1.0)])
    assert kept == [Copy(0, 2, 0.9, 1.0), Copy(2, 1, 0.8, 1.0)]
