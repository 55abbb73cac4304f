"""What a segmenter is, saved beside its network as the encoder's card is."""

import hashlib
import json
from dataclasses import asdict, dataclass, field

from engine.errors import EncoderError


@dataclass(frozen=True)
class Calibration:
    """Platt scaling (1999): confidence = sigmoid(slope * log-odds of the raw score + offset).

    slope, offset: fitted on films that taught the network nothing, so that the confidence is the share of such
    proposals that hit the lesion; (1, 0) leaves the raw score. films: how many they were.
    """

    slope: float = 1.0
    offset: float = 0.0
    films: int = 0


@dataclass(frozen=True)
class SegmenterCard:
    """Identity of a segmenter; regions of two may be compared only where their cards have one `fingerprint`.

    name: of its recipe. sha256: of the ONNX file. size: side in pixels of the square input, the whole film, padded.
    mean, std: of the normalisation, on pixels 0..1, one grey channel. cut: probability from which a pixel counts as
    lesion. threshold: confidence 0..1 from which a proposal is used; under it the whole film is. metrics: on held-out
    films, by their names in `metrics.Scores`.
    """

    name: str
    sha256: str
    size: int
    threshold: float
    cut: float
    calibration: Calibration
    mean: tuple[float, ...]
    std: tuple[float, ...]
    runtime: str
    trained_on: str
    licence: str
    paper: str
    metrics: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("threshold", "cut"):
            if not 0 <= getattr(self, name) <= 1:
                raise EncoderError(f"the segmenter's {name} is {getattr(self, name)}; it must lie within 0 to 1")

    @property
    def fingerprint(self) -> str:
        """Twelve hex digits over all that moves a region."""
        moving = [self.sha256, self.size, self.threshold, self.cut, asdict(self.calibration), self.mean, self.std]
        return hashlib.sha256(json.dumps([*moving, self.runtime], sort_keys=True).encode()).hexdigest()[:12]

    def to_json(self) -> str:
        """The card as indented JSON."""
        return json.dumps(asdict(self) | {"fingerprint": self.fingerprint}, indent=2)

    @classmethod
    def from_json(cls, text: str) -> "SegmenterCard":
        """The card written by `to_json`."""
        fields = json.loads(text)
        fields.pop("fingerprint", None)
        calibration = Calibration(**fields["calibration"])
        tuples = {name: tuple(fields[name]) for name in ("mean", "std")}
        return cls(**fields | tuples | {"calibration": calibration})
