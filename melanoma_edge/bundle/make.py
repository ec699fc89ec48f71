"""Making a bundle from beginning to end: assembled, checked as any reader would, and only then written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from melanoma_edge.bundle.assemble import assemble
from melanoma_edge.bundle.sources import Chosen
from melanoma_edge.bundle.verify import Bundle, verify
from melanoma_edge.bundle.writing import check_place, write
from melanoma_edge.progress import Progress, silent

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey


def make_bundle(
    chosen: Chosen,
    out: Path,
    tool: str,
    *,
    release: int = 1,
    key: EllipticCurvePrivateKey | None = None,
    force: bool = False,
    progress: Progress = silent,
) -> Bundle:
    """Write the folder ``out`` and the zip beside it.

    Args:
        chosen: the models; see ``sources.from_run``.
        out: the folder.
        tool: name and version of what makes it.
        release: see ``assemble``.
        key: signs the manifest.
        force: replace a bundle that is there.
        progress: told of the golden vectors.

    Raises:
        UsageError: when something else is there, or a bundle and not ``force``.
        ExportError: when no golden vectors can be found for the models.
        MachineError: when the disk is full, read-only or not permitted.
    """
    check_place(out, force)
    files = assemble(chosen, tool, release, key, progress)
    bundle = verify(files, str(out), key.public_key() if key else None)
    bundle.rehearse(progress)
    write(files, out, force)
    return bundle
