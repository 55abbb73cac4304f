"""Votes that know their limits: calibrated shares, prediction sets, abstention, malignancy, films unlike the rest."""

from indexer.votes.calibrate import LEAST_PATIENTS, calibrate
from indexer.votes.calibration import Calibration, Conformal, OperatingPoint, Unlike
from indexer.votes.shares import malignant_shares, shares

__all__ = [
    "LEAST_PATIENTS",
    "Calibration",
    "Conformal",
    "OperatingPoint",
    "Unlike",
    "calibrate",
    "malignant_shares",
    "shares",
]
