"""How the typed client asks: one place for addresses, refusals and strangers."""

from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from api.schemas import Problem
from engine.errors import CaselinkError
from engine.said import Said

T = TypeVar("T")
File = tuple[str, bytes]
"""A film to send: its name and bytes."""
USER_HEADER = "X-Caselink-User"
CONFLICT = 409


class ApiProblem(CaselinkError):
    """The API refused. status: HTTP. detail: a sentence that names value, limit and cure; also the error's text. Where
    it is a `Said`, `said` has its code.

    kind: the problem's type, e.g. /problems/filter. position: of the offending piece of a filter, counted from 0.
    """

    def __init__(self, status: int, title: str, detail: str, kind: str = "about:blank", position: int | None = None):
        super().__init__(detail or title)
        self.status, self.title, self.detail, self.kind, self.position = status, title, detail, kind, position


class ApiConflict(ApiProblem):
    """Somebody else wrote meanwhile. current, revision: what stands there now. yours: what was not written."""

    def __init__(self, problem: Problem):
        super().__init__(problem.status, problem.title, problem.said, problem.type)
        more = problem.model_extra or {}
        self.current, self.yours = str(more.get("current", "")), str(more.get("yours", ""))
        self.revision = int(more.get("revision", 0))


class ApiUnreachable(CaselinkError):
    """Nobody answers at the API's address, or not caselink, or not in time."""


class Transport:
    """Talks to one API. Not affected by proxies of the environment: films go to the address given and nowhere else.

    timeout: seconds to wait for each answer. user: who asks, for the journal; None = as the API's settings say.
    """

    def __init__(self, base_url: str, timeout: float = 30.0, user: str | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        self.timeout = timeout
        said = {} if user is None else {USER_HEADER.encode(): " ".join(user.split()).encode()}
        try:
            self._http = httpx.Client(base_url=self.base_url, timeout=timeout, trust_env=False, headers=said)
        except httpx.InvalidURL as error:
            told = "{address!r} is no address ({said}); give one such as http://127.0.0.1:8000"
            raise ApiUnreachable(Said("api_no_address", told, address=base_url, said=str(error))) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

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
            told = "the API at {address} did not answer within {wait} s; send fewer or smaller films"
            said = Said("api_silent", told, address=self.base_url, wait=round(self.timeout))
            raise ApiUnreachable(said) from None
        except httpx.TransportError as error:
            told = (
                "no API answers at {address} ({said}); start it with `caselink serve --archive DIR`, or set "
                "CASELINK_API to where it runs"
            )
            why = str(error) or type(error).__name__
            raise ApiUnreachable(Said("api_absent", told, address=self.base_url, said=why)) from None
        if answer.is_success:
            return answer
        try:
            problem = Problem.model_validate_json(answer.content)
        except ValidationError:
            raise self._stranger() from None
        if problem.status == CONFLICT:
            raise ApiConflict(problem)
        raise ApiProblem(answer.status_code, problem.title, problem.said, problem.type, problem.position)

    def _stranger(self) -> ApiUnreachable:
        told = (
            "something answers at {address}, but not as caselink's API; check the address, and that API and client are "
            "of one version"
        )
        return ApiUnreachable(Said("api_strange", told, address=self.base_url))
