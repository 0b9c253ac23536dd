"""The buttons below an answer, by which people say what they make of it.

https://docs.slack.dev/reference/block-kit/block-elements/feedback-buttons-element
"""

from shared.events import Json

#: The type of the event that a press makes, without `slack.`; the form that asks why opens too.
FEEDBACK = "press.feedback"


def thumbs() -> Json:
    """Return Slack's feedback buttons. They name nothing: the message above them does."""
    return {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": FEEDBACK,
                "positive_button": _button("👍", "good", "This answer helps"),
                "negative_button": _button("👎", "bad", "This answer does not help"),
            }
        ],
    }


def _button(sign: str, value: str, label: str) -> Json:
    text = {"type": "plain_text", "text": sign}
    return {"text": text, "value": value, "accessibility_label": label}
