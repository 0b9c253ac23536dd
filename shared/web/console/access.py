"""Who looks at the console, and what they may see and change."""

from typing import Literal, NamedTuple

from shared.web.console.sessions import Session

Role = Literal["viewer", "operator"]


class Visitor(NamedTuple):
    """Somebody who is signed in, and the tenants that they belong to. `is_local` is whoever sits at
    this machine."""

    login: str
    session: Session
    tenants: tuple[str, ...]
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
