"""``melanoma-edge bundle``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from melanoma_edge.cli.console import note, print_json, print_table, reporting
from melanoma_edge.cli.options import PATH, dry_run_option, force_option, output_options
from melanoma_edge.cli.results import PLAN_SCHEMA, print_plan
from melanoma_edge.errors import UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from melanoma_edge.bundle import Bundle
    from melanoma_edge.bundle.sources import Chosen

SCHEMA = "melanoma-edge/bundled/1"


@click.command("bundle")
@click.argument("run", type=PATH, required=False)
@click.option("--out", type=PATH, help="New folder; the same as one zip comes beside it.")
@click.option("--format", "formats", multiple=True, help="tflite, and onnx; by default onnx if it is there and fit.")
@click.option("--precision", help="Of the exported files; int8 by default.")
@click.option("--artifact", "artifacts", type=PATH, multiple=True, help="Take this exported file; may be repeated.")
@click.option(
    "--release",
    type=click.IntRange(1, 2**31 - 1),
    help="Raise it with every bundle that is handed out: apps refuse to go back. By default 1, or RUN's own.",
)
@click.option("--key", type=PATH, metavar="PUB.pem", help="Refuse a bundle that the holder of this key did not sign.")
@click.option("--sign", type=PATH, metavar="KEY", help="Sign with this private key.")
@click.option("--new-key", type=PATH, metavar="FILE", help="Make a private key, and FILE.pub.pem for the app.")
@click.option("--allow-inconclusive", is_flag=True, help="Take files tested on too few lesions; the app says so.")
@force_option
@dry_run_option
@output_options
def command(
    run: Path | None,
    out: Path | None,
    formats: tuple[str, ...],
    precision: str | None,
    artifacts: tuple[Path, ...],
    release: int | None,
    key: Path | None,
    sign: Path | None,
    new_key: Path | None,
    allow_inconclusive: bool,
    force: bool,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Put exported files of a run together for an app: contract, golden vectors, verdicts, model card, all by hash.

    Takes files whose verdict is PASS; the same files, release and key give the same bytes. RUN may also be a bundle, to
    sign it or to raise its release. With --new-key alone, only a key is made.

    \b
    Example:
      melanoma-edge bundle runs/ham --out ham-bundle
      melanoma-edge bundle --new-key key.pem
      melanoma-edge bundle ham-bundle.zip --out ham-signed --new-key ham.pem --release 2
    """
    from melanoma_edge.bundle.writing import check_place

    if sign and new_key:
        raise UsageError("--sign and --new-key together", fix="give one of them")
    if new_key and not (run or out):
        if formats or precision or artifacts or release or key or allow_inconclusive or force:
            raise UsageError("options beside --new-key, but no bundle to make", fix="give RUN and --out, too")
        _only_key(new_key, dry_run, as_json, quiet)
        return
    if not run or not out:
        raise UsageError("RUN or --out missing", fix="give both, or --new-key alone")
    check_place(out, force)
    if new_key:
        _check_new(new_key, out)
    private = _private(sign, new_key)
    _check_precision(precision)
    chosen = _released(_chosen(run, formats, precision, artifacts, allow_inconclusive, key), release, run)
    for text in _notes(chosen):
        note(f"Note: {text}", quiet)
    if dry_run:
        paths = list(chosen.paths.values())
        plan: dict[str, Any] = {"out": str(out), "artifacts": paths, "verdict": chosen.verdict.value}
        plan |= {"limits_changed": chosen.limits_changed, "release": chosen.release, "signed": private is not None}
        print_plan({"schema": PLAN_SCHEMA, **plan}, as_json)
        return
    _make(chosen, out, private, new_key, force, as_json, quiet)


