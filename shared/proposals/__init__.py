"""Proposals: what the agent would do for a person outside of the conversation. A person says yes
to exactly that, or nothing is done.

    proposal      what may be proposed, as values
    requests      makes one of what people want: the place, the issue, the labels
    reminders     reminders for others, as proposals
    drafting      writes an issue from a thread
    desk          keeps what is proposed
    messages      the message that asks, and later says what became of it
    answers       takes a person's answer, once
    tools         the tools by which a model proposes
    where         asks which repository is meant, and goes on with the answer
    connected     which repositories a place in Slack works on
    done          tells a thread what another flow did for it
    carrying_out  does what was approved
"""
