"""What authors import: `from shared.agent import Agent, flow`.

agent         the calls of an author: ask, converse, map, recall, remember, act, read, desk
flow          @flow, the declaration of a flow
tools         functions that a model may call in `converse`
thinking      the model calls of a run
previewing    what a run would do, where a team wants only a preview
mapping       a function for each item of a stream, results beyond a bound on disk
conversation  the turns of the event's conversation
remembering   the memories of a run
spilling      where the large results of a map wait
event_types   the types of events that exist
metrics_desk  metrics of a flow's own
timers        events that come to the flow later
acting        the effects and queries of a run
people        names in place of the ids of people
context       what a model is shown as data
"""

from shared.agent.agent import Agent
from shared.agent.flow import flow

__all__ = ["Agent", "flow"]
