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


def test_a_document_is_remembered_with_its_address_and_its_audience(
    ingestion: IngestionRunner,
) -> None:
    ingestion.take({"README.md": README})
    row = ingestion.memories["acme/shop:README.md#install/1"]
    assert row["text"] == "Shop › Install\n\nRun `make install`."
    assert row["url"] == f"{ingestion.sandbox.web_url}/{SHOP}/blob/main/README.md#install"
    assert (row["kind"], row["audience"], row["trust"]) == ("document", PUBLIC, "inside")
    assert (row["source"], row["flow"]) == ("github:acme/shop", "")
    (found, *_) = ingestion.store.recall(
        TENANT, "how do I install it?", audiences=frozenset({PUBLIC}), limit=1
    )
    assert found.url.endswith("README.md#install")


def test_an_edit_embeds_only_the_passage_that_it_changed(ingestion: IngestionRunner) -> None:
    ingestion.take({"README.md": README, "docs/a.md": "# A\n\nOne."})
    ingestion.embedder.embedded.clear()
    ingestion.take({"README.md": README.replace("Sells things.", "Sells books.")})
    assert ingestion.embedder.embedded == ["Shop\n\nSells books."]
    assert len(ingestion.memories) == 4


def test_a_second_push_asks_only_for_what_changed(ingestion: IngestionRunner) -> None:
    ingestion.take({f"docs/{n}.md": f"# Page {n}\n\nText." for n in range(20)})
    before = len(ingestion.requests)
    ingestion.take({"docs/3.md": "# Page 3\n\nOther."})
    assert ingestion.requests[before:] == ["repository", "git", "compare", "contents"]


def test_a_deleted_document_is_forgotten_with_its_vectors(ingestion: IngestionRunner) -> None:
    ingestion.take({"README.md": README, "docs/a.md": "# A\n\nOne."})
    ingestion.take({"docs/a.md": None})
    assert {ref.partition("#")[0] for ref in ingestion.memories} == {"acme/shop:README.md"}
    assert ingestion.files.keys() == {"README.md"}
    assert ingestion.rows("select count(*) as n from memory_vectors")[0]["n"] == 3


def test_a_renamed_document_takes_its_passages_along(ingestion: IngestionRunner) -> None:
    ingestion.take({"README.md": README})
    ids = {row["text"]: row["id"] for row in ingestion.memories.values()}
    ingestion.embedder.embedded.clear()
    ingestion.take({"README.md": None, "docs/start here.md": README})
    assert ingestion.embedder.embedded == []
    assert {row["text"]: row["id"] for row in ingestion.memories.values()} == ids
    moved = ingestion.memories["acme/shop:docs/start here.md#use/1"]
    assert moved["url"].endswith("/blob/main/docs/start%20here.md#use")
    assert ingestion.files.keys() == {"docs/start here.md"}


def test_a_document_that_is_renamed_and_edited_keeps_what_it_still_says(
    ingestion: IngestionRunner,
) -> None:
    ingestion.take({"README.md": README})
    ingestion.embedder.embedded.clear()
    edited = README.replace("Open the page.", "Open another page.")
    ingestion.take({"README.md": None, "docs/start.md": edited})
    assert ingestion.embedder.embedded == ["Shop › Use\n\nOpen another page."]
    assert {ref.partition("#")[0] for ref in ingestion.memories} == {"acme/shop:docs/start.md"}


def test_other_branches_and_deleted_ones_change_nothing(ingestion: IngestionRunner) -> None:
    ingestion.take({"README.md": README})
    asked = len(ingestion.requests)
    ingestion.take({"README.md": None, "b.md": "B"}, branch="other")
    ingestion.sandbox.delete_branch(SHOP, "other")
    assert ingestion.deliver(ingestion.announced())
    assert len(ingestion.memories) == 3
    assert len(ingestion.requests) == asked


def test_a_forced_push_compares_everything(ingestion: IngestionRunner) -> None:
    first = ingestion.sandbox.push(SHOP, {"README.md": README})
    ingestion.take({"docs/a.md": "# A\n\nOne.", "docs/b.md": "# B\n\nTwo."})
    ingestion.take({"docs/c.md": "# C\n\nThree."}, on=first)
    assert ingestion.files.keys() == {"README.md", "docs/c.md"}


