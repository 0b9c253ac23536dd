"""Writes sections into the bodies of pull requests, beside what their authors wrote."""

from shared.actions import Mark, Receipt
from shared.actions.github.markdown import LIMIT, harmless
from shared.actions.github.pulls.sections import WriteSection
from shared.actions.github.session import GitHubSession
from shared.errors import ActionRejected
from shared.marks import section_in, with_section

#: Characters that a section needs at least.
_LEAST = 500


def write_section(session: GitHubSession, action: WriteSection, mark: Mark, *_: object) -> Receipt:
    """Read the body, and change it at once: GitHub takes no condition for an edit, so what somebody
    writes between the two requests would be lost.

    https://docs.github.com/en/rest/pulls/pulls#update-a-pull-request
    """
    issue, doing = action.issue, f"write into the body of {action.issue.ref}"
    path = ("pulls", issue.number)
    pull = session.request(doing, issue.repository, "GET", path).data
    body = pull["body"] or ""
    new = with_text(doing, body, action, mark)
    if new != body:
        session.request(doing, issue.repository, "PATCH", path, {"body": new})
    said = section_in(new, action.name)
    return Receipt(str(issue.number), pull["html_url"], {"text": said and said.fingerprint})


def with_text(doing: str, body: str, action: WriteSection, mark: Mark) -> str:
    """Return a body with the section; raises ActionRejected where it has no room for that."""
    room = LIMIT - len(with_section(body, action.name, mark.key, ""))
    if room < _LEAST:
        raise ActionRejected(f"github: could not {doing}: its author's text leaves no room")
    said = harmless(action.text, room, mark.hosts)
    return with_section(body, action.name, mark.key, said)
