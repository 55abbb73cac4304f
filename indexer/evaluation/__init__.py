"""How well an archive's neighbours name the entity of patients it has not seen."""

from indexer.evaluation.bootstrap import Estimate
from indexer.evaluation.cohort import Cohort
from indexer.evaluation.protocol import Evaluation, FilmResults, evaluate
from indexer.evaluation.tables import entity_rows, load_schema, markdown, rows

__all__ = [
    "Cohort",
    "Estimate",
    "Evaluation",
    "FilmResults",
    "entity_rows",
    "evaluate",
    "load_schema",
    "markdown",
    "rows",
]
