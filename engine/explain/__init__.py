"""Explanations from an encoder's patches: where two films agree, and what speaks for an entity. Imports no torch."""

from engine.explain.cam import Classifier, vote_activation
from engine.explain.films import Agreement, Look, agreement, look
from engine.explain.heat import Heat, drawn_out, heats, window
from engine.explain.match import match_maps
from engine.explain.overlay import laid_over, overlay

__all__ = [
    "Agreement",
    "Classifier",
    "Heat",
    "Look",
    "agreement",
    "drawn_out",
    "heats",
    "laid_over",
    "look",
    "match_maps",
    "overlay",
    "vote_activation",
    "window",
]
