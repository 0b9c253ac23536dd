"""Who looks at the console, and what they may see and change."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

Role = Literal["viewer", "operator"]


class Visitor(NamedTuple):
    """Somebody who is signed in, and for each tenant what they are there. `session` binds what
    they send; `is_local` is whoever sits at this machine."""

    login: str
    session: str
    roles: Mapping[str, Role] = {}
    is_local: bool = False


class Reader(NamedTuple):
    """A visitor in one tenant. An operator sees all of it; a viewer what these audiences see."""

    tenant: str
    login: str
    role: Role
    audiences: tuple[str, ...] = ()

    @property
    def is_operator(self) -> bool:
        return self.role == "operator"

    @property
    def parameters(self) -> dict[str, object]:
        """Return what each query of a page is bounded by."""
        return {
            "tenant": self.tenant,
            "everywhere": self.is_operator,
            "audiences": [*self.audiences],
        }
