"""What would change is named, without a secret's value, and nothing changes (emulated by moto)."""

from infra.deploy import kept, pieces, rollouts
from infra.deploy.steps import diff
from infra.deploy.steps.step import Sitting
from tests.infra.deploy.conftest import AwsAccount


def test_settings_are_shown_and_secrets_only_named(account: AwsAccount, sitting: Sitting) -> None:
    kept.write(sitting.client("ssm"), "agents", {"FOOTER": "on", "TENANTS": "a=github:a"})
    manager = sitting.client("secretsmanager")
    manager.create_secret(Name="agents/slack", SecretString='{"slack_bot_token": "hidden-1"}')
    manager.create_secret(Name="agents/models", SecretString='{"openai_api_key": "hidden-2"}')
    sitting.environment |= {
        "FOOTER": "off",
        "MODEL_SMALL": "offline",
        "SLACK_BOT_TOKEN": "hidden-3",
        "SLACK_SIGNING_SECRET": "hidden-4",
        "OPENAI_API_KEY": "hidden-2",
    }
    now = {"FOOTER": "off", "TENANTS": "a=github:a", "MODEL_SMALL": "offline"}
    assert list(diff.settings_changes(sitting, now)) == [
        "FOOTER: 'on' → 'off'",
        "MODEL_SMALL: 'not set' → 'offline'",
    ]
    named = list(diff.secret_changes(sitting))
    assert named == ["agents/webhooks: slack_signing_secret", "agents/slack: slack_bot_token"]
    assert not any("hidden" in line for line in named)


def test_pieces_that_functions_share_are_named(account: AwsAccount, sitting: Sitting) -> None:
    every = list(diff.shared_changes(sitting, {}))
    assert every == ["the template", "the database's schema", "what functions hand each other"]
    known = rollouts.Rollouts(pieces=pieces.digests({}))
    rollouts.save(sitting.client("ssm"), "agents", known)
    assert not list(diff.shared_changes(sitting, {}))
    older = {**known.pieces, "the template": "older"}
    rollouts.save(sitting.client("ssm"), "agents", known._replace(pieces=older))
    assert list(diff.shared_changes(sitting, {"FOOTER": "off"})) == ["the template"]