def _make(
    chosen: Chosen,
    out: Path,
    private: EllipticCurvePrivateKey | None,
    new_key: Path | None,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    from melanoma_edge import __version__
    from melanoma_edge.bundle.make import make_bundle

    def keep() -> None:
        if private and new_key:
            _save(private, new_key, quiet)

    options: dict[str, Any] = {"release": chosen.release, "key": private, "force": force, "before": keep}
    with reporting(quiet) as reporter:
        bundle = make_bundle(chosen, out, f"melanoma-edge {__version__}", **options, progress=reporter.progress)
    _show(_described(bundle, out), as_json, quiet)


def _released(chosen: Chosen, release: int | None, path: Path) -> Chosen:
    """Return the models with the release that was asked for.

    Raises:
        UsageError: when it is lower than that of the bundle they come from.
    """
    if release is not None and release < chosen.release:
        what = f"release {release} is lower than {chosen.release}, that of the bundle: apps refuse to go back"
        raise UsageError(what, where=str(path), fix="leave --release out, or raise it")
    return replace(chosen, release=release or chosen.release)


def _check_precision(precision: str | None) -> None:
    from exporters.precision import Precision

    known = [one.value for one in Precision]
    if precision is not None and precision not in known:
        raise UsageError(f"no precision {precision!r}", fix=f"use one of {', '.join(known)}")


def _notes(chosen: Chosen) -> Iterator[str]:
    yield from chosen.left_out
    if chosen.limits_changed:
        yield "judged at limits that were changed; the bundle and its model card say so"


def _chosen(
    path: Path,
    formats: tuple[str, ...],
    precision: str | None,
    artifacts: tuple[Path, ...],
    allow_inconclusive: bool,
    key: Path | None,
) -> Chosen:
    """Return the models of a run, or of a bundle, which ``key`` must have signed.

    Raises:
        UsageError: when some are chosen of a bundle, which has what it has, or with a key for a run.
    """
    from melanoma_edge.bundle import is_bundle, open_bundle
    from melanoma_edge.bundle.signing import read_public
    from melanoma_edge.bundle.sources import from_bundle, from_run
    from melanoma_edge.training.run import Run

    if artifacts and (formats or precision):
        raise UsageError("--artifact beside --format or --precision", fix="name the files, or say what they are")
    if not is_bundle(path):
        if key:
            raise UsageError("--key is for a bundle", where=str(path), fix="leave --key out")
        wanted: dict[str, Any] = {"formats": formats, "precision": precision or "int8", "artifacts": artifacts}
        return from_run(Run.open(path), **wanted, allow_inconclusive=allow_inconclusive)
    if formats or precision or artifacts:
        raise UsageError("--format, --precision and --artifact choose among a run's files", fix="leave them out")
    return from_bundle(open_bundle(path, read_public(key) if key else None), allow_inconclusive)


def _only_key(path: Path, dry_run: bool, as_json: bool, quiet: bool) -> None:
    from melanoma_edge.bundle.signing import check_new, generated, public_path

    check_new(path)
    document = {"private": str(path), "public": str(public_path(path))}
    if dry_run:
        print_plan({"schema": PLAN_SCHEMA, **document}, as_json)
        return
    _save(generated(), path, quiet)
    if as_json:
        print_json({"schema": "melanoma-edge/key/1", **document})
    else:
        click.echo(document["public"])


def _check_new(path: Path, out: Path) -> None:
    from melanoma_edge.bundle.signing import check_new
    from melanoma_edge.bundle.writing import check_key_place

    check_new(path)
    check_key_place(path, out)


def _save(key: EllipticCurvePrivateKey, path: Path, quiet: bool) -> None:
    from melanoma_edge.bundle.signing import save

    public = save(key, path)
    note(f"Keep {path} secret, and a copy of it safe: apps built with {public} take no bundle without it.", quiet)


def _private(sign: Path | None, new_key: Path | None) -> EllipticCurvePrivateKey | None:
    """Return the key to sign with, if any: one that is there, or a new one that is not written yet."""
    if not sign and not new_key:
        return None
    from melanoma_edge.bundle.signing import generated, read_private

    return read_private(sign) if sign else generated()


def _described(bundle: Bundle, out: Path) -> dict[str, Any]:
    from melanoma_edge.bundle.writing import zip_path

    manifest = bundle.manifest
    return {
        "path": str(out),
        "zip": str(zip_path(out)),
        "bytes": zip_path(out).stat().st_size,
        "sha256": bundle.sha256,
        "name": manifest.name,
        "release": manifest.release,
        "verdict": manifest.verdict,
        "limits_changed": manifest.limits_changed,
        "signed": bundle.signed,
        "files": list(bundle.files),
    }


def _show(document: dict[str, Any], as_json: bool, quiet: bool) -> None:
    if as_json:
        print_json({"schema": SCHEMA, **document})
        return
    print_table("Bundle", ("what", "value"), [(key, value) for key, value in document.items() if key != "files"])
    if not document["signed"]:
        note("Not signed: only an app built without a key takes it, and says that it is for development.", quiet)
