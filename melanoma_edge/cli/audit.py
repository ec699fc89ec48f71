"""``melanoma-edge audit``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from melanoma_edge.cli.console import note, print_json, reporting
from melanoma_edge.cli.data_options import layout_options
from melanoma_edge.cli.options import PATH, dry_run_option, force_option, output_options, seed_option
from melanoma_edge.errors import DataError


@click.command("audit")
@click.argument("paths", type=PATH, nargs=-1, required=True)
@layout_options
@click.option("--html", type=PATH, help="Also write one page with pictures of the pairs; it needs no network.")
@click.option("--workers", type=int, help="Processes; default: one per core.")
@force_option
@seed_option
@dry_run_option
@output_options
def command(
    paths: tuple[Path, ...],
    html: Path | None,
    workers: int | None,
    force: bool,
    seed: int,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    **layout: Any,
) -> int:
    """Look whether images can be trained on, and say what to do if not.

    Finds copies (equal bytes, equal pixels, turned, resized, saved again, cut to 70 % of the side), images under two
    labels, what Test shares with Train, broken and misnamed files, thumbnails, and how well the class is told by
    origin, size, colour or dark corners alone. An audit that was stopped continues where it was. Exit code 3 when the
    images are not usable.

    \b
    Example:
      melanoma-edge audit HAM10000/
      melanoma-edge audit HAM10000/ --html audit.html
      melanoma-edge audit HAM10000/ --dry-run
    """
    from melanoma_edge.audit import Answer, audit
    from melanoma_edge.audit.page import write_page
    from melanoma_edge.audit.plan import plan_audit
    from melanoma_edge.cli.audited import describe_audit, describe_audit_plan
    from melanoma_edge.data.reading import reading_from
    from melanoma_edge.files import refuse_overwrite
    from melanoma_edge.strictjson import to_plain

    reading = reading_from(layout)
    refuse_overwrite([html] if html else [], force)
    if dry_run:
        plan = plan_audit(paths, reading, workers=workers)
        print_json(to_plain(plan)) if as_json else describe_audit_plan(plan)
        return 0
    with reporting(quiet) as reporter:
        found = audit(paths, reading, progress=reporter.progress, workers=workers, seed=seed)
    print_json(to_plain(found)) if as_json else describe_audit(found)
    if html:
        write_page(found, html)
        note(f"Page: {html}", quiet)
    return DataError.exit_code if found.verdict.answer is Answer.NOT_USABLE else 0
