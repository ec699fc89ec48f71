"""Copies, contradictions and leaks."""

from pathlib import Path

from melanoma_edge.audit.material import Material
from melanoma_edge.audit.pairs import Conflict, Kind, Leak, find_pairs, remaining


def test_every_pair_is_found_once_and_by_its_surest_kind(gathered: Material) -> None:
    found = find_pairs(gathered)
    named = {kind: [] for kind in Kind}
    for pair in found.pairs:
        named[pair.kind].append({Path(pair.first).stem, Path(pair.second).stem})
    assert sorted(map(sorted, named[Kind.BYTES])) == [["a0", "under-two-labels"], ["a1", "copy"], ["a9", "leaked"]]
    assert named[Kind.PIXELS] == [{"a2-pixels", "a2-pixels-too"}]
    assert [{"a10", "small"}] == [pair for pair in named[Kind.NEAR] if "a10" in pair]
    assert named[Kind.CROP] == [{"a3", "cut"}]
    assert found.by_kind["equal bytes"] == 3 and found.by_kind["one ISIC number"] == 0


def test_conflicts_are_counted_by_labels(gathered: Material) -> None:
    found = find_pairs(gathered)
    assert found.conflicts == (Conflict(("melanoma", "nevus"), 2, (15, 14)),)
    assert found.conflicting_images == 2
    assert [pair.contradicts for pair in found.pairs] == sorted(
        (pair.contradicts for pair in found.pairs), reverse=True
    )
    assert sum(pair.contradicts for pair in found.pairs) == 2
    assert found.alike_conflicts == 0


def test_what_test_shares_with_train_is_counted(gathered: Material) -> None:
    assert find_pairs(gathered).leaks == (Leak(("Test", "Train"), images=1, other_label=1, alike=1, group=0),)


def test_steps_leave_one_decodable_file_of_each_agreed_image(gathered: Material) -> None:
    names = {Path(gathered.rows[row].path).stem for row in remaining(gathered)}
    assert {"a0", "under-two-labels", "a9", "leaked", "broken"} & names == set()
    assert len({"a2-pixels", "a2-pixels-too"} & names) == 1
    assert {"a4", "a3", "cut", "misnamed"} <= names
