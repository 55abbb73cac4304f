"""What a model is, saved beside every model, index and answer (cf. timm's `PretrainedCfg`)."""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property

from engine.errors import ModelMismatch
from engine.facts import FactsCode
from engine.region import View
from engine.said import Said


@dataclass(frozen=True)
class ModelCard:
    """Identity of an encoder; two vectors may be compared only where their cards have one `fingerprint`.

    name: as the user asked for it. weights: where they came from. sha256: of the ONNX file that runs.
    size: side in pixels of the square input. mean, std: of the normalisation, on pixels 0..1, one value per channel of
    a view. views: what the network sees of a film, in the order of its input channels. facts: how age, sex and site
    join the network's numbers in the embedding; None where it is of pixels alone.
    dimension: of the embedding. trained_on, licence, paper: for people. runtime: what runs it and at which precision;
    part of the identity, since another precision moves vectors.
    """

    name: str
    weights: str
    sha256: str
    dimension: int
    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    runtime: str
    trained_on: str
    licence: str
    paper: str
    views: tuple[View, ...] = (View.region,)
    facts: FactsCode | None = None

    @property
    def features(self) -> int:
        """Numbers that the network gives; the rest of the dimension are facts."""
        return self.dimension - (self.facts.dimension if self.facts else 0)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one film's input: (views x channels, size, size)."""
        return len(self.views) * len(self.mean), self.size, self.size

    @cached_property
    def fingerprint(self) -> str:
        """Twelve hex digits over all that moves a vector."""
        facts = asdict(self.facts) if self.facts else None
        moving = [self.sha256, self.dimension, self.size, self.mean, self.std, self.runtime, self.views, facts]
        return hashlib.sha256(json.dumps(moving).encode()).hexdigest()[:12]

    def to_json(self) -> str:
        """The card as indented JSON."""
        return json.dumps(asdict(self) | {"fingerprint": self.fingerprint}, indent=2)

    @classmethod
    def from_json(cls, text: str) -> "ModelCard":
        """The card written by `to_json`."""
        fields = json.loads(text)
        fields.pop("fingerprint", None)
        moving = {"mean": tuple(fields["mean"]), "std": tuple(fields["std"])}
        views, code = tuple(View(name) for name in fields["views"]), fields["facts"]
        facts = None if code is None else FactsCode(**code | {"sites": tuple(code["sites"])})
        return cls(**fields | moving | {"views": views, "facts": facts})

    def require(self, other: "ModelCard") -> None:
        """Refuse to compare this card's vectors with another's.

        Raises:
            ModelMismatch: naming both models.
        """
        if self.fingerprint != other.fingerprint:
            told = (
                "the archive was made with {model}, the query with {other}; use the archive's encoder, or index its "
                "films anew with the other"
            )
            model, strange = (f"{card.name} ({card.fingerprint})" for card in (self, other))
            raise ModelMismatch(Said("other_model", told, model=model, other=strange))
