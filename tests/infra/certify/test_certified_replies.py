"""The answer in the thread of a finding is given once, whatever is killed."""

import psycopg
import pytest

from infra.certify.certifying import Happen
from infra.certify.world import World
from infra.local.samples import REPOSITORY
from infra.local.sandbox.github.state import BOT
from shared.events import Event
from shared.marks import mark_of
from tests.infra.certify.conftest import Certify
from tests.infra.certify.test_certify import few

#: Whatever the number of the comment that tells it.
_FINDINGS = """insert into findings (tenant, id, repository, number, head, run_id, path, line,
  severity, category, claim, shape, state, comment)
  select 'acme', 'f-' || n, 'acme/shop', 1, 'h', 'r', 'pay.py', 1, 'low', 'bug', 'It fails.', 'x',
    'posted', n from generate_series(1, 3000) as n"""


def replied(text: str) -> Happen:
    """Let somebody reply to a finding."""

    def happen(world: World) -> Event:
        hub, files = world.github, {"pay.py": "def pay(cart):\n    return cart == None\n"}
        number = hub.open_pull_request(REPOSITORY, "Pay", "It.", head="pay", files=files)
        told = f"**low** bug\n\nIt fails.\n\n{mark_of('k', 'review', 1)}"
        begun = hub.comment_on_line(REPOSITORY, number, told, BOT, path="pay.py", line=1)
        hub.answer(begun, text)
        event = next(one for one in world.events() if one.text == text)
        world.keep()
        return event

    return happen


@pytest.mark.parametrize("text", ["Why is that?", "Nobody does that."])
def test_an_answer_is_given_once(text: str, certified: Certify, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("select set_config('app.tenant', 'acme', false)")
        owner.execute(_FINDINGS)
    report = certified("learn", happen=replied(text), choose=few)
    assert (report.faults, report.asked) == ([], [])
    assert report.event == "github.pull_request_review_comment.created"
    assert len(report.boundaries) > 12  # so it was answered
