"""Explanations of a tiny run: maps of the file itself, and every lesion that is got wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sides import _cache, both

from melanoma_edge.errors import UsageError
from melanoma_edge.evaluation.lesions import lesions
from melanoma_edge.evidence.explanations import ALARMS, check_maps, explain, forget_pictures
from melanoma_edge.evidence.explanations_document import Explanations
from melanoma_edge.evidence.side_by_side import SideBySide, asked
from melanoma_edge.runtime import open_model
from melanoma_edge.runtime.base import OUTPUT
from melanoma_edge.strictjson import from_plain, to_plain

__all__ = ["_cache", "both"]

pytestmark = pytest.mark.usefixtures("_cache")


def at(both: SideBySide, threshold: float) -> SideBySide:
    """Return the tiny run with another threshold."""
    point = replace(both.run.contract.operating_point, threshold=threshold)
    contract = replace(both.run.contract, operating_point=point, safeguards=None)
    return replace(both, run=replace(both.run, contract=contract))


@pytest.fixture(scope="module", params=[1.0, 0.0])
def threshold(request: Any) -> float:
    """Refer nothing, then everything."""
    return float(request.param)


@pytest.fixture(scope="module")
def found(both: SideBySide, threshold: float, tmp_path_factory: pytest.TempPathFactory) -> tuple[Explanations, Path]:
    pictures = tmp_path_factory.mktemp("report") / "explanations"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MELANOMA_EDGE_CACHE", str(both.run.path.parent / "cache"))
        return explain(at(both, threshold), pictures, runner_of=open_model), pictures


def test_the_document_is_read_back(found: tuple[Explanations, Path]) -> None:
    assert from_plain(Explanations, to_plain(found[0])) == found[0]


def test_maps_of_a_file_are_like_those_of_the_float_model_and_unlike_those_of_other_weights(
    found: tuple[Explanations, Path],
) -> None:
    first, file = found[0].models
    assert first.like_float is None and file.like_float is not None and file.like_float > 0.8
    shuffled = [one.rank_correlation for one in found[0].randomised]
    assert len(shuffled) == 3 and all(one is None or abs(one) < 0.8 for one in shuffled)


def test_what_the_map_finds_first_matters_more_than_chance(found: tuple[Explanations, Path]) -> None:
    for model in found[0].models:
        assert model.deletion.gain is not None and model.insertion.gain is not None
        assert model.deletion.gain.value == pytest.approx(model.deletion.by_map - model.deletion.by_chance)
        assert model.insertion.by_map > model.deletion.by_map


def test_all_that_was_missed_is_listed_and_the_surest_alarms(
    found: tuple[Explanations, Path], both: SideBySide, threshold: float
) -> None:
    document, test, contract = found[0], both.run.images("test"), both.run.contract
    unit, scores = lesions(test.groups, test.labels), []
    for model in both.models:
        with open_model(model.path) as runner:
            scores.append(unit.mean(contract.target_score(asked(runner, test.pixels)[OUTPUT])))
    targets = unit.labels == contract.classes.index("MEL")
    assert {one.group for one in document.missed} == (set(unit.groups[targets].tolist()) if threshold else set())
    sure = [] if threshold else np.sort(scores[1][~targets])[::-1][:ALARMS].tolist()
    assert [one.scores[1] for one in document.alarms] == pytest.approx(sure)
    assert [one.scores[1] for one in document.missed] == sorted(one.scores[1] for one in document.missed)
    assert all(one.label != "MEL" for one in document.alarms) and all(one.label == "MEL" for one in document.missed)


def test_every_case_has_its_picture(found: tuple[Explanations, Path]) -> None:
    document, folder = found
    names = [one.picture for one in (*document.missed, *document.alarms)]
    assert names and all(name for name in names)
    assert {f"explanations/{path.name}" for path in folder.iterdir()} == set(names)
    for path in folder.iterdir():
        with Image.open(path) as image:
            assert image.size == (320, 160)


def test_pictures_of_an_older_document_are_forgotten_and_nothing_else(tmp_path: Path) -> None:
    forget_pictures(tmp_path / "none")
    for name in ("missed-01.jpg", "alarm-20.jpg", "alarm.jpg", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    forget_pictures(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"alarm.jpg", "notes.txt"}


def test_without_a_folder_nothing_is_drawn(both: SideBySide) -> None:
    found = explain(replace(at(both, 1.0), models=both.models[:1]), runner_of=open_model)
    assert {one.picture for one in (*found.missed, *found.alarms)} == {None}


def test_a_file_without_maps_is_refused_with_what_to_do(both: SideBySide) -> None:
    record = both.models[1].record
    assert record is not None
    blind = replace(both.models[1], record=replace(record, outputs=record.outputs[:1]))
    with pytest.raises(UsageError, match="no class activation map") as caught:
        check_maps(replace(both, models=(both.models[0], blind)))
    assert "--with-cam" in (caught.value.fix or "")


def test_the_command_says_what_it_costs(both: SideBySide, capsys: Any) -> None:
    from melanoma_edge.cli.main import main

    assert main(["evaluate", str(both.run.path), "--no-images"]) == 2
    assert "--no-images is for --explain" in capsys.readouterr().err
    assert main(["evaluate", str(both.run.path), "--explain", "--no-images", "--dry-run", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["pictures"] == "" and plan["document"].endswith("explanations.json")
