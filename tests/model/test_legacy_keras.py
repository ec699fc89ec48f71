"""The door to TensorFlow: Keras 2 or a clear refusal."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from melanoma_edge.errors import MachineError
from melanoma_edge.model.legacy_keras import load_tensorflow


def test_keras_is_version_2() -> None:
    tensorflow, keras = load_tensorflow()
    assert keras.__version__.startswith("2.")
    assert "tf_keras" in str(tensorflow.keras.layers.Dense)


def test_tensorflow_with_keras_3_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    load_tensorflow()
    monkeypatch.delenv("TF_USE_LEGACY_KERAS")
    with pytest.raises(MachineError, match="TF_USE_LEGACY_KERAS=1"):
        load_tensorflow()


def test_a_missing_package_is_named() -> None:
    code = """
import sys
sys.modules["tensorflow"] = None
del sys.modules["tensorflow"]
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name == "tensorflow":
            raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")
sys.meta_path.insert(0, Absent())
from melanoma_edge.errors import MachineError
from melanoma_edge.model.legacy_keras import load_tensorflow
try:
    load_tensorflow()
except MachineError as error:
    print(error)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert "tensorflow cannot be imported" in answer.stdout
    assert "doctor" in answer.stdout
