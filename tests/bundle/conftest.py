"""Fixtures of this room: a toy run with judged int8 files, and a bundle of it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))  # so that tests find the tamperings

from toys import toy_artifacts, toy_run
from verdicts import give_verdicts, small_shots

__all__ = ["toy_artifacts", "toy_run"]

TOOL = "melanoma-edge 0.test"


@pytest.fixture(scope="session", autouse=True)
def _small_photos() -> Iterator[None]:
    """Make bundles of four small photos; the demo bundle has those of full size."""
    from melanoma_edge.bundle import choice

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choice, "SHOTS", small_shots())
        yield


@pytest.fixture(scope="session")
def judged_run(toy_run: Any, toy_artifacts: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a copy of the toy run whose files have verdicts: the int8 ones PASS."""
    copy = replace(toy_run, path=tmp_path_factory.mktemp("judged") / "run")
    shutil.copytree(toy_run.artifacts, copy.artifacts)
    give_verdicts([copy.artifacts / f"model-int8.{form}" for form in ("tflite", "onnx")], run=copy.path)
    return copy


@pytest.fixture(scope="session")
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="session")
def chosen(judged_run: Any) -> Any:
    from melanoma_edge.bundle.sources import from_run

    return from_run(judged_run)


@pytest.fixture(scope="session")
def files(chosen: Any) -> dict[str, bytes]:
    """Return the files of a bundle of the toy run; tests copy what they mean to change."""
    from melanoma_edge.bundle.assemble import assemble

    return assemble(chosen, TOOL)


@pytest.fixture(scope="session")
def signed(files: dict[str, bytes], key: ec.EllipticCurvePrivateKey) -> dict[str, bytes]:
    from melanoma_edge.bundle.signing import sign

    return {**files, "manifest.sig": sign(files["manifest.json"], key)}
