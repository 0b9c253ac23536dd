"""Brings a database to the current schema: the numbered .sql files here, each once, in order.

files       reads the files: whether each adds or takes away, and its steps
applying    applies them, and goes on where an attempt ended
record      what the database knows of them
progress    how far another process is
watching    starts them and shows it; used by ./scripts/deploy and ./scripts/flows migrate
checking    looks whether a database can carry the system
function    the Lambda function
logins      the logins of the functions
"""

from infra.migrations.applying import migrate
from infra.migrations.files import Migration, migrations

__all__ = ["Migration", "migrate", "migrations"]
