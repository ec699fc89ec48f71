"""``melanoma-edge doctor``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from melanoma_edge.cli.console import note, print_json, print_table
from melanoma_edge.cli.options import output_options

if TYPE_CHECKING:
    from melanoma_edge.machine import Finding

SCHEMA = "melanoma-edge/doctor/1"


@click.command("doctor")
@output_options
def command(as_json: bool, quiet: bool) -> int:
    """Show versions, GPUs, instruction set and free disk, and what to install.

    Exit code 8 when something needed is missing.

    \b
    Example:
      melanoma-edge doctor
    """
    from melanoma_edge.machine import examine

    findings = [*examine(Path.cwd()), _emulator()]
    missing = [finding for finding in findings if finding.fix]
    if as_json:
        print_json({"schema": SCHEMA, "ok": not missing, "findings": [asdict(finding) for finding in findings]})
    else:
        print_table("This machine", ("what", "value"), [(finding.what, finding.value) for finding in findings])
    for finding in missing:
        note(f"Error: {finding.what}: {finding.value}\nFix: {finding.fix}")
    if not missing:
        note("Everything that melanoma-edge needs is here.", quiet)
    return 8 if missing else 0


def _emulator() -> Finding:
    """State whether exported files can be tried on a phone's processor; nothing else needs it, so nothing is to fix."""
    from melanoma_edge.errors import MachineError
    from melanoma_edge.machine import Finding
    from melanoma_edge.runtime.emulator import CPU, check_ready, emulator_folder

    what = f"emulated {CPU}"
    try:
        folder = emulator_folder()
        check_ready(folder)
    except MachineError as error:
        return Finding(what, f"not ready (optional): {error.what}; {error.fix}")
    return Finding(what, f"ready in {folder}")
