"""What decides whether a phone with pages of 16 KB can load a shared object."""

from __future__ import annotations

import pytest
from toy_elf import DYNAMIC, LOAD, elf

from packing.elf import load_alignments


def test_only_loaded_segments_count() -> None:
    assert load_alignments(elf((LOAD, 0x4000), (DYNAMIC, 8), (LOAD, 0x1000))) == [0x4000, 0x1000]


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x7fELF\x01\x01" + bytes(60)], ids=["empty", "zip", "32 bits"])
def test_what_is_no_64_bit_shared_object_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="64-bit"):
        load_alignments(data)
