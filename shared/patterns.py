"""Regular expressions that are compiled when they are first used.

A flow has hundreds and a run needs few. A module writes `lazily(…)` in place of `re.compile(…)`.
"""

import re
from typing import Any, AnyStr, cast

#: What a pattern can do, kept beside its source once it is compiled.
_METHODS = ("search", "match", "fullmatch", "finditer", "findall", "split", "sub", "subn")


class LazyPattern:
    """Compiles its source when something is asked of it."""

    def __init__(self, source: str | bytes, flags: int) -> None:
        self.pattern = source
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        """Compile the pattern, and keep what it can do as attributes."""
        compiled = re.compile(self.pattern, self._flags)
        for method in _METHODS:
            setattr(self, method, getattr(compiled, method))
        return getattr(compiled, name)


def lazily(source: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return a pattern that is compiled when it is first used, and fails then when it is wrong."""
    return cast("re.Pattern[AnyStr]", LazyPattern(source, flags))
