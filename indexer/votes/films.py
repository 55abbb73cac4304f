"""The catalogue's film table as the vote needs it: a cohort to calibrate on, and facts that every query needs."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from engine.embeddings import Ids, Vectors
from engine.errors import EncoderError
from engine.facts import NO_LESION
from engine.radiograph import Stage
from engine.said import Said
from indexer.duplicates.groups import joined_groups
from indexer.evaluation.cohort import Cohort, Column
from indexer.votes.calibrate import calibrate, labels_of, malignant_prior, prior_of
from indexer.votes.calibration import LEAST_PATIENTS, Calibration
from indexer.votes.neighbours import kinds, voters
from indexer.votes.shares import Flags, Ints, Reals

UNTREATED = (Stage.before, Stage.unknown)
EXTRA = ("sha256", "file", "malignancy", "stage", "proof", "source", "near_group")
"""Columns of a film that reports may be by, beside those of every `Cohort`."""
CALIBRATION_FILE, SPLIT_FILE = "calibration.json", "split.json"
NO_TUMOUR = "none"
"""The malignancy of a film without a tumour."""
UNSEEN = "calibration"
"""The role in a run's split of films that its encoder never saw."""


@dataclass(frozen=True, eq=False)
class VoteFacts:
    """What a snapshot keeps ready for votes; row i is film i of its table.

    voter: int64 (patients,), patients of one code cast one vote: they share a film. label: int64 (n,) codes into
    `entities`, NOBODY unknown. kind: int64 (n,), 1 malignant, 0 not, NOBODY unknown. malignant: bool (n,).
    tumourless: "no tumour", and entities of which every film is known to show none (malignancy "none").
    prior: float64 (e,), malignant_prior: shares of patients. calibration: None where there is none; `silent` says why.
    """

    voter: Ints
    entities: tuple[str, ...]
    label: Ints
    kind: Ints
    malignant: Flags
    tumourless: frozenset[str]
    prior: Reals
    malignant_prior: float
    calibration: Calibration | None
    silent: Said | None


def vote_facts(
    table: pa.Table, patient: npt.NDArray[np.int32], patients: int, calibration: Calibration | None, encoder: str
) -> VoteFacts:
    """The facts of a film table. patient: (n,), codes below `patients`. encoder: fingerprint of the archive's card."""
    person = voters(patient.astype(np.int64), column(table, "near_group"))
    voter = np.arange(patients)
    voter[patient] = person
    label, entities = labels_of(_texts(table, "entity"))
    kind = kinds(_texts(table, "malignancy"))
    before = untreated(table)
    prior = prior_of(person[before], label[before], len(entities))
    chance = malignant_prior(person[before], kind[before])
    usable, silent = _usable(calibration, encoder)
    without = _tumourless(table)
    return VoteFacts(voter, tuple(entities), label, kind, kind == 1, without, prior, chance, usable, silent)


def _tumourless(table: pa.Table) -> frozenset[str]:
    healthy = pc.fill_null(pc.equal(table["malignancy"], NO_TUMOUR), False)
    some, others = (pc.unique(table["entity"].filter(rows)) for rows in (healthy, pc.invert(healthy)))
    return frozenset(some.to_pylist()) - frozenset(others.to_pylist()) - {None, ""} | {NO_LESION}


def shows_tumour(table: pa.Table) -> pa.ChunkedArray:
    """bool (n,): the film is known to show one; False where nothing is known."""
    return pc.fill_null(pc.not_equal(table["malignancy"], NO_TUMOUR), False)


def _usable(calibration: Calibration | None, encoder: str) -> tuple[Calibration | None, Said | None]:
    if calibration is None:
        told = (
            "the shares are not calibrated: fewer than {least} patients of the archive have a known entity and were "
            "not used to train the encoder, and the encoder brings no calibration of its own"
        )
        return None, Said("uncalibrated_few", told, least=LEAST_PATIENTS)
    if calibration.encoder not in ("", encoder):
        told = "the shares are not calibrated: the calibration was made for another encoder ({encoder})"
        return None, Said("uncalibrated_other", told, encoder=calibration.encoder)
    return calibration, None


def untreated(table: pa.Table) -> Flags:
    """bool (n,): the film shows the lesion before treatment, or at an unknown stage."""
    wanted = pa.array([stage.value for stage in UNTREATED])
    flags: Flags = pc.is_in(table["stage"], value_set=wanted).to_numpy()
    return flags


def film_cohort(table: pa.Table, vectors: Vectors) -> Cohort:
    """The films of a table with their vectors, float32 (n, d), in its order.

    Patients who share a film but for retouching, and their split groups, are taken as one.
    """
    columns = {name: _texts(table, name) for name in table.column_names}
    near = columns["near_group"].tolist() if "near_group" in columns else [None] * len(vectors)
    return Cohort(
        vectors=vectors,
        film=columns["film"].astype(np.int64),
        patient=joined_groups(columns["patient"].tolist(), near),
        group=joined_groups(columns["split_group"].tolist(), near),
        entity=columns["entity"],
        age=columns["age"].astype(float),
        sex=columns["sex"],
        site=columns["site"],
        centre=columns["centre"],
        view=columns["view"],
        region=columns["region"].astype(str),
        extra={name: columns[name] for name in EXTRA if name in columns},
    )


def archive_calibration(
    table: pa.Table, ids: Ids, vectors: Vectors, encoder: Path, fingerprint: str
) -> Calibration | None:
    """The calibration of an archive: by its own patients, else that of the encoder's training, else None.

    ids, vectors: (m,) and (m, d), of all its segments. encoder: its folder of encoder files. fingerprint: the encoder's
    fingerprint. Only films before treatment are asked and answer, as in a query.
    """
    chosen = table.filter(untreated(table))
    order = np.argsort(ids)
    wanted = chosen["vector"].to_numpy().astype(np.int64)
    rows = order[np.searchsorted(ids[order], wanted)] if len(wanted) else wanted
    cohort = film_cohort(chosen, np.asarray(vectors[rows], dtype=np.float32))
    own = calibrate(cohort, trained_on(encoder), encoder=fingerprint) if len(cohort) else None
    if own is not None:
        return own
    path = encoder / CALIBRATION_FILE
    return Calibration.from_json(path.read_bytes()).of_run() if path.is_file() else None


def trained_on(encoder: Path) -> frozenset[str]:
    """Content hashes of the films that an encoder has seen, by its run's split: all but those kept for calibration.

    Raises:
        EncoderError: a split that cannot be understood.
    """
    return frozenset(digest for digest, role in _roles(encoder).items() if role != UNSEEN)


def calibrated_on(encoder: Path) -> frozenset[str]:
    """Content hashes of the films that calibrated an encoder's run; raises as `trained_on`."""
    return frozenset(digest for digest, role in _roles(encoder).items() if role == UNSEEN)


def _roles(encoder: Path) -> dict[str, str]:
    path = encoder / SPLIT_FILE
    if not path.is_file():
        return {}
    try:
        roles: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        return dict(roles.items())  # a list has none
    except (ValueError, AttributeError) as error:
        raise EncoderError(f"{path} is no split of films ({error}); train the encoder anew") from None


def column(table: pa.Table, name: str) -> Column | None:
    """A column as object array, None for NULL; None where the table has no such column."""
    return _texts(table, name) if name in table.column_names else None


def _texts(table: pa.Table, name: str) -> Column:
    return np.array(table[name].to_pylist(), dtype=object)
