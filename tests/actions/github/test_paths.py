"""No text that becomes part of a request's address leads it elsewhere."""

import posixpath
from collections.abc import Callable
from typing import Any
from unicodedata import normalize
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.actions.github.connection import Connection, address
from shared.actions.github.paths import (
    APP,
    USER,
    GitHubPath,
    in_repository,
    is_path,
    is_reference,
    is_repository,
    is_segment,
    of_search,
    parts,
    query_of,
    within,
)
from shared.errors import ActionRejected
from tests.campaigns import examples

SHOP, API = "acme/shop", "https://api.github.com"

#: Each would be another path to some client, proxy or server.
ATTACKS = (
    *("", ".", "..", "...", " ", "\t", "a ", " a", "a.", ".. ", ". .", "\u3000", "\u00a0"),
    *("%2e", "%2E%2e", "%252e%252e", "%25252e.", ".%2e", "%20", "a%20", "%2e%2e%2f", "..%00"),
    *("..;", "..;x=1", ";", ";a", "a;..", "..%3b", "..%3Bx"),
    *("a/b", "/", "../..", "a%2fb", "a%252fb", "a\\b", "..\\..", "a%5cb", "a%255Cb"),
    *("\0", "a\n", "a\rb", "\x7f", "\x85", "%00", "%0d%0a", "\u2028", "\u2029", "\ud800"),
    *("．．", "．", "‥", "…", "\u2024\u2024", "﹒﹒", "..\u3000", "％2e％2e", "％252e."),
    *(".\u200b.", "\u200b", "\u200b..", ".\u00ad.", "\ufeff..", ".\u2060.", "%\u200b2e."),
    *("%c0%ae%c0%ae", "%e0%80%ae.", "%u002e%u002e", "%u2215", "%ff", "\ufffd"),
    *("%3f", "a%3Fb", "a%23b", "x" * 256),
)
NAMES = (
    *("README.md", ".github", "a b", "a..b", "..a", "Grüße 你好 😀.md", "100%", "%zz"),
    *(
        "my%20file.md",
        "a;b",
        "what?.md",
        "c#.md",
        "登录／注册.md",
        "👨‍👩‍👧.md",
        "全角　スペース.md",
    ),
    *("-x", "~", "$(x)", "@scope", "a+b", "li[bot]", "50%25", "x" * 255),
)


@pytest.mark.parametrize("text", ATTACKS, ids=ascii)
def test_a_segment_that_somebody_reads_otherwise_is_refused(text: str) -> None:
    assert not is_segment(text)
    if text != "a/b":
        assert not is_path(f"docs/{text}/a.md")
        assert not is_reference(f"feature/{text}")
    for segments in (("contents", text), ("contents", text, "a.md"), (text,)):
        with pytest.raises(ActionRejected, match="could not read: not a valid path") as caught:
            in_repository("read", SHOP, segments)
        assert len(text) < 4 or text not in str(caught.value)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_the_names_that_people_give_are_kept(name: str) -> None:
    path = in_repository("read", SHOP, ("contents", "docs", name))
    assert unquote(path.text) == f"/repos/acme/shop/contents/docs/{name}"
    assert path.text.count("/") == 6
    assert address(API, "read", path, "")


@pytest.mark.parametrize("number", [0, -1, True, 1.5, None])
def test_what_is_no_number_and_no_text_is_refused(number: Any) -> None:
    with pytest.raises(ActionRejected, match="not a valid path"):
        in_repository("read", SHOP, ("issues", number))


@pytest.mark.parametrize(
    "name",
    [
        *("", "acme", "acme/", "/shop", "acme/.", "acme/..", "../shop", "./shop", "acme/shop/"),
        *("acme/shop/issues", "acme/../x", "acme//shop", "acme/shop.git", "acme/shop.GIT"),
        *("acme/shop.", "acme/sh op", "acme/shop\n", "acme/%2e%2e", "acme/..;", "acme/shop?x=1"),
        *("acme/shop#x", "acme\\shop", "acme/sh\u200bop", "acme/ｓｈｏｐ", "@acme/shop", "a.b@c/d"),
        *("acme/shop%2f..%2fprivate", "acme/" + "x" * 101, "https://x/y"),
    ],
    ids=ascii,
)
def test_a_repository_is_owner_and_name_and_nothing_else(name: str) -> None:
    assert not is_repository(name)
    with pytest.raises(ActionRejected, match="not a valid repository") as caught:
        in_repository("read", name)
    assert not name or name not in str(caught.value)
    with pytest.raises(ActionRejected, match="not a valid"):
        within("search", name, "login")


