"""The typed HTTP client of the API: what the page and the demo talk through."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import TypeAdapter, ValidationError

from api.boxes import Box, Whole, format_box
from api.schemas import ArchiveFacts, Explanation, PatientHistory, Preview, Problem, ProposedRegion, Ready, SearchAnswer
from engine.errors import CaselinkError

T = TypeVar("T")
_SENTENCES = TypeAdapter(tuple[str, ...])
File = tuple[str, bytes]
"""A film to send: its name and bytes."""


class ApiProblem(CaselinkError):
    """The API refused. status: HTTP. detail: a sentence that names value, limit and cure; also the error's text.

    kind: the problem's type, e.g. /problems/filter. position: of the offending piece of a filter, counted from 0.
    """

    def __init__(self, status: int, title: str, detail: str, kind: str = "about:blank", position: int | None = None):
        super().__init__(detail or title)
        self.status, self.title, self.detail, self.kind, self.position = status, title, detail, kind, position


class ApiUnreachable(CaselinkError):
    """Nobody answers at the API's address, or not caselink, or not in time."""


class Client:
    """Talks to one API. Not affected by proxies of the environment: films go to the address given and nowhere else.

    timeout: seconds to wait for each answer.
    """

    def __init__(self, base_url: str, timeout: float = 30.0) -> None:
        self.base_url = base_url.rstrip("/")
        self.timeout = timeout
        try:
            self._http = httpx.Client(base_url=self.base_url, timeout=timeout, trust_env=False)
        except httpx.InvalidURL as error:
            raise ApiUnreachable(
                f"{base_url!r} is no address ({error}); give one such as http://127.0.0.1:8000"
            ) from None

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

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
        fields: dict[str, object] = {
            "k": str(k),
            "include_self": _flag(include_self),
            "all_stages": _flag(all_stages),
            "roi": [format_box(box) for box in roi or ()],
        }
        told = {"where": where, "age": None if age is None else str(age), "sex": sex, "site": site}
        fields |= {name: value for name, value in told.items() if value is not None}
        parts = [("files", (name, data, "application/octet-stream")) for name, data in files]
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
        except ValueError:  # pydantic's errors are such too
            raise self._stranger() from None
        return Preview(got.content, rows, columns, head.get("X-Film-Side"), head.get("X-Film-View"), warnings)

    def archive(self) -> ArchiveFacts:
        """What the archive holds and what a filter may name."""
        return self._json(ArchiveFacts, "GET", "/v1/archive")

    def ready(self) -> Ready:
        """Whether the archive can be asked; where it cannot, `ApiProblem` says why."""
        return self._json(Ready, "GET", "/readyz")

    def _json(self, kind: type[T], method: str, path: str, **parts: Any) -> T:
        answer = self._send(method, path, **parts)
        try:
            return TypeAdapter(kind).validate_json(answer.content)
        except ValidationError:
            raise self._stranger() from None

    def _send(self, method: str, path: str, **parts: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **parts)
        except httpx.TimeoutException:
            raise ApiUnreachable(
                f"the API at {self.base_url} did not answer within {self.timeout:.0f} s; send fewer or smaller films"
            ) from None
        except httpx.TransportError as error:
            raise ApiUnreachable(
                f"no API answers at {self.base_url} ({error or type(error).__name__}); start it with "
                "`caselink serve --archive DIR`, or set CASELINK_API to where it runs"
            ) from None
        if answer.is_success:
            return answer
        try:
            problem = Problem.model_validate_json(answer.content)
        except ValidationError:
            raise self._stranger() from None
        raise ApiProblem(answer.status_code, problem.title, problem.detail, problem.type, problem.position)

    def _stranger(self) -> ApiUnreachable:
        return ApiUnreachable(
            f"something answers at {self.base_url}, but not as caselink's API; check the address, and that API and "
            "client are of one version"
        )


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _window(center: float | None, width: float | None, invert: bool, size: int | None) -> Mapping[str, str]:
    given = {"center": center, "width": width, "invert": _flag(invert), "size": size}
    return {name: str(value) for name, value in given.items() if value is not None}
