"""Clusters of near-duplicates for the split."""

from pathlib import Path

from pictures import CROP, lesion, save

from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.data.likeness import Lookalikes
from melanoma_edge.data.reading import Reading
from melanoma_edge.data.sources import read_catalog
from melanoma_edge.files import sha256_of


def _row(path: Path) -> CatalogRow:
    return CatalogRow(path.stem, str(path), "MEL", "", "folder", sha256_of(path))


def test_copies_of_copies_are_one_cluster_and_others_in_none(tmp_path: Path) -> None:
    paths = [save(lesion(number), tmp_path / f"{number}.png") for number in range(6)]
    paths += [
        save(lesion(2).crop(CROP), tmp_path / "cut.png"),
        save(lesion(2).resize((90, 90)), tmp_path / "small.png"),
    ]
    paths += [save(lesion(4), tmp_path / "same.bmp")]
    (tmp_path / "bad.png").write_bytes(b"text")
    rows = [_row(path) for path in [*paths, tmp_path / "bad.png"]]
    found = Lookalikes(workers=1)(rows)
    names = {row.image_id: found.get(row.sha256) for row in rows}
    assert names["2"] == names["cut"] == names["small"] is not None
    assert names["4"] == names["same"] not in (None, names["2"])
    assert [names[name] for name in ("0", "1", "3", "5", "bad")] == [None] * 5


def test_a_catalog_keeps_near_duplicates_in_one_group(tmp_path: Path) -> None:
    for label, first in (("melanoma", 0), ("nevus", 10)):
        for number in range(4):
            save(lesion(first + number), tmp_path / label / f"{label}{number}.png")
    save(lesion(1).crop(CROP), tmp_path / "melanoma" / "cut.png")
    catalog = read_catalog([tmp_path], Reading(), clusters=Lookalikes(workers=1))
    group = {row.image_id: row.group for row in catalog.rows}
    assert group["cut"] == group["melanoma1"]
    assert len(set(group.values())) == 8
