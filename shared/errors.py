"""Every error that Agent Flows raises.

    AgentFlowsError
    ├── SettingsError          a setting is missing or wrong
    ├── EventError             an event lacks what a flow asked of it
    │   └── RequestUnclear     nobody can tell what a person wants; `public` asks them
    ├── SignatureError         a request did not come from whom it says
    ├── RequestRefused         a request to the API cannot be taken
    ├── PublishError           the bus did not take an event                      (retry)
    ├── SecretsUnavailable     Secrets Manager did not answer                     (retry)
    ├── DatabaseUnavailable    Postgres is not reachable                          (retry)
    ├── RunBusy                another function holds the run, or it is not due   (retry)
    ├── ProcessDied            every attempt ended without a word
    ├── ReplayError            a retry asked for something else than the record says
    ├── PolicyError            a flow tried what its `may=` does not name
    │   └── NotPermitted       a person wants what they have no right to
    │       └── TurnedOff      a person wants what their team has turned off
    ├── ModelError
    │   ├── ModelUnavailable   rate limited, overloaded, unreachable              (retry)
    │   │   └── ModelTooSlow   the time ended before the answer was whole; no retry
    │   ├── ModelRejected      bad key, unknown model, a request it cannot take
    │   ├── BudgetExceeded     the ceiling of a tenant, flow or person is reached
    │   │   └── AllowanceExceeded  the time or the cost of a plan is used up
    │   └── AnswerInvalid      no usable answer, also after a repair and from the fallback
    ├── MemoryUnavailable      the embedder failed, or a run is at work there     (retry)
    └── ActionError
        ├── ActionUnavailable  rate limited or unreachable                        (retry)
        ├── ActionRejected     the platform said no
        └── EffectUnknown      nobody can tell whether it happened; waits for a person

    Parked                     no error: the run stops here and is woken when its answer is there
    Stopped                    no error: somebody stopped the run, or a newer event took its place
    Declined                   no error: the team wants none of this flow here, so nothing is done

Messages say what failed, with values, then what to do. They never carry payloads, tokens or
people's text.
"""


class AgentFlowsError(Exception):
    """The base of all.

    `retryable` says that the same call may succeed later; `public` is the text for the person who
    waits.
    """

    retryable = False
    public = "Something went wrong on my side."

    def __str__(self) -> str:
        # A server's words may be in it, and Postgres takes no NUL and no half of a surrogate pair.
        return super().__str__().replace("\0", "").encode("utf-8", "replace").decode()


class SettingsError(AgentFlowsError):
    pass


class EventError(AgentFlowsError):
    pass


class RequestUnclear(EventError):
    """The message is for the person who asked."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.public = message


class SignatureError(AgentFlowsError):
    pass


class RequestRefused(AgentFlowsError):
    """`status` is the HTTP status; `field` is the wrong field of the request, where known."""

    def __init__(self, status: int, message: str, field: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.field = field


class PublishError(AgentFlowsError):
    retryable = True


class SecretsUnavailable(AgentFlowsError):
    retryable = True


class DatabaseUnavailable(AgentFlowsError):
    """`is_full` says that it lives, but all its connections were taken."""

    retryable = True
    public = "My database did not answer."

    def __init__(self, message: str, *, is_full: bool = False) -> None:
        super().__init__(message)
        self.is_full = is_full


class RunBusy(AgentFlowsError):
    """`seconds` is for how long: 0 when nobody knows."""

    retryable = True

    def __init__(self, message: str, seconds: float = 0.0) -> None:
        super().__init__(message)
        self.seconds = seconds


class ProcessDied(AgentFlowsError):
    public = "I was stopped in the middle of my work, again and again."


class ReplayError(AgentFlowsError):
    pass


class PolicyError(AgentFlowsError):
    public = "I was about to do something that I am not allowed to do, so I stopped."


class NotPermitted(PolicyError):
    public = "You are not allowed to do that here: it needs write permission."


class TurnedOff(NotPermitted):
    public = "That is turned off here, in `.github/agent-flows.yml`."


class TurnedOffInChannel(TurnedOff):
    public = "That is turned off in this channel; `settings flows` turns it on again."


class _Unavailable(AgentFlowsError):
    """`retry_after` is in seconds, as the server asked, or None when it did not say."""

    retryable = True

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ModelError(AgentFlowsError):
    """`model` and the numbers say what was paid before the failure: tokens, and the cost in US
    dollars, None when a price is unknown."""

    public = "The language model could not do it."
    model = ""
    input_tokens = 0
    output_tokens = 0
    cached_tokens = 0
    cost: float | None = 0.0

    def add_cost(
        self, model: str, input: int, output: int, cached: int, cost: float | None
    ) -> None:
        """Count calls that were paid for in vain."""
        self.model = model
        self.input_tokens += input
        self.output_tokens += output
        self.cached_tokens += cached
        self.cost = None if self.cost is None or cost is None else self.cost + cost


class ModelUnavailable(_Unavailable, ModelError):
    """`overloaded` says that the server had too much to do, so that fewer calls should follow.
    `text` is what was streamed of the answer before the failure."""

    text = ""
    public = "The language model cannot be reached at the moment."

    def __init__(
        self, message: str, retry_after: float | None = None, *, overloaded: bool = False
    ) -> None:
        super().__init__(message, retry_after)
        self.overloaded = overloaded


#: How the message of a ModelTooSlow says it.
TOO_SLOW = "no whole answer within"


class ModelTooSlow(ModelUnavailable):
    """The time was over before the answer was whole. The same call in the same time would end the
    same way, so nobody repeats it."""

    retryable = False
    public = "The language model was too slow: its answer was not whole when the time was over."


class BudgetExceeded(ModelError):
    """`public` names the ceiling, as a person may know it. `free_at` is when it is free again, in
    seconds since the epoch; None when the call is larger than the ceiling itself."""

    free_at: float | None = None

    public = "The budget for the language model is used up."


class AllowanceExceeded(BudgetExceeded):
    public = "The plan used up the time or the cost that its model calls may take."


class ModelRejected(ModelError):
    pass


class AnswerInvalid(ModelError):
    public = "The language model gave no usable answer."


class MemoryUnavailable(_Unavailable):
    pass


class ActionError(AgentFlowsError):
    public = "The platform did not let me do it."


class ActionUnavailable(_Unavailable, ActionError):
    """`sent` is False when the platform surely did not act; True means that nobody knows."""

    def __init__(self, message: str, retry_after: float | None = None, *, sent: bool) -> None:
        super().__init__(message, retry_after)
        self.sent = sent


class ActionRejected(ActionError):
    """`status` is the platform's, where it answered by one."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class EffectUnknown(ActionError):
    public = "I cannot tell whether my last action went through, so I stopped; a person must look."


class Parked(BaseException):
    """Leaves a run that waits for a batch.

    It is no Exception, for the reason that asyncio.CancelledError is none: an author who survives
    every failure with `except Exception` must not survive this and act without the answer.
    """


class Declined(BaseException):
    """Leaves a run that does nothing, because people there want it so; the message says why.

    It is no Exception, as Parked is none.
    """


class Stopped(BaseException):
    """Leaves a run that was `cancelled` or `superseded`; `reason` says by whom or by what.

    It is no Exception, as Parked is none: nothing that an author survives may go on after it.
    """

    def __init__(self, state: str, reason: str) -> None:
        super().__init__(reason)
        self.state = state
        self.reason = reason
