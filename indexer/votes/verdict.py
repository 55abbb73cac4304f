"""What an answer says beside its ballots: shares, a set, abstention, malignancy, likeness to the archive."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.said import Said
from indexer.answer import FEW, NO_CASE, TIE, TUMOURLESS, UNMARKED, Ballot, Likeness, MalignantShare, PredictionSet
from indexer.evaluation.voting import NOBODY
from indexer.votes.calibration import Calibration
from indexer.votes.films import VoteFacts
from indexer.votes.shares import malignant_shares, shares

Hit = tuple[int, float]
"""A film's row in the snapshot, and its similarity to the query."""
LEAST_VOTERS = 3
"""Patients with an entity for a vote, where at least so many were asked for."""
TIE_SHARE = 0.02
"""Entities with as many votes are tied where their calibrated shares lie closer than this."""
TIE_SIMILARITY = 1e-4
"""And without calibration, where their summed similarities do."""
MALIGNANT_WARNING = Said(
    "malignant_above",
    "similar patients include malignant cases above the operating point; does not exclude malignancy, refer by local "
    "pathway",
)


@dataclass(frozen=True)
class Verdict:
    """The fields of `Answer` of the same names."""

    label: str | None
    abstained: str | None
    reason: Said | None
    shares: dict[str, float] | None
    shares_note: Said
    prediction_set: PredictionSet | None
    likeness: Likeness | None
    unlike: bool
    malignant: MalignantShare | None
    warnings: tuple[Said, ...]


@dataclass(frozen=True)
class Polled:
    """What a verdict rests on.

    best: the nearest patients' best films, nearest first, as many as the calibration weighs. nearest: similarity of
    the archive's nearest film, whatever the filter; None where none may answer. k: patients asked for. filtered: a
    filter was set. whole: a query film was given whole. unmarked: and is compared with lesion crops, so that nobody
    votes. nobody: why nobody votes, where that is so.
    """

    best: Sequence[Hit]
    nearest: float | None
    k: int
    filtered: bool
    whole: bool
    nobody: Said
    unmarked: bool = False


def verdict(facts: VoteFacts, ballots: Sequence[Ballot], polled: Polled) -> Verdict:
    """What may be said of a vote. ballots: of the k patients shown, winner first."""
    calibration = facts.calibration
    share = _shares(facts, calibration, polled.best) if calibration and ballots else None
    likeness = _likeness(calibration, polled.nearest)
    unlike = likeness is not None and likeness.similarity < likeness.threshold
    malignant = _malignant(facts, calibration, polled.best) if calibration and ballots else None
    abstained, reason = _abstention(facts, ballots, share, likeness if unlike else None, polled)
    warnings = []
    if unlike and likeness is not None:
        warnings.append(_unlike(likeness))
    if malignant is not None and malignant.above:
        warnings.append(MALIGNANT_WARNING)
    return Verdict(
        None if abstained else ballots[0].entity,
        abstained,
        reason,
        share,
        _note(facts, calibration, polled),
        _set(calibration, share),
        likeness,
        unlike,
        malignant,
        tuple(warnings),
    )


def _shares(facts: VoteFacts, calibration: Calibration, best: Sequence[Hit]) -> dict[str, float]:
    rows, near = _nearest(best, facts.label, calibration.k)
    knobs = calibration.bandwidth, calibration.smoothing, calibration.temperature
    found = shares(facts.label[rows][None], near[None], facts.prior, *knobs)[0]
    order = np.argsort(-found, kind="stable")
    return {facts.entities[code]: float(found[code]) for code in order.tolist()}


