"""Evidence or silence: an answer says where it knows something from, and only what still stands.

A **passage** is a text that a run has read, with a number. A model marks its sentences with these
numbers; a **citation** is shown once a program has checked its passage. docs/slack.md says how.

passages   a passage, and the numbered passages of one run
units      cuts a growing answer into sentences, items of lists, blocks of code
answer     which units of an answer stay, their new numbers, the list of sources
gate       lets a growing answer through, unit by unit
readers    everybody who may see the answer
repositories  the connected repositories that all of them see
standing   checks if passages still stand in their sources, and if all readers may see them
kinds      what an answer declares itself to be, and which questions ask for facts
small_talk tells talk from facts by how sentences are built
titles     names sources in Slack as people do
unknown    "I don't know": what was searched, and whom to ask
gaps       what was asked and not answered, for who writes documentation
searching  the tools with which a model searches GitHub, Slack and the memory
desk       EvidenceDesk, which a flow borrows
unasked    answers what nobody asked the agent, when it is sure
"""
