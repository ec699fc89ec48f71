"""The command line: commands are found by name, loaded when called, and their errors translated here and only here."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click

from melanoma_edge import __version__
from melanoma_edge.cli.console import note
from melanoma_edge.errors import Interrupted, MachineError, MelanomaEdgeError, UsageError

COMMANDS = {
    "quickstart": "Make synthetic data, train, prune, export, judge and predict, in minutes.",
    "audit": "Look whether images can be trained on: copies, contradictions, leaks, confounders.",
    "train": "Train a classifier and leave a run.",
    "prune": "Make a new run with most 1x1 weights at zero.",
    "thin": "Make a new run with a physically narrower network, smaller and faster everywhere.",
    "quantize": "Make a new run whose weights lie on the int8 grid, rounded so that decisions stay.",
    "export": "Write TFLite and ONNX files of a run and judge them.",
    "evaluate": "Measure runs and exported files on labelled images, with intervals and subgroups.",
    "parity": "Judge exported files against the float model.",
    "report": "Write one page for people and a model card of all that is known of a run.",
    "runs": "List runs, or judge one release against the one before it.",
    "recalibrate": "Choose a model's threshold anew on a site's own labelled images.",
    "bundle": "Put exported files together with all that an app needs to trust them.",
    "predict": "Decide on photos.",
    "inspect": "Show what a run, an exported file or a bundle is.",
    "benchmark": "Compare exported files: bytes, start-up, latency, memory.",
    "race": "Measure our training against the plain Keras recipe, side by side.",
    "doctor": "Show what this machine has and what is missing.",
}


class LazyGroup(click.Group):
    """Know every command's name and one-line help, and import a command's module only when it runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"melanoma_edge.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS:
            raise UsageError(f"no such command {args[0]!r}", fix=f"use one of {', '.join(COMMANDS)}")
        return super().resolve_command(ctx, args)


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="melanoma-edge %(version)s")
def cli() -> None:
    """Train a small melanoma classifier, export it for phones, and prove that the file decides as the float model did.

    \b
    Exit codes: 0 done, 2 usage, 3 data, 4 export, 5 parity FAIL, 6 parity INCONCLUSIVE,
    7 run, artifact or bundle not trustworthy, 8 machine (disk, memory, permission, package), 130 interrupted.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; nothing but a bug of ours ends in code 1."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        answer: Any = cli.main(given, prog_name="melanoma-edge", standalone_mode=False)
        sys.stdout.flush()
        return answer if isinstance(answer, int) else 0
    except (BrokenPipeError, SystemExit):  # click, too, leaves when the reader of our output has gone, as `head` does
        return _left_alone()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return UsageError.exit_code
    except Exception as error:
        if "--debug" in given:
            traceback.print_exc()
        return _report(_translated(error))
    except KeyboardInterrupt:
        return _report(Interrupted("stopped", fix="run the same command again"))


def _translated(error: Exception) -> MelanomaEdgeError:
    """Return the error that a user is told of."""
    if isinstance(error, MelanomaEdgeError):
        return error
    if isinstance(error, click.Abort):
        return Interrupted("stopped", fix="run the same command again")
    if isinstance(error, click.ClickException):
        command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "melanoma-edge"
        return UsageError(error.format_message().rstrip("."), fix=f"see `{command} --help`")
    if isinstance(error, MemoryError):
        return MachineError("out of memory", fix="close other programs or use a smaller --batch-size or --image-size")
    if isinstance(error, OSError):
        return MachineError(
            f"{error.strerror or error}", where=str(error.filename or ""), fix="check disk and permissions"
        )
    return MelanomaEdgeError(
        f"this is a bug in melanoma-edge: {type(error).__name__}: {error}",
        fix="run again with --debug and report what it prints",
    )


def _left_alone() -> int:
    """Keep Python from complaining at exit, and never answer 0: that would be the PASS of a verdict nobody read."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + signal.SIGPIPE


def _report(error: MelanomaEdgeError) -> int:
    note(f"Error: {error}")
    return error.exit_code
