"""/console/why?q=…: why the agent did something, or did not."""

from chalice.app import Response

from shared.explaining.explanation import ReasonFinder
from shared.explaining.question import Pointer
from shared.memory.control.listing import Listing, Provenance
from shared.memory.control.reach import OPERATOR, Reach
from shared.memory.control.subjects import Subject
from shared.web.console.routing import PageRequest

TEMPLATE = "why.html"


def why(asked: PageRequest) -> Response:
    """Explain what the address points at; without `q`, ask for it."""
    text = asked.given("q", 500)
    question = Pointer.parse(text) if text else None
    found, memory = [], Provenance()
    if question and question.memory:
        memory = _memory(asked, question.memory)
    elif question:
        explains = ReasonFinder(asked.database, asked.reader.tenant, asked.reader.parameters)
        found = explains.of(question)
    return asked.page(
        TEMPLATE, "Why", q=text, is_clear=question is not None, found=found, memory=memory
    )


def _memory(asked: PageRequest, id_: str) -> Provenance:
    subject = Subject.parse(id_)
    if subject is None or subject.by != "id":
        return Provenance()
    reader = asked.reader
    reach = OPERATOR if reader.is_operator else Reach(frozenset(reader.audiences))
    return Listing(asked.database).why(reader.tenant, subject.names[0], reach)
