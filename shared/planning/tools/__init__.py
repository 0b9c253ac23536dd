'''Tools that plans may use, ready to be listed in a flow's `Plans(tools=…)`.

A flow author adds one in ten lines. This one reads; its docstring is what the model is told, its
types say what a plan may hand in and refer to (`items[0].name`):

    @frozen
    class Named:
        items: tuple[str, ...]

    @reads(needs="repository")
    def label_names(agent: Agent) -> Named:
        """List the names of the repository's labels."""
        found = agent.read(ListLabels(agent.event.repository))
        return Named(tuple(label["name"] for label in found))

One that writes is handed the event and returns an action that the flow's `may=` names; it is shown,
approved and done exactly once elsewhere. `content` names the parameters that are only what is
written; all others say where and to whom, which no text that a plan reads may change by itself:

    @writes(Comment, content=("name",), needs="issue")
    def thank(event: Event, name: str) -> Comment:
        """Thank somebody in this issue."""
        return Comment(event.issue, f"Thank you, {name}!")

Texts of people come back as fields of the results. Models see them as data, whatever they say.
'''
