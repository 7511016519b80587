"""Releases to write cards of."""

from hub_server.fixtures import hub, plane  # noqa: F401
from publishing.conftest import publish, run  # noqa: F401
