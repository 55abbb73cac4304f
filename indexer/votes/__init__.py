"""Votes that know their limits: calibrated shares, prediction sets, abstention, malignancy, films unlike the rest."""

from indexer.votes.calibrate import calibrate
from indexer.votes.calibration import LEAST_PATIENTS, Calibration, Conformal, OperatingPoint, Unlike
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
