"""Hears recordings: the model of MODEL_AUDIO writes down what is said. None of them fails a run."""

from shared.desk import Loan
from shared.errors import AgentFlowsError, BudgetExceeded, SettingsError
from shared.models.payers import payer_of
from shared.models.routing import Models

#: Bytes that such servers take, seconds of one recording, and of the function's time for one.
MOST_BYTES, _SECONDS, _TIME = 25_000_000, 600.0, 60.0
_CHARACTERS = 24_000


class Ear:
    """Hears for one run; `cost` is that of all it heard, None when it is not known."""

    def __init__(self, loan: Loan) -> None:
        self._loan = loan
        self.model = ""
        self.cost: float | None = 0.0

    def hear(self, body: bytes, kind: str, seconds: float) -> tuple[str, str]:
        """Return what is said, and a note of what is left out, or why there is nothing."""
        transcriber = self._loan.services[Models].transcriber()
        if not transcriber.is_set:
            return "", "it is a recording, and I cannot hear here (MODEL_AUDIO is not set)"
        if seconds > _SECONDS:
            return "", f"the recording is longer than {_SECONDS / 60:.0f} minutes"
        run = self._loan.run
        payer, time = payer_of(run.event, run.flow), min(_TIME, self._loan.seconds_left() / 2)
        try:
            heard = transcriber.transcribe(body, kind, seconds, payer, time)
        except BudgetExceeded:
            return "", "the budget has no room to hear this recording"
        except SettingsError:
            return "", "recordings need MODEL_AUDIO and MODEL_AUDIO_PRICE to be right"
        except AgentFlowsError:
            return "", "the recording could not be heard now"
        self.model = heard.model
        known = self.cost is not None and heard.cost is not None
        self.cost = (self.cost or 0.0) + (heard.cost or 0.0) if known else None
        if not heard.text.strip():
            return "", "nothing is said in the recording"
        note = "the rest of what is said is left out" if len(heard.text) > _CHARACTERS else ""
        return f"(said in the recording) {heard.text[:_CHARACTERS].strip()}", note
