"""The typed HTTP client of the API: what the page and the demo talk through."""

from collections.abc import Mapping, Sequence
from datetime import date
from urllib.parse import quote

from pydantic import TypeAdapter

from api.asking import question
from api.boxes import Box, Whole, format_box
from api.schemas import ArchiveFacts, Explanation, PatientHistory, Preview, ProposedRegion, Ready, Remark, SearchAnswer
from api.transport import USER_HEADER, ApiConflict, ApiProblem, ApiUnreachable, File
from api.written_client import WrittenClient

__all__ = ["USER_HEADER", "ApiConflict", "ApiProblem", "ApiUnreachable", "Client", "File"]
_SENTENCES = TypeAdapter(tuple[str, ...])
_REMARKS = TypeAdapter(tuple[Remark, ...])
_SPACING = TypeAdapter(tuple[float, float] | None)


class Client(WrittenClient):
    """Asks one API everything that it answers."""

    def search(
        self,
        files: Sequence[File],
        k: int = 5,
        where: str | None = None,
        roi: Sequence[Box | Whole | None] | None = None,
        include_self: bool = False,
        all_stages: bool = False,
        age: float | None = None,
        sex: str | None = None,
        site: str | None = None,
    ) -> SearchAnswer:
        """The k most similar past patients to the films of one patient.

        where: filter text, None for all. roi: the lesion box of each file in order; `WHOLE` for a whole film, None for
        the region that the archive proposes, or a whole film where it proposes none.
        age (years), sex (F or M), site (bones joined by ';'): what is known of the patient, None where it is not.

        Raises:
            ApiProblem, ApiUnreachable: as every method here.
        """
        fields, parts = question(
            files, roi, k=k, where=where, include_self=include_self, all_stages=all_stages, age=age, sex=sex, site=site
        )
        return self._json(SearchAnswer, "POST", "/v1/search", data=fields, files=parts)

    def explain(
        self,
        file: File,
        film: int,
        box: Box | Whole | None = None,
        entity: str | None = None,
        voters: Sequence[int] = (),
    ) -> Explanation:
        """Where a film of one's own and an archived one agree, and what speaks for an entity.

        film: the archived one's number. box: the lesion on one's own, as in `search`. voters: films of similar patients
        who had the entity, for encoders without a classifier.
        """
        fields: dict[str, object] = {
            "film": str(film),
            "roi": format_box(box),
            "voters": [str(each) for each in voters],
        }
        if entity is not None:
            fields["entity"] = entity
        parts = [("files", (*file, "application/octet-stream"))]
        return self._json(Explanation, "POST", "/v1/explain", data=fields, files=parts)

    def region(self, file: File) -> ProposedRegion:
        """Where the archive's segmenter sees the lesion on a film of one's own."""
        parts = [("file", (*file, "application/octet-stream"))]
        return self._json(ProposedRegion, "POST", "/v1/region", files=parts)

    def patient(self, patient: str) -> PatientHistory:
        """The history of a past patient, by the pseudonym that an answer gives."""
        return self._json(PatientHistory, "GET", f"/v1/patients/{quote(patient, safe='')}")

    def film_preview(
        self,
        film: int,
        center: float | None = None,
        width: float | None = None,
        invert: bool = False,
        size: int | None = None,
    ) -> bytes:
        """PNG of an archived film; see `preview` for the parameters."""
        return self._send("GET", f"/v1/films/{film}/preview", params=_window(center, width, invert, size)).content

    def preview(
        self,
        name: str,
        data: bytes,
        center: float | None = None,
        width: float | None = None,
        invert: bool = False,
        size: int | None = None,
    ) -> Preview:
        """A film of one's own as the API sees it.

        center, width: window on intensities 0..1, None for all. size: long side of the PNG in pixels; a smaller film
        is not enlarged.
        """
        parts = [("file", (name, data, "application/octet-stream"))]
        got = self._send("POST", "/v1/preview", params=_window(center, width, invert, size), files=parts)
        head = got.headers
        try:
            rows, columns = (int(head.get(name, "")) for name in ("X-Film-Rows", "X-Film-Columns"))
            warnings = _SENTENCES.validate_json(head.get("X-Film-Warnings", "[]"))
            remarks = _REMARKS.validate_json(head.get("X-Film-Remarks", "[]"))
            spacing = _SPACING.validate_json(head.get("X-Film-Spacing", "null"))
            taken = date.fromisoformat(head["X-Film-Taken"]) if "X-Film-Taken" in head else None
        except ValueError:  # pydantic's errors are such too
            raise self._stranger() from None
        side, view, part = (head.get(f"X-Film-{name}") for name in ("Side", "View", "Body-Part"))
        return Preview(got.content, rows, columns, side, view, warnings, part, taken, spacing, remarks)

    def archive(self) -> ArchiveFacts:
        """What the archive holds and what a filter may name."""
        return self._json(ArchiveFacts, "GET", "/v1/archive")

    def ready(self) -> Ready:
        """Whether the archive can be asked; where it cannot, `ApiProblem` says why."""
        return self._json(Ready, "GET", "/readyz")


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _window(center: float | None, width: float | None, invert: bool, size: int | None) -> Mapping[str, str]:
    given = {"center": center, "width": width, "invert": _flag(invert), "size": size}
    return {name: str(value) for name, value in given.items() if value is not None}
