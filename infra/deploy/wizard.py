"""Goes through the steps of a deployment in order, as often as it takes."""

from collections.abc import Sequence

from infra.deploy.steps.step import Sitting, Step, later

STEPS: Sequence[Step] = (
    Step("checks", "checks the settings, the credentials and the clock", later("checks.run")),
    Step(
        "models",
        "finds models that work here, and tries each with one call",
        later("models.run"),
    ),
    Step(
        "room",
        "reserves Lambda concurrency for the ingress, if there is enough",
        later("room.run"),
    ),
    Step(
        "aurora",
        "creates an Aurora database, with DATABASE=aurora",
        later("aurora.run"),
        later("aurora.done"),
    ),
    Step("secrets", "stores the secrets in AWS Secrets Manager", later("keep.run")),
    Step(
        "schema",
        "brings the database to the current schema",
        later("migrate.run"),
        later("migrate.done"),
    ),
    Step(
        "functions",
        "builds and deploys with SAM",
        later("functions.run"),
        later("functions.done"),
    ),
    Step("live", "notes in the database that this release is live", later("migrate.live")),
    Step("looks", "looks once for work that waits", later("looks.run")),
    Step("rotation", "schedules the rotation of the database's passwords", later("rotation.run")),
    Step(
        "github",
        "registers the GitHub App",
        later("github.register"),
        later("github.registered"),
    ),
    Step(
        "installation",
        "installs the App, and tells it the webhook",
        later("github.install_app"),
        later("github.left"),
    ),
    Step(
        "slack",
        "makes the Slack app, and installs it",
        later("slack.run"),
        later("slack.left"),
    ),
    Step(
        "proof",
        "lets each platform deliver something",
        later("proof.run"),
        later("proof.done"),
    ),
)


#: Those that change nothing.
CHECKS = STEPS[:3]


def go_through(sitting: Sitting, steps: Sequence[Step] = STEPS) -> None:
    """Take each step that is not done. Where one stops, the next call goes on."""
    _take(sitting, steps)
    sitting.say("")
    for name, address in sitting.outputs.items():
        if not name.endswith("Function"):
            sitting.say(f"{name}: {address}")


def check(sitting: Sitting) -> None:
    """Take the steps that change nothing."""
    _take(sitting, CHECKS)


def _take(sitting: Sitting, steps: Sequence[Step]) -> None:
    for number, step in enumerate(steps, 1):
        there = step.done(sitting)
        sitting.say(f"\n[{number}/{len(steps)}] {step.name}: {there or step.does}")
        if not there:
            step.run(sitting)
