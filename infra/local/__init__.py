"""The embedded system: the whole product on one machine.

__main__             ./scripts/dev
system               starts and stops all parts
aws/                 AWS: the template on moto, functions as processes
sandbox/             stand-ins for GitHub and Slack, and the page that shows them
postgres             the embedded Postgres; `postgres_files` are its files and its user
model_choice         chooses the models that this machine can reach
samples              one sample of each kind, shown at the start
app_deliveries       brings a real GitHub App's deliveries; `posted_deliveries` remembers them
socket_mode          brings a real Slack workspace's requests here
http_server          a WSGI server on loopback
"""
