"""Forms: the dialogs that people fill in in Slack, declared once.

    table       every form of the system, and which press opens it
    showing     a form as Slack's view: empty, filled, while people wait, and with problems
    submission  the values that somebody submitted, and what the declaration alone finds wrong

The front door opens them and checks them without a database (shared/web/dialogs.py), and flows fill
them and take what was submitted. So this imports nothing but small modules of Python.
"""

from typing import Literal, NamedTuple

Kind = Literal["text", "lines", "choice", "several", "date", "time", "channel"]


class Choice(NamedTuple):
    value: str
    label: str


class Field(NamedTuple):
    """One field. A text has `shortest` to `longest` characters and matches the whole `pattern`,
    whose form `expected` tells. The `choices` of a field may also come from the flow that fills it.

    Slack takes at most 3,000 characters: see
    https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element
    """

    name: str
    label: str
    kind: Kind = "text"
    required: bool = True
    longest: int = 3_000
    shortest: int = 0
    pattern: str = ""
    expected: str = ""
    hint: str = ""
    choices: tuple[Choice, ...] = ()


class Form(NamedTuple):
    """A dialog. Submitting it makes an event of the type `slack.form.<name>`.

    The shortcut of its name opens it, a button with the `action_id` `open.<name>`, and what
    `opened_by` names: `shortcut:new-issue` for another shortcut, `command:settings` for a slash
    command without an argument, `feedback:bad` for the button `press.feedback` with a value that
    begins so. A form that a flow `fills` opens
    with a view that says so, and makes the event `slack.opened.<name>`. After the submission it
    closes, or shows what it `waits` for until the flow changes it.
    """

    name: str
    title: str
    fields: tuple[Field, ...]
    submit: str = "Save"
    intro: str = ""
    opened_by: tuple[str, ...] = ()
    fills: bool = False
    waits: str = ""
