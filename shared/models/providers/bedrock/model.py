"""Amazon Bedrock: Converse and ConverseStream, through botocore.

botocore is boto3's core; boto3 itself would add a fifth to the time of its import. This module is
imported on the first use of a `bedrock:` name.
"""

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache, partial
from typing import Any, TypeVar

import botocore.session
from botocore.config import Config
from botocore.eventstream import ParserError
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from shared.errors import ModelUnavailable, SettingsError
from shared.events import Json
from shared.models import Chunk, ModelReply, ModelRequest, Provider
from shared.models.deadline import Deadline
from shared.models.prices import Prices
from shared.models.providers import blocks
from shared.models.providers.bedrock.failures import answered_error, no_answer
from shared.models.providers.bedrock.wire import ConverseReader, mark, messages_of, tools_of
from shared.models.providers.cutoff import shared_cutoff
from shared.models.providers.failures import adapting, shown_code
from shared.models.providers.json_output import as_object, json_instruction
from shared.settings import Settings, aws_region

T = TypeVar("T")


def connect(name: str, settings: Settings, setting: str) -> Provider:
    """Return the model called `name`; error messages point to `setting`."""
    return BedrockModel(name, setting, Prices(settings.model_prices))


def id_of(name: str) -> str:
    """Return what Bedrock is asked for. Behind a # a name may say to which model a profile leads.

    >>> id_of("bedrock:arn:aws:bedrock:eu-west-1:1:inference-profile/x#amazon.nova-lite-v1:0")
    'arn:aws:bedrock:eu-west-1:1:inference-profile/x'
    """
    return name.partition(":")[2].partition("#")[0]


@cache
def session() -> Any:
    """Return the session of this process, which takes long to read models and credentials."""
    return botocore.session.get_session()


#: A session builds one client at a time.
_building = threading.Lock()


