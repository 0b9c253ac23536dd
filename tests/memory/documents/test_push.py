"""A push to the default branch: what changed is taken, what went is forgotten, nothing is lost."""

from dataclasses import replace

import pytest

from flows.ingest import ingest
from infra.local.sandbox.github.git.commits import Link, Submodule
from shared.actions import Mark
from shared.actions.github.actions import Comment
from shared.actions.github.queries import RepositoryHead
from shared.actions.platforms import Platforms
from shared.errors import ActionRejected, PolicyError
from shared.events import PUBLIC, Issue
from shared.marks import mark_of
from shared.memory.documents.ingestion import Ingestion
from shared.settings import Settings
from tests.memory.documents.ingested import SHOP, TENANT, Ingested

README = (
    "# Shop\n\nSells things.\n\n## Install\n\nRun `make install`.\n\n## Use\n\nOpen the page.\n"
)


def test_a_document_is_remembered_with_its_address_and_its_audience(
    repository: Ingested,
) -> None:
    repository.take({"README.md": README})
    row = repository.memories["acme/shop:README.md#install/1"]
    assert row["text"] == "Shop › Install\n\nRun `make install`."
    assert row["url"] == f"{repository.sandbox.web_url}/{SHOP}/blob/main/README.md#install"
    assert (row["kind"], row["audience"], row["trust"]) == ("document", PUBLIC, "inside")
    assert (row["source"], row["flow"]) == ("github:acme/shop", "")
    (found, *_) = repository.store.recall(
        TENANT, "how do I install it?", audiences=frozenset({PUBLIC}), limit=1
    )
    assert found.url.endswith("README.md#install")


def test_an_edit_embeds_only_the_passage_that_it_changed(repository: Ingested) -> None:
    repository.take({"README.md": README, "docs/a.md": "# A\n\nOne."})
    repository.embedder.embedded.clear()
    repository.take({"README.md": README.replace("Sells things.", "Sells books.")})
    assert repository.embedder.embedded == ["Shop\n\nSells books."]
    assert len(repository.memories) == 4


def test_a_second_push_asks_only_for_what_changed(repository: Ingested) -> None:
    repository.take({f"docs/{n}.md": f"# Page {n}\n\nText." for n in range(20)})
    before = len(repository.requests)
    repository.take({"docs/3.md": "# Page 3\n\nOther."})
    assert repository.requests[before:] == ["repository", "git", "compare", "contents"]


def test_a_deleted_document_is_forgotten_with_its_vectors(repository: Ingested) -> None:
    repository.take({"README.md": README, "docs/a.md": "# A\n\nOne."})
    repository.take({"docs/a.md": None})
    assert {ref.partition("#")[0] for ref in repository.memories} == {"acme/shop:README.md"}
    assert repository.files.keys() == {"README.md"}
    assert repository.rows("select count(*) as n from memory_vectors")[0]["n"] == 3


def test_a_renamed_document_takes_its_passages_along(repository: Ingested) -> None:
    repository.take({"README.md": README})
    ids = {row["text"]: row["id"] for row in repository.memories.values()}
    repository.embedder.embedded.clear()
    repository.take({"README.md": None, "docs/start here.md": README})
    assert repository.embedder.embedded == []
    assert {row["text"]: row["id"] for row in repository.memories.values()} == ids
    moved = repository.memories["acme/shop:docs/start here.md#use/1"]
    assert moved["url"].endswith("/blob/main/docs/start%20here.md#use")
    assert repository.files.keys() == {"docs/start here.md"}


def test_a_document_that_is_renamed_and_edited_keeps_what_it_still_says(
    repository: Ingested,
) -> None:
    repository.take({"README.md": README})
    repository.embedder.embedded.clear()
    edited = README.replace("Open the page.", "Open another page.")
    repository.take({"README.md": None, "docs/start.md": edited})
    assert repository.embedder.embedded == ["Shop › Use\n\nOpen another page."]
    assert {ref.partition("#")[0] for ref in repository.memories} == {"acme/shop:docs/start.md"}


