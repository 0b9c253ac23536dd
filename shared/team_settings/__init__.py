"""Team settings: what a team says about flows in `.github/agent-flows.yml` of its repository, or
for all repositories of an organisation in the one named `.github`.

keys        each key with its default, its bounds and what it is for; the published schema
yaml_lines  reads YAML with the line of each value, and nothing that could hurt
resolving   the value of each key, and where it comes from
channels/   what people of a channel in Slack set there
telling     what people read of it: the settings, and what is wrong with a file
desk        what a flow asks
"""
