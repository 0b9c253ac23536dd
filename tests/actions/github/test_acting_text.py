"""Whatever a model writes, the page that GitHub makes of it acts on nobody and loads nothing."""

import random
import re

import pytest

from shared.actions import Mark
from shared.actions.github.markdown import compose, mute, titled
from shared.actions.links import is_known
from tests.actions.github.rendered_page import RenderedPage
from tests.campaigns import size

MARK = Mark("0f3a", "triage", 2)
BREAK = "\u200b"

MENTIONS = [
    "@maria",
    "@acme/security",
    "<p>&#64name</p>",
    "<p>&#x40name</p>",
    "<p>&#0000000000064;name</p>",
    "<td>&#64\nname",
    "&commat;maria",
    "<div>\n\\&#64;maria\n</div>",
    "a&#32;&#64;maria",
    "<b>x</b>@maria",
    "@dependabot rebase",
    "`a` @maria `b",
    "<details>`@maria`</details>",
    "xhttps://github.com/@maria",
    "<p>https://github.com/@maria</p>",
    "<p>[x](https://github.com/@acme/team)</p>",
    "<td>https://github.com/acme/shop/@maria",
    "<p>&nbsp@maria</p>",
    "<p>&copy@maria</p>",
]
CLOSINGS = [
    "fixes #12",
    "Closes: #12",
    "**resolved** #12",
    "fix acme/shop#12",
    "closed https://github.com/acme/shop/issues/12",
    "Fixes GH-12",
    "fixes\n#12",
    "fixes [#12](https://github.com/acme/shop/issues/12)",
    "fixes<!-- --> #12",
    "fixes &#35;12",
    "fixes #&#49;2",
    "fi&#120;es #12",
    "<b>fixes</b> #12",
    "`x` closes &num;12",
    "\ufb01xes #12",
    "clo\u017fe\u017f #12",
    "Duplicate of #12",
    "fixes acme\\/shop\\#12",
    "> - duplicate of acme/shop#12",
    "1. **Duplicate** of #12",
    "fixes <https://github.com/acme/shop/issues/12>",
    "[fixes](https://github.com/acme/shop) #12",
    "[fixes](#x) #12",
    "[a](https://evil.test/fixes) #12",
    "[a](fixes<details>) #12",
    "fi**xes** #12",
    "**f**ixes #12",
    "fi<b>x</b>es #12",
    "fi[](#)xes #12",
    "fi*x*es\n\n#12",
    "fixes <details>\n\n#12",
    "fixes\n1. \n\n#12",
    "fixes #<b>1</b>2",
    "fixes GH-<b>1</b>2",
    f"fixes{' ' * 400}#12",
    f"fixes {'<b></b>' * 90}#12",
    f"fixes {'*' * 400}#12",
    "<td>fixes &nbsp#12",
    "<td>&nbspfixes #12",
]
SKIPS = ["[skip ci]", "Tidy up [ci skip]", "x\n\nskip-checks: true", "***NO_CI***", "[No CI] a"]
COMMANDS = [
    "/approve",
    "text\n/approve abc",
    "  /lgtm",
    "> /hold",
    "- /remember x",
    "1. /assign me",
    "text<br>/merge",
    "&#47;approve",
    "\\/approve",
    "**/approve**",
    "<p>/approve</p>",
    "```\n/approve\n```",
    "<!-- x -->/approve",
    "&NewLine;/approve",
    "<p>&nbsp/approve</p>",
    "[](x)/approve",
    "/<b>approve</b>",
]
IMAGES = [
    "![a](https://evil.test/x.png)",
    "![a][b]\n\n[b]: https://evil.test/x.png",
    "![b]\n\n[b]: https://evil.test/x.png",
    "[![a](https://evil.test/x.png)](https://evil.test)",
    "<img src=https://evil.test/x.png>",
    "<IMG\nSRC='https://evil.test/x.png'>",
    "<picture><source srcset=https://evil.test/x></picture>",
    "<video src=https://evil.test/x poster=y>",
    "<svg><image href=https://evil.test/x /></svg>",
    "<td background=https://evil.test/x>",
    '<p style="background:url(https://evil.test/x)">',
    "<details open style='background:url(//evil.test)'>",
    "\\![a](https://evil.test/x.png)",
    "!\\[a](https://evil.test/x.png) ![b](https://github.com/x.png)",
    "<div>\n![a](https://evil.test/x)\n</div>",
    "https://github.com/a![a](https://github.com/x.png)",
    "https://github.com![a](https://github.com/x.png)",
    "<https://github.com/a!>![a](https://github.com/x.png)",
]
LINKS = [
    "[a](https://evil.test/?q=secret)",
    "[a](<https://evil.test/ x>)",
    "[a](//evil.test)",
    "[a](https://github.com@evil.test/)",
    "[a](https://github.com\\@evil.test/)",
    "[a](https://github.com&#46;evil.test/)",
    "[a](https://github.com.evil.test)",
    "[a](http&#58;//evil.test)",
    "[a](HTTPS://evil.test 'title')",
    "<https://evil.test>",
    "<a href=https://evil.test>x</a>",
    "https://evil.test/x",
    "see (http://evil.test).",
    "ftp://evil.test",
    "www.evil.test",
    "WWW.evil.test/x",
    "[a]\n\n[a]: https://evil.test",
    "[a][b]\n\n> [b]: https://evil.test",
    "https://github.com,x@evil.test/",
    "https://github.com:x@evil.test/",
    "[https://github.com](https://evil.test)",
    "https://evil.test/`@maria`",
    "https:\\//evil.test",
    "https:/\\/evil.test",
    "https\\://evil.test",
    "https:/<b></b>/evil.test",
    "www\\.evil.test",
    "https://github.com/a$www\\.evil.test",
    "**w**ww.evil.test",
    "[w](#x)ww.evil.test",
]


