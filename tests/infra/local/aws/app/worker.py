"""A worker that does what its messages say, and writes down what it did."""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any


def handler(event: dict[str, Any], context: Any) -> Any:
    failures = []
    for record in event.get("Records", []):
        message = json.loads(record["body"])
        attempt = int(record["attributes"]["ApproximateReceiveCount"])
        if not run(message, attempt, record, len(event["Records"])):
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}


def run(message: dict[str, Any], attempt: int, record: dict[str, Any], batch: int) -> bool:
    """Do what the message says; the first `until` attempts go wrong in the way of `wrong`."""
    line = {
        "name": message.get("record"),
        "attempt": attempt,
        "batch": batch,
        "at": time.time(),
        "pid": os.getpid(),
        "conversation": record["attributes"]["MessageGroupId"],
        "type": record["messageAttributes"]["type"]["stringValue"],
    }
    with open(os.environ["RECORD"], "a") as file:
        file.write(json.dumps(line) + "\n")
    print("worked on", message.get("record"))
    time.sleep(message.get("seconds", 0))
    while "after" in message and not beside(message["after"]).exists():
        time.sleep(0.01)
    healed = beside(message.get("unless", "nothing")).exists()
    if attempt <= message.get("until", 0) and not healed:
        return go_wrong(message["wrong"])
    return True


def beside(name: str) -> Path:
    return Path(os.environ["RECORD"]).with_name(name)


def go_wrong(how: str) -> bool:
    match how:
        case "raise":
            raise RuntimeError("as asked")
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            sys.exit(3)
        case "sleep":
            time.sleep(30)
        case "hold":
            try:
                time.sleep(60)
            finally:
                beside("let go").touch()
    return False


def echo(event: dict[str, Any], context: Any) -> Any:
    """Return what was asked for; `wrong` goes wrong."""
    if "wrong" in event:
        go_wrong(event["wrong"])
    if "large" in event:
        return "x" * event["large"]
    return {"pid": os.getpid(), "arn": context.invoked_function_arn, "event": event}
