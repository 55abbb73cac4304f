"""Refusals as they go over HTTP."""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from engine.errors import CaselinkError
from engine.said import Said
from indexer.remarks import Remark, remark


@dataclass(frozen=True)
class ProblemKind:
    """A type of problem: its URI, what it means, and the HTTP status it comes with."""

    type: str
    title: str
    status: int


def behind(error: CaselinkError) -> Remark:
    """What lies behind an error's sentence; without a code where it has none."""
    return remark(error.said)


class Problem(BaseModel):
    """A problem document (RFC 9457). position: of the offending piece of a filter, counted from 0.

    code, values, film, parts: what lies behind `detail`, as in a `Remark`, so that it can be said in another language;
    absent where it has no code. A stale write's has `current`, `revision` and `yours` besides: what stands there now,
    and what was not written.
    """

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str
    position: int | None = None
    code: str | None = None
    values: dict[str, str | int | float | Remark] | None = None
    film: str | None = None
    parts: tuple[Remark, ...] | None = None

    @property
    def said(self) -> Said:
        """The detail with its code."""
        return Remark(self.detail, self.code or "", self.values or {}, self.film, self.parts or ()).said