def test_other_branches_and_deleted_ones_change_nothing(repository: Ingested) -> None:
    repository.take({"README.md": README})
    asked = len(repository.requests)
    repository.take({"README.md": None, "b.md": "B"}, branch="other")
    repository.sandbox.delete_branch(SHOP, "other")
    assert repository.deliver(repository.announced())
    assert len(repository.memories) == 3
    assert len(repository.requests) == asked


def test_a_forced_push_compares_everything(repository: Ingested) -> None:
    first = repository.sandbox.push(SHOP, {"README.md": README})
    repository.take({"docs/a.md": "# A\n\nOne.", "docs/b.md": "# B\n\nTwo."})
    repository.take({"docs/c.md": "# C\n\nThree."}, on=first)
    assert repository.files.keys() == {"README.md", "docs/c.md"}


def test_more_files_than_a_comparison_shows_are_all_taken(repository: Ingested) -> None:
    repository.take({"README.md": README})
    repository.take({f"docs/{n}.md": f"Page {n}." for n in range(310)})
    assert len(repository.files) == 311


def test_a_tree_that_is_too_large_for_one_answer_is_listed_by_folder(
    repository: Ingested,
) -> None:
    repository.sandbox.limit_trees(10)
    repository.take(
        {f"docs/{n % 5}/{n}.md": f"Page {n}." for n in range(30)} | {"README.md": README}
    )
    assert len(repository.files) == 31


def test_pushes_that_were_missed_are_made_good_by_the_next(repository: Ingested) -> None:
    repository.take({"README.md": README})
    repository.sandbox.push(SHOP, {"docs/a.md": "# A\n\nOne.", "README.md": None})
    repository.take({"docs/b.md": "# B\n\nTwo."})
    assert repository.files.keys() == {"docs/a.md", "docs/b.md"}


def test_an_old_push_never_brings_back_what_a_newer_one_took_away(
    repository: Ingested,
) -> None:
    old = repository.push({"README.md": README, "docs/a.md": "# A\n\nOne."})
    repository.take({"docs/a.md": None})
    assert repository.deliver(old)
    assert repository.files.keys() == {"README.md"}


def test_a_comment_is_remembered_with_its_author_and_an_edit_replaces_it(
    repository: Ingested,
) -> None:
    hub = repository.sandbox
    number = hub.open_issue(SHOP, "Login", "It crashes.", "maria")
    comment = hub.comment(SHOP, number, "It crashes since v1.2.", "acme")
    assert repository.deliver(repository.announced())
    outsider = hub.comment(SHOP, number, "Here too.", "zed")
    assert repository.deliver(repository.announced())
    told = {ref: (row["author"], row["trust"]) for ref, row in repository.memories.items()}
    assert told == {
        f"acme/shop#{number}:{comment}": ("acme", "inside"),
        f"acme/shop#{number}:{outsider}": ("zed", "outside"),
    }
    row = repository.memories[f"acme/shop#{number}:{comment}"]
    assert (row["kind"], row["flow"], row["audience"]) == ("comment", "", PUBLIC)
    assert row["url"].endswith(f"#issuecomment-{comment}")
    hub.edit_comment(comment, "It crashes since v1.3.", "acme")
    assert repository.deliver(repository.announced())
    edited = repository.memories[f"acme/shop#{number}:{comment}"]
    assert edited["text"] == "It crashes since v1.3."
    assert len(repository.memories) == 2


@pytest.mark.parametrize("author", ["dependabot[bot]", "acme"])
def test_what_bots_comment_is_not_remembered(repository: Ingested, author: str) -> None:
    number = repository.sandbox.open_issue(SHOP, "Login", "It crashes.", "maria")
    text = "Bump x" if "bot" in author else f"Labels\n\n{mark_of('ab', 'triage', 1)}"
    repository.sandbox.comment(SHOP, number, text, author)
    repository.deliver(repository.announced())
    assert repository.memories == {}


