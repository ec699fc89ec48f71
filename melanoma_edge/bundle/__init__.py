"""Bundles: what a phone app takes, with everything that it needs to trust it."""

from melanoma_edge.bundle.container import is_bundle
from melanoma_edge.bundle.verify import Bundle, open_bundle, verify

__all__ = ["Bundle", "is_bundle", "open_bundle", "verify"]
