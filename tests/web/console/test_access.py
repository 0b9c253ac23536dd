"""Who may see and do what: for each role, page, act, tenant and audience."""

import psycopg
import pytest

from shared.web.console.pages import PAGES
from tests.web.console.conftest import Come
from tests.web.console.visits import NOW, OTHER, PLAN, RUN, write_journal

SHOP = ("public", "org:acme", "repo:acme/shop")
PATHS = {
    "": "", "runs": "runs", "run": f"runs/{RUN}", "why": f"why?q={RUN}", "costs": "costs",
    "letters": "dead-letters", "plans": "plans", "plan": f"plans/{PLAN}", "reviews": "reviews",
    "memory": "memory?q=word", "settings": "settings", "learning": "learning",
}  # fmt: skip
ACTS = {
    "dead-letters/redrive": {"run": RUN},
    f"plans/{PLAN}/cancel": {},
    f"plans/{PLAN}/s1": {"answer": "approve", "digest": "d" * 64},
    "memory/forget": {"q": "nothing like it", "total": "0"},
}
_NOTED = ("approve", "cancel", "forget text", "redrive")
ONLY_OPERATORS = {"costs", "learning", "settings"}


def test_the_tables_name_every_page_and_act() -> None:
    for route in PAGES:
        named = [*(p.partition("?")[0] for p in PATHS.values()), *ACTS]
        assert any(route.path.fullmatch(path) for path in named), route.path.pattern


@pytest.mark.parametrize("role", ["", "viewer", "operator"])
def test_each_page_and_act_asks_for_a_role(database_url: str, come: Come, role: str) -> None:
    write_journal(database_url)
    visits = come(role, SHOP)
    for name, path in PATHS.items():
        allowed = role == "operator" or (role == "viewer" and name not in ONLY_OPERATORS)
        expected = 200 if allowed else 403 if role else 401
        assert visits.get(path).status == expected, (role, path)
    for path, fields in ACTS.items():
        expected = 303 if role == "operator" else 403 if role else 401
        assert visits.post(path, **fields).status == expected, (role, path)
    changes = len(visits.published)
    assert changes == (3 if role == "operator" else 0)


@pytest.mark.parametrize(
    ("audiences", "sees"),
    [((), False), (("public",), False), (SHOP, True), (("channel:C1",), False)],
)
def test_a_viewer_sees_what_their_audiences_see(
    database_url: str, come: Come, audiences: tuple[str, ...], sees: bool
) -> None:
    write_journal(database_url, "a word")
    visits = come("viewer", audiences)
    assert (RUN in visits.get("runs").text) is sees
    assert visits.get(f"runs/{RUN}").status == (200 if sees else 404)
    assert (visits.get(f"plans/{PLAN}").status == 200) is sees
    for page in ("dead-letters", "plans", "reviews"):
        text = visits.get(page).text
        assert (RUN in text or PLAN in text) is sees, page
    assert ("Delivery" in visits.get(f"why?q={RUN}").text) is sees
    other = "channel:C1" in audiences
    assert (visits.get(f"runs/{OTHER}").status == 200) is other


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_nobody_sees_another_tenant(database_url: str, come: Come, role: str) -> None:
    write_journal(database_url, tenant="other")
    visits = come(role, SHOP)
    for path in PATHS.values():
        joined = f"{path}{'&' if '?' in path else '?'}tenant=other"
        assert visits.get(joined).status == 403, path
    assert visits.get(f"runs/{RUN}").status == 404
    assert visits.post("dead-letters/redrive", run=RUN, tenant="other").status == 403
    assert visits.published == []


def test_a_change_needs_the_token_of_its_session(database_url: str, come: Come) -> None:
    write_journal(database_url)
    visits, others = come("operator"), come("operator")
    for token in ("", "x", others.sessions.token(others.session.id)):
        assert visits.post("dead-letters/redrive", run=RUN, token=token).status == 403
    assert visits.published == []


def test_each_change_is_noted_with_who_made_it(database_url: str, come: Come) -> None:
    write_journal(database_url)
    visits = come("operator")
    for path, fields in ACTS.items():
        assert visits.post(path, **fields).status == 303
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "select actor, action from memory_audit order by action"
        ).fetchall()
    assert rows == [("console ada", one) for one in _NOTED]


def test_a_session_ends_rotates_and_cannot_be_made_up(database_url: str, come: Come) -> None:
    write_journal(database_url)
    visits = come("operator")
    assert "Set-Cookie" not in visits.get("runs").headers
    visits.now = NOW + 1000
    fresh = visits.get("runs").headers["Set-Cookie"]
    assert "HttpOnly" in str(fresh) and "Secure" in str(fresh)
    visits.now = NOW + 8 * 3600 + 1
    assert visits.get("runs").status == 401
    visits.now = NOW
    kept, visits.cookie = (
        visits.cookie,
        visits.cookie[:-1] + ("0" if visits.cookie[-1] != "0" else "1"),
    )
    assert visits.get("runs").status == 401
    visits.cookie = kept
    assert visits.get("sign-out").status == 302
    assert visits.get("runs").status == 401


def test_this_machine_needs_no_sign_in_but_only_by_its_own_name(
    database_url: str, come: Come
) -> None:
    write_journal(database_url)
    visits = come(local=True)
    visits.cookie = ""
    assert visits.get("runs").status == 200
    for name in ("X-Forwarded-For", "Forwarded", "x-real-ip"):
        assert visits.get("runs", **{name: "127.0.0.1"}).status == 401, name
    for host in ("evil.example", "127.0.0.1.evil.example", "[", ""):
        visits.host = host
        assert visits.get("runs").status == 401, host


def test_beginning_to_sign_in_ends_no_session(database_url: str, come: Come) -> None:
    visits = come("operator")
    begun = str(visits.sessions.sealed("sign-in", "x"))
    assert begun.partition("=")[0] != visits.cookie.partition("=")[0]


def test_a_second_click_is_the_same_request(database_url: str, come: Come) -> None:
    write_journal(database_url)
    visits = come("operator")
    for _ in range(2):
        for path, fields in ACTS.items():
            if path.startswith("plans/"):
                assert visits.post(path, **fields).status == 303
    ids = [event.id for event in visits.published]
    assert len(ids) == 2 * len({*ids}) > 2