@pytest.mark.parametrize("name", [SHOP, "acme/.github", "a/b", "A-b_c/d.e_f-g", "acme/..x"])
def test_repositories_are_kept(name: str) -> None:
    assert in_repository("read", name) == (f"/repos/{name}", f"/repos/{name}")


@pytest.mark.parametrize(
    "text",
    ["a..b", "a...b", "evil:main", "acme:private:main", "main^", "main~1", "a@{1}", "a*", "a[b"],
)
def test_a_reference_names_one_commit_of_the_repository_itself(text: str) -> None:
    assert not is_reference(text)
    for name in ("ref", "sha"):
        with pytest.raises(ActionRejected, match=f"not a valid `{name}`"):
            query_of("read", {name: text})


def test_references_are_kept() -> None:
    for text in ("main", "feature/a b", "v1.2.3", "a" * 40, "release-1.x", "登录", "HEAD"):
        assert is_reference(text)
        assert query_of("read", {"ref": text, "sha": text})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("path", "../private"),
        ("path", "a/%2e%2e/b"),
        ("head", "acme:a..b"),
        ("head", "../x:main"),
        ("since", "2026-01-01&sha=x"),
        ("state", "all&head=x"),
        ("sort", "created\n"),
        ("page", "1&page=2"),
        ("cursor", "a b"),
        ("q", "login"),
        ("q", "repo:acme/shop login OR secret"),
        ("q", "repo:acme/shop user:acme"),
        ("unheard_of", "text"),
    ],
)
def test_each_parameter_holds_what_its_name_says(name: str, value: str) -> None:
    with pytest.raises(ActionRejected, match=f"not a valid `{name}`"):
        query_of("read", {name: value})


@pytest.mark.parametrize(
    "words",
    [
        *("repo:acme/private", "login repo:acme/private", "-repo:acme/shop", "(repo:acme/private)"),
        *("REPO:acme/private", 'repo:"acme/private"', '"repo:acme/private"', "repo: acme/private"),
        *("user:acme", "org:acme", "owner:acme", "enterprise:acme", "is:open,user:acme"),
        *("x OR y", "x) OR (y", "ｏｒｇ：acme", "repo：acme/private", "re\u200bpo:acme/private"),
        *(
            "x \u2028OR y",
            "x\nOR\ny",
            "x ＯＲ y",
            "r\u00adepo:acme/x",
            "x\0",
            "%72epo:acme/private",
        ),
        *("repo:acme/shop-private", "repo:acme/shop/../private", "repo:acme/shop,acme/private"),
    ],
    ids=ascii,
)
def test_a_search_names_no_other_place(words: str) -> None:
    with pytest.raises(ActionRejected, match="not a valid search"):
        within("search", SHOP, words)


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        ("login fails", "login fails"),
        ("repo:acme/shop login", "login"),
        ('login REPO:"Acme/Shop"  is:open', "login is:open"),
        (
            "author:li -label:bug checkout() path:src/a",
            "author:li -label:bug checkout() path:src/a",
        ),
        ("login or password\n", "login or password"),
        ("登录 myrepo:x ORDER", "登录 myrepo:x ORDER"),
    ],
)
def test_words_and_harmless_qualifiers_are_searched(words: str, sent: str) -> None:
    assert within("search", SHOP, words) == f"repo:{SHOP} {sent}"


