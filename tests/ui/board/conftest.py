"""A board without cases, and a member who does not use the page."""

from collections.abc import Iterator

import pytest

from api.client import Client
from tests.ui.browsing import Server


@pytest.fixture
def ben(api: Server) -> Iterator[Client]:
    """Another member, who does not use the page; cases of other tests are gone."""
    with Client(api.url, timeout=60, user="ben") as client:
        for case in client.cases(limit=1000).cases:
            client.remove_case(case.case)
        yield client
