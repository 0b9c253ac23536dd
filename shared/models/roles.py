"""Roles: the names by which authors call models, and the models behind each."""

from typing import NamedTuple

from shared.errors import SettingsError
from shared.patterns import lazily
from shared.settings import Settings

_ROLE = lazily(r"[a-z][a-z0-9_-]{0,31}")


class Chain(NamedTuple):
    """Models in the order in which they are asked, each after those before it failed. Error
    messages point to `setting`."""

    names: tuple[str, ...]
    setting: str


class Roles:
    """The roles `small`, `large` and those of MODEL_ROLES; raises SettingsError when that setting
    is malformed."""

    def __init__(self, settings: Settings) -> None:
        self._chains = {
            "small": _chain(settings.model_small, "MODEL_SMALL"),
            "large": _chain(settings.model_large, "MODEL_LARGE"),
        }
        for part in filter(None, (part.strip() for part in settings.model_roles.split(";"))):
            role, equals, names = (piece.strip() for piece in part.partition("="))
            if not equals or not _ROLE.fullmatch(role) or role in self._chains or not names:
                raise SettingsError(
                    f"MODEL_ROLES has {part!r}; expected role=model,model;… with roles of your own"
                )
            self._chains[role] = _chain(names, "MODEL_ROLES")

    def chain(self, role_or_name: str) -> Chain:
        """Return the models of a role, or the one model that a full name names."""
        return self._chains.get(role_or_name) or Chain((role_or_name,), "the flow's model=")

    def substitute(self, role: str) -> str:
        """Return the model to ask after the first of `role` gave an invalid answer, or nothing: the
        next of its chain, or for `small` the large one."""
        names = self.chain(role).names
        others = names[1:] or (self.chain("large").names if role == "small" else ())
        return next((name for name in others if name != names[0]), "")


def _chain(names: str, setting: str) -> Chain:
    listed = tuple(dict.fromkeys(name.strip() for name in names.split(",")))
    return Chain(listed, setting)
