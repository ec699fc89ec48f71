"""The synthetic source: recognised by its marker, and marked synthetic ever after."""

import json
from pathlib import Path

import pytest
from PIL import Image

from melanoma_edge.data.reading import Reading
from melanoma_edge.data.sources import read_catalog
from melanoma_edge.data.sources.synthetic import SyntheticSource
from melanoma_edge.errors import DataError


def write_set(folder: Path, schema: str = "melanoma-edge/synthetic/1") -> Path:
    (folder / "images").mkdir()
    rows = ["lesion_id,image_id,dx"]
    for number in range(6):
        rows.append(f"L{number},SYN_{number},{'mel' if number % 2 else 'nv'}")
        Image.new("RGB", (4, 4), (40 * number, 0, 0)).save(folder / "images" / f"SYN_{number}.jpg")
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n")
    (folder / "synthetic.json").write_text(json.dumps({"schema": schema}))
    return folder


def test_the_marker_makes_a_catalog_synthetic(tmp_path: Path) -> None:
    catalog = read_catalog([write_set(tmp_path)])
    assert catalog.synthetic
    assert catalog.sources == ("synthetic",)
    assert catalog.licences == ("none needed (generated)",)
    assert catalog.notes == (
        f"synthetic set: 6 images, 6 lesions, 2 classes in {tmp_path}, recognised by synthetic.json",
    )


def test_without_the_marker_it_is_not_synthetic(tmp_path: Path) -> None:
    (write_set(tmp_path) / "synthetic.json").unlink()
    assert SyntheticSource().recognise(tmp_path) is None
    with pytest.raises(DataError, match="marker of the synthetic set is missing"):
        SyntheticSource().read(tmp_path, Reading())


@pytest.mark.parametrize("content", ["", "[]", '{"schema": "melanoma-edge/synthetic/2"}'])
def test_another_marker_is_refused(tmp_path: Path, content: str) -> None:
    (write_set(tmp_path) / "synthetic.json").write_text(content)
    with pytest.raises(DataError, match="synthetic set"):
        read_catalog([tmp_path])


def test_a_set_without_its_table_is_refused(tmp_path: Path) -> None:
    (write_set(tmp_path) / "metadata.csv").unlink()
    with pytest.raises(DataError, match=r"lacks metadata\.csv"):
        read_catalog([tmp_path])
