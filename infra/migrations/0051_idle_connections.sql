-- A warm function keeps its connection, and a frozen one cannot give it back. So the server ends what has been idle for
-- minutes: a database that may pause sleeps only when nobody is connected. Whoever comes later connects anew.
-- https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2-auto-pause.html
do $$
begin
  execute format('alter database %I set idle_session_timeout = %L', current_database(), '5min');
end $$;
