"""Two encoders over the same films: every figure's difference, under the same resampled split groups."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from engine.errors import QueryError
from indexer.evaluation.bootstrap import Estimate
from indexer.evaluation.cohort import Cohort
from indexer.evaluation.protocol import Evaluation

SHA256, FILE = "sha256", "file"
_SAME = ("protocol", "ks", "by", "resamples", "seed", "vote_k")
_NOT_COMPARED = ("baselines", "confusion", "per_entity", "prediction_set")


def paired(one: Evaluation, other: Evaluation) -> dict[str, Any]:
    """By group the difference `one` - `other` of every figure that both have, as `paired` in schema.json.

    Each leaf: this, other, value (their difference), low and high of its 95 % interval, above_zero: does the interval
    lie above 0 (None without an interval). Of ece, brier and risk_area less is better. Both must have asked the same
    films (ids, in order, with the same groups) in the same way: see `aligned`. Raises QueryError otherwise.
    """
    for name in _SAME:
        if one.manifest[name] != other.manifest[name]:
            raise QueryError(f"{name} is {one.manifest[name]!r} in one run and {other.manifest[name]!r} in the other")
    same = len(one.films.film) == len(other.films.film) and all(
        np.array_equal(getattr(one.films, name), getattr(other.films, name))
        for name in ("film", "fold", "group", "entity")
    )
    if not same:
        raise QueryError("the two runs asked different films or grouped them otherwise; pair runs over the same films")
    groups = {name: _differences(tree, other.tree[name]) for name, tree in one.tree.items()}
    return {"n_films": len(one.films.film), "groups": groups}


def over_baseline(evaluation: Evaluation, name: str) -> dict[str, Any]:
    """By group the difference of every figure to a baseline's of the same run, leaves as in `paired`.

    name: as in the run's baselines. Raises QueryError for one that the run has not.
    """
    known = evaluation.tree["all"]["baselines"]
    if name not in known:
        raise QueryError(f"the run has no baseline {name!r}; name one of {', '.join(known)}")
    return {group: _differences(tree, tree["baselines"].get(name, {})) for group, tree in evaluation.tree.items()}


def aligned(one: Cohort, other: Cohort) -> tuple[Cohort, Cohort]:
    """The films that both have (by sha256 and file), in the order of `one`, all facts of `one`.

    Pseudonyms are keyed by archive, so patients and groups can only be those of one of them; of `other` remain the
    vectors and what was embedded. Both need the extra column sha256; file tells films of equal bytes apart.
    Raises QueryError where they share no film.
    """
    rows = {key: row for row, key in enumerate(_keys(other))}
    mine = [(row, rows[key]) for row, key in enumerate(_keys(one)) if key in rows]
    if not mine:
        raise QueryError("the two archives have no film in common; index the same films with both encoders")
    here, there = np.array(mine, dtype=np.int64).T
    kept = one.take(here)
    return kept, replace(kept, vectors=other.vectors[there], region=other.region[there])


def _keys(cohort: Cohort) -> list[tuple[object, object]]:
    if SHA256 not in cohort.extra:
        raise QueryError("films without sha256 cannot be paired; give cohorts with that column")
    files = cohort.extra.get(FILE, np.full(len(cohort), None, dtype=object))
    return list(zip(cohort.extra[SHA256], files, strict=True))


def _differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for name, here in one.items():
        there = other.get(name)
        if name in _NOT_COMPARED or there is None:
            continue
        if isinstance(here, Estimate):
            found[name] = _difference(here, there)
        elif isinstance(here, Mapping) and (below := _differences(here, there)):
            found[name] = below
    return found


def _difference(one: Estimate, other: Estimate) -> dict[str, Any]:
    found = one.minus(other)
    above = None if found.low is None else found.low > 0
    return {"this": one.value, "other": other.value, **found.to_dict(), "above_zero": above}
