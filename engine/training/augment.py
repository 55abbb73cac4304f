"""What may differ between two films of one lesion: how it lies, how it was exposed, and what was burnt into it.

Each augmentation has its own probability and strength, so that a test, or a run, can show what one of them does.
Films come from few centres whose borders, letters and watermarks give them away: they are drawn at random instead.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from engine.training import burnt
from engine.training.augment_settings import Augmentation, Stage
from engine.training.films import ROOM

Picks = Tensor
"""int64 (m,): rows of the films that an augmentation was drawn for."""


def plain(cuts: Tensor, size: int, room: float = ROOM) -> Tensor:
    """The middle of training cuts at the scale that serving sees, without any augmentation.

    cuts: (n, views, side, side), uint8 0..255 or float 0..1, with `room` around what is seen. Returns float32
    (n, views, size, size), 0..1.
    """
    turned = torch.eye(2).expand(len(cuts), cuts.shape[1], 2, 2)
    return _sample(_to_unit(cuts), turned, torch.zeros(len(cuts), cuts.shape[1], 2), size, room)


def augment(cuts: Tensor, settings: Augmentation, size: int, generator: torch.Generator, room: float = ROOM) -> Tensor:
    """Augmented films, float32 (n, views, size, size), 0..1, on the device of `cuts`.

    cuts: (n, views, side, side), uint8 0..255 or float 0..1, bone bright, with `room` around what serving sees.
    generator: on the CPU; the same state gives the same films. Each film draws for itself, and each augmentation from
    a stream of its own, so that switching one off leaves what the others draw as it was.
    """
    streams = {name: _stream(generator) for name in ("affine", *STAGES)}
    pictures = _affine(_to_unit(cuts), settings, size, streams["affine"], room)
    for name, change in STAGES.items():
        stage = settings.stage(name)
        chosen = torch.rand(len(pictures), generator=streams[name]) < stage.probability
        rows = chosen.nonzero()[:, 0].to(pictures.device)
        if len(rows) == len(pictures):
            pictures = change(pictures, settings, streams[name])
        elif len(rows):
            pictures[rows] = change(pictures[rows], settings, streams[name])
    return pictures.clamp_(0, 1)


def _stream(generator: torch.Generator) -> torch.Generator:
    seed = torch.randint(2**62, (1,), generator=generator)
    return torch.Generator().manual_seed(int(seed))


def _to_unit(cuts: Tensor) -> Tensor:
    return cuts.float() / 255 if cuts.dtype == torch.uint8 else cuts.float()


def _between(low: float, high: float, shape: tuple[int, ...], like: Tensor, stream: torch.Generator) -> Tensor:
    """Uniform draws, on the device of `like`."""
    return (low + (high - low) * torch.rand(shape, generator=stream)).to(like.device)


def _log_between(ends: tuple[float, float], shape: tuple[int, ...], like: Tensor, stream: torch.Generator) -> Tensor:
    """Draws whose logarithm is uniform: a half is as likely as a double."""
    low, high = torch.log(torch.tensor(ends)).tolist()
    return _between(low, high, shape, like, stream).exp()


def _affine(pictures: Tensor, settings: Augmentation, size: int, stream: torch.Generator, room: float) -> Tensor:
    """Turn, scale, shift and mirror a film with all its views; each view then turns by its jitter alone."""
    how = settings.affine
    n, views = pictures.shape[:2]
    chosen = (torch.rand(n, 1, generator=stream) < how.probability).to(pictures.device)
    angle = _between(-how.degrees, how.degrees, (n, 1), pictures, stream)
    angle = angle + _between(-how.jitter, how.jitter, (n, views), pictures, stream)
    angle = torch.deg2rad(torch.where(chosen, angle, 0.0))
    scale = torch.where(chosen, _log_between(how.scale, (n, 1), pictures, stream), 1.0)
    mirrored = (torch.rand(n, 1, generator=stream) < how.flip).to(pictures.device) & chosen
    side = torch.where(mirrored, -1.0, 1.0)
    shift = torch.where(chosen, _between(-2 * how.shift, 2 * how.shift, (n, 2), pictures, stream), 0.0)
    cosine, sine = angle.cos(), angle.sin()
    # inverse map, from a place in the new picture to one in the old: a scale above one makes the lesion larger
    rows = (side * cosine / scale, -sine / scale, side * sine / scale, cosine / scale)
    turned = torch.stack([row.expand(n, views) for row in rows], dim=-1).reshape(n, views, 2, 2)
    return _sample(pictures, turned, shift[:, None].expand(n, views, 2), size, room)


def _sample(pictures: Tensor, turned: Tensor, shift: Tensor, size: int, room: float) -> Tensor:
    """One bilinear sampling; turned (n, views, 2, 2) and shift (n, views, 2) in halves of the seen side."""
    n, views, side = pictures.shape[:3]
    theta = torch.cat([turned, shift[..., None]], dim=-1).reshape(n * views, 2, 3).to(pictures) / room
    grid = functional.affine_grid(theta, [n * views, 1, size, size], align_corners=False)
    seen = functional.grid_sample(pictures.reshape(n * views, 1, side, -1), grid, align_corners=False)
    return seen.reshape(n, views, size, size)


def _focus(pictures: Tensor, settings: Augmentation, stream: torch.Generator) -> Tensor:
    """Between the film's own 3 x 3 mean (blur) and as far beyond the film on the other side (unsharp mask)."""
    n, _views = pictures.shape[:2]
    how = settings.focus
    smooth = functional.avg_pool2d(pictures, 3, 1, 1, count_include_pad=False)
    return torch.lerp(smooth, pictures, 1 + _between(-how.blur, how.sharpen, (n, 1, 1, 1), pictures, stream))


