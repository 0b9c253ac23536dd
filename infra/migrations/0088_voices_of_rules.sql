-- Of which file somebody said what became a rule: only where several people said so of other files does it reach further.

alter table rule_evidence add column path text not null default '';
