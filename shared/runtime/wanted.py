"""Tells whether people want a run: they pause the agent, and set what it does in a channel."""

from shared.agent.flow import Flow
from shared.errors import Declined, ProcessDied, TurnedOffInChannel
from shared.journal import Run
from shared.perception.commands import command_of
from shared.runtime.patience import Patience
from shared.team_settings.channels.keys import ALWAYS, ChannelSettings


def check_wanted(run: Run, flow: Flow, patience: Patience | None) -> None:
    """Raise ProcessDied when no attempt is left, Stopped when none was wanted any more, and
    Declined where people want the agent to be quiet: for what could be seen, unless a person asks
    for it by a command. A piece of a plan was asked for; a pause stops the plans that run then."""
    is_seen = patience and flow.may and flow.stops(run.event)
    if run.quiet and is_seen and not command_of(run.event.type) and run.event.source != "api":
        raise Declined("people paused me here")
    if run.channel and is_seen:
        _check_channel(run)
    if patience and run.failures >= patience.attempts:
        run.check()
        raise ProcessDied(f"{run.failures} attempts failed or died")


def _check_channel(run: Run) -> None:
    """Raise Declined where people of the channel want no such run, or TurnedOffInChannel for who
    asks for one."""
    settings, event = ChannelSettings.of(run.channel), run.event
    command = command_of(event.type)
    if run.flow in settings.off and command not in ALWAYS:
        if command or event.addressed:
            raise TurnedOffInChannel(f"{run.flow} is off in {event.scope}")
        raise Declined(f"the channel turned {run.flow} off")
    if event.source == "schedule" and settings.is_quiet(event.received_at):
        raise Declined("the channel has quiet hours")
