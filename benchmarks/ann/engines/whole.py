"""caselink as a whole: an archive of films and patients, asked for the most similar patients and their vote."""

from typing import ClassVar

import faiss
import numpy as np

from benchmarks._archive import fill_archive
from benchmarks.ann.engines.base import Engine, Options, Variants, padded
from engine.embeddings import Ids, Vectors
from indexer.archive import open_snapshot
from indexer.indexes.compact import CompactIndex
from indexer.indexes.rescored import Effort, RescoredIndex
from indexer.search import similar_patients


class Whole(Engine):
    """Filter, search, rescoring, grouping by patient and vote: what an answer rests on, of a written archive.

    The films judged are the nearest of those among which the patients were found. No film is after treatment, so that
    every one may answer, as in the other engines.
    """

    name = "caselink"
    kind = "own"
    package = "caselink"
    variants: ClassVar[Variants] = {"whole path": {"index": CompactIndex.name}}
    remark = "with its catalogue, grouping by patient and vote"

    def build(self, vectors: Vectors) -> None:
        """See `Engine.build`."""
        faiss.omp_set_num_threads(self.threads)
        patients = np.arange(len(vectors)) if self.patients is None else self.patients
        root = self.folder / "archive"
        self._row = fill_archive(root, vectors, patients, self.options["index"], treated=0.0)
        self._snapshot = open_snapshot(root)
        assert isinstance(self._snapshot.index, RescoredIndex)
        self._index: RescoredIndex = self._snapshot.index

    def settings(self) -> list[Options]:
        """See `Engine.settings`: the efforts that `tune` chooses from."""
        return [{"reach": effort.reach, "probe": effort.probe} for effort in self._index.EFFORTS]

    def search(self, queries: Vectors, k: int, setting: Options) -> Ids:
        """See `Engine.search`."""
        self._index.effort = Effort(**setting)
        similar, _ = similar_patients(self._snapshot, self._snapshot.manifest.card, queries, k)
        return padded([self._row[met.row[:k]] for met in similar.among], k)
