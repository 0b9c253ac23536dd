"""What the GitHub App asks of GitHub in its own name, with PyGithub: where no event waits for it.

client       PyGithub's requester, under this project's rules
deliveries   the app's list of webhook deliveries; sends one again
redelivery   chooses what is sent again, and counts what came back and what is lost
function     the function that does so every 15 minutes

docs/decisions/0008-platform-clients.md says why the flows' functions do without PyGithub.
"""
