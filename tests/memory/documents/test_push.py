"""A push to the default branch: what changed is taken, what went is forgotten, nothing is lost."""

from dataclasses import replace

import pytest

from flows.ingest import ingest
from infra.local.sandbox.github.commits import Link, Submodule
from shared.actions import Mark
from shared.actions.github.actions import Comment
from shared.actions.github.adapter import GitHubAdapter
from shared.actions.github.queries import READS, RepositoryHead
from shared.errors import ActionRejected, PolicyError
from shared.events import PUBLIC, Issue
from shared.memory.documents.ingestion import Ingestion
from shared.runtime.function import capabilities
from shared.settings import Settings
from tests.memory.documents.ingestion_runner import SHOP, TENANT, IngestionRunner

README = (
    "# Shop\n\nSells things.\n\n## Install\n\nRun `make install`.\n\n## Use\n\nOpen the page.\n"
)


def test_a_document_is_remembered_with_its_address_and_its_audience(shelf: IngestionRunner) -> None:
    shelf.take({"README.md": README})
    row = shelf.memories["acme/shop:README.md#install/1"]
    assert row["text"] == "Shop › Install\n\nRun `make install`."
    assert row["url"] == f"{shelf.sandbox.web_url}/{SHOP}/blob/main/README.md#install"
    assert (row["kind"], row["audience"], row["trust"]) == ("document", PUBLIC, "inside")
    assert (row["source"], row["flow"]) == ("github:acme/shop", "")
    (found, *_) = shelf.store.recall(
        TENANT, "how do I install it?", audiences=frozenset({PUBLIC}), limit=1
    )
    assert found.url.endswith("README.md#install")


def test_an_edit_embeds_only_the_passage_that_it_changed(shelf: IngestionRunner) -> None:
    shelf.take({"README.md": README, "docs/a.md": "# A\n\nOne."})
    shelf.embedder.embedded.clear()
    shelf.take({"README.md": README.replace("Sells things.", "Sells books.")})
    assert shelf.embedder.embedded == ["Shop\n\nSells books."]
    assert len(shelf.memories) == 4


def test_a_second_push_asks_only_for_what_changed(shelf: IngestionRunner) -> None:
    shelf.take({f"docs/{n}.md": f"# Page {n}\n\nText." for n in range(20)})
    before = len(shelf.requests)
    shelf.take({"docs/3.md": "# Page 3\n\nOther."})
    assert shelf.requests[before:] == ["repository", "git", "compare", "contents"]


def test_a_deleted_document_is_forgotten_with_its_vectors(shelf: IngestionRunner) -> None:
    shelf.take({"README.md": README, "docs/a.md": "# A\n\nOne."})
    shelf.take({"docs/a.md": None})
    assert {ref.partition("#")[0] for ref in shelf.memories} == {"acme/shop:README.md"}
    assert shelf.files.keys() == {"README.md"}
    assert shelf.rows("select count(*) as n from memory_vectors")[0]["n"] == 3


def test_a_renamed_document_takes_its_passages_along(shelf: IngestionRunner) -> None:
    shelf.take({"README.md": README})
    ids = {row["text"]: row["id"] for row in shelf.memories.values()}
    shelf.embedder.embedded.clear()
    shelf.take({"README.md": None, "docs/start here.md": README})
    assert shelf.embedder.embedded == []
    assert {row["text"]: row["id"] for row in shelf.memories.values()} == ids
    moved = shelf.memories["acme/shop:docs/start here.md#use/1"]
    assert moved["url"].endswith("/blob/main/docs/start%20here.md#use")
    assert shelf.files.keys() == {"docs/start here.md"}


def test_a_document_that_is_renamed_and_edited_keeps_what_it_still_says(shelf: IngestionRunner) -> None:
    shelf.take({"README.md": README})
    shelf.embedder.embedded.clear()
    edited = README.replace("Open the page.", "Open another page.")
    shelf.take({"README.md": None, "docs/start.md": edited})
    assert shelf.embedder.embedded == ["Shop › Use\n\nOpen another page."]
    assert {ref.partition("#")[0] for ref in shelf.memories} == {"acme/shop:docs/start.md"}


def test_other_branches_and_deleted_ones_change_nothing(shelf: IngestionRunner) -> None:
    shelf.take({"README.md": README})
    asked = len(shelf.requests)
    shelf.take({"README.md": None, "b.md": "B"}, branch="other")
    shelf.sandbox.delete_branch(SHOP, "other")
    assert shelf.deliver(shelf.announced())
    assert len(shelf.memories) == 3
    assert len(shelf.requests) == asked


