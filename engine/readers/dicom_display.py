"""From stored words to grey as shown: modality, then values of interest, then polarity, as one lookup table.

A film has at most 65,536 different words, so the whole chain of PS3.3 C.11.1 to C.11.6 runs once over those and the
pixels are looked up. tests hold the table against pydicom's array functions.
"""

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.errors import UnreadableFilm
from engine.radiograph import Pixels
from engine.readers.dicom_elements import Elements
from engine.readers.dicom_pixels import Layout, Words
from engine.said import Said

Values = npt.NDArray[np.float64]
ROBUST: Final = (0.005, 0.995)
"""Share of the pixels below black and up to white where no window is given."""
DEEP: Final = 8
"""Films of more bits than this are raw: without a window their full range says nothing. Those of up to 8 bits were
made to be looked at and keep it."""


def show(words: Words, layout: Layout, elements: Elements, lossy: bool, notes: list[str]) -> Pixels:
    """Pixels float32 (rows, columns) in 0..1, bone bright; what was odd is added to `notes`.

    Raises:
        UnreadableFilm: a modality LUT that is shorter than it says.
    """
    stored = layout.values(clipped=lossy)
    padding = _padding(elements, layout, stored)
    values = _modality(stored, elements, notes)
    table = _interest(values, elements, notes)
    if table is None or _flat(table, words):
        if table is not None:
            notes.append(Said("window_empty", "its window leaves nothing to see and was ignored"))
        table = _own_range(values, words, layout, padding)
        if layout.stored > DEEP:
            notes.append(
                Said("no_window", "it gives no window that can be used; the range of its own pixels was taken")
            )
    if _inverted(elements, notes):
        table = 1 - table
    table[padding] = 0
    return np.take(table.astype(np.float32), words)


def _flat(table: Values, words: Words) -> bool:
    """Whether a table shows one grey only; a sample of the pixels tells of most films that it does not."""
    sample = table[words[::16, ::16]]
    if float(sample.min()) < float(sample.max()):
        return False
    present = table[np.flatnonzero(np.bincount(words.reshape(-1), minlength=len(table)))]
    return float(present.min()) == float(present.max()) and len(present) > 1


