"""Everything that speaks to AWS without boto3.

bus                  publishes events to SNS, and loads them from a queue's message
queue                hides a queue's message for a while, or moves it to the dead-letter queue
secrets              reads the function's secrets, and again when they change
executions           starts and wakes executions of the planner
scheduler            one-time schedules, each of which publishes one event
looks                sets the clock for what looks after waiting work
signed_http          signed requests over one connection
root_certificates    the roots of AWS's certificates
cold_start           keeps the garbage collector off while modules load
"""
