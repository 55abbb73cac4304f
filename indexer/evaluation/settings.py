"""What an evaluation is asked to report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.errors import QueryError
from indexer.votes.calibration import K

KS = (1, 3, 5, 7)
USUAL_K = 5
MALIGNANT_K = 25
"""Neighbours that malignancy is also told from: few votes leave too many malignant films without a malignant one."""
COMMON = 10
"""Patients from which on an entity counts in the macro recall of common entities."""


@dataclass(frozen=True)
class Settings:
    """What to report, checked.

    ks: numbers of neighbouring patients, sorted, each once. by: columns whose values are reported apart. resamples: of
    the bootstrap, 0 for no intervals. merge: entity -> the entity it is counted as in the figures with labels merged.
    malignant_at: a threshold on the malignant share fixed beforehand; None = fixed here, on other patients.
    Raises QueryError for values that make no sense.
    """

    ks: tuple[int, ...] = KS
    by: tuple[str, ...] = ()
    resamples: int = 1000
    seed: int = 0
    merge: Mapping[str, str] = field(default_factory=dict)
    malignant_at: float | None = None

    def __post_init__(self) -> None:
        if not self.ks or min(self.ks) < 1:
            raise QueryError(f"k = {list(self.ks)} asks for no neighbours; give numbers from 1 up, such as 1 3 5 7.")
        if self.resamples < 0:
            raise QueryError(f"{self.resamples} bootstrap resamples are too few; give 0 for none, or about 1000.")
        if self.malignant_at is not None and not 0 <= self.malignant_at <= 1:
            raise QueryError(f"A malignant share of {self.malignant_at} is impossible; give one from 0 to 1.")
        chained = set(self.merge) & set(self.merge.values())
        if chained:
            raise QueryError(f"{min(chained)!r} is merged and merged into; name one entity that the others become.")
        object.__setattr__(self, "ks", tuple(sorted({int(k) for k in self.ks})))

    @property
    def vote_k(self) -> int:
        """The number of neighbours whose vote is held against its confidence: 5, or the largest k."""
        return USUAL_K if USUAL_K in self.ks else self.ks[-1]

    @property
    def malignant_ks(self) -> tuple[int, ...]:
        """The numbers of neighbours that malignancy is told from: `ks` and MALIGNANT_K."""
        return tuple(sorted({*self.ks, MALIGNANT_K}))

    @property
    def most(self) -> int:
        """Nearest patients that figures look at."""
        return max(K, *self.malignant_ks)


def settings(by: str | Sequence[str] | None, **given: object) -> Settings:
    """Settings with `by` as one name, several or none."""
    names = () if by is None else (by,) if isinstance(by, str) else tuple(by)
    return Settings(by=tuple(dict.fromkeys(names)), **given)  # type: ignore[arg-type]


def merging(texts: Sequence[str]) -> dict[str, str]:
    """`["a=b=c"]` -> {"b": "a", "c": "a"}: every later name is counted as the first.

    Raises QueryError for a text without two names, and for a name that is merged twice.
    """
    merge: dict[str, str] = {}
    for text in texts:
        into, *others = (name.strip() for name in text.split("="))
        if not (into and others and all(others)):
            raise QueryError(f"{text!r} names no two entities; write one=other")
        for name in others:
            if merge.setdefault(name, into) != into or name == into:
                raise QueryError(f"{name!r} is merged twice or into itself; name it once")
    return merge
