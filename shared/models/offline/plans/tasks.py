"""The tasks that plans of the offline model give to it, in a module that loads at once."""

SUMMARY = "Write a summary."
LIST = "List what was found."
TITLE = "Write the title of a follow-up issue."
BODY = "Write the text of a follow-up issue."
ASK = "Ask what to do, because this names nothing that can be done:"
UNDONE = "Say what is not done:"
#: Opens what is told of a deed that no tool does.
NO_MEANS = "I have no means to do this: "


def is_of_a_plan(task: str, material: str) -> bool:
    """Does a plan want this text? It hands over what its steps found as JSON."""
    wanted = (SUMMARY, LIST, TITLE, BODY, ASK, UNDONE)
    return task.strip().startswith(wanted) or material.startswith(("{", "["))
