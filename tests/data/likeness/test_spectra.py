"""Low frequencies: windows, orientations, and what no turn changes."""

import numpy as np
import pytest
from pictures import lesion

from melanoma_edge.data.likeness import spectra
from melanoma_edge.data.likeness.look import COLOUR_SIDE, SIDE
from melanoma_edge.data.likeness.spectra import WHOLE


def _bright(seed: int = 1) -> np.ndarray:
    return np.asarray(lesion(seed).convert("L").resize((SIDE, SIDE)), np.float32)


def _thumb(seed: int, orientation: int = 0) -> np.ndarray:
    parts = [spectra.turn(_bright(seed), orientation)]
    parts += [spectra.turn(_bright(seed + k)[:COLOUR_SIDE, :COLOUR_SIDE], orientation) for k in (1, 2)]
    return np.concatenate([part.astype(np.uint8).ravel() for part in parts])


def test_the_waves_of_a_whole_line_are_an_orthonormal_cosine_transform() -> None:
    waves = spectra.waves(WHOLE[None, :2], 64, 8)[0]
    assert np.allclose(64 * waves @ waves.T, np.eye(8), atol=1e-4)


def test_a_window_is_seen_as_its_pixels_alone_would_be() -> None:
    picture = _bright()
    window = np.array([[0.25, 0.75, 0.5, 1.0]])
    cut = picture[SIDE // 2 :, SIDE // 4 : 3 * SIDE // 4]
    seen = spectra.own_window(picture[None], window, 6)
    assert np.allclose(seen, spectra.own_window(cut[None], WHOLE[None], 6), atol=1e-2)
    assert np.allclose(spectra.every_window(picture[None], window, 6)[:, 0], seen, atol=1e-2)


@pytest.mark.parametrize("orientation", range(8))
def test_a_turned_picture_has_a_turned_spectrum(orientation: int) -> None:
    picture = _bright()
    spectrum = spectra.own_window(picture[None], WHOLE[None], 6)
    turned = spectra.own_window(spectra.turn(picture, orientation)[None].copy(), WHOLE[None], 6)
    assert np.allclose(spectra.turned(spectrum)[0, orientation], turned[0], atol=1e-2)


def test_no_turn_changes_a_descriptor_and_another_picture_does() -> None:
    whole = WHOLE[None]
    thumbs = np.stack([_thumb(1, orientation) for orientation in range(8)])
    described = spectra.descriptors(thumbs, whole)[:, 0]
    assert described.shape == (8, 24)
    assert np.allclose(described, described[0], atol=0.1)
    assert np.abs(spectra.descriptors(_thumb(50)[None], whole)[0, 0] - described[0]).max() > 1


def test_sampling_the_whole_keeps_the_mean_and_a_window_is_cut_out() -> None:
    picture = _bright()
    assert np.isclose(spectra.sampled(picture[None], WHOLE[None], 32).mean(), picture.mean(), atol=0.01)
    cut = spectra.sampled(picture[None], np.array([[0.5, 1.0, 0.0, 0.5]]), SIDE // 2)
    assert np.allclose(cut[0], picture[: SIDE // 2, SIDE // 2 :], atol=1e-3)


def test_directions_forget_brightness_and_contrast() -> None:
    spectrum = spectra.own_window(_bright()[None], WHOLE[None], 6)
    other = spectra.own_window(0.5 * _bright()[None] + 40, WHOLE[None], 6)
    assert np.allclose(spectra.directions(spectrum), spectra.directions(other), atol=1e-4)
    assert np.isclose(np.linalg.norm(spectra.directions(spectrum)), 1, atol=1e-5)
