"""What a table holds, as text, to see that something is not in it."""

from shared.database import Database, Statement


def table_text(database: Database, table: str, but: str = "", tenant: str = "github:acme") -> str:
    """All rows of `table`, without those of the event `but`: a request quotes what it names."""
    where = {
        "events": "id <> %(but)s",
        "steps": "run_id not in (select id from runs where event_id = %(but)s)",
        "effects": "run_id not in (select id from runs where event_id = %(but)s)",
    }.get(table, "true")
    sql = f"select t::text as row from {table} as t where {where}"
    [found] = database.run(tenant, [Statement(sql, {"but": but})])
    return "\n".join(row["row"] for row in found)