def _exposure(pictures: Tensor, settings: Augmentation, stream: torch.Generator) -> Tensor:
    """Gamma: dose and the detector's curve. Black stays black and white stays white."""
    n, views = pictures.shape[:2]
    gamma = _log_between(settings.exposure.gamma, (n, views, 1, 1), pictures, stream)
    return pictures.clamp(0, 1).pow(gamma)


def _window(pictures: Tensor, settings: Augmentation, stream: torch.Generator) -> Tensor:
    """Contrast about the middle grey, then brightness, cut off at black and white as a narrow window would."""
    n, views = pictures.shape[:2]
    how = settings.window
    contrast = _between(1 - how.contrast, 1 + how.contrast, (n, views, 1, 1), pictures, stream)
    brightness = _between(-how.brightness, how.brightness, (n, views, 1, 1), pictures, stream)
    return ((pictures - 0.5) * contrast + 0.5 + brightness).clamp(0, 1)


def _collimation(pictures: Tensor, settings: Augmentation, stream: torch.Generator) -> Tensor:
    """Black beyond a rectangle that takes up to `most` of the side at each of the four edges."""
    n, views, size = pictures.shape[:3]
    edges = _between(0, settings.collimation.most, (n, views, 4, 1), pictures, stream)
    place = (torch.arange(size, device=pictures.device) + 0.5) / size
    inside = (place > edges) & (place < 1 - edges.flip(2))
    rows, columns = inside[:, :, 0] & inside[:, :, 3], inside[:, :, 1] & inside[:, :, 2]
    return pictures * (rows[..., :, None] & columns[..., None, :])


def _markers(pictures: Tensor, settings: Augmentation, stream: torch.Generator) -> Tensor:
    how = settings.markers
    return burnt.burn(pictures, burnt.side_letters(), how.height, how.level, how.opacity, stream)


def _text(pictures: Tensor, settings: Augmentation, stream: torch.Generator) -> Tensor:
    how = settings.text
    return burnt.burn(pictures, burnt.words(), how.height, how.level, how.opacity, stream)


def _polarity(pictures: Tensor, settings: Augmentation, stream: torch.Generator) -> Tensor:
    """The negative of the film, in all its views."""
    return 1 - pictures


def _noise(pictures: Tensor, settings: Augmentation, stream: torch.Generator) -> Tensor:
    """Gaussian noise of a standard deviation between none and `most`."""
    n, views = pictures.shape[:2]
    deviation = _between(0, settings.noise.most, (n, views, 1, 1), pictures, stream)
    return pictures + deviation * torch.randn(pictures.shape, generator=stream).to(pictures.device)


def _cutout(pictures: Tensor, settings: Augmentation, stream: torch.Generator) -> Tensor:
    """A square of one grey somewhere in each view (DeVries & Taylor 2017)."""
    n, views, size = pictures.shape[:3]
    how = settings.cutout
    side = _between(*how.side, (n, views, 1, 1), pictures, stream)
    start = _between(0, 1, (n, views, 2, 1), pictures, stream) * (1 - side)
    place = (torch.arange(size, device=pictures.device) + 0.5) / size
    inside = (place >= start) & (place < start + side)
    grey = _between(0, 1, (n, views, 1, 1), pictures, stream)
    return torch.where(inside[:, :, 0, :, None] & inside[:, :, 1, None, :], grey, pictures)


Change = Callable[[Tensor, Augmentation, torch.Generator], Tensor]

STAGES: dict[Stage, Change] = {
    "focus": _focus,
    "exposure": _exposure,
    "window": _window,
    "collimation": _collimation,
    "markers": _markers,
    "text": _text,
    "polarity": _polarity,
    "noise": _noise,
    "cutout": _cutout,
}
"""In this order, after the affine one, as on the way of a film from the patient to the screen."""