def _padding(elements: Elements, layout: Layout, stored: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which words are padding around the picture; they are shown black and have no part in its range."""
    first = elements.integer("PixelPaddingValue")
    if first is None:
        return np.zeros(len(stored), dtype=np.bool_)
    last = elements.integer("PixelPaddingRangeLimit")
    ends = [first, first if last is None else last]
    if layout.signed:
        ends = [end - 0x10000 if end & 0x8000 else end for end in ends]
    return (stored >= min(ends)) & (stored <= max(ends))


def _modality(stored: npt.NDArray[np.int64], elements: Elements, notes: list[str]) -> Values:
    """Modality LUT, or rescale slope and intercept, or the values as stored (C.11.1)."""
    if items := elements.sequences.get("ModalityLUTSequence"):
        table, first, _ = _lookup_table(items[0], signed=bool(stored.min() < 0))
        if not len(table):
            told = "its modality lookup table is shorter than it says; export it anew"
            raise UnreadableFilm(Said("film_table_short", told))
        return table[np.clip(stored - first, 0, len(table) - 1)].astype(np.float64)
    slope, intercept = elements.numbers("RescaleSlope"), elements.numbers("RescaleIntercept")
    if slope is None or intercept is None or (slope and slope[0] == 0):
        notes.append(Said("malformed_rescale", "its rescale slope or intercept is malformed and was left out"))
        return stored.astype(np.float64)
    return stored.astype(np.float64) * (slope or (1.0,))[0] + (intercept or (0.0,))[0]


def _lookup_table(item: Elements, *, signed: bool) -> tuple[npt.NDArray[np.uint16], int, int]:
    """A LUT's entries, the input of the first one, and the bits of an entry; no entries where it is not whole.

    The descriptor's second number is signed where the input can be (C.11.1.1.1); 0 entries stand for 65,536.
    """
    descriptor, raw = item.integers("LUTDescriptor"), item.values.get("LUTData", b"")
    if len(descriptor) != 3:
        return np.empty(0, np.uint16), 0, 0
    entries, first, bits = descriptor[0] or 1 << 16, descriptor[1], descriptor[2]
    first = first - (1 << 16) if signed and first >= 1 << 15 else first
    if len(raw) in (entries, entries + entries % 2) and bits <= 8 and entries > 1:
        return np.frombuffer(raw, np.uint8)[:entries].astype(np.uint16), first, bits
    if len(raw) < 2 * entries or not 1 <= bits <= 16:
        return np.empty(0, np.uint16), 0, 0
    return np.frombuffer(raw, "<u2" if item.little else ">u2", entries).astype(np.uint16), first, bits


def _interest(values: Values, elements: Elements, notes: list[str]) -> Values | None:
    """0..1 by the VOI LUT or else the first sound window (C.11.2); None where there is neither."""
    if items := elements.sequences.get("VOILUTSequence"):
        table, first, bits = _lookup_table(items[0], signed=bool(values.min() < 0))
        used = int(table.max(initial=0)).bit_length()
        if used:
            if used != bits:
                told = "its VOI table uses {used} bits where it says {bits}; the range of {used} was taken"
                notes.append(Said("voi_bits", told, used=used, bits=bits))
            places = np.clip(np.rint(values).astype(np.int64) - first, 0, len(table) - 1)
            return table[places].astype(np.float64) / ((1 << used) - 1)
        notes.append(Said("voi_cut", "its VOI table is not whole and was left out"))
    window = _window(elements, notes)
    if window is None:
        return None
    centre, width, kind = window
    return WINDOWS[kind](values, centre, width)


def _window(elements: Elements, notes: list[str]) -> tuple[float, float, str] | None:
    """Centre, width and function of the first window that is sound. Further ones are other looks at the same film;
    makers put the one for a first reading first."""
    centres, widths = elements.numbers("WindowCenter"), elements.numbers("WindowWidth")
    kind = elements.text("VOILUTFunction").upper() or "LINEAR"
    if kind not in WINDOWS:
        notes.append(Said("voi_function", "its VOI function is unknown; a linear window was taken"))
        kind = "LINEAR"
    for centre, width in zip(centres or (), widths or (), strict=False):
        if width >= 1 or (width > 0 and kind != "LINEAR"):
            return centre, width, kind
    if centres != () or widths != ():
        notes.append(Said("malformed_window", "its window is malformed and was left out"))
    return None


def _linear(values: Values, centre: float, width: float) -> Values:
    """C.11.2.1.2.1; a width of 1 is a threshold."""
    if width <= 1:
        return (values > centre - 0.5).astype(np.float64)
    return np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)


def _linear_exact(values: Values, centre: float, width: float) -> Values:
    """C.11.2.1.3.2."""
    return np.clip((values - centre) / width + 0.5, 0, 1)


def _sigmoid(values: Values, centre: float, width: float) -> Values:
    """C.11.2.1.3.1; arguments that would overflow are bounded where the curve is flat."""
    return 1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -500, 500)))


WINDOWS: Final = MappingProxyType[str, Callable[[Values, float, float], Values]](
    {"LINEAR": _linear, "LINEAR_EXACT": _linear_exact, "SIGMOID": _sigmoid}
)


def _own_range(values: Values, words: Words, layout: Layout, padding: npt.NDArray[np.bool_]) -> Values:
    """0..1 without a window: the full range of shallow films, else from black to white of `ROBUST` of the pixels,
    so that neither the collimator's edge, a burnt letter nor unused high bits set it."""
    if layout.stored <= DEEP:
        low, high = float(values.min()), float(values.max())
    else:
        counts = np.bincount(words.reshape(-1), minlength=len(values))
        counts[padding] = 0
        present = np.flatnonzero(counts)
        if not len(present):
            return np.zeros(len(values))
        order = present[np.argsort(values[present], kind="stable")]
        reached = np.cumsum(counts[order]) / counts.sum()
        low, high = (float(values[order[np.searchsorted(reached, share)]]) for share in ROBUST)
        if low == high:
            low, high = float(values[order[0]]), float(values[order[-1]])
    return np.clip((values - low) / ((high - low) or 1), 0, 1)


def _inverted(elements: Elements, notes: list[str]) -> bool:
    """Whether bone is stored dark. MONOCHROME1 and the shape INVERSE say the same thing (C.8.11.3.1.2), so that both
    together invert once; where they disagree, the one that asks for it holds."""
    dark = elements.text("PhotometricInterpretation").upper() == "MONOCHROME1"
    shape = elements.text("PresentationLUTShape").upper()
    if (shape == "INVERSE" and not dark) or (shape == "IDENTITY" and dark):
        told = "its photometric interpretation and presentation shape disagree; it was inverted"
        notes.append(Said("inverted", told))
    return dark or shape == "INVERSE"
