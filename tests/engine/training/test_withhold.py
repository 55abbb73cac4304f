"""Facts kept back: whole facts, at the rates asked for."""

import numpy as np
import torch

from engine.region import Origin
from engine.training.films import TrainingFilm
from engine.training.metadata import Metadata
from engine.training.withhold import withhold

METADATA = Metadata(("femur", "tibia"), ("diaphysis",))
KINDS = torch.tensor(METADATA.kinds)
CUTS = np.zeros((0, 1, 1), np.uint8)
FILM = TrainingFilm(CUTS, "0", Origin.whole, "p", "g", age=44, sex="M", site=("tibia", "femur"), position="diaphysis")
FACTS = torch.from_numpy(METADATA.encode([FILM])).expand(4000, -1)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def known(facts: torch.Tensor) -> torch.Tensor:
    """Which of the four facts are told of each film, bool (n, 4)."""
    names = list(METADATA.names)
    return facts[:, [names.index(f"{fact} known") for fact in ("age", "sex", "site", "position")]] == 1


def test_facts_go_as_wholes() -> None:
    kept = withhold(FACTS, KINDS, seeded())
    expected = FACTS * known(kept)[:, KINDS]
    assert torch.equal(kept, expected)


def test_rates_are_those_asked_for() -> None:
    told = known(withhold(FACTS, KINDS, seeded(), every=0.5, each=0.2)).float()
    nothing = (told.sum(1) == 0).float().mean()
    assert abs(nothing - (0.5 + 0.5 * 0.2**4)) < 0.03
    assert (told.mean(0) - 0.5 * 0.8).abs().max() < 0.03
    assert known(withhold(FACTS, KINDS, seeded(), every=0, each=0)).all()
    assert not withhold(FACTS, KINDS, seeded(), every=1).any()


def test_facts_go_by_themselves() -> None:
    told = known(withhold(FACTS, KINDS, seeded(), every=0, each=0.5)).float()
    assert (torch.corrcoef(told.T) - torch.eye(4)).abs().max() < 0.06


def test_same_generator_same_facts_and_the_given_ones_stay() -> None:
    before = FACTS.clone()
    assert torch.equal(withhold(FACTS, KINDS, seeded(3)), withhold(FACTS, KINDS, seeded(3)))
    assert torch.equal(FACTS, before)
