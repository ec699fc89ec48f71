"""The paired comparison of exported files with their reference, and the gate that judges it."""

from melanoma_edge.parity.comparison import compare, judge
from melanoma_edge.parity.gate import Check, Limits, Status
from melanoma_edge.parity.verdict import ArtifactVerdict, Flip, Judgement, Verdict

__all__ = ["ArtifactVerdict", "Check", "Flip", "Judgement", "Limits", "Status", "Verdict", "compare", "judge"]
