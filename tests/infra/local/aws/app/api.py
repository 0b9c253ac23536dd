"""The function behind the test API: publishes events, echoes requests, misbehaves when asked to."""

import json
import os
from typing import Any

import boto3

SNS = boto3.client("sns")


def handler(event: dict[str, Any], context: Any) -> Any:
    if event["resource"] == "/events":
        return publish(json.loads(event["body"]))
    if event["resource"] == "/echo/{name}":
        return echo(event)
    return {"statusCode": 200, "body": event["pathParameters"]["path"]}


def publish(wanted: dict[str, Any]) -> dict[str, Any]:
    SNS.publish(
        TopicArn=os.environ["TOPIC_ARN"],
        Message=json.dumps(wanted["message"]),
        MessageGroupId=wanted["conversation"],
        MessageDeduplicationId=wanted["id"],
        MessageAttributes={"type": {"DataType": "String", "StringValue": wanted["type"]}},
    )
    return {"statusCode": 200, "body": "published"}


def echo(event: dict[str, Any]) -> Any:
    name = event["pathParameters"]["name"]
    if name == "raise":
        raise ValueError("as asked")
    if name == "malformed":
        return "no response"
    if name == "binary":
        headers = {"Content-Type": "image/png"}
        return {"statusCode": 200, "headers": headers, "body": "/wA=", "isBase64Encoded": True}
    if name == "environment":
        return {"statusCode": 200, "body": json.dumps(dict(os.environ))}
    return {
        "statusCode": 201,
        "headers": {"X-Echo": name},
        "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]},
        "body": json.dumps(event),
    }
