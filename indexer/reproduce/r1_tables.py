"""R1's figures as its paper's tables, with what they must be read beside."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from indexer.reproduce import published
from indexer.reproduce.neighbours import MEASURES, Search, Votes
from indexer.reproduce.r1 import COMMONEST, SHOWN_K, TREES, Measured, way
from indexer.reproduce.report import NOT_RUN, Table
from indexer.reproduce.significance import LEAST, Significance, significance

TITLES = {
    "precision": "precision-at-k: share of the k neighbours with the query's entity",
    "hit": "hit-at-k: any of the k neighbours right",
    "accuracy": "accuracy of the vote, or of the classifier",
    "macro_precision": "macro precision",
    "macro_recall": "macro recall",
}
PAPER_WAY = way(Votes.films, Search.hash)
TESTED = ("accuracy", "macro_precision", "macro_recall")


def main_table(found: Measured, classifiers: Sequence[str]) -> Table:
    """Every measure by who answers, at each k; per cent, mean ± standard deviation over splits."""
    header = ("per cent", *(f"k = {k}" for k in found.ks), "without k", published.COLUMN)
    rows = [row for measure in MEASURES for row in _rows(found, measure, classifiers)]
    return Table("", header, tuple(rows))


def _rows(found: Measured, measure: str, classifiers: Sequence[str]) -> Iterator[tuple[str, ...]]:
    yield (TITLES[measure],)
    blank = [""] * len(found.ks)
    for who in found.votes:
        ours = published.R1.get(measure, "") if who == PAPER_WAY else ""
        yield (who, *(str(one) for one in found.vote(who, measure)), "", ours)
    if measure not in TESTED:
        return
    for name in (*classifiers, TREES, COMMONEST):
        if name in found.failed:
            yield (name, *blank, NOT_RUN, "")
        elif name in found.classifiers:
            ours = published.baseline(name, measure)
            yield (name, *blank, str(found.classifier(name)[measure]), ours)


def entity_table(found: Measured) -> Table:
    """Recall of each entity by every way to vote, at the k of the tests, or the first."""
    k = SHOWN_K if SHOWN_K in found.ks else found.ks[0]
    by = {who: found.recalls(who, k) for who in found.voted}
    rows = []
    for name, (films, _) in next(iter(by.values())).items():
        rows.append((name, str(films), *(f"{100 * recalls[name][1]:.1f}" for recalls in by.values())))
    return Table(f"Recall by entity, per cent, k = {k}, test films of all splits", ("", "films", *by), tuple(rows))


def differ(found: Measured, classifiers: Sequence[str], votes: Votes) -> dict[str, Significance]:
    """By measure, the vote of `SHOWN_K` (hash) against the classifiers; {} with too few splits or a model not run."""
    who = way(votes, Search.hash)
    splits = len(found.votes[who])
    if splits < LEAST or SHOWN_K not in found.ks or any(name not in found.classifiers for name in classifiers):
        return {}
    place = found.ks.index(SHOWN_K)
    made = {}
    for measure in TESTED:
        groups = {f"R1, {votes}": found.vote(who, measure)[place].values}
        groups |= {name: found.classifier(name)[measure].values for name in classifiers}
        made[measure] = significance(groups)
    return made


def significance_table(results: dict[str, Significance], votes: Votes) -> Table:
    """Of each measure: Shapiro-Wilk by model, ANOVA, Tukey's pairs."""
    title = f"Do the models differ? R1's {votes} at k = {SHOWN_K} (hash) against the classifiers, over the splits"
    rows: list[tuple[str, ...]] = []
    for measure, one in results.items():
        rows.append((TITLES[measure],))
        rows.extend((f"Shapiro-Wilk: {name}", "", _p(p)) for name, p in one.normal.items())
        rows.append(("ANOVA: all means are one", "", _p(one.anova)))
        for pair in one.pairs:
            interval = f"{_points(pair.difference)} ({_points(pair.low)} to {_points(pair.high)})"
            rows.append((f"Tukey HSD: {pair.one} less {pair.other}", interval, _p(pair.p)))
    return Table(title, ("test", "difference in points (95 %)", "p"), tuple(rows))


def hash_note(found: Measured, bits: int) -> str:
    """What the hash costs."""
    share = 100 * float(np.mean(found.kept))
    return (
        f"hash: {bits} random hyperplanes (FAISS IndexLSH), ranked by Hamming distance; of the ten nearest by exact "
        f"cosine it keeps {share:.0f} %"
    )


def significance_figures(results: dict[Votes, dict[str, Significance]]) -> dict[str, Any]:
    """As plain data."""
    return {
        votes.value: {
            measure: {
                "shapiro_wilk": one.normal,
                "anova": one.anova,
                "tukey": [vars(pair) for pair in one.pairs],
            }
            for measure, one in by_measure.items()
        }
        for votes, by_measure in results.items()
    }


def _p(p: float | None) -> str:
    if p is None:
        return "all equal"
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}"


def _points(share: float) -> str:
    return f"{100 * share:+.1f}"