@pytest.mark.parametrize("text", [*MENTIONS, *CLOSINGS, *COMMANDS, *IMAGES, *LINKS])
def test_a_text_acts_on_nobody(text: str) -> None:
    assert RenderedPage(text).acts or BREAK in mute(text)
    assert RenderedPage(mute(text)).acts == {}
    assert RenderedPage(f"x\n{mute(text)}\ny").acts == {}


@pytest.mark.parametrize("text", SKIPS)
def test_a_text_skips_no_checks(text: str) -> None:
    for made in (mute(text), titled(text)):
        assert made.replace(BREAK, "").split() == text.split()
        assert not re.search(r"\[[^\u200b]*\]|^skip-checks|\*NO_CI", made, re.MULTILINE)


@pytest.mark.parametrize("title", ["Fixes", "It closes:", "Resolved "])
def test_a_title_closes_nothing_that_its_body_begins_with(title: str) -> None:
    """A merge puts the body behind the title."""
    for body in ("#12", "acme/shop#12 and more", "> https://github.com/acme/shop/issues/12"):
        assert RenderedPage(f"{title}\n\n{body}".replace("> ", "")).acts
        made = titled(title, body)
        assert RenderedPage(f"{made}\n\n{mute(body)}").acts == {}
        assert made.replace(BREAK, "") == title.strip()
    assert titled(title, "See #12") == title.strip()


@pytest.mark.parametrize(
    "text", ["[ci] skip", "It is a duplicate of acme/shop#12.", "[skip]", "fixture #12"]
)
def test_what_does_not_act_stays(text: str) -> None:
    assert mute(text) == titled(text) == text


@pytest.mark.parametrize(
    "text", [*MENTIONS[:2], *CLOSINGS[:6], *COMMANDS[:3], "see https://evil.test"]
)
def test_a_title_acts_on_nobody(text: str) -> None:
    assert RenderedPage(titled(text)).acts == {}


@pytest.mark.parametrize(
    "text",
    [
        "Use `List<int>`, `![a](b)` and `curl https://example.test/install.sh`.",
        "```html\n<img src='https://example.test/x'> @maria fixes #1\n```",
        "See #12 and acme/shop#3; it was fixed in #9's branch.",
        "[the run](https://github.com/acme/shop/actions/runs/1) and [below](#usage)",
        "<https://docs.github.com/en> and https://github.com/acme/shop?a=1&b=2#c",
        "<details>\n<summary>Log</summary>\n\n```\n/usr/bin/python x\n```\n</details>",
        "a < b && c > d, AT&T, R&D, 5 &lt; 6 &amp; 7",
        "usr/bin/x, a/b, either/or and 1/2",
        "| a | b |\n|---|:-:|\n| `x` | y |",
        "- [x] done\n- [ ] open",
        "见https://github.com/acme/shop and (https://github.com/@acme)",
        "fixes the tests of `x` for #12, fixing: a, #3",
        "Answer `/approve 3f2a`, `/reject 3f2a` or `/change TEXT`.",
    ],
)
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert mute(text) == text


