-- claim_run (shared/journal.sql) judges by itself, once, whether a signed body is a repeat.
drop function is_repeat(text, text, text, text);
