"""/console/memory: what is known, as a given reader would see it, and forgetting with a preview."""

import os

from chalice.app import Response

from shared.errors import RequestRefused
from shared.memory.control.audit import AuditLog, Requester
from shared.memory.control.forgetting import Forgetting
from shared.memory.control.listing import Listing
from shared.memory.control.reach import OPERATOR, Reach
from shared.memory.control.subjects import Subject
from shared.web.console.routing import PageRequest

TEMPLATE = "memory.html"
_SHOWN = 50


def memory(asked: PageRequest) -> Response:
    """List what matches; `as` narrows it to what an audience sees."""
    text, seen_by = asked.given("q"), asked.given("as")
    subject = Subject.parse(text) if text else None
    found, total = (
        Listing(asked.database).know(asked.reader.tenant, subject, _reach(asked, seen_by), _SHOWN)
        if subject
        else ([], 0)
    )
    entries = AuditLog(asked.database).entries(asked.reader.tenant, 20)
    return asked.page(
        TEMPLATE, "Memory", q=text, seen_by=seen_by, is_clear=not text or subject is not None,
        found=found, total=total, entries=entries if asked.reader.is_operator else [],
    )  # fmt: skip


def forget(asked: PageRequest) -> Response:
    """Forget what matches, and note who did; the page before showed how much that is.

    Raises RequestRefused when it is more or less by now than it was there.
    """
    text = asked.form.get("q", "")
    subject = Subject.parse(text)
    if subject is None:
        raise RequestRefused(400, "Say what: a few words, owner/repo#1, @person or m-1a2b3c4d.")
    tenant = asked.reader.tenant
    _, total = Listing(asked.database).know(tenant, subject, OPERATOR, 1)
    if str(total) != asked.form.get("total", ""):
        raise RequestRefused(409, f"It is {total} memories by now. Look again before you forget.")
    requester = Requester(tenant, f"console {asked.reader.login}", f"console:{os.urandom(8).hex()}")
    Forgetting(asked.database).forget(requester, subject, OPERATOR)
    return asked.elsewhere("memory")


def _reach(asked: PageRequest, seen_by: str) -> Reach:
    """Return what an audience sees; without one, what the reader does. A viewer narrows only what
    they see themselves."""
    own = asked.reader.audiences
    if seen_by:
        wanted = {"public", seen_by}
        return Reach(frozenset(wanted if asked.reader.is_operator else wanted & {*own}))
    return OPERATOR if asked.reader.is_operator else Reach(frozenset(own))
