"""What an audit would do."""

from pathlib import Path

import pytest
from pictures import two_classes

from melanoma_edge.audit import audit
from melanoma_edge.audit.plan import plan_audit
from melanoma_edge.errors import DataError, UsageError


def test_the_plan_counts_what_is_left_to_do(tmp_path: Path) -> None:
    two_classes(tmp_path / "data", each=4)
    before = plan_audit([tmp_path / "data"], folder=tmp_path / "index", workers=3)
    assert (before.files, before.known, before.processes) == (8, 0, 3)
    assert before.disk > 8 * 9000
    audit([tmp_path / "data"], folder=tmp_path / "index", workers=1)
    after = plan_audit([tmp_path / "data"], folder=tmp_path / "index")
    assert (after.known, after.disk) == (8, 0)


def test_what_is_wrong_is_said_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="0 processes"):
        plan_audit([tmp_path], workers=0)
    with pytest.raises(DataError, match="no such folder"):
        plan_audit([tmp_path / "nowhere"])
