import errno
import hashlib
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from melanoma_edge.errors import MachineError
from melanoma_edge.report import plots
from melanoma_edge.report.plots import draw_confusion, draw_history, draw_pictures, draw_plots
from melanoma_edge.report.samples import Picture, Predictions

LONG = "a name of a class that nobody would choose, number"


@pytest.fixture(autouse=True)
def _small_grids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plots, "MOST", 6)


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> dict[str, Figure]:
    """Every figure saved by the test, by its file's name."""
    kept: dict[str, Figure] = {}
    save = Figure.savefig

    def keep(figure: Figure, path: Path, **options: Any) -> None:
        kept[path.name.split(".")[1]] = figure
        save(figure, path, **options)

    monkeypatch.setattr(Figure, "savefig", keep)
    return kept


def history(epochs: int, sizes: tuple[int, ...] = (160,), ready_from: int = 0) -> list[dict[str, float]]:
    return [
        {
            "epoch": float(epoch),
            "image_size": float(sizes[epoch * len(sizes) // epochs]),
            "learning_rate": 1e-3,
            "train_loss": 2.0 / (epoch + 1),
            "validation_loss": 2.5 / (epoch + 1),
            "validation_balanced_accuracy": 0.5 + 0.3 * epoch / epochs,
            "validation_macro_auc": 0.6 + 0.3 * epoch / epochs,
            "eligible": float(epoch >= ready_from),
        }
        for epoch in range(epochs)
    ]


def predictions(count: int, classes: int) -> Predictions:
    rng = np.random.default_rng(3)
    ids = [f"ISIC_{index:07d}" for index in range(count)]
    pixels = rng.integers(0, 256, (count, 16, 16, 3), np.uint8)
    return Predictions(
        ids, rng.integers(0, classes, count), rng.dirichlet(np.ones(classes), count).astype(np.float32), pixels, (0,)
    )


def draw(folder: Path, classes: list[str], stamp: str = "", seed: int = 0, name: str = "run") -> dict[str, str]:
    confusion = np.random.default_rng(0).integers(0, 30000, (len(classes), len(classes)))
    given = predictions(60, len(classes))
    return draw_plots(folder, history(6), confusion.tolist(), classes, given, 0.3, name, stamp, seed)


def texts(figure: Figure) -> list[Text]:
    """Return the texts that are seen; ticks beyond an axis's end exist without being drawn."""
    hidden = [
        label
        for axes in figure.axes
        for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, sorted(axes.get_ylim())))
        for tick in axis.get_major_ticks()
        for label in (tick.label1, tick.label2)
        if not low <= tick.get_loc() <= high
    ]
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text() and text not in hidden]


def overlapping(figure: Figure) -> list[tuple[str, str]]:
    """Name the pairs of texts that cover one another, and the texts that leave the sheet; slanted ones are left out."""
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts(figure) if text.get_rotation() in (0, 90)]
    pairs = [(one, other) for (one, a), (other, b) in combinations(boxes, 2) if a.padded(-1).overlaps(b.padded(-1))]
    width, height = figure.bbox.size
    within = [box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1 for _, box in boxes]
    return pairs + [(text, "the edge") for (text, _), inside in zip(boxes, within, strict=True) if not inside]


def test_the_same_data_give_the_same_bytes_and_their_hashes_are_returned(tmp_path: Path) -> None:
    first, second = (draw(tmp_path / folder, ["MEL", "NV", "BCC"]) for folder in ("a", "b"))
    assert first == second
    assert set(first) == {"history.png", "confusion.png", "samples.png", "mistakes.png"}
    for name, digest in first.items():
        assert hashlib.sha256((tmp_path / "a" / name).read_bytes()).hexdigest() == digest
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == sorted(first)


def test_another_seed_changes_the_sample_only(tmp_path: Path) -> None:
    first, second = (draw(tmp_path, ["MEL", "NV"], seed=seed) for seed in (0, 1))
    assert [name for name in first if first[name] != second[name]] == ["samples.png"]


def test_a_users_own_matplotlib_settings_change_nothing_and_stay(tmp_path: Path) -> None:
    import matplotlib

    plain = draw(tmp_path, ["MEL", "NV"])
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "red", "savefig.dpi": 30}):
        assert draw(tmp_path, ["MEL", "NV"]) == plain
        assert matplotlib.rcParams["font.size"] == 20


def test_files_are_png_without_a_note_of_the_software(tmp_path: Path) -> None:
    for name in draw(tmp_path, ["MEL", "NV"]):
        with Image.open(tmp_path / name) as image:
            assert image.format == "PNG" and "Software" not in image.info
            assert 400 < image.width < 2000 and image.height < 2000


@pytest.mark.parametrize("stamp", ["synthetic images", ""])
def test_every_title_has_the_stamp(tmp_path: Path, figures: dict[str, Figure], stamp: str) -> None:
    draw(tmp_path, ["MEL", "NV"], stamp, name="smoke")
    assert len(figures) == 4
    for figure in figures.values():
        assert figure.get_suptitle().startswith("smoke (synthetic images)" if stamp else "smoke:")


@pytest.mark.parametrize(("count", "kind", "most"), [(2, "NV", 6), (9, "NV", 6), (2, LONG, 6), (9, LONG, 24)])
def test_no_text_covers_another(
    tmp_path: Path, figures: dict[str, Figure], monkeypatch: pytest.MonkeyPatch, count: int, kind: str, most: int
) -> None:
    monkeypatch.setattr(plots, "MOST", most)
    draw(tmp_path, [f"{kind}{index}" for index in range(count)], stamp="synthetic images", name=kind)
    for name, figure in figures.items():
        assert overlapping(figure) == [], name


