"""Import this before moto's interpreter of state machines, and call `whole` after it.

The interpreter wants one enumeration of `moto.batch.utils`, and importing its package loads what
EC2 offers in each region: a second, and more than half of the whole.
"""

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec

_PACKAGE = "moto.batch"


def whole() -> None:
    """Let the next import of the package load all of it."""
    if getattr(sys.modules.get(_PACKAGE), "batch_backends", None) is None:
        sys.modules.pop(_PACKAGE, None)


if _PACKAGE not in sys.modules and (spec := find_spec(_PACKAGE)):
    sys.modules[_PACKAGE] = module_from_spec(spec)  # not executed: it says where its files are
    import_module(f"{_PACKAGE}.utils")
