"""What ``evaluate`` can measure instead, side by side: the float model of a run and exported files of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from melanoma_edge.cli.console import note, print_json, reporting
from melanoma_edge.cli.results import PLAN_SCHEMA, print_plan
from melanoma_edge.errors import UsageError
from melanoma_edge.progress import Progress

if TYPE_CHECKING:
    from melanoma_edge.evidence.models import Model
    from melanoma_edge.evidence.side_by_side import SideBySide

_Command = Callable[..., Any]


@dataclass(frozen=True)
class Own:
    """Describe the one option that only a measurement has; ``settings`` are those of ``click.option``."""

    flag: str
    settings: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The parameter that holds its value."""
        return self.flag.removeprefix("--").replace("-", "_")


@dataclass(frozen=True)
class Extra:
    """Describe a measurement, asked for by the flag ``--<name>``.

    ``plan`` gives the lines of a dry run and ``measure`` the dataclass that ``RUN/report/<document>`` holds, where an
    older one is replaced. Both get the models, the folder and the value of ``own``; ``measure`` also the seed and
    whom to tell of progress.
    """

    name: str
    help: str
    own: Own
    document: str
    plan: Callable[[SideBySide, Path, Any], Mapping[str, Any]]
    measure: Callable[[SideBySide, Path, Any, int, Progress], Any]
    describe: Callable[[Any, bool], None]

    def options(self, function: _Command) -> _Command:
        """Add both options to a command."""
        function = click.option(self.own.flag, self.own.name, **self.own.settings)(function)
        return click.option(f"--{self.name}", self.name, is_flag=True, help=self.help)(function)

    def wanted(self, options: Mapping[str, Any]) -> bool:
        """Tell whether it was asked for; refuse its option without it."""
        if options[self.own.name] and not options[self.name]:
            raise UsageError(f"{self.own.flag} is for --{self.name}", fix=f"add --{self.name}")
        return bool(options[self.name])

    def carry_out(
        self, models: Sequence[Model], options: Mapping[str, Any], seed: int, as_json: bool, quiet: bool, dry_run: bool
    ) -> int:
        """Measure, write and print, or print the plan; return the exit code."""
        from melanoma_edge.evidence.side_by_side import side_by_side
        from melanoma_edge.files import to_json, write_text
        from melanoma_edge.strictjson import to_plain

        subject, own = side_by_side(models), options[self.own.name]
        folder = subject.run.path / "report"
        place = folder / self.document
        if dry_run:
            plan = {"schema": PLAN_SCHEMA, "models": [str(model.path) for model in subject.models]}
            print_plan({**plan, **self.plan(subject, folder, own), "document": str(place)}, as_json)
            return 0
        with reporting(quiet) as reporter:
            found = self.measure(subject, folder, own, seed, reporter.progress)
        document = to_plain(found)
        write_text(place, to_json(document))
        print_json(document) if as_json else self.describe(found, quiet)
        note(f"{self.name.capitalize()}: {place}", quiet)
        return 0