@pytest.mark.parametrize("sizes", [(96, 160), (64, 96, 128, 160, 192, 224)])
def test_image_sizes_are_named_above_the_panels_without_covering(
    tmp_path: Path, figures: dict[str, Figure], sizes: tuple[int, ...]
) -> None:
    draw_history(history(40, sizes), tmp_path / "history.png", "run")
    figure = figures["history"]
    shown = [text.get_text() for text in texts(figure)]
    assert [shown.count(f"{size} px") for size in sizes] == [2] * len(sizes)
    assert overlapping(figure) == []


def test_one_image_size_is_not_a_change(tmp_path: Path, figures: dict[str, Figure]) -> None:
    draw_history(history(5), tmp_path / "history.png", "run")
    assert not any(text.get_text().endswith("px") for text in texts(figures["history"]))


def test_the_kept_epoch_is_the_best_of_the_eligible(tmp_path: Path, figures: dict[str, Figure]) -> None:
    rows = history(8, ready_from=2)
    rows[0]["validation_macro_auc"] = 0.99
    rows[5]["validation_macro_auc"] = 0.95
    draw_history(rows, tmp_path / "history.png", "run")
    shown = [text.get_text() for text in texts(figures["history"])]
    assert shown.count("kept: epoch 6") == 2
    assert "macro AUC (kept: 0.950)" in shown and "not eligible to be kept" in shown


def test_without_an_eligible_epoch_the_best_of_all_is_marked(tmp_path: Path, figures: dict[str, Figure]) -> None:
    draw_history(history(1, ready_from=9), tmp_path / "history.png", "run")
    assert "kept: epoch 1" in [text.get_text() for text in texts(figures["history"])]


def test_a_run_without_history_has_no_picture_of_it(tmp_path: Path) -> None:
    written = draw_plots(tmp_path, [], [[1, 0], [0, 1]], ["MEL", "NV"], predictions(2, 2), 0.5, "run", False, 0)
    assert sorted(written) == sorted(path.name for path in tmp_path.iterdir())
    assert "history.png" not in written


def test_the_confusion_matrix_shows_counts_and_the_share_of_their_row(
    tmp_path: Path, figures: dict[str, Figure]
) -> None:
    draw_confusion([[3, 1], [0, 0]], ["MEL", "NV"], tmp_path / "confusion.png", "run")
    axes = figures["confusion"].axes[0]
    assert [text.get_text() for text in axes.texts] == ["3\n75%", "1\n25%", "0", "0"]
    np.testing.assert_array_equal(axes.images[0].get_array(), [[0.75, 0.25], [0, 0]])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["MEL\nn = 4", "NV\nn = 0"]


def test_wrong_pictures_differ_by_sign_weight_and_frame(tmp_path: Path, figures: dict[str, Figure]) -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    right = Picture("a", pixels, "MEL", "MEL", 0.9, 0.9)
    wrong = Picture("b", pixels, "MEL", "NV", 0.8, 0.1, missed=True)
    draw_pictures([right, wrong], tmp_path / "samples.png", "run")
    first, second, *empty = figures["samples"].axes
    assert first.get_title() == "✓ MEL → MEL 0.90" and second.get_title() == "✗ MEL → NV 0.80"
    assert second.title.get_fontweight() == "bold" != first.title.get_fontweight()
    assert second.spines["left"].get_linewidth() > 2 * first.spines["left"].get_linewidth()
    assert second.spines["left"].get_linestyle() != first.spines["left"].get_linestyle()
    assert second.get_xlabel() == "target score 0.100, MISSED\nb"
    assert not any(axes.axison for axes in empty)


def test_a_split_without_mistakes_says_so(tmp_path: Path, figures: dict[str, Figure]) -> None:
    sure = Predictions(["a", "b"], np.array([0, 1]), np.eye(2), np.zeros((2, 8, 8, 3), np.uint8), (0,))
    draw_plots(tmp_path, history(2), [[1, 0], [0, 1]], ["MEL", "NV"], sure, 0.5, "run", False, 0, "validation")
    assert figures["mistakes"].get_suptitle() == "run: no mistakes in 2 validation images"
    assert not figures["mistakes"].axes


def test_names_with_dollars_and_letters_without_a_glyph_are_drawn(tmp_path: Path) -> None:
    draw(tmp_path, ["$x^$", "痣"], name="run $\\frac$ 痣")


def test_a_full_disk_is_a_machine_error_and_leaves_the_old_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "confusion.png"
    path.write_bytes(b"old")

    def fill(figure: Figure, target: Path, **options: Any) -> None:
        target.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    monkeypatch.setattr(Figure, "savefig", fill)
    with pytest.raises(MachineError, match=r"confusion\.png"):
        draw_confusion([[1, 0], [0, 1]], ["MEL", "NV"], path, "run")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("confusion.png", b"old")]


def test_pyplot_is_never_loaded_and_matplotlib_only_when_drawing(tmp_path: Path) -> None:
    script = """if True:
        import sys
        from pathlib import Path
        from melanoma_edge.report.plots import draw_confusion
        assert "matplotlib" not in sys.modules
        draw_confusion([[1, 0], [0, 1]], ["MEL", "NV"], Path(sys.argv[1]), "run")
        assert "matplotlib" in sys.modules and "matplotlib.pyplot" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "c.png")], check=True)
