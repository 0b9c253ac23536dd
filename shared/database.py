"""One connection to Postgres per function process: pipelined transactions, reconnection, named SQL blocks."""
