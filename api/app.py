"""The HTTP API of one archive. Research use only; not a diagnosis."""

import ipaddress
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anyio
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.docs import install_docs
from api.problems import CROSS_SITE, SAFE_HEADERS, WRONG_HOST, install, problem
from api.routes import ROUTERS
from api.schemas import NOTICE
from api.service import Service
from api.settings import Settings
from engine.said import Said

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
READING = frozenset({"GET", "HEAD", "OPTIONS"})
_log = logging.getLogger(__name__)


def create_app(archive: Path, settings: Settings) -> FastAPI:
    """The app over the archive in a folder; it starts even where that cannot be opened, and says so at /readyz."""
    service = Service(archive, settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        failure = service.warm()
        if failure is not None:
            _log.warning("%s is not ready: %s", archive, failure)
        async with anyio.create_task_group() as beside:
            beside.start_soon(anyio.to_thread.run_sync, service.prepare)
            yield
        service.close()

    app = _App(
        title="caselink",
        version=version("caselink"),
        description=f"Past patients whose radiographs look most like the ones you send. {NOTICE}",
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    app.state.routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    install(app)
    install_docs(app)
    for router in ROUTERS:
        app.include_router(router)
    app.add_middleware(Guard, hosts=_hosts(settings.host))
    return app


class _App(FastAPI):
    """FastAPI, but for the examples of its OpenAPI document."""

    def openapi(self) -> dict[str, Any]:
        """The document, with the nulls that FastAPI leaves out of examples: a required field may be unknown."""
        fresh = self.openapi_schema is None
        document = super().openapi()
        if fresh:
            for router in ROUTERS:
                for route in router.routes:
                    if isinstance(route, APIRoute):
                        _restore_examples(document["paths"][route.path], route)
        return document


def _restore_examples(path: dict[str, Any], route: APIRoute) -> None:
    for method in route.methods or ():
        described = path[method.lower()]["responses"]
        for status, response in route.responses.items():
            for media, content in response.get("content", {}).items():
                described[str(status)]["content"][media]["example"] = content["example"]


def _hosts(host: str) -> frozenset[str] | None:
    """Names under which a server on loopback answers; None = any, where it listens to others too."""
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    return LOOPBACK_NAMES | {host} if loopback else None


class Guard:
    """Adds the headers that keep patient data where it belongs, and answers on loopback under its own names only.

    Without the second, a web page could reach the API through a name of its own that it points at this machine. Nor may
    a page of another site make a browser write, as browsers let forms do.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str] | None) -> None:
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SAFE_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        headers = Headers(scope=scope)
        if scope["method"] not in READING and headers.get("sec-fetch-site") == "cross-site":
            told = "a page of another site sent this; use caselink's own page, or a program of yours"
            detail = Said("cross_site", told)
            await problem(CROSS_SITE, detail, scope["path"])(scope, receive, guarded)
            return
        host = headers.get("host", "")
        if self.hosts is None or _bare(host) in self.hosts:
            await self.app(scope, receive, guarded)
            return
        told = "host {host!r} is not this server; use 127.0.0.1, or set CASELINK_HOST to serve others"
        await problem(WRONG_HOST, Said("wrong_host", told, host=host[:60]), scope["path"])(scope, receive, guarded)


def _bare(host: str) -> str:
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdecimal() else host.lower()
