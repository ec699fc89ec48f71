"""Settings that every test shares."""

from __future__ import annotations

import os
import signal
import sys
import threading
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

from tiny import shrink

# Chosen before anything imports TensorFlow, as the package itself does at its first use.
os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# A shell that starts the tests in its background has them ignore Ctrl-C, and every command that they start.
if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine must not turn a slow example into a failure.
settings.register_profile("project", deadline=None)
settings.load_profile("project")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep every test's cache away from the user's."""
    monkeypatch.setenv("MELANOMA_EDGE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real images, where there is one."""
    folder = Path(os.environ.get("MELANOMA_EDGE_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real images: {folder} is missing; MELANOMA_EDGE_DATA may name another folder")
    return folder


@dataclass(frozen=True)
class Trained:
    """Name a tiny run, its images and what was exported of it; tests copy what they mean to change."""

    data: Path
    run: Path

    def artifact(self, name: str) -> Path:
        """Return an exported file, such as ``model-int8.tflite``."""
        return self.run / "artifacts" / name

    def photo(self) -> Path:
        """Return one of its images."""
        return next(iter(sorted((self.data / "images").glob("*.jpg"))))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Train a tiny network on a few synthetic lesions, once, long enough to tell images apart, and export it."""
    from exporters import export_many
    from melanoma_edge.data.synthetic import SyntheticSpec, write_synthetic
    from melanoma_edge.training.config import configured
    from melanoma_edge.training.trainer import train

    home = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MELANOMA_EDGE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        shrink(patch)
        write_synthetic(home / "data", SyntheticSpec(lesions=96, image_size=48), workers=1)
        config = configured("tiny", data=(str(home / "data"),), image_size=64, epochs=8, batch_size=8)
        run = train(config, home / "run")
        pairs = product(("tflite", "onnx"), ("float32", "int8"))
        export_many(run, pairs, calibration_images=16, check_calibration=False)
    return Trained(home / "data", run.path)
