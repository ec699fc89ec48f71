"""``melanoma-edge recalibrate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from melanoma_edge.cli.console import estimate, note, print_json, print_table, reporting
from melanoma_edge.cli.data_options import layout_options
from melanoma_edge.cli.options import PATH, force_option, output_options

if TYPE_CHECKING:
    from melanoma_edge.recalibration import PointAtSite, Recalibration


@click.command("recalibrate")
@click.argument("model", type=PATH, metavar="RUN|ARTIFACT")
@click.option("--data", type=PATH, multiple=True, required=True, help="Folder of the site's images; may be repeated.")
@layout_options
@click.option("--skip-bad-images", is_flag=True, help="Leave unreadable images out, counted.")
@click.option("--sensitivity", type=float, help="Wanted at the site. Default: that of the contract.")
@click.option("--allow-uncertified", is_flag=True, help="Take a threshold above the contract's that is not certified.")
@click.option("--date", type=click.DateTime(["%Y-%m-%d"]), help="To be recorded; none when left out.")
@click.option("--out", type=PATH, default=Path("recalibration.json"), show_default=True, help="The document.")
@click.option("--sign", type=PATH, metavar="KEY.pem", help="Sign it; made by `bundle --new-key`.")
@force_option
@output_options
def command(
    model: Path,
    data: tuple[Path, ...],
    skip_bad_images: bool,
    sensitivity: float | None,
    allow_uncertified: bool,
    date: Any,
    out: Path,
    sign: Path | None,
    force: bool,
    as_json: bool,
    quiet: bool,
    **layout: Any,
) -> None:
    """Choose a model's threshold anew on a site's own labelled images.

    The contract is not edited: the document names it by hash, says what the old and the new threshold reach on the
    site's lesions and what that certifies, and may be signed. A threshold above the contract's refers fewer lesions:
    without certification it is refused. `predict --recalibration` applies the document, and says so with every
    answer. Apps take thresholds from their bundle alone.

    \b
    Example:
      melanoma-edge recalibrate runs/ham/artifacts/model-int8.tflite --data hospital/ --out hospital.json
    """
    from melanoma_edge.bundle.signing import read_private
    from melanoma_edge.bundle.signing import sign as signed
    from melanoma_edge.evidence.models import open_models
    from melanoma_edge.evidence.recalibrating import recalibrate
    from melanoma_edge.files import refuse_overwrite, to_json, write_bytes, write_text
    from melanoma_edge.recalibration import signature_path
    from melanoma_edge.strictjson import to_plain

    signature = signature_path(out)
    refuse_overwrite([out, signature], force)
    key = read_private(sign) if sign else None
    (opened,) = open_models([model])
    day = date.date().isoformat() if date else None
    with reporting(quiet) as reporter:
        found = recalibrate(
            opened,
            data,
            layout,
            sensitivity=sensitivity,
            date=day,
            skip_bad=skip_bad_images,
            allow_uncertified=allow_uncertified,
            progress=reporter.progress,
        )
    text = to_json(to_plain(found))
    signature.unlink(missing_ok=True)  # one of an older document would prove nothing
    write_text(out, text)
    if key:
        write_bytes(signature, signed(text.encode(), key))
    print_json(to_plain(found)) if as_json else _describe(found)
    note(found.sentence, quiet and found.certified)
    if found.raised:
        note("Warning: the site's threshold is higher than the contract's: it refers fewer lesions.")
    note(f"Recalibration: {out}{f', signed: {signature}' if key else ', not signed'}", quiet)


def _describe(found: Recalibration) -> None:
    rows = [_row("contract", found.before), _row("site", found.after)]
    site = found.site
    title = f"On {site.lesions:,} lesions of the site, {site.positives:,} of them {found.target}"
    print_table(title, ("threshold of", "threshold", "sensitivity", "specificity"), rows)


def _row(name: str, point: PointAtSite) -> tuple[str, ...]:
    shares = (estimate(vars(one) if one else None) for one in (point.sensitivity, point.specificity))
    return (name, f"{point.threshold:.6f}", *shares)
