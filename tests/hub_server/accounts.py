"""Users, organisations, tokens, and who may see or change a repository."""

from dataclasses import dataclass

from hub_server.http import Refused, Request
from hub_server.storage import Repo

WRONG = "Invalid credentials in Authorization header"


@dataclass
class User:
    """An account: `role` is what its token may do, "read" or "write"."""

    name: str
    token: str
    role: str = "write"
    orgs: tuple[str, ...] = ()
    expired: bool = False

    @property
    def namespaces(self) -> tuple[str, ...]:
        return (self.name, *self.orgs)


def default_users() -> dict[str, User]:
    """Return ada and bob, who share an organisation, eve, who does not, and a reader."""
    named = {
        "ada": User("ada", "", orgs=("lab",)),
        "bob": User("bob", "", orgs=("lab",)),
        "eve": User("eve", ""),
        "reader": User("reader", "", role="read", orgs=("lab",)),
    }
    for user in named.values():
        user.token = f"hf_{user.name}{'x' * 30}"
    return named


class Accounts:
    """Tells who asks, and what they may do."""

    def __init__(self, users: dict[str, User]) -> None:
        self.users = users

    def who(self, request: Request) -> User | None:
        """Return who sends a request; None if nobody says who it is."""
        if not request.token:
            return None
        user = next((each for each in self.users.values() if each.token == request.token), None)
        if user is None or user.expired:
            raise Refused(401, message=WRONG)
        return user

    def readable(self, request: Request, repo: Repo | None, *, content: bool = False) -> Repo:
        """Return the repository if it may be seen; with `content` also what is in it."""
        user = self.who(request)
        if repo is None or (repo.private and not (user and repo.namespace in user.namespaces)):
            if user is None:
                raise Refused(401, "RepoNotFound", "Repository not found")
            raise Refused(404, "RepoNotFound", "Repository not found")
        if content and repo.gated and not (user and (repo.namespace in user.namespaces or user.name in repo.accepted)):
            raise Refused(403 if user else 401, "GatedRepo", f"Access to {repo.id} is restricted")
        return repo

    def writer(self, request: Request, namespace: str) -> User:
        """Return who may write to a namespace."""
        user = self.who(request)
        if user is None:
            raise Refused(401, message=WRONG)
        if user.role != "write" or namespace not in user.namespaces:
            raise Refused(403, message=f"You don't have the rights to write under the namespace {namespace}")
        return user