def test_a_comment_without_an_id_is_left_alone(repository: Ingested) -> None:
    number = repository.sandbox.open_issue(SHOP, "Login", "It crashes.", "maria")
    repository.sandbox.comment(SHOP, number, "Here too.", "zed")
    event = repository.announced()
    for comment in (None, {}, {"id": "9"}):
        payload = {**event.payload, "comment": comment}
        broken = event._replace(id=f"github:{comment}", payload=payload)
        assert repository.deliver(broken)
    assert repository.memories == {}


def test_the_same_delivery_twice_is_one_run(repository: Ingested) -> None:
    event = repository.push({"README.md": README})
    assert repository.deliver(event)
    asked = len(repository.requests)
    assert repository.deliver(event)
    assert len(repository.requests) == asked


def test_links_submodules_and_binaries_are_left_out(repository: Ingested) -> None:
    repository.take({"README.md": README})
    repository.take(
        {
            "docs/link.md": Link("../README.md"),
            "docs/nowhere.md": Link("gone.md"),
            "lib.md": Submodule("1" * 40),
            "nul.txt": b"a\0b",
            "latin.txt": "Grüße".encode("latin-1"),
        }
    )
    assert len(repository.memories) == 3
    # They are known, so that they are not read again.
    assert repository.files.keys() >= {"nul.txt", "latin.txt"}


def test_a_document_over_a_megabyte_is_read_as_a_blob(repository: Ingested) -> None:
    picture = f"![A map](data:image/png;base64,{'iVBORw0K' * 140_000})"
    repository.take({"docs/way.md": f"# The way\n\n{picture}\n\nTurn left."})
    assert repository.requests[-2:] == ["contents", "git"]
    (row,) = repository.memories.values()
    assert row["text"] == "The way\n\nTurn left."


def test_a_repository_that_becomes_private_takes_its_memories_along(
    repository: Ingested,
) -> None:
    repository.take({"README.md": README})
    repository.sandbox.set_private(SHOP, private=True)
    assert repository.deliver(repository.announced())
    assert {row["audience"] for row in repository.memories.values()} == {"repo:acme/shop"}
    vectors = repository.rows("select distinct audience from memory_vectors")
    assert [row["audience"] for row in vectors] == ["repo:acme/shop"]
    nothing = repository.store.recall(TENANT, "install", audiences=frozenset({PUBLIC}))
    assert nothing == []


def test_what_somebody_asked_to_forget_is_not_taken_again(repository: Ingested) -> None:
    block = "insert into memory_blocks (tenant, by, value) values (%(t)s, 'source', %(s)s)"
    repository.rows(block, t=TENANT, s="github:acme/shop")
    repository.take({"README.md": README})
    assert repository.memories == {}
    assert repository.files == {}


@pytest.mark.parametrize(
    ("by", "value", "left"),
    [
        ("ref", "acme/shop:docs/start.md", set()),
        ("ref", "acme/shop:docs", set()),
        ("ref", "acme/shop:docs/start.md#use", {"shop", "install"}),
        ("digest", "", {"shop", "install"}),
        ("ref", "acme/shop:docs/other.md", {"shop", "install", "use"}),
    ],
)
def test_what_somebody_asked_to_forget_does_not_come_back_by_a_rename(
    repository: Ingested, by: str, value: str, left: set[str]
) -> None:
    repository.take({"README.md": README})
    value = value or repository.memories["acme/shop:README.md#use/1"]["digest"]
    block = "insert into memory_blocks (tenant, by, value) values (%(t)s, %(by)s, %(value)s)"
    repository.sandbox.push(SHOP, {"README.md": None, "docs/start.md": README})
    event = repository.announced()
    repository.rows(block, t=TENANT, by=by, value=value)
    assert repository.deliver(event)
    passages = [ref.rpartition("#") for ref in repository.memories]
    assert {name.partition("/")[0] for _, _, name in passages} == left
    assert {document for document, _, _ in passages} <= {"acme/shop:docs/start.md"}