def test_more_files_than_a_comparison_shows_are_all_taken(ingestion: IngestionRunner) -> None:
    ingestion.take({"README.md": README})
    ingestion.take({f"docs/{n}.md": f"Page {n}." for n in range(310)})
    assert len(ingestion.files) == 311


def test_a_tree_that_is_too_large_for_one_answer_is_listed_by_folder(
    ingestion: IngestionRunner,
) -> None:
    ingestion.sandbox.limit_trees(10)
    ingestion.take(
        {f"docs/{n % 5}/{n}.md": f"Page {n}." for n in range(30)} | {"README.md": README}
    )
    assert len(ingestion.files) == 31


def test_pushes_that_were_missed_are_made_good_by_the_next(ingestion: IngestionRunner) -> None:
    ingestion.take({"README.md": README})
    ingestion.sandbox.push(SHOP, {"docs/a.md": "# A\n\nOne.", "README.md": None})
    ingestion.take({"docs/b.md": "# B\n\nTwo."})
    assert ingestion.files.keys() == {"docs/a.md", "docs/b.md"}


def test_an_old_push_never_brings_back_what_a_newer_one_took_away(
    ingestion: IngestionRunner,
) -> None:
    old = ingestion.push({"README.md": README, "docs/a.md": "# A\n\nOne."})
    ingestion.take({"docs/a.md": None})
    assert ingestion.deliver(old)
    assert ingestion.files.keys() == {"README.md"}


def test_the_same_delivery_twice_is_one_run(ingestion: IngestionRunner) -> None:
    event = ingestion.push({"README.md": README})
    assert ingestion.deliver(event)
    asked = len(ingestion.requests)
    assert ingestion.deliver(event)
    assert len(ingestion.requests) == asked


def test_links_submodules_and_binaries_are_left_out(ingestion: IngestionRunner) -> None:
    ingestion.take({"README.md": README})
    ingestion.take(
        {
            "docs/link.md": Link("../README.md"),
            "docs/nowhere.md": Link("gone.md"),
            "lib.md": Submodule("1" * 40),
            "nul.txt": b"a\0b",
            "latin.txt": "Grüße".encode("latin-1"),
        }
    )
    assert len(ingestion.memories) == 3
    # They are known, so that they are not read again.
    assert ingestion.files.keys() >= {"nul.txt", "latin.txt"}


def test_a_document_over_a_megabyte_is_read_as_a_blob(ingestion: IngestionRunner) -> None:
    picture = f"![A map](data:image/png;base64,{'iVBORw0K' * 140_000})"
    ingestion.take({"docs/way.md": f"# The way\n\n{picture}\n\nTurn left."})
    assert ingestion.requests[-2:] == ["contents", "git"]
    (row,) = ingestion.memories.values()
    assert row["text"] == "The way\n\nA map\n\nTurn left."


def test_a_repository_that_becomes_private_takes_its_memories_along(
    ingestion: IngestionRunner,
) -> None:
    ingestion.take({"README.md": README})
    ingestion.sandbox.set_private(SHOP, private=True)
    assert ingestion.deliver(ingestion.announced())
    assert {row["audience"] for row in ingestion.memories.values()} == {"repo:acme/shop"}
    vectors = ingestion.rows("select distinct audience from memory_vectors")
    assert [row["audience"] for row in vectors] == ["repo:acme/shop"]
    nothing = ingestion.store.recall(TENANT, "install", audiences=frozenset({PUBLIC}))
    assert nothing == []


def test_what_somebody_asked_to_forget_is_not_taken_again(ingestion: IngestionRunner) -> None:
    block = "insert into memory_blocks (tenant, by, value) values (%(t)s, 'source', %(s)s)"
    ingestion.rows(block, t=TENANT, s="github:acme/shop")
    ingestion.take({"README.md": README})
    assert ingestion.memories == {}
    assert ingestion.files == {}


