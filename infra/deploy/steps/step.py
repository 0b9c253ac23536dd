"""A step of a deployment, and the sitting that its steps share."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from infra.apps.person import Person
from infra.apps.state import FOLDER, State
from infra.configuration.destinations import DEPLOYED
from infra.deploy import stack
from infra.deploy.clock import Dated
from infra.deploy.stack import DeployError, Destination
from infra.deploy.stages import Stage
from shared.settings import Settings

if TYPE_CHECKING:
    from infra.deploy.credentials import Credentials


class Sitting:
    """One go through the steps, by one person at one terminal, for one stack.

    What it holds was learned in this process; what must outlive it is in `state`, or is asked of
    AWS, GitHub and Slack again.
    """

    def __init__(
        self,
        place: Destination,
        environment: Mapping[str, str],
        person: Person,
        stage: Stage,
        *,
        folder: Path | None = None,
    ) -> None:
        """Raises DeployError without a region, and botocore's errors without credentials."""
        import boto3

        from infra.deploy.aws_errors import signing_in

        self.session = boto3.Session(
            profile_name=place.profile or None, region_name=place.region or None
        )
        if self.session.region_name is None:
            raise DeployError("no region; set AWS_REGION or pass --region, such as eu-central-1")
        self.place = place._replace(region=self.session.region_name)
        self._clients: dict[str, Any] = {}
        self.environment = dict(environment)
        self.person = person
        self.stage = stage
        began = time.time()
        with signing_in(self.session, self.place.region):
            answer = self.client("sts").get_caller_identity()
        self.account: str = answer["Account"]
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date", "")
        #: AWS's time.
        self.dated = Dated(date, began, time.time())
        self.state = State.of(place.stack, self.place.region, self.account, folder or FOLDER)

    @cached_property
    def kept(self) -> dict[str, str]:
        """The settings that the deployment has, by variable."""
        from infra.deploy import kept

        return kept.of_deployment(self.session, self.place.stack, self.place.prefix)

    @property
    def deployed(self) -> dict[str, str]:
        """The settings that the deployment shall have: those given now over those it has."""
        given = {name: self.environment[name] for name in DEPLOYED & self.environment.keys()}
        return {**self.kept, **given}

    @property
    def settings(self) -> Settings:
        """What is given now over what the deployment has; secrets only as they are given."""
        return Settings.from_environment({**self.kept, **self.environment})

    @property
    def connected(self) -> Settings:
        """The settings, with the credentials that are stored."""
        return self.credentials.under(self.settings, self.environment)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self.session.client(service)
        return self._clients[service]

    @cached_property
    def credentials(self) -> "Credentials":
        """The credentials in Secrets Manager."""
        from infra.deploy.credentials import Credentials

        return Credentials(self.client("secretsmanager"), self.place.prefix)

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The outputs of the stack, which is deployed."""
        return stack.outputs(self.client("cloudformation"), self.place.stack)

    def say(self, line: str) -> None:
        self.person.say(line)


class Step(NamedTuple):
    """`run` does what is left of it, and may be called at any time: it asks first what is there.

    `done` says what is there when nothing is left, else ''.
    """

    name: str
    does: str
    run: Callable[[Sitting], None]
    done: Callable[[Sitting], str] = lambda _: ""


@contextmanager
def goes_on(sitting: Sitting, left: str) -> Iterator[None]:
    """Do what only the same command ends when it is cut off in the middle, and say so then."""
    try:
        yield
    except BaseException:
        sitting.say(f"cut off: {left}; the same command ends it")
        raise


def left_out(sitting: Sitting, platform: str) -> str:
    """Tell that a platform is not connected, and where that is changed."""
    table = f"[{sitting.stage.name}.agent_flows.parameters] of samconfig.toml"
    return f"left out; to connect it, set {platform} in {table}"


def later(name: str) -> Callable[[Sitting], Any]:
    """Return what calls `module.function` of this package, and loads it only then: the usage of
    ./scripts/deploy needs no environment."""
    module, _, function = name.partition(".")

    def call(sitting: Sitting) -> Any:
        return getattr(import_module(f"infra.deploy.steps.{module}"), function)(sitting)

    return call
