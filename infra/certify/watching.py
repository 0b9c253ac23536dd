"""Sees where a flow asks what no replay gets again: the clock, chance, the disk, the network.

What a step does is recorded, so it may ask all of them.
"""

import dis
import random
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from infra.project import ROOT
from shared.agent.flow import Flow
from shared.journal import Run

_STEP: CodeType = Run.step.__code__
#: Code that is not the author's.
_OURS = (str(ROOT / "shared"), str(ROOT / "infra"))
#: What the functions of the module `random` share; another generator may have a seed.
_GENERATOR = vars(random)["_inst"]

#: C functions that ask the clock, with the fewest arguments with which they no longer do.
_CLOCK = {
    **dict.fromkeys(("time.time", "time.time_ns"), 9),
    **dict.fromkeys(("time.localtime", "time.gmtime", "time.ctime"), 1),
    **dict.fromkeys(("time.strftime", "time.asctime"), 2),
    **dict.fromkeys(("datetime.now", "datetime.utcnow", "datetime.today", "date.today"), 9),
}
_CHANCE = {"posix.urandom", "posix.getrandom", "nt.urandom"}
#: The audit events of what leaves the process, by how they begin.
#: https://docs.python.org/3/library/audit_events.html
_OUTSIDE = ("open", "os.listdir", "os.scandir", "socket.", "subprocess.", "os.system", "sqlite3.")


class Watch:
    """Watches one delivery in this process; `found` are sentences with the file and the line."""

    def __init__(self, flow: Flow) -> None:
        self.found: set[str] = set()
        self._own = str(Path(flow.function.__code__.co_filename))
        self._on = False
        sys.addaudithook(self._audit)

    def over(self, handle: Callable[[Any, Any], Any], batch: Any, context: Any) -> Any:
        """Watch while `handle` works."""
        threading.setprofile(self._profile)
        sys.setprofile(self._profile)
        self._on = True
        try:
            return handle(batch, context)
        finally:
            self._on = False
            sys.setprofile(None)
            threading.setprofile(None)

    def _profile(self, frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call" and self._is_authors(frame):
            self._called(frame, called)
        elif event == "call" and (outer := frame.f_back) and self._is_authors(outer):
            self._note(outer, "chance", frame.f_code.co_name if _draws(frame) else "")

    def _called(self, frame: FrameType, called: Any) -> None:
        owner = getattr(called, "__self__", None)
        name = f"{getattr(owner, '__name__', '')}.{called.__name__}"
        if _CLOCK.get(name, 0) > _arguments(frame, name):
            self._note(frame, "the clock", name)
        elif name in _CHANCE or owner is _GENERATOR:
            self._note(frame, "chance", called.__name__)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._on or not event.startswith(_OUTSIDE):
            return
        frame: FrameType | None = sys._getframe(1)
        while frame and not self._is_authors(frame):
            if frame.f_code.co_filename.startswith((*_OURS, "<frozen importlib")):
                return
            frame = frame.f_back
        if frame:
            self._note(frame, "a file or another machine", event)

    def _is_authors(self, frame: FrameType) -> bool:
        file = frame.f_code.co_filename
        if file == self._own:
            return True
        return file.startswith(str(ROOT)) and not file.startswith(_OURS) and ".venv" not in file

    def _note(self, frame: FrameType, what: str, name: str) -> None:
        """Note what is asked, unless a step asks it."""
        outer: FrameType | None = frame
        while outer and outer.f_code is not _STEP:
            outer = outer.f_back
        if outer is None and name:
            place = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
            self.found.add(f"{place} asks {what} ({name})")


def _draws(frame: FrameType) -> bool:
    """Tell if a function of Python's library that begins here draws by chance."""
    match frame.f_globals.get("__name__"):
        case "secrets":
            return True
        case "uuid":
            return frame.f_code.co_name in {"uuid1", "uuid4"}
        case "random":
            drawing = frame.f_locals.get("self")
            return drawing is _GENERATOR or isinstance(drawing, random.SystemRandom)
    return False


def _arguments(frame: FrameType, name: str) -> int:
    """Count the arguments of the call that a frame is about to make, where that matters."""
    if name not in _CLOCK:
        return 0
    at = (one for one in dis.get_instructions(frame.f_code) if one.offset == frame.f_lasti)
    return next((one.arg or 0 for one in at if one.opname == "CALL"), 0)
