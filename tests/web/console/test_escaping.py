"""HTML in every text of the journal: nothing of it becomes a part of a page."""

from html.parser import HTMLParser

import psycopg
import pytest

from tests.web.console.conftest import Come
from tests.web.console.test_access import PATHS
from tests.web.console.visits import RUN, write_journal

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><b onclick=x>{{ 7*7 }}</b>"


class _Reader(HTMLParser):
    """Collects what a browser would run, load or follow."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        source = given.get("src") or ""
        if tag == "script" and not source.startswith("/console/static/"):
            self.wrong.append(tag)
        if tag in {"iframe", "object", "embed", "base", "style"} or (tag == "b" and given):
            self.wrong.append(tag)
        if tag == "img" and not source.startswith("/console/static/"):
            self.wrong.append(f"img {source}")
        self.wrong += [name for name in given if name.startswith("on") or name == "style"]
        if (given.get("href") or "").lower().startswith("javascript:"):
            self.wrong.append("href")


@pytest.mark.parametrize("path", PATHS.values())
def test_nothing_of_the_journal_runs(database_url: str, come: Come, path: str) -> None:
    write_journal(database_url, EVIL)
    answer = come("operator").get(path)
    assert answer.status == 200
    reader = _Reader()
    reader.feed(answer.text)
    assert reader.wrong == []
    assert "49" not in answer.text or "{{ 7*7 }}" in answer.text
    policy = str(answer.headers["Content-Security-Policy"])
    assert "unsafe" not in policy and "default-src 'none'" in policy


def test_a_question_is_shown_as_it_was_asked_and_no_more(database_url: str, come: Come) -> None:
    reader = _Reader()
    reader.feed(come("operator").get(f"why?q={EVIL.replace('=', '')}").text)
    assert reader.wrong == []


@pytest.mark.parametrize(
    "path", ["why?q=\0", "runs?after=x", "runs?cost=x", "runs?words=\0", "nothing"]
)
def test_what_makes_no_sense_is_no_failure(database_url: str, come: Come, path: str) -> None:
    assert come("operator").get(path).status in {200, 400, 404}


def test_a_run_with_a_nul_or_with_very_much_text_has_its_page(
    database_url: str, come: Come
) -> None:
    write_journal(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        nul = "update events set body = replace(body::text, 'a word', 'a \\u0000')::json"
        assert connection.execute(nul).rowcount
        much = """insert into steps (tenant, run_id, key, name, input_hash, occurrence, attempt,
                    input, output, model, started_at, duration_ms)
                  select tenant, run_id, key || n, name, 'h', 0, 1, to_json(repeat('<', 59000)),
                    to_json(repeat('"', 29000)), '', now(), 1
                  from steps, generate_series(1, 60) as n"""
        assert connection.execute(much).rowcount > 100
    visits = come("operator")
    answer = visits.get(f"runs/{RUN}")
    assert answer.status == 200
    assert len(answer.text.encode()) < 5_900_000
    assert visits.get(f"why?q={RUN}").status == 200


@pytest.mark.parametrize("text", ["\0", "\ud800"])
def test_what_no_database_takes_is_no_failure(come: Come, text: str) -> None:
    visits = come(local=True)
    assert visits.get(f"runs?tenant=acme{text}&words={text}").status == 200
    assert visits.get(f"reviews?repository={text}").status == 200
    assert (
        visits.post(
            "dead-letters/redrive", run=f"{text}x".encode("utf-8", "replace").decode()
        ).status
        == 409
    )