def test_what_a_function_has_no_time_for_is_taken_in_the_next_slice(
    repository: Ingested,
) -> None:
    event = repository.push({f"docs/{n:02}.md": f"# Page {n}\n\nText." for n in range(40)})
    for taken in (16, 32):
        assert repository.deliver(event, seconds=6)
        assert len(repository.files) == taken
        assert repository.runs == ["parked"]
        repository.end_rests()
        repository.wake()
        assert [one.id for one in repository.published] == [event.id]
    assert repository.deliver(repository.published[0])
    assert len(repository.files) == 40
    assert repository.runs == ["done"]
    steps = repository.rows("select output::json->>'left' as left from steps order by started_at")
    assert [int(row["left"]) for row in steps] == [24, 8, 0]


def test_a_rate_limit_is_waited_for_and_nothing_is_lost(repository: Ingested) -> None:
    event = repository.push({f"docs/{n:02}.md": f"# Page {n}\n\nText." for n in range(20)})
    repository.sandbox.fail_next(429, path="/contents/docs/17.md", retry_after=30)
    assert repository.deliver(event)
    assert repository.runs == ["parked"]
    assert len(repository.files) == 16
    repository.wake()
    assert repository.published == []  # not before the limit has passed
    repository.end_rests()
    repository.wake()
    assert repository.deliver(repository.published[0])
    assert len(repository.files) == 20


def test_github_that_is_away_sends_the_event_back(repository: Ingested) -> None:
    event = repository.push({"README.md": README})
    repository.sandbox.fail_next(502, path="/contents/")
    assert not repository.deliver(event)
    assert repository.deliver(event, receives=2)
    assert len(repository.memories) == 3


def test_a_crash_in_the_middle_is_made_good_without_embedding_twice(
    repository: Ingested, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = repository.push({f"docs/{n:02}.md": f"Page {n}." for n in range(40)})
    keep = Ingestion.keep
    groups = iter([True, False])

    def dying(self: Ingestion, *arguments: object, **named: object) -> None:
        keep(self, *arguments, **named)  # type: ignore[arg-type]
        if not next(groups):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Ingestion, "keep", dying)
        repository.deliver(event)
    assert len(repository.files) == 32
    repository.rows("update runs set lease_until = now()")
    assert repository.deliver(event, receives=2)
    assert len(repository.files) == 40
    assert sorted(repository.embedder.embedded) == sorted(f"Page {n}." for n in range(40))


def test_a_file_that_is_gone_when_it_is_read_is_forgotten(repository: Ingested) -> None:
    repository.take({"README.md": README, "docs/a.md": "# A\n\nOne."})
    repository.sandbox.fail_next(404, path="/contents/docs/a.md")
    repository.take({"docs/a.md": "# A\n\nTwo."})
    assert {ref.partition("#")[0] for ref in repository.memories} == {"acme/shop:README.md"}


def test_an_empty_repository_is_no_failure(repository: Ingested) -> None:
    repository.sandbox.set_private(SHOP, private=False)
    assert repository.deliver(repository.announced())
    assert repository.files == {}


def test_an_apps_tokens_for_reading_can_do_nothing_else(repository: Ingested) -> None:
    sandbox = repository.sandbox
    app = Settings(
        github_app_id=str(sandbox.app_id),
        github_app_private_key=sandbox.private_key,
        github_api_url=sandbox.api_url,
    )
    number = sandbox.open_issue(SHOP, "Hello")
    adapter = Platforms(ingest.may, ingest.reads, app)(RepositoryHead(SHOP))
    sandbox.push(SHOP, {"README.md": README})
    assert adapter.read(RepositoryHead(SHOP))["head"]
    with pytest.raises(ActionRejected, match="403"):
        adapter.perform(Comment(Issue(SHOP, number), "Hello"), Mark("k", "ingest", 1), None)
    assert sandbox.issue(SHOP, number)["comments"] == []


def test_a_flow_can_only_ask_platforms_that_it_names(repository: Ingested) -> None:
    settings = Settings(
        github_token="t", github_api_url=repository.sandbox.api_url, model_embed="hashing"
    )
    silent = replace(ingest, reads=())
    with pytest.raises(PolicyError, match=r"RepositoryHead is not in the flow's may="):
        Platforms(silent.may, silent.reads, settings)(RepositoryHead(SHOP))
    assert Platforms(ingest.may, ingest.reads, settings)(RepositoryHead(SHOP))
