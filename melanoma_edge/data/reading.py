"""How data is read: the layout, what may be left out, and what becomes of copies and contradictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from melanoma_edge.errors import UsageError

CONFLICTS = ("error", "drop", "prefer")
DUPLICATES = ("keep-first", "error")
TEST_FOLDERS = ("pool", "keep")
GROUPED, LEGACY = "grouped", "legacy"
SPLIT_POLICIES = (GROUPED, LEGACY)
IMAGE_TYPES = ("dermoscopic", "clinical")
TUTORIAL_COPIES, MOST_COPIES = 500, 10_000


@dataclass(frozen=True)
class TableColumns:
    """Name the columns of a table of no known layout: of the image, of the label, of what must not be torn apart."""

    path: str
    label: str
    group: str | None = None


@dataclass(frozen=True)
class Reading:
    """Say how folders become a catalog; the catalog keeps it.

    Attributes:
        source: name of the reader, or ``auto``.
        columns: of tables in no known layout.
        image_type: of images whose layout does not say it; None means dermoscopic.
        skip_missing: leave out rows of a table whose image is not on disk, counted, instead of stopping.
        skip_unknown: leave out images whose label is not in the vocabulary, counted, instead of stopping.
        on_conflict: for one image under two labels: ``error``, ``drop`` to leave out every copy of it, or
            ``prefer FILE``, a table of labels that wins over what folders say of the images it names.
        on_duplicate: for byte-identical files under one label: ``keep-first`` or ``error``.
        test_folder: ``pool`` splits the images of existing Train and Test folders anew; ``keep`` leaves the Test
            folder's as the test split, and what they share a group with out of training.
        split_policy: ``grouped``, or ``legacy``: every file on its own, copies and contradictions kept, so that the
            split leaks as in the field's tutorials; all that comes of it is stamped LEAKY.
        legacy_copies: augmented copies of each class that are made before a legacy split; None means as many as the
            tutorials make. They are then all the augmentation there is.

    Raises:
        UsageError: for a policy that is not known, and for policies that contradict ``legacy``.
    """

    source: str = "auto"
    columns: TableColumns | None = None
    image_type: str | None = None
    skip_missing: bool = False
    skip_unknown: bool = False
    on_conflict: str = "error"
    on_duplicate: str = "keep-first"
    test_folder: str = "pool"
    split_policy: str = GROUPED
    legacy_copies: int | None = None

    def __post_init__(self) -> None:
        _check_known("policy for conflicts", self.on_conflict.partition(" ")[0], CONFLICTS)
        _check_known("policy for duplicates", self.on_duplicate, DUPLICATES)
        _check_known("policy for test folders", self.test_folder, TEST_FOLDERS)
        _check_known("split policy", self.split_policy, SPLIT_POLICIES)
        _check_known("image type", self.image_type or IMAGE_TYPES[0], IMAGE_TYPES)
        if self.on_conflict.startswith("prefer") != bool(self.preferred):
            fix = "write `prefer FILE`, where FILE is a table of images and labels"
            raise UsageError(f"policy for conflicts {self.on_conflict!r} is not whole", fix=fix)
        if self.leaky and (self.on_conflict, self.on_duplicate) != ("error", "keep-first"):
            what = "split policy legacy takes every file as it lies, so no other policy for copies goes with it"
            raise UsageError(what, fix="leave out --on-conflict and --on-duplicate, or --split-policy legacy")
        if self.legacy_copies is not None and not (self.leaky and 0 <= self.legacy_copies <= MOST_COPIES):
            what = f"{self.legacy_copies} augmented copies of each class before a split by {self.split_policy} policy"
            fix = f"give --legacy-copies of 0 to {MOST_COPIES:,}, and with --split-policy legacy alone"
            raise UsageError(what, fix=fix)

    @property
    def preferred(self) -> Path | None:
        """The table of labels that wins, where there is one."""
        word, _, file = self.on_conflict.partition(" ")
        return Path(file.strip()) if word == "prefer" and file.strip() else None

    @property
    def leaky(self) -> bool:
        """Whether the split tears apart what belongs together."""
        return self.split_policy == LEGACY

    @property
    def copies(self) -> int:
        """How many augmented copies of each class are made before the split."""
        if not self.leaky:
            return 0
        return TUTORIAL_COPIES if self.legacy_copies is None else self.legacy_copies

    def policies(self) -> dict[str, str]:
        """Return what decided over images, as the catalog keeps it: paths by file name alone."""
        named = ("on_conflict", "on_duplicate", "test_folder", "split_policy")
        chosen = {field.name: str(getattr(self, field.name)) for field in fields(self) if field.name in named}
        if self.preferred:
            chosen["on_conflict"] = f"prefer {self.preferred.name}"
        chosen |= {"legacy_copies": str(self.copies)} if self.leaky else {}
        left = {"missing images": self.skip_missing, "unknown labels": self.skip_unknown}
        return chosen | {"left_out": ", ".join(name for name, skipped in left.items() if skipped) or "nothing"}


def reading_from(options: Mapping[str, Any]) -> Reading:
    """Return the reading that options of the command line ask for, by the options' names; others are not looked at.

    Raises:
        UsageError: as ``Reading``, and for columns of a table that are named by halves.
    """
    path, label, group = (options.get(f"{name}_column") for name in ("path", "label", "group"))
    if bool(path) != bool(label) or (group and not path):
        fix = "name the columns of images and labels, with --path-column and --label-column"
        raise UsageError("path column and label column go together, and a group column with them", fix=fix)
    same = {name: options[name] for name in _SAME_NAME if name in options}
    left = {field: options[name] for field, name in _OTHER_NAME.items() if name in options}
    return Reading(columns=TableColumns(path, label, group) if path and label else None, **same, **left)


_SAME_NAME = ("source", "image_type", "on_conflict", "on_duplicate", "test_folder", "split_policy", "legacy_copies")
_OTHER_NAME = {"skip_missing": "skip_missing_images", "skip_unknown": "skip_unknown_labels"}


def _check_known(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UsageError(f"unknown {what} {value!r}", fix=f"choose {', '.join(known[:-1])} or {known[-1]}")
