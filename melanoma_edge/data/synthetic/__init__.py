"""The built-in synthetic set: dermoscopy-like pictures of seven classes for trials, tests and first steps.

They are drawn, not photographed: a number measured on them says that the tools work, and nothing about patients.
"""

from melanoma_edge.data.synthetic.picture import photo, render
from melanoma_edge.data.synthetic.spec import CLASSES, SyntheticSpec, View, plan
from melanoma_edge.data.synthetic.writer import MARKER, SCHEMA, write_synthetic

__all__ = ["CLASSES", "MARKER", "SCHEMA", "SyntheticSpec", "View", "photo", "plan", "render", "write_synthetic"]
