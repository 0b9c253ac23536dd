"""Ctrl-C and a start again: work goes on at once, however often, and nothing is given up."""

from functools import partial
from pathlib import Path

from infra.local.endings import dead_letters
from infra.local.system import System
from tests.models.scripted_server import Hangs, ScriptedServer
from tests.system.conftest import query
from tests.system.quick import shipped_template
from tests.system.test_bad_things import commented, verdict
from tests.waiting import wait_for


def test_work_goes_on_at_once_after_restarts(data_directory: Path) -> None:
    """As deployed, a function's lease outlives the patience of this test."""
    with ScriptedServer() as model:
        environment = {
            "MODEL_SMALL": f"{model.url}/v1#scripted",
            "MODEL_LARGE": f"{model.url}/v1#scripted",
            "MODEL_EMBED": "hashing",
        }
        number = 0
        model.says(*[Hangs()] * 9)
        for restart in range(3):
            with System(
                data=data_directory,
                environment=environment,
                template=shipped_template(data_directory),
            ) as system:
                assert system.github
                seen = len(model.seen)
                number = number or system.github.open_issue("acme/shop", "Slow", "It hangs")
                assert wait_for(partial(_asked_more, model, seen)), restart
        model.script.clear()
        model.says(verdict("bug"))
        with System(
            data=data_directory, environment=environment, template=shipped_template(data_directory)
        ) as system:
            assert "It is about the checkout." in commented(system, number)
            of_triage = "from runs where flow = 'triage'"
            assert wait_for(lambda: query(system, f"select 1 {of_triage} and state = 'done'"))
            assert query(system, f"select attempts, failures {of_triage}") == [(4, 0)]
            assert dead_letters(system.settings.database_url, flow="", limit=9) == []


def _asked_more(model: ScriptedServer, seen: int) -> bool:
    return len(model.seen) > seen
