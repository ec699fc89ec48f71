"""``thin`` and ``train --teacher`` as people meet them: plans, tables, JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

LIGHT = ("--images", "16", "--rounds", "1")


def test_a_dry_run_shows_channels_and_cost_and_writes_nothing(run: Any, trained: Any, tmp_path: Path) -> None:
    asked = ("thin", trained.run, "--target-macs", "1200k", "--out", tmp_path / "out", *LIGHT, "--dry-run")
    before = sorted(trained.run.rglob("*"))
    answer = run(*asked, "--json", "--quiet")
    assert (answer.code, answer.err) == (0, "")
    plan = answer.document
    assert plan["schema"] == "melanoma-edge/plan/1"
    assert plan["thinning"]["cost"]["after"]["macs"] <= 1_200_000 < plan["thinning"]["cost"]["before"]["macs"]
    assert plan["configuration"]["epochs"] == 4
    people = run(*asked)
    assert people.code == 0
    for name in ("block_1_expand", "multiplications", "balanced_loss", "parameters"):
        assert name in people.out
    assert not (tmp_path / "out").exists()
    assert sorted(trained.run.rglob("*")) == before


def test_what_thinning_did_stands_beside_the_parent(run: Any, trained: Any, tmp_path: Path) -> None:
    out = tmp_path / "thin"
    answer = run("thin", trained.run, "--keep", "0.7", "--out", out, "--epochs", "1", *LIGHT, "--json", "--quiet")
    assert (answer.code, answer.err) == (0, "")
    found = answer.document
    assert found["schema"] == "melanoma-edge/thin/1"
    assert found["record"]["method"] == "thin"
    assert found["thinning"]["asked"]["keep"] == 0.7
    change, metrics = found["paired"]["balanced_accuracy"], found["metrics"]["balanced_accuracy"]
    assert change["low"] <= change["value"] <= change["high"]
    assert abs(change["value"] - (metrics["after"]["value"] - metrics["before"]["value"])) < 1e-5
    inspected = run("inspect", out)
    assert inspected.code == 0
    assert "multiplications" in inspected.out and "block_1_expand" in inspected.out
    again = run("thin", trained.run, "--keep", "0.7", "--out", out, "--epochs", "1", *LIGHT, "--force")
    assert again.code == 0
    assert "paired difference" in again.out and "target lesions no longer referred" in again.out
    assert "melanoma-edge export" in again.err


def test_the_plan_of_a_training_names_its_teacher(run: Any, trained: Any, tmp_path: Path) -> None:
    asked = ("train", "--preset", "tiny", "--image-size", "64", "--data", trained.data, "--out", tmp_path / "out")
    answer = run(*asked, "--teacher", trained.run, "--dry-run", "--json", "--quiet")
    assert answer.code == 0, answer.err
    assert answer.document["teacher"]["path"] == str(trained.run)
    assert len(answer.document["teacher"]["weights_sha256"]) == 64
    leak = run(*asked, "--teacher", trained.run, "--seed", "7", "--dry-run")
    assert (leak.code, "leak: the teacher saw" in leak.err) == (2, True)
