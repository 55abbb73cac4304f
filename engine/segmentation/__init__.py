"""Segmentation: the region of a film proposed by a network (R3). What is imported here needs no torch."""

from engine.segmentation.card import SegmenterCard
from engine.segmentation.files import SEGMENTER_CARD, SEGMENTER_ONNX, SegmenterFiles, has_segmenter
from engine.segmentation.runtime import Segmenter

__all__ = ["SEGMENTER_CARD", "SEGMENTER_ONNX", "Segmenter", "SegmenterCard", "SegmenterFiles", "has_segmenter"]