def test_a_forced_push_compares_everything(shelf: IngestionRunner) -> None:
    first = shelf.sandbox.push(SHOP, {"README.md": README})
    shelf.take({"docs/a.md": "# A\n\nOne.", "docs/b.md": "# B\n\nTwo."})
    shelf.take({"docs/c.md": "# C\n\nThree."}, on=first)
    assert shelf.files.keys() == {"README.md", "docs/c.md"}


def test_more_files_than_a_comparison_shows_are_all_taken(shelf: IngestionRunner) -> None:
    shelf.take({"README.md": README})
    shelf.take({f"docs/{n}.md": f"Page {n}." for n in range(310)})
    assert len(shelf.files) == 311


def test_a_tree_that_is_too_large_for_one_answer_is_listed_by_folder(shelf: IngestionRunner) -> None:
    shelf.sandbox.limit_trees(10)
    shelf.take({f"docs/{n % 5}/{n}.md": f"Page {n}." for n in range(30)} | {"README.md": README})
    assert len(shelf.files) == 31


def test_pushes_that_were_missed_are_made_good_by_the_next(shelf: IngestionRunner) -> None:
    shelf.take({"README.md": README})
    shelf.sandbox.push(SHOP, {"docs/a.md": "# A\n\nOne.", "README.md": None})
    shelf.take({"docs/b.md": "# B\n\nTwo."})
    assert shelf.files.keys() == {"docs/a.md", "docs/b.md"}


def test_an_old_push_never_brings_back_what_a_newer_one_took_away(shelf: IngestionRunner) -> None:
    old = shelf.push({"README.md": README, "docs/a.md": "# A\n\nOne."})
    shelf.take({"docs/a.md": None})
    assert shelf.deliver(old)
    assert shelf.files.keys() == {"README.md"}


def test_the_same_delivery_twice_is_one_run(shelf: IngestionRunner) -> None:
    event = shelf.push({"README.md": README})
    assert shelf.deliver(event)
    asked = len(shelf.requests)
    assert shelf.deliver(event)
    assert len(shelf.requests) == asked


def test_links_submodules_and_binaries_are_left_out(shelf: IngestionRunner) -> None:
    shelf.take({"README.md": README})
    shelf.take(
        {
            "docs/link.md": Link("../README.md"),
            "docs/nowhere.md": Link("gone.md"),
            "lib.md": Submodule("1" * 40),
            "nul.txt": b"a\0b",
            "latin.txt": "Grüße".encode("latin-1"),
        }
    )
    assert len(shelf.memories) == 3
    # They are known, so that they are not read again.
    assert shelf.files.keys() >= {"nul.txt", "latin.txt"}


def test_a_document_over_a_megabyte_is_read_as_a_blob(shelf: IngestionRunner) -> None:
    picture = f"![A map](data:image/png;base64,{'iVBORw0K' * 140_000})"
    shelf.take({"docs/way.md": f"# The way\n\n{picture}\n\nTurn left."})
    assert shelf.requests[-2:] == ["contents", "git"]
    (row,) = shelf.memories.values()
    assert row["text"] == "The way\n\nA map\n\nTurn left."


def test_a_repository_that_becomes_private_takes_its_memories_along(shelf: IngestionRunner) -> None:
    shelf.take({"README.md": README})
    shelf.sandbox.set_private(SHOP, private=True)
    assert shelf.deliver(shelf.announced())
    assert {row["audience"] for row in shelf.memories.values()} == {"repo:acme/shop"}
    vectors = shelf.rows("select distinct audience from memory_vectors")
    assert [row["audience"] for row in vectors] == ["repo:acme/shop"]
    nothing = shelf.store.recall(TENANT, "install", audiences=frozenset({PUBLIC}))
    assert nothing == []


def test_what_somebody_asked_to_forget_is_not_taken_again(shelf: IngestionRunner) -> None:
    block = "insert into memory_blocks (tenant, by, value) values (%(t)s, 'source', %(s)s)"
    shelf.rows(block, t=TENANT, s="github:acme/shop")
    shelf.take({"README.md": README})
    assert shelf.memories == {}
    assert shelf.files == {}