def _nearest(
    best: Sequence[Hit], known: npt.NDArray[np.int64], k: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Rows and similarities of the k nearest films of which `known` is not NOBODY."""
    chosen = [hit for hit in best if known[hit[0]] != NOBODY][:k]
    rows = np.array([row for row, _ in chosen], dtype=np.int64)
    return rows, np.array([similarity for _, similarity in chosen], dtype=np.float32)


def _malignant(facts: VoteFacts, calibration: Calibration, best: Sequence[Hit]) -> MalignantShare | None:
    point = calibration.malignancy
    if point is None:
        return None
    # the same patients as in the shares; of some the malignancy may not be known
    rows, near = _nearest(best, facts.label, calibration.k)
    knobs = facts.malignant_prior, calibration.bandwidth, calibration.smoothing
    share = float(malignant_shares(facts.kind[rows][None], near[None], *knobs)[0])
    return MalignantShare(share, point.threshold, share >= point.threshold, point.sensitivity, point.specificity)


def _set(calibration: Calibration | None, share: dict[str, float] | None) -> PredictionSet | None:
    """Every entity with a share of at least 1 - quantile; the likeliest where none has."""
    if calibration is None or calibration.conformal is None or share is None:
        return None
    conformal = calibration.conformal
    held = [entity for entity, value in share.items() if 1 - value <= conformal.quantile]
    return PredictionSet(tuple(held or list(share)[:1]), conformal.coverage, conformal.patients)


def _likeness(calibration: Calibration | None, nearest: float | None) -> Likeness | None:
    if calibration is None or calibration.unlike is None or nearest is None:
        return None
    return Likeness(nearest, calibration.unlike.similarity, calibration.unlike.quantile)


def _unlike(likeness: Likeness, code: str = "unlike", before: str = "") -> Said:
    told = (
        "this film is unlike the archive: its nearest film has similarity {similarity:.2f}, under {threshold:.2f}, "
        "where only {percent} % of the archive's own films lie"
    )
    percent = round(100 * likeness.quantile)
    return Said(code, before + told, similarity=likeness.similarity, threshold=likeness.threshold, percent=percent)


def _abstention(
    facts: VoteFacts,
    ballots: Sequence[Ballot],
    share: dict[str, float] | None,
    unlike: Likeness | None,
    polled: Polled,
) -> tuple[str | None, Said | None]:
    """Which of ABSTENTIONS holds, and the sentence on it; None, None where the vote stands."""
    if not ballots:
        return UNMARKED if polled.unmarked else NO_CASE, polled.nobody
    if unlike is not None:
        return NO_CASE, _unlike(unlike, "unlike_abstains", f"{NO_CASE}: ")
    voters, least = sum(ballot.patients for ballot in ballots), min(polled.k, LEAST_VOTERS)
    if voters < least:
        told = f"{FEW}: {{voters}} of known entity may answer, and a vote needs {{least}}; widen the filter"
        return FEW, Said("few_voters", told, voters=voters, least=least)
    if len(ballots) > 1 and ballots[0].patients == ballots[1].patients and _close(ballots, share):
        told = "tie: {one} and {other} have as many votes, equally similar"
        return TIE, Said("tie", told, one=ballots[0].entity, other=ballots[1].entity)
    if ballots[0].entity in facts.tumourless:
        told = "most similar patients had {entity}; that does not exclude a tumour here, so the vote names nothing"
        return TUMOURLESS, Said("tumourless", told, entity=ballots[0].entity)
    return None, None


def _close(ballots: Sequence[Ballot], share: dict[str, float] | None) -> bool:
    first, second = ballots[:2]
    if share is not None:
        return abs(share[first.entity] - share[second.entity]) < TIE_SHARE
    return abs(first.similarity - second.similarity) < TIE_SIMILARITY


def _note(facts: VoteFacts, calibration: Calibration | None, polled: Polled) -> Said:
    """What the shares rest on, or why there are none."""
    if polled.unmarked:
        return Said("shares_unmarked", "a whole film has no shares beside lesion crops")
    if calibration is None:
        assert facts.silent is not None
        return facts.silent
    told = "shares weigh up to {k} nearest patients by similarity, calibrated on {patients} patients "
    numbers = {"k": calibration.k, "patients": calibration.patients}
    if calibration.origin == "archive":
        said = [Said("shares_of_archive", f"{told}of this archive", **numbers)]
    else:
        said = [Said("shares_of_training", f"{told}set aside when the encoder was trained", **numbers)]
    if polled.filtered:
        said.append(Said("shares_filtered", "without a filter, so with one they may be off"))
    if polled.whole and calibration.regions == "lesion crops":
        said.append(Said("shares_of_crops", "on lesion crops, so for a whole film they may be off"))
    return Said.joined(said)
