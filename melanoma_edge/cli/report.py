"""``melanoma-edge report``."""

from __future__ import annotations

from pathlib import Path

import click

from melanoma_edge.cli.console import note, print_json, print_table
from melanoma_edge.cli.options import PATH, force_option, output_options, run_argument


@click.command("report")
@run_argument
@click.option("--out", type=PATH, metavar="FILE.html", help="The page; default: RUN/report/index.html.")
@click.option(
    "--no-images", "pictures", is_flag=True, flag_value=False, default=True, help="No pictures, and no names of images."
)
@force_option
@output_options
def command(run: Path, out: Path | None, pictures: bool, force: bool, as_json: bool, quiet: bool) -> None:
    """Write all that is known of a run as one page for people, and a model card.

    The page is one file that opens without a network. Both are made of the run's JSON files alone, whose chain of
    hashes is checked first; what was not done says so, with the command that does it. With --no-images the page shows
    no picture, and names of images and lesions are hashes with a salt that nobody keeps.

    \b
    Example:
      melanoma-edge report runs/ham
      melanoma-edge report runs/ham --no-images --out shared.html
    """
    from melanoma_edge.evidence.reporting import write_report
    from melanoma_edge.training.run import Run

    found = write_report(Run.open(run), out, pictures=pictures, force=force)
    if as_json:
        print_json({**found.document, "page": str(found.page), "card": str(found.card)})
        return
    note(f"{found.document['verdict']}: {found.document['sentence']}", quiet)
    for kind, how in found.document["not_done"].items():
        note(f"Not done: {kind}. {how}", quiet)
    print_table("Report", ("what", "where"), [("page", found.page), ("model card", found.card)])