def test_what_a_function_has_no_time_for_is_taken_in_the_next_slice(shelf: IngestionRunner) -> None:
    event = shelf.push({f"docs/{n:02}.md": f"# Page {n}\n\nText." for n in range(40)})
    for taken in (16, 32):
        assert shelf.deliver(event, seconds=6)
        assert len(shelf.files) == taken
        assert shelf.runs == ["parked"]
        shelf.end_rests()
        shelf.wake()
        assert [one.id for one in shelf.published] == [event.id]
    assert shelf.deliver(shelf.published[0])
    assert len(shelf.files) == 40
    assert shelf.runs == ["done"]
    steps = shelf.rows("select output::json->>'left' as left from steps order by started_at")
    assert [int(row["left"]) for row in steps] == [24, 8, 0]


def test_a_rate_limit_is_waited_for_and_nothing_is_lost(shelf: IngestionRunner) -> None:
    event = shelf.push({f"docs/{n:02}.md": f"# Page {n}\n\nText." for n in range(20)})
    shelf.sandbox.fail_next(429, path="/contents/docs/17.md", retry_after=30)
    assert shelf.deliver(event)
    assert shelf.runs == ["parked"]
    assert len(shelf.files) == 16
    shelf.wake()
    assert shelf.published == []  # not before the limit has passed
    shelf.end_rests()
    shelf.wake()
    assert shelf.deliver(shelf.published[0])
    assert len(shelf.files) == 20


def test_github_that_is_away_sends_the_event_back(shelf: IngestionRunner) -> None:
    event = shelf.push({"README.md": README})
    shelf.sandbox.fail_next(502, path="/contents/")
    assert not shelf.deliver(event)
    assert shelf.deliver(event, receives=2)
    assert len(shelf.memories) == 3


def test_a_crash_in_the_middle_is_made_good_without_embedding_twice(
    shelf: IngestionRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = shelf.push({f"docs/{n:02}.md": f"Page {n}." for n in range(40)})
    keep = Ingestion.keep
    groups = iter([True, False])

    def dying(self: Ingestion, *arguments: object, **named: object) -> None:
        keep(self, *arguments, **named)  # type: ignore[arg-type]
        if not next(groups):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Ingestion, "keep", dying)
        shelf.deliver(event)
    assert len(shelf.files) == 32
    shelf.rows("update runs set lease_until = now()")
    assert shelf.deliver(event, receives=2)
    assert len(shelf.files) == 40
    assert sorted(shelf.embedder.embedded) == sorted(f"Page {n}." for n in range(40))


def test_a_file_that_is_gone_when_it_is_read_is_forgotten(shelf: IngestionRunner) -> None:
    shelf.take({"README.md": README, "docs/a.md": "# A\n\nOne."})
    shelf.sandbox.fail_next(404, path="/contents/docs/a.md")
    shelf.take({"docs/a.md": "# A\n\nTwo."})
    assert {ref.partition("#")[0] for ref in shelf.memories} == {"acme/shop:README.md"}


def test_an_empty_repository_is_no_failure(shelf: IngestionRunner) -> None:
    shelf.sandbox.set_private(SHOP, private=False)
    assert shelf.deliver(shelf.announced())
    assert shelf.files == {}


def test_an_apps_tokens_for_reading_can_do_nothing_else(shelf: IngestionRunner) -> None:
    sandbox = shelf.sandbox
    app = Settings(
        github_app_id=str(sandbox.app_id),
        github_app_private_key=sandbox.private_key,
        github_api_url=sandbox.api_url,
    )
    number = sandbox.open_issue(SHOP, "Hello")
    adapter = GitHubAdapter(app, timeout=5, permissions=READS)
    sandbox.push(SHOP, {"README.md": README})
    assert adapter.read(RepositoryHead(SHOP))["head"]
    with pytest.raises(ActionRejected, match="403"):
        adapter.perform(Comment(Issue(SHOP, number), "Hello"), Mark("k", "ingest", 1), None)
    assert sandbox.issue(SHOP, number)["comments"] == []


def test_a_flow_can_only_ask_platforms_that_it_names(shelf: IngestionRunner) -> None:
    settings = Settings(
        github_token="t", github_api_url=shelf.sandbox.api_url, model_embed="hashing"
    )
    silent = replace(ingest, reads=())
    with pytest.raises(PolicyError, match=r"RepositoryHead is not in the flow's may="):
        capabilities(silent, settings, shelf.database).adapter(RepositoryHead(SHOP))
    assert capabilities(ingest, settings, shelf.database).adapter(RepositoryHead(SHOP))
