"""How well an archive's neighbours name the entity of patients it has not seen."""

from indexer.evaluation.bootstrap import Clusters, Estimate
from indexer.evaluation.cohort import Cohort
from indexer.evaluation.pairing import aligned, over_baseline, paired
from indexer.evaluation.partition import Fold, asking, cross_validation, leave_out
from indexer.evaluation.protocol import CROSS_VALIDATION, LEAVE_OUT, Evaluation, FilmResults, evaluate, evaluate_folds
from indexer.evaluation.settings import KS, merging
from indexer.evaluation.tables import entity_rows, load_schema, markdown, rows

__all__ = [
    "CROSS_VALIDATION",
    "KS",
    "LEAVE_OUT",
    "Clusters",
    "Cohort",
    "Estimate",
    "Evaluation",
    "FilmResults",
    "Fold",
    "aligned",
    "asking",
    "cross_validation",
    "entity_rows",
    "evaluate",
    "evaluate_folds",
    "leave_out",
    "load_schema",
    "markdown",
    "merging",
    "over_baseline",
    "paired",
    "rows",
]
