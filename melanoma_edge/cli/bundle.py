"""``melanoma-edge bundle``."""

from __future__ import annotations

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
    default=1,
    show_default=True,
    help="Raise it with every bundle that is handed out: apps refuse to go back.",
)
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
    release: int,
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
    from melanoma_edge import __version__
    from melanoma_edge.bundle.make import make_bundle
    from melanoma_edge.bundle.writing import check_place

    if new_key and not (run or out):
        _only_key(new_key, sign, dry_run, as_json, quiet)
        return
    if not run or not out:
        raise UsageError("RUN or --out missing", fix="give both, or --new-key alone")
    check_place(out, force)
    key = _private(sign) if sign else None
    chosen = _chosen(run, formats, precision, artifacts, allow_inconclusive)
    if new_key:
        _new_key(new_key, sign, dry_run, quiet)
        key = None if dry_run else _private(new_key)
    for text in chosen.left_out:
        note(f"Note: {text}", quiet)
    if dry_run:
        plan = {"out": str(out), "artifacts": list(chosen.paths.values()), "verdict": chosen.verdict.value}
        print_plan({"schema": PLAN_SCHEMA, **plan, "release": release, "signed": bool(sign or new_key)}, as_json)
        return
    options: dict[str, Any] = {"release": release, "key": key, "force": force}
    with reporting(quiet) as reporter:
        bundle = make_bundle(chosen, out, f"melanoma-edge {__version__}", **options, progress=reporter.progress)
    _show(_described(bundle, out), as_json, quiet)


def _chosen(
    path: Path, formats: tuple[str, ...], precision: str | None, artifacts: tuple[Path, ...], allow_inconclusive: bool
) -> Chosen:
    """Return the models of a run, or of a bundle.

    Raises:
        UsageError: when some are chosen of a bundle, which has what it has.
    """
    from melanoma_edge.bundle import is_bundle, open_bundle
    from melanoma_edge.bundle.sources import from_bundle, from_run
    from melanoma_edge.training.run import Run

    if artifacts and (formats or precision):
        raise UsageError("--artifact beside --format or --precision", fix="name the files, or say what they are")
    if not is_bundle(path):
        wanted: dict[str, Any] = {"formats": formats, "precision": precision or "int8", "artifacts": artifacts}
        return from_run(Run.open(path), **wanted, allow_inconclusive=allow_inconclusive)
    if formats or precision or artifacts:
        raise UsageError("--format, --precision and --artifact choose among a run's files", fix="leave them out")
    return from_bundle(open_bundle(path), allow_inconclusive)


def _only_key(path: Path, sign: Path | None, dry_run: bool, as_json: bool, quiet: bool) -> None:
    public = _new_key(path, sign, dry_run, quiet)
    document = {"private": str(path), "public": str(public)}
    if dry_run:
        print_plan({"schema": PLAN_SCHEMA, **document}, as_json)
    elif as_json:
        print_json({"schema": "melanoma-edge/key/1", **document})
    else:
        click.echo(public)


def _new_key(path: Path, sign: Path | None, dry_run: bool, quiet: bool) -> Path:
    """Make a key and return its public half's path.

    Raises:
        UsageError: with ``--sign``, or when a key is there.
    """
    from melanoma_edge.bundle.signing import new_key, public_path
    from melanoma_edge.files import refuse_overwrite

    if sign:
        raise UsageError("--sign and --new-key together", fix="give one of them")
    if dry_run:
        refuse_overwrite([path, public_path(path)], force=False)
        return public_path(path)
    public = new_key(path)
    note(f"Keep {path} secret, and a copy of it safe: apps built with {public} take no bundle without it.", quiet)
    return public


def _private(path: Path) -> EllipticCurvePrivateKey:
    from melanoma_edge.bundle.signing import read_private

    return read_private(path)


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
