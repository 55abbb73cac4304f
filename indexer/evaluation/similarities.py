"""Similarity of films by pixels, and by what a film's record gives away without any pixel."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from engine.embeddings import as_queries
from indexer.evaluation.cohort import Cohort, Column
from indexer.evaluation.ranking import Floats, Similarity

YEARS_PER_UNIT = 10.0
MOST_YEARS = 3.0
UNKNOWN_AGE, UNKNOWN_SEX, UNKNOWN_SITE = MOST_YEARS / 2, 0.5, 0.5


def by_vectors(queries: Cohort, gallery: Cohort) -> Similarity:
    """Cosine (see `as_queries`); equal vectors (one file of two patients) are exactly as similar.

    A matrix product rounds equal columns differently by their place, so each different vector is multiplied once.
    """
    whole = gallery.vectors.view(np.dtype((np.void, gallery.vectors.itemsize * gallery.vectors.shape[1])))[:, 0]
    _, first, place = np.unique(whole, return_index=True, return_inverse=True)
    different = gallery.vectors[first].T
    asked = as_queries(queries.vectors)
    return lambda rows: (asked[rows] @ different)[:, place]


def by_metadata(queries: Cohort, gallery: Cohort) -> Similarity:
    """Minus the distance by age, sex and site alone: what a radiograph must add to.

    Distance = age difference / 10 years (at most 3) + 1 if sexes differ + 1 - Jaccard index of the sites' words.
    A term unknown on either side counts half of its most (1.5, 0.5, 0.5), on both sides too, so that missing values
    alone bring no two films together: that is `by_shortcut`.
    """
    sex_table, query_sex, gallery_sex = _coded(queries.sex, gallery.sex, _sex_distance)
    site_table, query_site, gallery_site = _coded(queries.site, gallery.site, _site_distance)

    def similarity(rows: slice) -> Floats:
        years = np.abs(queries.age[rows, None] - gallery.age) / YEARS_PER_UNIT
        distance = np.where(np.isnan(years), UNKNOWN_AGE, np.minimum(years, MOST_YEARS))
        distance += sex_table[query_sex[rows]][:, gallery_sex]
        distance += site_table[query_site[rows]][:, gallery_site]
        return (-distance).astype(np.float32)

    return similarity


def by_shortcut(queries: Cohort, gallery: Cohort) -> Similarity:
    """Minus the number of differences in which fields are there at all: region, age, sex, centre, view.

    No value is looked at, only its presence. A model can cheat with these; quality over films that differ in them
    means nothing above this figure. Nearly all films tie, so ties must be broken by chance.
    """
    asked, there = presence(queries).astype(np.float32), presence(gallery).astype(np.float32)
    return lambda rows: -(asked[rows] @ (1 - there.T) + (1 - asked[rows]) @ there.T)


def presence(cohort: Cohort) -> npt.NDArray[np.bool_]:
    """(n, 5): is there a region smaller than the film, an age, a sex, a centre, a view."""
    known = [
        np.array([value is not None for value in column], dtype=bool)
        for column in (cohort.sex, cohort.centre, cohort.view)
    ]
    return np.stack([cohort.region != "whole", ~np.isnan(cohort.age), *known], axis=1).astype(bool)


def has_shortcut(queries: Cohort, gallery: Cohort) -> bool:
    """Do films differ in what is known of them?"""
    return len(np.unique(np.concatenate([presence(queries), presence(gallery)]), axis=0)) > 1


def _sex_distance(a: str, b: str) -> float:
    if not (a and b):
        return UNKNOWN_SEX
    return float(a != b)


def _site_distance(a: str, b: str) -> float:
    one, other = _words(a), _words(b)
    if not (one and other):
        return UNKNOWN_SITE
    return 1 - len(one & other) / len(one | other)


def _words(site: str) -> set[str]:
    return {word.strip().casefold() for word in site.split(";")} - {""}


def _coded(
    queries: Column, gallery: Column, distance: Callable[[str, str], float]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """A table of distances between the values that occur, and the rows' places in it."""
    texts = np.array([value or "" for value in (*queries, *gallery)])
    values, codes = np.unique(texts, return_inverse=True)
    table = np.array([[distance(str(a), str(b)) for b in values] for a in values])
    return table, codes[: len(queries)], codes[len(queries) :]
