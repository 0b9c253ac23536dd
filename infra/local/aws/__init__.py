"""AWS on this machine: the template, transformed and deployed to moto; functions as processes.

cloud             the running stack of one template
template          template.yaml as plain CloudFormation
stack             creates its resources in order; `resources` has one function per type
account           moto's services behind one endpoint; `moto_repairs` corrects them
functions         pools of `environments`, whose `processes` run `bootstrap`, forked by `forker`
gateway           API Gateway
lambda_api        Lambda's Invoke
queues            event source mappings, from a queue to its function
schedules         EventBridge Scheduler; `cron` reads its expressions
state_machines    Step Functions, on `asl_interpreter`; `states_api` is its API
no_batch          keeps the import of that interpreter short
store             messages, objects and executions that survive a kill
errors            failures of the local cloud
"""