@pytest.mark.parametrize(
    "path",
    [
        GitHubPath("/repos/acme/shop", "/repos/acme/shop/contents/../../private"),
        GitHubPath("/repos/acme/shop", "/repos/acme/shop/../private"),
        GitHubPath("/repos/acme/shop", "/repos/acme/shop/%2e%2e/private"),
        GitHubPath("/repos/acme/shop", "/repos/acme/shop/%2E%2E/private"),
        GitHubPath("/repos/acme/shop", "/repos/acme/shop/%252E%252E/private"),
        GitHubPath("/repos/acme/shop", "/repos/acme/shop-private"),
        GitHubPath("/repos/acme/shop", "/repos/acme/private"),
        GitHubPath("/repos/acme/shop", "/repos/acme/shop/a?ref=x"),
        GitHubPath("/repos/acme/shop", "/repos/acme/shop/a#x"),
        GitHubPath("/repos/acme/shop", "/repos/acme/shop//a"),
        GitHubPath("/repos/acme/shop", "/repos/acme/shop/ü"),
        GitHubPath("/repos/acme/shop", "/repos/acme/shop/a\\..\\b"),
        GitHubPath("/repos/acme/..", "/repos/acme/.."),
        GitHubPath("/repos", "/repos/acme/private"),
        GitHubPath("", "@evil.example/repos/acme/shop"),
        GitHubPath("", ".evil.example/x"),
        GitHubPath("/user", "/user/../repos/acme/private"),
        GitHubPath("/users", "/users/li"),
    ],
    ids=lambda path: path.text,
)
def test_the_connection_sends_no_address_that_was_not_built(path: GitHubPath) -> None:
    """Not even of a caller that builds the path by itself."""
    for url in ("https://api.github.com", "http://127.0.0.1:9/api/v3"):
        with pytest.raises(
            ActionRejected, match="not a valid path; the request would go elsewhere"
        ):
            Connection(url, str, "", 1).exchange("read", "GET", path, writes=False)


def test_what_is_built_is_sent_as_it_is() -> None:
    for path in (USER, APP, of_search("code"), in_repository("read", SHOP)):
        assert address(API, "read", path, "") == f"{API}{path.text}"
    query = query_of("read", {"ref": "feature/ü &#%", "path": "a+b/c%", "per_page": 5})
    found = address(API, "read", in_repository("read", SHOP, ("commits",)), query)
    assert found == f"{API}/repos/acme/shop/commits{query}"


PIECES = st.sampled_from(
    [".", "..", "/", "\\", "%", "2e", "2F", "5c", "25", ";", " ", "\0", "\u200b", "．", "‥", "a"]
)
TEXTS = st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=40)


def lands(path: str, decode: Callable[[str], str]) -> str:
    """Return where a server goes that decodes a path in some way and resolves its dots."""
    seen = decode(path).replace("\\", "/")
    names = (name.partition(";")[0].strip(" ") for name in seen.split("/"))
    return posixpath.normpath("/".join(names))


def wide(path: str) -> str:
    return normalize("NFKC", unquote(path)).replace("\u200b", "")


READERS: tuple[Callable[[str], str], ...] = (
    str,
    unquote,
    lambda path: unquote(unquote(path)),
    lambda path: unquote(unquote(unquote(path))),
    wide,
    lambda path: unquote(wide(path)),
)


@given(TEXTS)
@example("../../private/contents/README.md")
@examples(5_000)
def test_whatever_text_is_read_every_server_stays_in_the_repository(text: str) -> None:
    for segments in (("contents", *parts(text)), ("assignees", text), ("compare", *parts(text))):
        try:
            path = in_repository("read", SHOP, segments)
        except ActionRejected:
            continue
        sent = address(API, "read", path, "").removeprefix(API)
        for decode in READERS:
            root = f"/repos/acme/shop/{segments[0]}/"
            assert lands(sent, decode).startswith(root), (sent, lands(sent, decode))


@given(TEXTS)
@examples(2_000)
def test_whatever_a_repository_is_called_its_root_has_three_parts(text: str) -> None:
    for name in (text, f"acme/{text}", f"{text}/shop"):
        if is_repository(name):
            for decode in READERS:
                assert lands(f"/repos/{name}", decode).count("/") == 3
