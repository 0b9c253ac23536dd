-- name: drop_peers
-- What another measurement left.
drop table if exists peer_langchain, peer_mem0;

-- name: peer_indexes
-- The costly indexes of a peer's table; they are dropped for the load and built again after it.
select i.oid::regclass::text as name, pg_get_indexdef(i.oid) as definition
from pg_class as i join pg_am on pg_am.oid = i.relam and pg_am.amname in ('hnsw', 'gin')
join pg_index as x on x.indexrelid = i.oid
where x.indrelid = %s::regclass;

-- name: fill_langchain
-- The same texts and vectors; halfvec to vector loses nothing.
insert into peer_langchain (langchain_id, content, embedding, tenant, ref)
select m.id, m.text, v.embedding::vector, m.tenant, m.ref
from memories as m join memory_vectors as v on v.tenant = m.tenant and v.memory = m.id;

-- name: fill_mem0
-- The payload has what mem0's Memory puts there.
insert into peer_mem0 (id, vector, payload)
select m.id, v.embedding::vector,
       jsonb_build_object('user_id', m.tenant, 'data', m.text, 'text_lemmatized', lower(m.text), 'hash', md5(m.text),
                          'created_at', m.remembered_at, 'ref', m.ref)
from memories as m join memory_vectors as v on v.tenant = m.tenant and v.memory = m.id;

-- name: tenant_index_langchain
-- What neither guide asks for, and who knows Postgres would add.
create index peer_langchain_by_tenant on peer_langchain (tenant);

-- name: tenant_index_mem0
-- The same for mem0.
create index peer_mem0_by_tenant on peer_mem0 ((payload ->> 'user_id'));