def test_what_a_function_has_no_time_for_is_taken_in_the_next_slice(
    ingestion: IngestionRunner,
) -> None:
    event = ingestion.push({f"docs/{n:02}.md": f"# Page {n}\n\nText." for n in range(40)})
    for taken in (16, 32):
        assert ingestion.deliver(event, seconds=6)
        assert len(ingestion.files) == taken
        assert ingestion.runs == ["parked"]
        ingestion.end_rests()
        ingestion.wake()
        assert [one.id for one in ingestion.published] == [event.id]
    assert ingestion.deliver(ingestion.published[0])
    assert len(ingestion.files) == 40
    assert ingestion.runs == ["done"]
    steps = ingestion.rows("select output::json->>'left' as left from steps order by started_at")
    assert [int(row["left"]) for row in steps] == [24, 8, 0]


def test_a_rate_limit_is_waited_for_and_nothing_is_lost(ingestion: IngestionRunner) -> None:
    event = ingestion.push({f"docs/{n:02}.md": f"# Page {n}\n\nText." for n in range(20)})
    ingestion.sandbox.fail_next(429, path="/contents/docs/17.md", retry_after=30)
    assert ingestion.deliver(event)
    assert ingestion.runs == ["parked"]
    assert len(ingestion.files) == 16
    ingestion.wake()
    assert ingestion.published == []  # not before the limit has passed
    ingestion.end_rests()
    ingestion.wake()
    assert ingestion.deliver(ingestion.published[0])
    assert len(ingestion.files) == 20


def test_github_that_is_away_sends_the_event_back(ingestion: IngestionRunner) -> None:
    event = ingestion.push({"README.md": README})
    ingestion.sandbox.fail_next(502, path="/contents/")
    assert not ingestion.deliver(event)
    assert ingestion.deliver(event, receives=2)
    assert len(ingestion.memories) == 3


def test_a_crash_in_the_middle_is_made_good_without_embedding_twice(
    ingestion: IngestionRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = ingestion.push({f"docs/{n:02}.md": f"Page {n}." for n in range(40)})
    keep = Ingestion.keep
    groups = iter([True, False])

    def dying(self: Ingestion, *arguments: object, **named: object) -> None:
        keep(self, *arguments, **named)  # type: ignore[arg-type]
        if not next(groups):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Ingestion, "keep", dying)
        ingestion.deliver(event)
    assert len(ingestion.files) == 32
    ingestion.rows("update runs set lease_until = now()")
    assert ingestion.deliver(event, receives=2)
    assert len(ingestion.files) == 40
    assert sorted(ingestion.embedder.embedded) == sorted(f"Page {n}." for n in range(40))


def test_a_file_that_is_gone_when_it_is_read_is_forgotten(ingestion: IngestionRunner) -> None:
    ingestion.take({"README.md": README, "docs/a.md": "# A\n\nOne."})
    ingestion.sandbox.fail_next(404, path="/contents/docs/a.md")
    ingestion.take({"docs/a.md": "# A\n\nTwo."})
    assert {ref.partition("#")[0] for ref in ingestion.memories} == {"acme/shop:README.md"}


def test_an_empty_repository_is_no_failure(ingestion: IngestionRunner) -> None:
    ingestion.sandbox.set_private(SHOP, private=False)
    assert ingestion.deliver(ingestion.announced())
    assert ingestion.files == {}


def test_an_apps_tokens_for_reading_can_do_nothing_else(ingestion: IngestionRunner) -> None:
    sandbox = ingestion.sandbox
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


def test_a_flow_can_only_ask_platforms_that_it_names(ingestion: IngestionRunner) -> None:
    settings = Settings(
        github_token="t", github_api_url=ingestion.sandbox.api_url, model_embed="hashing"
    )
    silent = replace(ingest, reads=())
    with pytest.raises(PolicyError, match=r"RepositoryHead is not in the flow's may="):
        capabilities(silent, settings, ingestion.database).adapter(RepositoryHead(SHOP))
    assert capabilities(ingest, settings, ingestion.database).adapter(RepositoryHead(SHOP))
