"""The desk of a team's settings: what `.github/agent-flows.yml` says, and what is wrong with it."""

from functools import cached_property
from typing import ClassVar, Self

from shared.actions.github.actions import ReportCheck
from shared.actions.github.queries import ReadTeamFiles
from shared.agent.context import Code
from shared.agent.timers import Timers
from shared.database import queries
from shared.desk import Loan
from shared.errors import ActionRejected
from shared.events import Json
from shared.journal import Outcome
from shared.team_settings import telling
from shared.team_settings.keys import LARGEST, PATH, DescribeSettings, ReviewSettings
from shared.team_settings.resolving import Resolved, TeamSetting, resolve

SQL = queries(__file__, "first_week.sql")

#: The first days of an installation, in seconds, and the timer that ends them.
FIRST_WEEK, ENDS = 7 * 86_400.0, "timer.week"
CHECK = "Agent Flows settings"


class TeamSettings:
    """The settings of the repository that the event is about, of its default branch. A flow with
    the desk `reads` what it asks for."""

    READS: ClassVar = (ReadTeamFiles,)

    def __init__(self, loan: Loan) -> None:
        self._loan = loan

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Lend the settings."""
        return cls(loan)

    @property
    def review(self) -> ReviewSettings:
        """How this team wants reviews."""
        return ReviewSettings(**self._said("review"))

    @property
    def describe(self) -> DescribeSettings:
        """How this team wants descriptions."""
        return DescribeSettings(**self._said("describe"))

    def _said(self, section: str) -> Json:
        said = {key: one.value for key, one in self._found.sections[section].items()}
        return said | {"ignore": tuple(said["ignore"])}

    def wishes(self, settings: ReviewSettings | DescribeSettings) -> tuple[Code, ...]:
        """Return what a model is shown of the settings, as data; nothing where they say nothing."""
        language = f"Write in this language: {settings.language}\n" if settings.language else ""
        asked = settings.instructions if isinstance(settings, ReviewSettings) else ""
        text = f"{language}{asked}".strip()
        return (Code("wishes of the team", text),) if text else ()

    def report(self, commit: str, *, acts: bool) -> str:
        """Report what is wrong with the files by a check of the commit, the head of the pull
        request. Return it as text where that cannot be made, or when the flow must not act."""
        problems = self._found.problems
        if not problems:
            return ""
        text, title = telling.problems(problems), telling.title(problems)
        if acts:
            issue, lines = self._loan.run.event.issue, telling.annotations(problems)
            try:
                self._loan.act(ReportCheck(issue, commit, CHECK, title, text, lines))
                return ""
            except ActionRejected:
                pass  # only an App makes checks, and it may lack the right
        return f"\n\n<details><summary>{title}</summary>\n\n{text}\n\n</details>"

    def begin_week(self) -> None:
        """Let flows only say what they would do in the first week of an installation, unless a file
        says otherwise. The timer is the record of it; when it fires, nothing is left to do."""
        Timers(self._loan).at(self._loan.run.event.received_at + FIRST_WEEK, ENDS)

    def shown(self) -> str:
        """Return each setting with its source, as Markdown."""
        return telling.all_settings(self._found)

    @cached_property
    def _found(self) -> Resolved:
        query = ReadTeamFiles(self._loan.run.event.issue.repository, PATH, LARGEST)

        def work() -> Outcome:
            files = self._loan.read(query)
            found = resolve(files["organisation"], files["repository"])
            unsaid = [one for one in found.sections.values() if one["mode"].source == "default"]
            if unsaid and self._is_first_week():
                for settings in unsaid:
                    settings["mode"] = TeamSetting("preview", "first week")
            return Outcome(found.to_json())

        asked = {"repository": query.repository, "path": query.path}
        return Resolved.of_json(self._loan.run.step("team settings", asked, work, defer=True))

    def _is_first_week(self) -> bool:
        run = self._loan.run
        [rows] = run.write([run.statement("first_week", {"event": ENDS}, SQL)])
        return bool(rows) and rows[0]["ends"] > run.event.received_at
