"""What GitHub could not deliver is sent again until it arrives, or is counted as lost, once."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from infra.local.sandbox.github import GitHubSandbox
from shared.errors import ActionError, ActionRejected, ActionUnavailable
from shared.github_app.deliveries import DeliveryList, DeliveryPage, HookDelivery
from shared.github_app.function import handler
from shared.github_app.redelivery import KEPT, PERIOD, Redelivery, RedeliveryTurn, examined
from tests.actions.github.sandbox_issue import as_app
from tests.github_app.history import Past, with_history
from tests.infra.local.sandbox.github.receiver import Receiver

NOW = 1_700_000_000.0
HOUR = 3600.0


def rows(*past: Past) -> list[HookDelivery]:
    """These deliveries as the list says them, at the time NOW."""
    return [
        HookDelivery(
            number,
            one.guid,
            "issues",
            "opened",
            NOW - one.age,
            "OK" if one.code == 200 else "bad",
            one.code,
            one.redelivery,
        )
        for number, one in enumerate(past, 1)
    ]


def due(*past: Past, whole: bool = True) -> list[int]:
    return [row.id for row in examined(rows(*past), NOW - PERIOD, NOW, whole=whole).due]


# What the list says


@pytest.mark.parametrize("code", [0, 301, 401, 403, 404, 408, 410, 429, 500, 502, 503, 504])
def test_what_may_go_well_later_is_sent_again(code: int) -> None:
    assert due(Past(70, "a", code)) == [1]


@pytest.mark.parametrize("code", [400, 413])
def test_what_the_ingress_refuses_for_good_is_lost_at_once_and_counted_in_one_turn(
    code: int,
) -> None:
    attempts = rows(Past(100, "a", code))
    found = examined(attempts, NOW - PERIOD, NOW)
    assert (found.due, found.failing, len(found.lost)) == ([], 0, 1)
    counted = [len(examined(attempts, NOW - turn * PERIOD, NOW).lost) for turn in range(-3, 5)]
    assert sum(counted) == 1


@pytest.mark.parametrize(
    "attempts",
    [
        (Past(100, "a"),),
        (Past(900, "a", 500), Past(100, "a", 200, True)),
        (Past(100, "a", 200, True), Past(900, "a", 500)),  # listed out of order
        (Past(900, "a", 200), Past(100, "a", 500, True)),  # somebody sent it again
        (Past(100, "a", 204),),
        (Past(50 * HOUR, "a", 500), Past(100, "a", 200, True)),
    ],
)
def test_one_attempt_that_arrived_is_enough(attempts: tuple[Past, ...]) -> None:
    found = examined(rows(*attempts), NOW - PERIOD, NOW)
    assert (found.due, found.failing, found.lost) == ([], 0, [])


@pytest.mark.parametrize(
    ("failed", "pause"),
    [(1, 60), (2, 900), (3, 1800), (4, 3600), (5, 7200), (6, 7200), (30, 7200)],
)
def test_each_failed_attempt_makes_the_pause_longer(failed: int, pause: float) -> None:
    ages = [9 * HOUR - number for number in range(failed - 1)]
    earlier = [Past(age, "a", 503, number > 0) for number, age in enumerate(ages)]
    young = [*earlier, Past(pause - 1, "a", 503, failed > 1)]
    old = [*earlier, Past(pause, "a", 503, failed > 1)]
    assert due(*young) == []
    assert due(*old) == [failed]


def test_the_newest_attempt_is_sent_again_and_the_oldest_event_first() -> None:
    past = [
        Past(5 * HOUR, "old", 500),
        Past(9 * HOUR, "oldest", 0),
        Past(2 * HOUR, "old", 500, True),
        Past(100, "new", 401),
    ]
    assert due(*past) == [2, 3, 4]


def test_a_delivery_under_way_is_left_alone() -> None:
    assert due(Past(5, "a", 0)) == []


def test_what_github_drops_is_lost_in_one_turn_and_left_alone_then() -> None:
    attempts = rows(Past(KEPT + 10, "a", 500), Past(HOUR * 9, "a", 500, True))
    assert due(Past(KEPT + 10, "a", 500), Past(HOUR * 9, "a", 500, True)) == []
    counted = [len(examined(attempts, NOW - turn * PERIOD, NOW).lost) for turn in range(-3, 9)]
    assert sum(counted) == 1
    # Later its first attempt is listed no more.
    found = examined(rows(Past(HOUR * 9, "a", 500, True)), NOW - PERIOD, NOW)
    assert found == ([], 0, 0, [])


def test_of_a_list_that_was_cut_nothing_counts_as_dropped() -> None:
    assert due(Past(HOUR * 9, "a", 500, True), whole=False) == [1]
    assert due(Past(HOUR * 9, "a", 500, True), whole=True) == []


def test_each_recovery_counts_in_one_turn() -> None:
    attempts = rows(
        Past(2 * HOUR, "a", 500),
        Past(HOUR, "a", 500, True),
        Past(1000, "a", 200, True),
        Past(100, "a", 200, True),  # again, for no need
        Past(1000, "fine", 200),
        Past(100, "fine", 200, True),
    )
    counted = [examined(attempts, NOW - turn * PERIOD, NOW).recovered for turn in range(-3, 9)]
    assert sum(counted) == 1


def test_an_empty_list_is_fine() -> None:
    assert examined([], NOW - PERIOD, NOW) == ([], 0, 0, [])


# With PyGithub, over HTTP, before the sandbox GitHub


@contextmanager
def listed(sandbox: GitHubSandbox) -> Iterator[DeliveryList]:
    with closing(DeliveryList.of_app(as_app(sandbox))) as found:
        yield found


def turn(sandbox: GitHubSandbox, at: float = 0.0, **bounds: Any) -> RedeliveryTurn:
    with listed(sandbox) as deliveries:
        found = Redelivery(deliveries, **{"pace": 0.0, **bounds}).turn("f", at, 30.0)
    sandbox.settle()
    return found


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "past"


def test_an_outage_is_made_good(fresh: Path, place: Path, receiver: Receiver) -> None:
    past = [Past(200 - number, f"g{number}", 503 * (number % 2)) for number in range(5)]
    past.append(Past(90, "fine"))
    with with_history(place, fresh, past, receiver.url) as sandbox:
        assert turn(sandbox)[:5] == (6, 5, 0, 0, 5)
        assert [body["issue"]["title"] for body in receiver.payloads] == [
            f"g{number}" for number in range(5)
        ]
        assert {headers["x-github-delivery"] for headers, _ in receiver.received} == {
            f"g{number}" for number in range(5)
        }
        # The next turn finds them delivered.
        assert turn(sandbox)[1] == 0
        assert len(receiver.received) == 5


def test_one_that_fails_again_waits_longer(fresh: Path, place: Path, receiver: Receiver) -> None:
    receiver.answers = [503]
    with with_history(place, fresh, [Past(100, "a", 503)], receiver.url) as sandbox:
        assert turn(sandbox).accepted == 1
        again = turn(sandbox)
        assert (again.failing, again.accepted) == (1, 0)
    assert len(receiver.received) == 1


def test_many_at_once_go_oldest_first_over_several_turns(
    fresh: Path, place: Path, receiver: Receiver
) -> None:
    past = [Past(1000 - number, f"g{number:03}", 0) for number in range(60)]
    with with_history(place, fresh, past, receiver.url) as sandbox:
        accepted = [turn(sandbox, most=25).accepted for _ in range(4)]
    assert accepted == [25, 25, 10, 0]
    titles = [body["issue"]["title"] for body in receiver.payloads]
    assert titles == [f"g{number:03}" for number in range(60)]


def test_the_time_of_a_turn_bounds_it(fresh: Path, place: Path, receiver: Receiver) -> None:
    ticks = iter(range(1000))
    past = [Past(1000 - number, f"g{number}", 0) for number in range(9)]
    with with_history(place, fresh, past, receiver.url) as sandbox, listed(sandbox) as deliveries:
        redelivery = Redelivery(deliveries, pace=0.0, clock=lambda: float(next(ticks)))
        assert redelivery.turn("f", 0.0, 4.0).accepted == 3


def test_a_list_that_is_too_long_is_read_as_far_as_a_turn_may(
    fresh: Path, place: Path, receiver: Receiver
) -> None:
    past = [Past(5 * HOUR - number, f"g{number}", 503 * (number < 150)) for number in range(250)]
    past = [one._replace(code=one.code or 200) for one in past]
    with with_history(place, fresh, past, receiver.url) as sandbox:
        found = turn(sandbox, pages=2)
        asked = [one.path for one in sandbox.exchanges()].count("/app/hook/deliveries")
    assert (found.listed, found.accepted, asked) == (200, 100, 2)


def test_what_is_older_than_github_keeps_is_not_read(
    fresh: Path, place: Path, receiver: Receiver
) -> None:
    past = [Past(80 * HOUR, f"old{number}", 503) for number in range(350)]
    past.append(Past(100, "new", 503))
    with with_history(place, fresh, past, receiver.url) as sandbox:
        found = turn(sandbox)
    assert (found.listed, found.accepted) == (200, 1)


@pytest.mark.parametrize("status", [0, 500, 502, 403])
def test_a_list_that_breaks_off_is_used_as_far_as_it_came(
    fresh: Path, place: Path, receiver: Receiver, status: int
) -> None:
    past = [Past(1000 - number, f"g{number}", 503) for number in range(150)]
    with with_history(place, fresh, past, receiver.url) as sandbox:
        breaking = Breaking.of_app(as_app(sandbox))
        breaking.breaks = lambda: sandbox.fail_next(
            status, path="/app/hook/deliveries", retry_after=60 if status == 403 else None
        )
        with closing(breaking), pytest.raises(ActionError):
            Redelivery(breaking, pace=0.0).turn("f", 0.0, 30.0)
        sandbox.settle()
    assert len(receiver.received) == 100


class Breaking(DeliveryList):
    """A list during which something happens after its first page."""

    breaks: Callable[[], None]

    def pages(self, most: int) -> Iterator[DeliveryPage]:
        for number, page in enumerate(super().pages(most)):
            if number == 0:
                self.breaks()
            yield page


@pytest.mark.parametrize(("status", "error"), [(401, ActionRejected), (500, ActionUnavailable)])
def test_a_list_that_cannot_be_read_at_all_fails_the_turn(
    fresh: Path, place: Path, status: int, error: type[ActionError]
) -> None:
    with with_history(place, fresh, [Past(100, "a", 503)]) as sandbox:
        sandbox.fail_next(status)
        with pytest.raises(error):
            turn(sandbox)


def test_a_rate_limit_ends_the_turn_and_the_next_goes_on(
    fresh: Path, place: Path, receiver: Receiver
) -> None:
    past = [Past(200 - number, f"g{number}", 503) for number in range(3)]
    with with_history(place, fresh, past, receiver.url) as sandbox:
        sandbox.fail_next(403, path="/attempts", retry_after=60)
        assert turn(sandbox).accepted == 0
        assert turn(sandbox).accepted == 3


def test_a_delivery_that_is_gone_holds_nothing_up(
    fresh: Path, place: Path, receiver: Receiver
) -> None:
    past = [Past(200 - number, f"g{number}", 503) for number in range(3)]
    with with_history(place, fresh, past, receiver.url) as sandbox:
        sandbox.fail_next(404, path="/attempts")
        found = turn(sandbox)
    assert (found.accepted, found.refused) == (2, 1)


def test_a_redelivery_whose_answer_was_lost_is_not_asked_for_twice_in_a_turn(
    fresh: Path, place: Path, receiver: Receiver
) -> None:
    with with_history(place, fresh, [Past(200, "a", 503)], receiver.url) as sandbox:
        sandbox.fail_next(0, path="/attempts", after=True)
        assert turn(sandbox).accepted == 0
        assert turn(sandbox)[1] == 0
    assert len(receiver.received) == 1


def test_a_changed_secret_loses_nothing(fresh: Path, place: Path, receiver: Receiver) -> None:
    """GitHub signs each attempt anew, so what was refused with 401 arrives after the mending."""
    with with_history(place, fresh, [Past(100, "a", 401)], receiver.url) as sandbox:
        assert turn(sandbox).accepted == 1
        assert turn(sandbox).failing == 0


def test_an_app_that_was_registered_anew_starts_with_its_own_list(
    fresh: Path, place: Path, sandbox: GitHubSandbox
) -> None:
    with with_history(place, fresh, [Past(100, "a", 503)]) as before:
        assert turn(before).listed == 1
    assert turn(sandbox).listed == 0


# The function


class _Context:
    function_name = "agent-flows-redelivery"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY", "GITHUB_TOKEN", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_the_function_does_a_turn_and_measures_it(
    fresh: Path,
    place: Path,
    receiver: Receiver,
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    past = [Past(100, "a", 503), Past(200, "refused", 413)]
    with with_history(place, fresh, past, receiver.url) as sandbox:
        settings = as_app(sandbox)
        for name in ("github_api_url", "github_app_id", "github_app_private_key"):
            environment.setenv(name.upper(), getattr(settings, name))
        assert handler({"at": "yesterday"}, _Context())["accepted"] == 1
        sandbox.settle()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    said = Counter(line["message"] for line in lines)
    assert said == {"webhook lost": 1, "webhooks redelivered": 1}
    [measured] = [line for line in lines if "_aws" in line]
    assert measured["function"] == "agent-flows-redelivery"
    assert [measured[name] for name in ("WebhooksFailing", "WebhooksRedelivered")] == [1, 1]
    assert [measured[name] for name in ("WebhooksRecovered", "WebhooksLost")] == [0, 1]
    [lost] = [line for line in lines if line["message"] == "webhook lost"]
    assert (lost["guid"], lost["event"], lost["answered"]) == ("refused", "issues", 413)


def test_without_an_app_it_says_so_and_asks_nobody(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("GITHUB_TOKEN", "ghp_x")
    assert handler({}, _Context()) == {}
    assert "no GitHub App" in capsys.readouterr().out
