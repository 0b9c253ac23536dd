"""./scripts/flows ingest: folders, git repositories, GitHub; again, after a kill, and in bulk."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest

from infra.cli.__main__ import main
from infra.cli.ingest import Progress, duration
from infra.local.sandbox.github import GitHubSandbox
from infra.project import ROOT
from shared.database import Database, Row, Statement
from shared.marks import mark_of
from shared.memory.documents.files import decode, is_wanted, refusal
from tests.campaigns import size
from tests.memory.documents.conftest import sandbox
from tests.memory.documents.ingested import SHOP, TENANT
from tests.models.picky_embeddings import PickyEmbeddings

__all__ = ["sandbox"]

PATH_OPTIONS = ("--audience", "public", "--tenant", TENANT)


_STANDS = re.compile(r"\d+/\d+(, .* left)?$")


class Command:
    """The command on a database of its own."""

    def __init__(self, database: Database, out: pytest.CaptureFixture[str]) -> None:
        self._database = database
        self._out = out
        self.code = 0

    def __call__(self, *arguments: str | Path) -> list[str]:
        self.code = main(["ingest", *map(str, arguments)])
        captured = self._out.readouterr()
        lines = (captured.out + captured.err).splitlines()
        # How it stands is said to whoever waits long, which a busy machine decides.
        return [line for line in lines if not _STANDS.match(line)]

    def rows(self, sql: str) -> list[Row]:
        return self._database.run(TENANT, [Statement(sql, {})])[0]

    @property
    def paths(self) -> list[str]:
        return [row["path"] for row in self.rows("select path from memory_files order by path")]

    @property
    def memories(self) -> dict[str, Row]:
        return {row["ref"]: row for row in self.rows("select * from memories")}


@pytest.fixture
def command(
    database_url: str,
    sandbox: GitHubSandbox,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Command]:
    for name, value in {
        "DATABASE_URL": database_url,
        "MODEL_EMBED": "hashing",
        "GITHUB_TOKEN": sandbox.token,
        "GITHUB_API_URL": sandbox.api_url,
    }.items():
        monkeypatch.setenv(name, value)
    with Database(database_url) as database:
        yield Command(database, capsys)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "handbook"
    write(
        made,
        {"README.md": "# Shop\n\nSells things.\n", "docs/安装.md": "# 安装\n\n运行安装脚本。\n"},
    )
    return made


def write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True
    )


def test_a_folder_is_taken_and_the_second_time_nothing_is(command: Command, folder: Path) -> None:
    said = command(folder, *PATH_OPTIONS)
    assert command.code == 0
    assert said[-1].startswith("handbook: 2 taken, 0 moved, 0 forgotten, 0 as before, 0 left out")
    row = command.memories["handbook:docs/安装.md#安装/1"]
    assert (row["source"], row["audience"]) == ("path:handbook", "public")
    assert str(folder) not in row["url"]
    again = command(folder, *PATH_OPTIONS)
    assert again == [
        "handbook: 0 taken, 0 moved, 0 forgotten, 2 as before, 0 left out; 0 passages embedded"
    ]


def test_a_text_that_the_embedder_refuses_is_said_and_the_others_are_embedded(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "animals"
    for number in range(21):
        animal = "zebra" if number == 13 else f"animal{number}"
        write(folder, {f"{number}.md": f"A sentence about one {animal}."})
    with PickyEmbeddings(most=10, bad="zebra", how="500") as server:
        monkeypatch.setenv("MODEL_EMBED", f"{server.url}/v1#m@8")
        said = command(folder, *PATH_OPTIONS)
    assert "; 20 passages embedded, 1 got no vector" in "\n".join(said)
    [row] = command.rows("select count(*) as n from memory_vectors")
    assert row["n"] == 20


def test_what_changed_moved_and_went_is_followed(command: Command, folder: Path) -> None:
    write(folder, {"a.md": "# A\n\nOne.", "b.md": "# B\n\nTwo."})
    command(folder, *PATH_OPTIONS)
    (folder / "a.md").rename(folder / "c.md")
    (folder / "b.md").unlink()
    write(folder, {"README.md": "# Shop\n\nSells books.\n"})
    plan = command(folder, *PATH_OPTIONS, "--dry-run")
    assert plan[:3] == [
        "would change  README.md",
        "would move  c.md  (from a.md)",
        "would forget  b.md",
    ]
    assert "a.md" in command.paths  # as it was
    said = command(folder, *PATH_OPTIONS)
    assert said[-1].startswith("handbook: 1 taken, 1 moved, 1 forgotten, 1 as before")
    assert command.paths == ["README.md", "c.md", "docs/安装.md"]
    assert command.memories["handbook:README.md#shop/1"]["text"] == "Shop\n\nSells books."


def test_of_a_git_repository_what_git_ignores_is_left_alone(command: Command, folder: Path) -> None:
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "Begin")
    write(folder, {".gitignore": "secret/\n", "secret/plan.md": "# No", "new.md": "# New\n\nYes."})
    (folder / "README.md").unlink()
    (folder / "link.md").symlink_to("new.md")
    said = command(folder, *PATH_OPTIONS)
    assert command.paths == ["docs/安装.md", "new.md"]
    assert "left out  link.md  (a symbolic link or a submodule)" in said


def test_without_git_foreign_and_hidden_folders_are_left_alone(
    command: Command, folder: Path
) -> None:
    write(folder, {"node_modules/x/README.md": "# X", ".cache/y.md": "# Y"})
    command(folder, *PATH_OPTIONS)
    assert command.paths == ["README.md", "docs/安装.md"]


def test_further_files_are_taken_by_name_as_code(command: Command, folder: Path) -> None:
    files = {"src/pay.py": "def pay():\n    return 1\n", "src/x.min.js": "x", "poetry.lock": "x"}
    write(folder, files)
    said = command(folder, *PATH_OPTIONS, "--include", "src/**/*", "--include", "*.lock")
    assert command.memories["handbook:src/pay.py#pay/1"]["url"] == "handbook/src/pay.py#L1-L2"
    assert "left out  src/x.min.js  (generated)" in said
    assert "left out  poetry.lock  (a lock file)" in said
    # The next time they still count.
    assert command(folder, *PATH_OPTIONS, "--include", "src/**/*")[-1].count("3 as before") == 1


def test_one_file_can_be_named_whatever_it_is_called(command: Command, folder: Path) -> None:
    write(folder, {"notes.org": "* Plan\n\nSell more.\n"})
    command(folder / "notes.org", *PATH_OPTIONS)
    assert command.paths == ["notes.org"]


@pytest.mark.parametrize("options", [(), ("--audience", "everybody"), ("--audience", "repo:")])
def test_a_folder_needs_to_be_told_who_may_see_it(
    command: Command, folder: Path, options: tuple[str, ...]
) -> None:
    (said,) = command(folder, "--tenant", TENANT, *options)
    assert "say who may see it: public, repo:acme/x" in said
    assert command.code == 1
    assert command.memories == {}


def test_a_folder_needs_a_tenant(command: Command, folder: Path) -> None:
    (said,) = command(folder, "--audience", "public")
    assert "give --tenant" in said


def test_what_is_not_there_is_said(command: Command, tmp_path: Path) -> None:
    (said,) = command(tmp_path / "nothing", *PATH_OPTIONS)
    assert said == "error: nothing is no file or folder here"


def test_a_repository_is_taken_with_its_issues(command: Command, sandbox: GitHubSandbox) -> None:
    sandbox.add_repository("acme/secret", private=True)
    sandbox.push("acme/secret", {"README.md": "# Secret\n\nNo.", "src/a.py": "x = 1\n"})
    for number in range(120):
        sandbox.open_issue("acme/secret", f"Issue {number}", "It <!-- hidden --> crashes", "maria")
    sandbox.open_issue("acme/secret", "Bump x", "", "dependabot[bot]")
    # With GITHUB_TOKEN the agent's issues are the token owner's.
    sandbox.open_issue("acme/secret", "Ours", f"It\n\n{mark_of('ab', 'plan', 1)}", "maria")
    said = command("acme/secret", "--issues", "--include", "src/*.py")
    assert said[-1].startswith(
        "issues of acme/secret: 120 taken, 0 moved, 0 forgotten, 0 as before"
    )
    row = command.memories["acme/secret#7"]
    assert (row["kind"], row["author"], row["trust"]) == ("issue", "maria", "outside")
    assert row["text"] == "Issue 6\n\nIt  crashes"
    assert {row["audience"] for row in command.memories.values()} == {"repo:acme/secret"}
    # The globs are kept for the pushes to come.
    (source,) = command.rows("select includes, head from memory_sources")
    assert source["includes"] == ["src/*.py"]
    assert len(source["head"]) == 40
    again = command("acme/secret", "--issues")
    assert again[0].startswith("acme/secret: 0 taken, 0 moved, 0 forgotten, 2 as before")
    assert again[-1].startswith(
        "issues of acme/secret: 0 taken, 0 moved, 0 forgotten, 122 as before"
    )


def test_comments_are_taken_each_with_its_author_and_trust_and_follow_edits(
    command: Command, sandbox: GitHubSandbox
) -> None:
    sandbox.push(SHOP, {"README.md": "# Shop"})
    first = sandbox.open_issue(SHOP, "Login", "It crashes.", "maria")
    second = sandbox.open_issue(SHOP, "Logout", "It hangs.", "acme")
    ids = {
        name: sandbox.comment(SHOP, number, text, author)
        for name, number, author, text in [
            ("outsider", first, "zed", "I see <!-- hidden --> it too."),
            ("owner", second, "acme", "Fixed in v1.2."),
            ("bot", first, "dependabot[bot]", "Bump x"),
            ("own", first, "acme", f"Labels\n\n{mark_of('ab', 'triage', 1)}"),
            ("command", first, "acme", "/plan label it"),
            ("blank", first, "maria", "<!-- nothing -->"),
        ]
    }
    for number in range(120):
        sandbox.comment(SHOP, second, f"Me too, number {number}.", "maria")
    said = command(SHOP, "--issues")
    assert _summary(said) == "122 taken, 0 moved, 0 forgotten, 0 as before, 4 left out"
    assert said[-1].startswith("issues of acme/shop: 2 taken")
    kept = {ref: row for ref, row in command.memories.items() if row["kind"] == "comment"}
    assert len(kept) == 122
    zed = kept[f"acme/shop#{first}:{ids['outsider']}"]
    assert (zed["author"], zed["trust"], zed["text"]) == ("zed", "outside", "I see  it too.")
    assert zed["url"].endswith(f"/issues/{first}#issuecomment-{ids['outsider']}")
    owner = kept[f"acme/shop#{second}:{ids['owner']}"]
    assert (owner["author"], owner["trust"]) == ("acme", "inside")
    assert {row["source"] for row in kept.values()} == {"github:acme/shop"}
    sandbox.edit_comment(ids["owner"], "Fixed in v1.3.", "acme")
    sandbox.delete_comment(ids["outsider"], "zed")
    again = command(SHOP, "--issues")
    assert _summary(again) == "1 taken, 0 moved, 1 forgotten, 124 as before, 0 left out"
    assert again[-1].startswith("issues of acme/shop: 0 taken, 0 moved, 0 forgotten, 2 as before")
    assert command.memories[owner["ref"]]["text"] == "Fixed in v1.3."
    assert zed["ref"] not in command.memories
    dry = command(SHOP, "--issues", "--dry-run")
    assert _summary(dry) == "0 taken, 0 moved, 0 forgotten, 125 as before, 0 left out"


def _summary(said: list[str]) -> str:
    (found,) = [line for line in said if line.startswith("comments of acme/shop: ")]
    return found.partition(": ")[2].partition(";")[0]


def test_secrets_in_issues_and_comments_are_masked(
    command: Command, sandbox: GitHubSandbox
) -> None:
    secret = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
    sandbox.push(SHOP, {"README.md": "# Shop"})
    number = sandbox.open_issue(SHOP, "Login", f"My token is {secret}.", "maria")
    sandbox.comment(SHOP, number, f"Use {secret} then.", "maria")
    command(SHOP, "--issues")
    assert len(command.memories) == 3
    assert secret not in str(command.memories)


def test_who_may_see_a_repository_is_not_for_the_command_to_say(command: Command) -> None:
    (said,) = command(SHOP, "--audience", "public")
    assert "what GitHub says" in said


def test_a_repository_that_is_not_there_is_said(command: Command) -> None:
    (said,) = command("acme/nothing")
    assert "could not look at acme/nothing: 404" in said


def test_a_killed_command_goes_on_where_it_stopped(
    command: Command, tmp_path: Path, database_url: str
) -> None:
    folder = tmp_path / "many"
    write(folder, {f"{n:04}.md": f"# Page {n}\n\nText {n}." for n in range(600)})
    root = str(ROOT)
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.cli", "ingest", str(folder), *PATH_OPTIONS],
        cwd=root,
        env=os.environ | {"PYTHONPATH": root, "PGAPPNAME": "killed"},
        stdout=subprocess.DEVNULL,
    )
    while process.poll() is None and len(command.paths) < 16:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    # The server still commits what it was told before.
    told = "select from pg_stat_activity where application_name = 'killed'"
    with psycopg.connect(database_url, autocommit=True) as connection:
        while connection.execute(told).fetchone() is not None:
            time.sleep(0.02)
    taken = len(command.paths)
    assert 16 <= taken < 600
    # Half a file is never there: each has its passage, and no passage is without its file.
    assert len(command.memories) == taken
    said = command(folder, *PATH_OPTIONS)
    assert said[-1].startswith(
        f"many: {600 - taken} taken, 0 moved, 0 forgotten, {taken} as before"
    )
    assert len(command.memories) == 600


def test_on_a_terminal_a_bar_grows_and_the_output_stays_clean(
    folder: Path, command: Command
) -> None:
    write(folder, {"nul.txt": b"a\0b", "bad\x1bname.md": "# X"})
    root = str(ROOT)
    ours, theirs = os.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "infra.cli", "ingest", str(folder), *PATH_OPTIONS],
        cwd=root,
        env=os.environ | {"PYTHONPATH": root},
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        check=True,
    )
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert "█" * 30 + " 3/3" in shown
    assert "skipped   nul.txt  (binary)" in shown
    left_out, summary = done.stdout.splitlines()
    assert left_out == "left out  bad?name.md  (its name is no text)"
    assert summary.startswith("handbook: 2 taken, 0 moved, 0 forgotten, 0 as before, 2 left out")


def test_how_many_there_are_and_how_long_it_takes_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    watch = Progress(200)
    for number in range(100):
        now[0] += 3.0
        watch(f"{number}.md", "taken")
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 100
    lines = err.splitlines()
    assert lines[0] == "4/200, about 10 min left"
    assert lines[-1] == "100/200, about 5 min left"
    assert [duration(seconds) for seconds in (0, 40, 4_000, 40_000)] == [
        *("about 1 s", "about 40 s", "about 67 min", "about 11.1 h")
    ]


def test_many_files_are_looked_through_and_only_the_changed_one_is_taken(
    command: Command, tmp_path: Path
) -> None:
    folder, many = tmp_path / "many", size(10_000, 1_000)
    write(folder, {f"{n % 100}/{n}.md": "Text." if n < 20 else "" for n in range(many)})
    assert any(line.startswith(f"many: {many} taken") for line in command(folder, *PATH_OPTIONS))
    assert len(command.memories) == 20
    write(folder, {"0/0.md": "Other text."})
    (change, said) = command(folder, *PATH_OPTIONS)
    assert change == "taken     0/0.md"
    assert said.startswith(f"many: 1 taken, 0 moved, 0 forgotten, {many - 1} as before")


@pytest.mark.parametrize(
    ("content", "text", "reason"),
    [
        (b"plain", "plain", ""),
        (b"", "", ""),
        (b"\xef\xbb\xbfBOM", "BOM", ""),
        ("文档".encode("utf-16"), "文档", ""),
        ("文档".encode("utf-16-be"), "", "neither UTF-8 nor UTF-16"),
        ("Grüße".encode("latin-1"), "", "neither UTF-8 nor UTF-16"),
        (b"a\0b", "", "binary"),
        (b"x" * 1_500_001, "", "too large: 1,500,001 bytes"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "", "a pointer of Git LFS"),
        (b"// Code generated by protoc. DO NOT EDIT.\n", "", "generated"),
    ],
)
def test_bytes_become_text_or_a_reason(content: bytes, text: str, reason: str) -> None:
    assert decode(content) == (text, reason)


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("README.md", True),
        ("docs/adr/0001-x.rst", True),
        ("README", True),
        ("src/a.py", False),
        ("requirements/dev.txt", True),
        ("requirements.txt", False),
        ("LICENSE.txt", False),
    ],
)
def test_documents_are_known_by_their_names(path: str, wanted: bool) -> None:
    assert is_wanted(path) is wanted
    assert is_wanted(path, ["**/*", "*"])


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("package-lock.json", "a lock file"),
        ("a/vendor/x.md", "it belongs to others"),
        ("docs/logo.png", "binary"),
        ("a\nb.md", "its name is no text"),
        ("\udcff.md", "its name is no text"),
        ("docs/vendor.md", ""),
    ],
)
def test_what_is_left_out_has_a_reason(path: str, reason: str) -> None:
    assert refusal(path) == reason
