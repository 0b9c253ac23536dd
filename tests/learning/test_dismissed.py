"""What people dismissed stays away, moved and in other words; what is new does not."""

import pytest

from shared.events import Issue
from shared.learning.dismissed import is_same, is_unwanted
from shared.learning.findings import KeptFinding, kept_as
from shared.learning.likeness import ShapedCode, shape_of

PULL = Issue("acme/shop", 7)
CLAIM = "The session is never closed when the request fails, so connections leak."


def finding(
    claim: str = CLAIM,
    code: str = "session = connect(url, timeout=3)",
    path: str = "a.py",
    category: str = "bug",
    severity: str = "medium",
) -> KeptFinding:
    return kept_as(PULL, path, 1, code, severity=severity, category=category, claim=claim)


@pytest.mark.parametrize(
    "again",
    [
        finding(),
        finding(code="session = connect(url,  timeout = 3)"),
        finding(code="\tsession = connect(\n\t\turl, timeout=3)"),
        finding(claim="Leaks a handle.", path="b.py"),  # the code moved to another file
        finding(claim="When the request fails the session is not closed.", code="x = 1"),
        finding(claim="Connections leak because a failing request leaves the session open."),
    ],
    ids=range(6),
)
def test_the_same_is_known_again(again: KeptFinding) -> None:
    assert is_same(again, finding())


@pytest.mark.parametrize(
    "other",
    [
        finding(claim="The url is built from user input.", code="url = base + name"),
        finding(claim="The timeout is in milliseconds.", category="performance"),
        finding(code="y = 2", path="b.py"),
        finding(code="}", path="b.py", claim="A brace is missing."),
    ],
    ids=range(4),
)
def test_what_is_new_is_told(other: KeptFinding) -> None:
    dismissed = finding(claim=CLAIM)
    assert not is_same(other, dismissed)
    assert not is_unwanted(other, [dismissed])


def test_what_is_dismissed_again_and_again_is_told_nowhere() -> None:
    dismissed = [finding(path=f"{name}.py", code=f"{name} = connect()") for name in "bcd"]
    new = finding(path="z.py", code="db = connect()")
    assert not is_unwanted(new, dismissed[:2])
    assert is_unwanted(new, dismissed)
    assert not is_unwanted(finding("The name is too long.", "x = 1", "z.py"), dismissed)


def test_spaces_do_not_change_the_shape_of_code() -> None:
    assert shape_of("if (a)\n\t{ b(); }") == shape_of("if(a){b();}")
    assert shape_of("a b") != shape_of("ab")
    assert shape_of("支付 = 1") == shape_of("支付=1")


def test_a_secret_is_not_kept() -> None:
    secret = "ghp_" + "aB3xY9kQ2w" * 3 + "Zt7RmP"
    assert secret not in finding(code=f'TOKEN = "{secret}"').shape


@pytest.mark.parametrize(
    ("other", "same"),
    [
        # Other words about a part of the code, and about the code as it was edited.
        (
            {"claim": "A failing request leaves the session open.", "code": "session = connect(u)"},
            True,
        ),
        (
            {"claim": "Nothing releases it.", "code": "# why\nsession = connect(url, timeout=3)"},
            True,
        ),
        ({"category": "data loss", "claim": "Sessions stay open after errors."}, True),
        # Several nits fit one line.
        ({"category": "style", "claim": "The line is long."}, False),
        # Nothing in common but words that any claim may hold.
        ({"category": "security", "claim": "The url is taken from input."}, False),
        ({"code": "y = 2", "claim": "The function should return a value."}, False),
        # The same fault in another file.
        ({"path": "b.py", "code": "other = connect(url, timeout=9)"}, False),
    ],
    ids=range(7),
)
def test_code_and_claim_together_tell_it(other: dict[str, str], same: bool) -> None:
    assert is_unwanted(finding(**other), [finding()]) is same


@pytest.mark.parametrize(
    ("claim", "category", "severity", "same"),
    [
        ("Sockets pile up until the process has none left.", "performance", "medium", True),
        ("Sockets pile up until the process has none left.", "style", "medium", False),
        ("The `timeout` is far too long for a page.", "performance", "medium", False),
        ("Open one `session` for all requests.", "performance", "medium", True),
    ],
    ids=range(4),
)
def test_a_fault_is_known_by_what_it_names_of_the_code(
    claim: str, category: str, severity: str, same: bool
) -> None:
    assert is_same(finding(claim, category=category, severity=severity), finding()) is same


@pytest.mark.parametrize(
    ("claim", "category", "severity", "same"),
    [
        ("Each `session` leaks, so memory is exhausted.", "performance", "medium", True),
        ("Each call makes a new `session`.", "performance", "medium", False),  # does no harm
        ("Each call makes a new `session`.", "performance", "low", False),
        ("This is slow.", "performance", "medium", False),  # names nothing of the code
        ("`session` is too short a name when a request fails.", "style", "medium", False),
    ],
    ids=range(5),
)
def test_a_remark_does_not_cover_a_fault(
    claim: str, category: str, severity: str, same: bool
) -> None:
    dismissed = finding(claim, category=category, severity=severity)
    assert is_same(finding("Handles run out after a while."), dismissed) is same
    assert not is_same(finding("`timeout` is in milliseconds."), dismissed)


def test_two_nits_of_one_line_are_two() -> None:
    one = finding("The line is long.", category="style")
    assert not is_same(finding("The name says nothing.", category="style"), one)
    assert is_same(finding("This line is much too long.", category="style"), one)


def test_a_dismissed_function_hides_no_line_of_it() -> None:
    whole = "\n".join(f"    total_{n} = price(items[{n}], rate)" for n in range(20))
    dismissed = finding("The function is long.", code=whole)
    assert not is_same(
        finding("The rate is a percentage.", "total_3 = price(items[3], rate)"), dismissed
    )


@pytest.mark.parametrize(
    ("code", "near", "line"),
    [
        ("a = 1\nb = 2\n", 1, 1),
        ("\n\na  =  1\nb=2\n", 1, 3),
        ("x\r\n\ta = 1\r\n\tb = 2\r\n", 9, 2),
        ("a = 1\nb = 2\na = 1\nb = 2\n", 3, 3),
        ("a = 1\nb = 3\n", 7, 7),
        ("a = 1", 7, 7),
        ("", 7, 7),
    ],
)
def test_code_that_moved_is_found_at_its_line(code: str, near: int, line: int) -> None:
    assert ShapedCode(code).line_of(shape_of("a = 1\nb = 2"), near) == line
