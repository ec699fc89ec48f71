"""ImageNet weights: the turned kernels compute what keras.applications does, and a wrong file is never loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from melanoma_edge.errors import DataError, TrustError, UsageError
from melanoma_edge.files import sha256_of
from melanoma_edge.model.imagenet import check_init, load_imagenet
from melanoma_edge.model.legacy_keras import load_tensorflow
from melanoma_edge.model.mobilenet import build
from melanoma_edge.model.spec import NetworkSpec, network

WIDTHS = {"mobilenet_v2": 0.35, "mobilenet_v1": 0.25}


def spec_of(family: str) -> NetworkSpec:
    return network(family, WIDTHS[family], 96, 3)


def keras_network(family: str) -> Any:
    _, keras = load_tensorflow()
    kind = keras.applications.MobileNetV2 if family == "mobilenet_v2" else keras.applications.MobileNet
    return kind((224, 224, 3), alpha=WIDTHS[family], include_top=False, weights=None)


def randomise(model: Any, family: str) -> None:
    """Fill kernels and batch-norm statistics so that no layer is the identity and no signal dies."""
    generator = np.random.default_rng(0)
    ranges = (_GAMMA[family], (-0.2, 0.6), (-0.2, 0.2), (0.6, 1.5))
    for layer in model.layers:
        arrays = layer.get_weights()
        if len(arrays) == 4:  # gamma, beta, mean, variance
            arrays = [generator.uniform(*span, array.shape) for array, span in zip(arrays, ranges, strict=True)]
        elif arrays:
            fan_in = arrays[0].size / max(arrays[0].shape[-2:])
            arrays = [generator.normal(0, np.sqrt(2 / fan_in), array.shape) for array in arrays]
        layer.set_weights(arrays)


_GAMMA = {"mobilenet_v2": (0.4, 0.8), "mobilenet_v1": (0.7, 1.4)}
"""Large enough that the signal lives, small enough that it does not saturate and turn rounding into chaos."""


@pytest.fixture(scope="module")
def donors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, Path]]:
    """Return a keras.applications network of each family with random weights, and its weights file."""
    folder, made = tmp_path_factory.mktemp("donors"), {}
    for family in WIDTHS:
        model = keras_network(family)
        randomise(model, family)
        model.save_weights(folder / f"{family}_no_top.h5")
        made[family] = (model, folder / f"{family}_no_top.h5")
    return made


Donors = dict[str, tuple[Any, Path]]


@pytest.mark.parametrize("family", WIDTHS)
def test_features_of_the_turned_image_are_those_of_keras(family: str, donors: Donors, tmp_path: Path) -> None:
    _, keras = load_tensorflow()
    donor, file = donors[family]
    ours = build(spec_of(family))
    assert load_imagenet(ours, spec_of(family), str(file), tmp_path) == sha256_of(file)
    features = keras.Model(ours.input, ours.get_layer("pooled").output)
    # keras.applications fixes the size of its input; its layers do not.
    kind = keras.applications.MobileNetV2 if family == "mobilenet_v2" else keras.applications.MobileNet
    theirs = kind((None, None, 3), alpha=WIDTHS[family], include_top=False, weights=None, pooling="avg")
    theirs.set_weights(donor.get_weights())
    for size in (64, 96):
        image = np.random.default_rng(size).uniform(-1, 1, (2, size, size, 3)).astype(np.float32)
        expected = theirs(image, training=False).numpy()
        turned = features(image[:, ::-1, ::-1], training=False).numpy().reshape(expected.shape)
        upright = features(image, training=False).numpy().reshape(expected.shape)
        assert np.abs(turned - expected).max() < 1e-4
        assert np.abs(upright - expected).max() > 1e-2, "features must be rich enough to tell"


def test_the_head_is_left_alone(donors: Donors, tmp_path: Path) -> None:
    ours = build(spec_of("mobilenet_v1"))
    before = ours.get_layer("head").get_weights()
    load_imagenet(ours, spec_of("mobilenet_v1"), str(donors["mobilenet_v1"][1]), tmp_path)
    assert all(np.array_equal(a, b) for a, b in zip(before, ours.get_layer("head").get_weights(), strict=True))


@pytest.mark.parametrize("wrong", ["other family", "text", "cut"])
def test_a_file_that_does_not_fit_is_refused(wrong: str, donors: Donors, tmp_path: Path) -> None:
    file, whole = tmp_path / "weights.h5", donors["mobilenet_v1"][1].read_bytes()
    contents = {"other family": donors["mobilenet_v2"][1].read_bytes(), "text": b"no weights", "cut": whole[:-5000]}
    file.write_bytes(contents[wrong])
    with pytest.raises(TrustError, match="without top") as caught:
        load_imagenet(build(spec_of("mobilenet_v1")), spec_of("mobilenet_v1"), str(file), tmp_path)
    assert caught.value.where == str(file)


def test_weights_of_another_width_are_refused(donors: Donors, tmp_path: Path) -> None:
    wide = network("mobilenet_v1", 0.5, 96, 3)
    with pytest.raises(TrustError, match=r"mobilenet_v1 of width 0\.5"):
        load_imagenet(build(wide), wide, str(donors["mobilenet_v1"][1]), tmp_path)


def test_what_can_be_known_before_tensorflow_loads_is() -> None:
    check_init(network("mobilenet_v2", 0.2, 96, 3), "none")
    check_init(spec_of("mobilenet_v2"), "imagenet")
    with pytest.raises(UsageError, match=r"0\.35, 0\.5"):
        check_init(network("mobilenet_v2", 0.2, 96, 3), "imagenet")
    with pytest.raises(DataError, match=r"--init FILE.*--init imagenet"):
        check_init(spec_of("mobilenet_v2"), "/nowhere/weights.h5")


class Site:
    """Stand in for ``get_file``: leave a file in the cache as it does, or fail."""

    def __init__(self, content: bytes | Exception) -> None:
        self.content = content
        self.asked: list[str] = []

    def __call__(self, name: str, url: str, cache_dir: Path, cache_subdir: str) -> str:
        self.asked.append(url)
        if isinstance(self.content, Exception):
            raise self.content
        path = cache_dir / cache_subdir / name
        if not path.exists():
            path.write_bytes(self.content)
        return str(path)


def install(monkeypatch: pytest.MonkeyPatch, content: bytes | Exception) -> Site:
    _, keras = load_tensorflow()
    site = Site(content)
    monkeypatch.setattr(keras.utils, "get_file", site)
    return site


def test_a_download_is_remembered_by_its_checksum(
    donors: Donors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, (donor, file) = spec_of("mobilenet_v1"), donors["mobilenet_v1"]
    site = install(monkeypatch, file.read_bytes())
    digest = load_imagenet(build(spec), spec, "imagenet", tmp_path)
    assert digest == sha256_of(file)
    assert site.asked == [
        "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet/mobilenet_2_5_224_tf_no_top.h5"
    ]
    assert load_imagenet(build(spec), spec, "imagenet", tmp_path) == digest
    (kept,) = (tmp_path / "imagenet").glob("*.h5")
    other = keras_network("mobilenet_v1")
    other.set_weights([array + 1 for array in donor.get_weights()])
    other.save_weights(kept)
    with pytest.raises(TrustError, match=r"wrong checksum[\s\S]*delete"):
        load_imagenet(build(spec), spec, "imagenet", tmp_path)


def test_a_download_that_is_not_the_known_one_is_refused(
    donors: Donors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = spec_of("mobilenet_v2")
    site = install(monkeypatch, donors["mobilenet_v2"][1].read_bytes())
    with pytest.raises(TrustError, match="wrong checksum"):
        load_imagenet(build(spec), spec, "imagenet", tmp_path)
    assert site.asked[0].endswith("mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5")


def test_a_damaged_download_says_what_to_delete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = spec_of("mobilenet_v1")
    install(monkeypatch, b"<html>not found</html>")
    with pytest.raises(TrustError, match=r"damaged[\s\S]*delete .*mobilenet_2_5_224_tf_no_top.h5"):
        load_imagenet(build(spec), spec, "imagenet", tmp_path)


def test_without_internet_both_ways_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = spec_of("mobilenet_v1")
    install(monkeypatch, OSError("Name or service not known"))
    with pytest.raises(DataError, match=r"could not be downloaded: Name or[\s\S]*--init FILE.*--init imagenet"):
        load_imagenet(build(spec), spec, "imagenet", tmp_path)


def test_the_known_checksum_is_that_of_the_published_weights(real_data: Path, tmp_path: Path) -> None:
    import shutil

    from melanoma_edge.model.imagenet import _check_download

    published = real_data.parent / "weights" / "mobilenet_v2_0.35_no_top.weights.h5"
    if not published.is_file():
        pytest.skip(f"{published} is missing")
    donor = keras_network("mobilenet_v2")
    donor.load_weights(published)
    copy = tmp_path / published.name
    shutil.copyfile(published, copy)
    _check_download(spec_of("mobilenet_v2"), donor, copy)
