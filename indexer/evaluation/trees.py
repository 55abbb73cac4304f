"""Figures as a tree, before they become JSON."""

from typing import Any

Tree = dict[str, Any]
"""Names to figures (Estimate), counts, texts, or further trees."""
