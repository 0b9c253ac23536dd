"""The desk of a team's settings: what `.github/agent-flows.yml` says, and what is wrong with it."""

from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar, Self

from shared.actions import Query
from shared.actions.authority import RecentAnswers
from shared.actions.github.actions import ReportCheck
from shared.actions.github.queries import ReadChange, ReadTeamFiles
from shared.agent.context import Code
from shared.agent.timers import Timers
from shared.database import queries
from shared.desk import Loan
from shared.errors import ActionRejected, Declined, TurnedOff
from shared.events import Json
from shared.journal import Outcome
from shared.perception.commands import command_of
from shared.team_settings import telling
from shared.team_settings.keys import (
    LARGEST,
    PATH,
    SECTIONS,
    ExplainSettings,
    Mode,
    ReviewSettings,
)
from shared.team_settings.resolving import FileProblem, Resolved, TeamSetting, resolve

SQL = queries(__file__, "desk.sql")

#: The first days of an installation, in seconds, and the timer that ends them.
FIRST_WEEK, ENDS = 7 * 86_400.0, "timer.week"
CHECK = "Agent Flows settings"


class TeamSettings:
    """The settings of the repository that the event is about, of its default branch. A flow with
    the desk `reads` what it asks for."""

    READS: ClassVar = (ReadTeamFiles,)
    #: A piece of a plan that only reads may have it: what acts in it asks the policy.
    only_reads: ClassVar = True
    #: What `check` needs besides.
    CHECKS: ClassVar = (ReadChange,)

    def __init__(self, loan: Loan) -> None:
        self._loan = loan

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Lend the settings."""
        return cls(loan)

    def apply(self, flow: str) -> None:
        """Let the run be as the team wants the flow: raise Declined where it is off, or TurnedOff
        for who asks for it; where it is a preview, let no action be performed. What is in no
        repository, such as a message in Slack, has no team settings."""
        mode, type_ = self.mode(flow), self._loan.run.event.type
        if mode == "off" and (command_of(type_) or type_.startswith("proposal.")):
            raise TurnedOff(f"{flow} is off in {self._repository}; change `{flow}.mode` in {PATH}")
        if mode == "off":
            raise Declined(f"{PATH} turns {flow} off")
        self._loan.preview.is_on = mode == "preview"

    def mode(self, flow: str) -> Mode:
        """Return how the team wants a flow; `on` for what has no settings of a team."""
        if flow not in SECTIONS or not self._repository:
            return "on"
        mode: Mode = self._found.sections[flow]["mode"].value
        return mode

    def why_not(self, flow: str, *, acts: bool) -> str:
        """Say why what a flow began in an earlier run must not go on; nothing when it may."""
        mode = self.mode(flow)
        if mode == "off" or (mode == "preview" and acts):
            return f"`{flow}` is {'off' if mode == 'off' else 'only a preview'} here by now."
        return ""

    @property
    def review(self) -> ReviewSettings:
        """How this team wants reviews."""
        return ReviewSettings(**self._said("review"))

    @property
    def explain(self) -> ExplainSettings:
        """How this team wants descriptions."""
        return ExplainSettings(**self._said("explain"))

    def _said(self, section: str) -> Json:
        said = {key: one.value for key, one in self._found.sections[section].items()}
        return said | {"ignore": tuple(said["ignore"])}

    def wishes(self, settings: ReviewSettings | ExplainSettings) -> tuple[Code, ...]:
        """Return what a model is shown of the settings, as data; nothing where they say nothing."""
        language = f"Write in this language: {settings.language}\n" if settings.language else ""
        asked = settings.instructions if isinstance(settings, ReviewSettings) else ""
        text = f"{language}{asked}".strip()
        return (Code("wishes of the team", text),) if text else ()

    def report(self, commit: str) -> str:
        """Report what is wrong with the files by a check of the commit, the head of the pull
        request. Return it as text where that cannot be made."""
        return self._report(commit, self._found.problems)

    def _report(self, commit: str, problems: Sequence[FileProblem]) -> str:
        if not problems:
            return ""
        text, title = telling.problems(problems), telling.title(problems)
        issue, lines = self._loan.run.event.issue, telling.annotations(problems)
        try:
            self._loan.act(ReportCheck(issue, commit, CHECK, title, text, lines))
            return ""
        except ActionRejected:
            pass  # only an App makes checks, and it may lack the right
        return f"\n\n<details><summary>{title}</summary>\n\n{text}\n\n</details>"

    def check(self) -> str:
        """Check the file as the pull request of the event would have it, if that changes it, and
        report what is wrong as `report` does. Return also that it is mended, once, after a comment
        told of something wrong."""
        commit = self._loan.run.event.need("pull_request", "head", "sha")

        def work() -> Outcome:
            query = ReadTeamFiles(self._repository, PATH, LARGEST, commit)
            found = resolve(None, self._loan.read(query)["repository"])
            return Outcome(found.to_json() if found.problems and self._is_changed() else None)

        found = self._loan.run.step("check team settings", {"commit": commit}, work, defer=True)
        if found:
            return self._report(commit, Resolved.of_json(found).problems)
        return telling.MENDED if self._was_wrong(commit) else ""

    def _was_wrong(self, commit: str) -> bool:
        """Does our comment in the pull request of the event tell of problems?"""
        run = self._loan.run
        if run.event.type.endswith(".opened"):
            return False
        target = run.event.issue.ref
        about = {"flow": run.flow, "target": target, "mended": telling.MENDED}

        def work() -> Outcome:
            [rows] = run.write([run.statement("told", about, SQL)])
            return Outcome(bool(rows) and rows[0]["is_wrong"])

        return bool(run.step("told of settings", {"commit": commit}, work, defer=True))

    def _is_changed(self) -> bool:
        """Does the pull request of the event change the file?"""
        issue = self._loan.run.event.issue
        files = self._loan.read(ReadChange(issue.repository, issue.number))["files"]
        return any(file["filename"] == PATH for file in files)

    def begin_week(self) -> None:
        """Let flows only say what they would do in the first week of an installation, unless a file
        says otherwise. The timer is the record of it; when it fires, nothing is left to do."""
        Timers(self._loan).at(self._loan.run.event.received_at + FIRST_WEEK, ENDS)

    def shown(self) -> str:
        """Return each setting with its source, as Markdown."""
        return telling.all_settings(self._found)

    @property
    def _repository(self) -> str:
        scope = self._loan.run.event.scope
        return scope.removeprefix("github:") if scope.startswith("github:") else ""

    @cached_property
    def _found(self) -> Resolved:
        query = ReadTeamFiles(self._repository, PATH, LARGEST)
        recent = self._loan.services.get(RecentAnswers, RecentAnswers)

        def work() -> Outcome:
            said = recent.answer(query, self._read)
            found = resolve(said["organisation"], said["repository"])
            unsaid = [one for one in found.sections.values() if one["mode"].source == "default"]
            if said["week_ends"] > self._loan.run.event.received_at:
                for settings in unsaid:
                    settings["mode"] = TeamSetting("preview", "first week")
            return Outcome(found.to_json())

        asked = {"repository": query.repository, "path": query.path}
        return Resolved.of_json(self._loan.run.step("team settings", asked, work, defer=True))

    def _read(self, query: Query) -> Json:
        """Return the files, and when the first week of the installation ends; 0 without one."""
        run = self._loan.run
        [rows] = run.write([run.statement("first_week", {"event": ENDS}, SQL)])
        files: Json = self._loan.read(query)
        return files | {"week_ends": rows[0]["ends"] if rows else 0.0}