class Clients:
    """One client per time-out, because a call cannot set it."""

    def __init__(self) -> None:
        self._clients: dict[float, Any] = {}

    def within(self, seconds: float) -> Any:
        """Return a client that waits at most `seconds`, rounded down to build few clients."""
        step = 0.1 if seconds < 1 else 1 if seconds < 10 else 5 if seconds < 60 else 30
        patience = round(max(seconds // step * step, 0.1), 1)
        with _building:
            if patience not in self._clients:
                self._clients[patience] = self._build(patience)
            return self._clients[patience]

    def _build(self, patience: float) -> Any:
        config = Config(
            connect_timeout=min(patience, 10.0),
            read_timeout=patience,
            retries={"total_max_attempts": 1, "mode": "standard"},
            max_pool_connections=32,
        )
        region = session().get_config_variable("region") or aws_region()
        return session().create_client("bedrock-runtime", region_name=region, config=config)


class BedrockModel:
    """A chat model on Bedrock."""

    def __init__(
        self, name: str, setting: str, prices: Prices, clients: Clients | None = None
    ) -> None:
        self.name = name
        self._setting = setting
        self._prices = prices
        self._id = id_of(name)
        if not self._id:
            raise SettingsError(f"{setting}={name!r} names no model; write bedrock:us.amazon.nova…")
        self._clients = clients or Clients()
        #: Parts that the model refused.
        self._lacks: frozenset[str] = frozenset()

    def reply(self, request: ModelRequest, timeout: float) -> ModelReply:
        deadline = Deadline(timeout)

        def call(parameters: Json) -> Json:
            whole: Json = self._clients.within(deadline.left).converse(**parameters)
            return whole

        with translated(self.name, self._setting, deadline):
            return self.read(self._adapting(request, call))

    def read(self, whole: Mapping[str, Any]) -> ModelReply:
        """Return the reply in Converse's answer; raises ModelUnavailable when it holds none."""
        answer = ConverseReader()
        answer.add_whole(whole)
        if not answer.begun:
            raise ModelUnavailable(f"{self.name}: answered JSON without a message")
        return self._whole(answer)

    def _whole(self, answer: ConverseReader) -> ModelReply:
        if answer.failed:
            ended = shown_code(answer.finish)
            raise ModelUnavailable(f"{self.name}: ended its answer as one that failed{ended}")
        return answer.reply(self.name, self._prices)

    def stream(self, request: ModelRequest, timeout: float) -> Iterator[Chunk]:
        deadline = Deadline(timeout)

        def call(parameters: Json) -> Any:
            return self._clients.within(deadline.left).converse_stream(**parameters)["stream"]

        answer = ConverseReader()
        with translated(self.name, self._setting, deadline):
            events = self._adapting(request, call)
            try:
                with shared_cutoff().after(deadline.left, partial(_shut, events)):
                    for event in events:
                        if text := answer.add(event):
                            yield Chunk(text)
            finally:
                events.close()
            if not answer.finish and deadline.left <= 0:
                raise ModelUnavailable(f"{self.name}: no whole answer within {timeout:.1f} s")
            if not answer.finish:
                raise ModelUnavailable(f"{self.name}: the stream ended in the middle of the answer")
            if text := answer.rest():
                yield Chunk(text)
            yield Chunk(reply=self._whole(answer))

    def _adapting(self, request: ModelRequest, call: Callable[[Json], T]) -> T:
        """Call, and call again without the parts that the model refuses."""

        def translated_call(parameters: Json) -> T:
            try:
                return call(parameters)
            except ClientError as err:
                raise answered_error(self.name, self._setting, err) from err

        def learn(_: Json, said: str) -> bool:
            return self.learn(said)

        return adapting(lambda: self.parameters(request), translated_call, learn)

    def learn(self, said: str) -> bool:
        """Learn from a refusal; return True when it is news.

        Newer models refuse a temperature and a forced tool, older ones any tool.
        """
        lacks = self._lacks
        if re.search(r"temperature", said, re.I):
            lacks |= {"temperature"}
        elif re.search(r"tool_?choice|forces? tool|forced tool", said, re.I):
            lacks |= {"force"}
        elif re.search(r"support tool use|toolConfig", said, re.I):
            lacks |= {"schema"}
        elif re.search(r"cache.?point|cache_control|prompt caching", said, re.I):
            # Some models cache the system prompt but no turns.
            of_turns = re.search(r"messages", said, re.I) and "turns" not in lacks
            lacks |= {"turns"} if of_turns else {"cache"}
        news = lacks != self._lacks
        self._lacks = lacks
        return news

    def parameters(self, request: ModelRequest) -> Json:
        """Write the parameters of Converse without the parts that the model is known to refuse."""
        lacks = self._lacks
        limits: Json = {"maxTokens": request.max_tokens}
        if "temperature" not in lacks:
            limits["temperature"] = request.temperature
        system = [request.system] if request.system.strip() else []
        chosen = blocks.chosen(request)
        if request.schema is not None and (lacks & {"force", "schema"} or chosen):
            system.append(json_instruction(as_object(request.schema)))
        # The conversation comes last, so that a longer one starts with the same bytes.
        parameters: Json = {"modelId": self._id, "inferenceConfig": limits}
        answer = "schema" not in lacks and not chosen
        if tools := tools_of(request, force="force" not in lacks, answer=answer):
            parameters["toolConfig"] = tools
        if system:
            parameters["system"] = [{"text": text} for text in system]
        parameters["messages"] = messages_of(request.messages)
        if "cache" not in lacks:
            mark(parameters, request, turns="turns" not in lacks)
        return parameters


def _shut(events: Any) -> None:
    """Let the thread that reads a stream go on at once: botocore bounds each silence, and not the
    whole, and `close` would wait for the reader."""
    with suppress(AttributeError, OSError, RuntimeError, ValueError):
        events._raw_stream.shutdown()


@contextmanager
def translated(name: str, setting: str, deadline: Deadline) -> Iterator[None]:
    """Translate errors inside the block into ModelUnavailable or ModelRejected."""
    try:
        yield
    except ClientError as err:
        raise answered_error(name, setting, err) from err
    except (BotoCoreError, HTTPError, ParserError, ResponseParserError, OSError) as err:
        raise no_answer(name, deadline, err) from err
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as err:
        raise ModelUnavailable(f"{name}: answered something else than its model's JSON") from err
