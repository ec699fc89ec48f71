"""What ``inspect`` shows of a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from melanoma_edge.cli.console import note, print_json, print_table, reporting

if TYPE_CHECKING:
    from melanoma_edge.bundle import Bundle


def inspect_bundle(path: Path, schema: str, key: Path | None, rehearse: bool, as_json: bool, quiet: bool) -> None:
    """Check a bundle and print what it is.

    Raises:
        TrustError: at the first thing that is not as it must be.
    """
    from melanoma_edge.bundle import open_bundle
    from melanoma_edge.strictjson import to_plain

    bundle = open_bundle(path, _public(key) if key else None)
    if rehearse:
        with reporting(quiet) as reporter:
            bundle.rehearse(reporter.progress)
    head = _head(path, bundle, rehearse)
    if as_json:
        rest = {"manifest": bundle.manifest, "contract": bundle.contract, "golden": bundle.golden}
        print_json({"schema": schema, **head, **to_plain(rest)})
        return
    print_table("Bundle", ("what", "value"), head.items())
    print_table("Chain of sha256", ("what", "sha256"), bundle.manifest.chain.items())
    _print_golden(bundle)
    note(_summary(bundle, rehearse), quiet)


def _public(path: Path) -> Any:
    from melanoma_edge.bundle.signing import read_public

    return read_public(path)


def _head(path: Path, bundle: Bundle, rehearsed: bool) -> dict[str, Any]:
    manifest = bundle.manifest
    return {
        "path": str(path),
        "kind": "bundle",
        "sha256": bundle.sha256,
        "bytes": sum(map(len, bundle.files.values())),
        "name": manifest.name,
        "release": manifest.release,
        "tool": manifest.tool,
        "synthetic": manifest.synthetic,
        "verdict": manifest.verdict,
        "limits_changed": manifest.limits_changed,
        "lesions": manifest.lesions,
        "melanomas": manifest.melanomas,
        "models": {form: f"{one.precision}, {one.bytes} bytes" for form, one in manifest.artifacts.items()},
        "signature": "good" if bundle.trusted else "not checked" if bundle.signed else "none",
        "golden_vectors": "run" if rehearsed else "not run",
    }


def _print_golden(bundle: Bundle) -> None:
    rows = [
        (one.photo, f"{one.width} x {one.height}", one.orientation, one.decision, one.state)
        for one in bundle.golden.vectors
    ]
    print_table("Golden vectors", ("photo", "upright", "orientation", "decision", "state"), rows)


def _summary(bundle: Bundle, rehearsed: bool) -> str:
    parts = [f"All {len(bundle.manifest.files)} files are those of the manifest, and fit each other."]
    count = len(bundle.golden.vectors)
    parts.append(f"{count} golden vectors came out as they must." if rehearsed else "--verify runs the golden vectors.")
    if not bundle.trusted:
        parts.append("Who made it was not checked: give --key.")
    return " ".join(parts)
