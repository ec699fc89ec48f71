"""Tables of an audit for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from melanoma_edge.cli.console import print_table
from melanoma_edge.errors import named

if TYPE_CHECKING:
    from melanoma_edge.audit import Audit
    from melanoma_edge.audit.plan import Plan
    from melanoma_edge.evaluation import Estimate

_FAULTS_SHOWN = 10


def describe_audit(audit: Audit) -> None:
    """Print what was found, the most general last, so that it stands where the reader looks."""
    _files(audit)
    _copies(audit)
    _confounding(audit)
    _classes(audit)
    _verdict(audit)


def describe_audit_plan(plan: Plan) -> None:
    """Print what an audit would do."""
    rows = [
        ("files", f"{plan.files:,}"),
        ("looked at before", f"{plan.known:,}"),
        ("processes", plan.processes),
        ("index", plan.folder),
        ("disk it takes", f"{plan.disk / 1e6:,.1f} MB"),
        *(("data", text) for text in plan.notes),
    ]
    print_table("Plan", ("what", "value"), rows)


def _files(audit: Audit) -> None:
    files = audit.files
    rows = [
        ("files", f"{files.files:,}, {files.bytes / 1e6:,.1f} MB"),
        ("formats", _counts(files.formats)),
        ("sizes", _counts(files.sizes)),
        ("modes", _counts(files.modes)),
        ("colour profiles", _counts(files.profiles)),
        ("cameras (EXIF)", _counts(files.cameras)),
        ("turned by EXIF", f"{files.turned:,}"),
        ("enlarged", f"{files.enlarged:,}"),
        ("cannot be decoded", f"{len(files.undecodable):,}"),
        ("another format than named", f"{len(files.misnamed):,}"),
    ]
    print_table("Files", ("what", "value"), rows)
    faults = [*files.undecodable, *files.misnamed]
    if faults:
        shown = [(fault.path, fault.what) for fault in faults[:_FAULTS_SHOWN]]
        print_table(f"Faulty files: {len(faults):,}, of which shown {len(shown)}", ("file", "what"), shown)


def _copies(audit: Audit) -> None:
    copies = audit.copies
    print_table("Copies", ("kind", "pairs"), [(kind, f"{count:,}") for kind, count in copies.by_kind.items()])
    if copies.conflicts:
        rows = [(" and ".join(one.labels), *map(_count, (one.images, *one.files))) for one in copies.conflicts]
        columns = ("labels", "images", "files of the first", "files of the second")
        print_table(f"One image under two labels: {copies.conflicting_images:,}", columns, rows)
    if copies.leaks:
        shared = [
            (" in ".join(one.parts), *map(_count, (one.images, one.other_label, one.alike, one.group)))
            for one in copies.leaks
        ]
        parts = ("folders", "same image", "other label", "alike", "lesion or patient")
        print_table("Shared by existing folders", parts, shared)


def _confounding(audit: Audit) -> None:
    found = audit.confounding
    rows = [
        (
            one.name,
            _interval(one.macro_auc),
            _interval(one.melanoma_auc),
            _interval(one.accuracy),
            f"{one.majority:.2f}",
        )
        for one in found.confounders
    ]
    columns = ("known alone", "macro AUC", "melanoma AUC", "accuracy", "largest class")
    print_table(f"What tells the class beside the lesion ({found.groups:,} groups, out of fold)", columns, rows)
    origins = sorted({origin for row in found.origins.values() for origin in row})
    table = [(label, *(f"{row.get(origin, 0):,}" for origin in origins)) for label, row in found.origins.items()]
    print_table("Where classes come from", ("class", *origins), table)


def _classes(audit: Audit) -> None:
    rows = [(one.label, f"{one.files:,}", f"{one.images:,}", f"{one.groups:,}") for one in audit.classes]
    print_table("Classes: files, then what the steps leave", ("class", "files", "images", "groups"), rows)
    proof = audit.proof
    proofs = [
        (f"{proof.target} lesions 70/15/15", " / ".join(f"{count:,}" for count in proof.groups.values())),
        ("sensitivity that validation can certify", f"{proof.certified:.1%} (95 % takes {proof.validation_needed})"),
        ("loss that test can exclude", f"{proof.loss_bound:.1%} (5 points take {proof.test_needed})"),
    ]
    print_table("What a split can prove, none missed or lost", ("what", "value"), proofs)


def _verdict(audit: Audit) -> None:
    verdict = audit.verdict
    for number, step in enumerate(verdict.steps, 1):
        click.echo(f"Step {number}: {step.finding}.")
        click.echo(f"        {step.option}: {step.remedy}.")
    for text in verdict.warnings:
        click.echo(f"Note: {text}.")
    for text in verdict.obstacles:
        click.echo(f"In the way: {text}.")
    click.echo(f"\nVerdict: {verdict.answer.value}.")
    if verdict.command:
        click.echo(f"  {verdict.command}")


def _count(number: int) -> str:
    return f"{number:,}"


def _counts(counts: Mapping[str, int]) -> str:
    return named((f"{value} {count:,}" for value, count in counts.items()), 4) or "none"


def _interval(value: Estimate | None) -> str:
    return f"{value.value:.2f} ({value.low:.2f}-{value.high:.2f})" if value else "not defined"
