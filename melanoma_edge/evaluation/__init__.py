"""Clinical metrics, intervals, operating point and calibration: NumPy in, frozen dataclasses out."""

from melanoma_edge.evaluation.calibration import fit_prior_shift, fit_temperature
from melanoma_edge.evaluation.intervals import Estimate
from melanoma_edge.evaluation.lesions import by_group, lesions
from melanoma_edge.evaluation.metrics import ClassMetrics, Metrics, evaluate, macro_auc
from melanoma_edge.evaluation.operating_point import choose_threshold

__all__ = [
    "ClassMetrics",
    "Estimate",
    "Metrics",
    "by_group",
    "choose_threshold",
    "evaluate",
    "fit_prior_shift",
    "fit_temperature",
    "lesions",
    "macro_auc",
]