def test_links_to_what_the_run_was_shown_stay_links() -> None:
    text = (
        "[a](https://docs.acme.test/x) and https://docs.acme.test/y; ![c](https://docs.acme.test/z)"
    )
    page = RenderedPage(mute(text, {"docs.acme.test"}), frozenset({"docs.acme.test"}))
    assert page.acts == {}
    assert len(page.links) == 2
    assert "https://docs.acme.test/y" in page.text
    body = compose(
        "https://docs.acme.test/y", MARK._replace(hosts=frozenset({"docs.acme.test"})), sticky=False
    )
    assert body.startswith("https://docs.acme.test/y\n")


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("github.com", True),
        ("docs.github.com", True),
        ("GitHub.com.", True),
        ("evilgithub.com", False),
        ("github.com.evil.test", False),
        ("a.acme.dev", True),
        ("acme.dev", False),
        ("evilacme.dev", False),
        ("acme.github.io", False),
    ],
)
def test_a_host_is_known_as_a_whole(host: str, known: bool) -> None:
    assert is_known(host, {"*.acme.dev"}) is known


def test_a_cut_text_acts_no_more_than_the_whole() -> None:
    text = "word " * 13_000 + "`a @maria b " + "@li " * 4_000 + "`"
    body = compose(text, MARK, sticky=False)
    assert len(body) <= 65_536
    assert RenderedPage(body).acts == {}


def test_drawings_lead_nowhere() -> None:
    text = '```mermaid\ngraph TD\nclick A href "https://evil.test"\nB["<img src=x>"]\n```'
    muted = mute(text)
    assert "https://" not in muted
    assert "<img" not in muted
    assert muted.replace(BREAK, "") == text


SYNTAX = [
    "`",
    "``",
    "```",
    "~~~",
    "\\",
    "<",
    ">",
    "<div>",
    "</div>",
    "<p>",
    "</p>",
    "<!--",
    "-->",
    "<pre>",
    "<details>",
    "[",
    "]",
    "(",
    ")",
    "![",
    "](",
    "[a]:",
    "|",
    "|---|",
    "#",
    "$",
    "&",
    "&amp;",
    "&#",
    ";",
    "!",
    "*",
    "**",
    "_",
    "~~",
    "<b>",
    "</b>",
    "<a",
    "<img",
    ":",
    "//",
    ".",
]
SPACES = [
    "\n",
    "\n\n",
    " ",
    "    ",
    "\t",
    "\n- ",
    "\n> ",
    "\n1. ",
    "\r\n",
    "\u2028",
    "x",
    "\n\n    ",
]
PAYLOADS = [*MENTIONS, *CLOSINGS, *COMMANDS, *IMAGES, *LINKS]


def bodies(seed: int, number: int) -> list[str]:
    chance = random.Random(seed)
    kinds = [SYNTAX, SPACES, PAYLOADS, ["@maria", "&#64;li", "#12", "fixes ", "/approve"]]
    return [
        "".join(chance.choice(chance.choice(kinds)) for _ in range(chance.randint(1, 14)))
        for _ in range(number)
    ]


def test_no_generated_body_acts() -> None:
    for text in bodies(12, size(50_000, 600)):
        muted = mute(text)
        assert RenderedPage(muted).acts == {}, (text, muted)


def test_a_hostile_body_takes_little_time() -> None:
    longest = size(65_000, 16_000)
    for piece in (
        *("[", "`", "<", "](", "@", "&#", "fixes ", "a/", "/a\n", "w", "://", "!["),
        *("<fixes>", "<b>", "fix<b>", "](fix)", "](#1)", "f*", "w*", ":/", ":*", "&a", "\\", "#*"),
        *("fixes #1 &_;", "fixes #1\n", "fixes <b> 1.\n"),
    ):
        mute(piece * (longest // len(piece)))
