-- Who may do what is asked of the platform once and kept: `may_write` says whether who asked for the plan may write there.
alter table plans add column may_write boolean not null default false;

-- `decider` names who answered by the id of the account (`github:1`), where `decided_by` is the name that people read.
alter table approvals add column decider text not null default '';
