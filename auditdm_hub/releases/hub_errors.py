"""What the Hub's clients raise, in our own words: what was wrong, and what to do.

The clients tell a private repository from a missing one by nothing, retry some requests and not others, and raise
errors of three libraries. Everything that talks to the Hub goes through `explained`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from auditdm_hub.errors import AuditDMError, HubError, no_space

AGAIN = (408, 429, 500, 502, 503, 504)
"""Statuses after which the same request may succeed."""


@cache
def client_errors() -> tuple[type[Exception], ...]:
    """Return every class that a request to the Hub can raise."""
    from huggingface_hub import errors

    return (
        errors.HfHubHTTPError,
        errors.OfflineModeIsEnabled,
        errors.LocalEntryNotFoundError,
        errors.HFValidationError,
        *_transport(),
        ConnectionError,
        TimeoutError,
        RuntimeError,  # what hf_xet raises
        ValueError,  # what a card that the Hub does not accept raises
        OSError,
    )


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn what the Hub's clients raise inside the block into a `HubError` that says what to do.

    Args:
        what: was asked for, for example "org/name v1.0.0".

    Raises:
        HubError: anything went wrong.
    """
    try:
        yield
    except AuditDMError:
        raise
    except client_errors() as error:
        raise explain(error, what) from error


def explain(error: Exception, what: str) -> HubError:
    """Return an error of a client in our own words."""
    error = _behind(error)
    status = status_of(error)
    if no_space(error):
        why = "the disk is full: free some space, then give the same command again"
    else:
        why = _by_class(error) or (_by_status(error, status) if status else "")
    said = _first_line(error) or type(error).__name__
    if not why and isinstance(error, ValueError):
        why = f"the Hub refused it: {' '.join(str(error).split())}"
    return HubError(f"{what}: {why or f'the connection failed ({said}): give the same command again'}")


def _behind(error: Exception) -> Exception:
    """Return what the Hub said where the client tells only that a file is not in the cache."""
    from huggingface_hub import errors

    cause = error.__cause__ or error.__context__
    if isinstance(error, errors.LocalEntryNotFoundError) and isinstance(cause, Exception) and status_of(cause):
        return cause
    return error


def _by_class(error: Exception) -> str:
    """Return what to say of errors that have a class of their own; "" for others."""
    from huggingface_hub import errors

    if status_of(error) == 401 and _says(error, "Invalid credentials"):
        return "the Hub does not know the token, or it has expired: log in anew (hf auth login)"
    words: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
        (errors.GatedRepoError, "access is granted by its owner: ask for it on its page, then log in (hf auth login)"),
        (errors.RevisionNotFoundError, "there is no such version"),
        (
            errors.RepositoryNotFoundError,
            "not found; if it is private, log in with an account that may see it (hf auth login)",
        ),
        (
            (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled),
            "not in the local cache, and the Hub cannot be reached: go online and try again",
        ),
        (errors.HFValidationError, "no name of a repository, wanted ORG/NAME"),
    )
    return next((text for kind, text in words if isinstance(error, kind)), "")


def _by_status(error: Exception, status: int) -> str:
    if status == 401:
        return "not found; if it is private, log in with an account that may see it (hf auth login)"
    if status == 403:
        return f"this account may not do that: use a token with write access to it ({_first_line(error)})"
    if status == 429:
        return f"too many requests: try again in {seconds_to_wait(error, 60.0):.0f} seconds"
    if status >= 500:
        return f"the Hub has a fault (HTTP {status}): give the same command again later; it goes on"
    return f"the Hub refused it (HTTP {status}): {_first_line(error)}"


def seconds_to_wait(error: Exception, otherwise: float) -> float | None:
    """Return how long to wait before the request is made again; None if that would not help."""
    status = status_of(error)
    if status is None:
        return otherwise if isinstance(error, (*_transport(), ConnectionError, TimeoutError, RuntimeError)) else None
    if status not in AGAIN:
        return None
    response = getattr(error, "response", None)
    asked = response.headers.get("Retry-After", "") if response is not None else ""
    return float(asked) if asked.isdigit() else otherwise


def is_offline(error: HubError) -> bool:
    """Whether an error came from there being no connection, and not from what the Hub said."""
    from huggingface_hub import errors

    cause = error.__cause__
    return (
        cause is not None
        and status_of(cause) is None
        and isinstance(cause, (errors.OfflineModeIsEnabled, *_transport(), ConnectionError, TimeoutError))
    )


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status that an error carries, or None."""
    response = getattr(error, "response", None)
    return getattr(response, "status_code", None)


def _says(error: Exception, words: str) -> bool:
    response = getattr(error, "response", None)
    return response is not None and words in response.headers.get("X-Error-Message", "")


def _first_line(error: Exception) -> str:
    message = getattr(error, "server_message", None) or str(error)
    return next((line.strip() for line in str(message).splitlines() if line.strip()), "")


@cache
def _transport() -> tuple[type[Exception], ...]:
    """Return the errors of the HTTP library that huggingface_hub uses."""
    from huggingface_hub.utils import _http

    library = getattr(_http, "httpx", None) or getattr(_http, "httpx2", None)
    return (library.HTTPError,) if library is not None else ()
