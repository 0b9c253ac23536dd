"""Amazon Bedrock's batch inference: a job reads requests from S3 and writes results there.

https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference-data.html: a record holds the
parameters of Converse, tools included, so they are written as for a call.
"""

import json
import re
from base64 import b64encode
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from shared.errors import ModelError, ModelRejected, ModelUnavailable
from shared.events import Json
from shared.models import ModelReply
from shared.models.batch import (
    BatchItem,
    BatchProgress,
    BatchProvider,
    BatchResult,
    discounted,
    ended_early,
    written,
)
from shared.models.deadline import Deadline
from shared.models.prices import Prices
from shared.models.providers.bedrock.failures import answered_error, no_answer
from shared.models.providers.bedrock.model import BedrockModel, id_of, session
from shared.models.providers.failures import unavailable
from shared.models.providers.reply_reader import fields, number, said
from shared.patterns import lazily
from shared.settings import Settings, aws_region

_SECONDS = 30.0
_RUNNING = frozenset({"Submitted", "Validating", "Scheduled", "InProgress", "Stopping"})
_ENDED = frozenset({"Completed", "PartiallyCompleted", "Expired", "Stopped"})
_INPUT = "input.jsonl"
#: Words of a job that failed because of what some record holds.
_OF_RECORDS = lazily(r"\b(record|line|modelInput|recordId)s?\b", re.IGNORECASE)
_OUTPUT = "output/"


def connect(name: str, settings: Settings, setting: str) -> BatchProvider:
    """Return the batches of the model called `name`; error messages point to `setting`.

    Raises SettingsError when BATCH_BUCKET or BATCH_ROLE_ARN is not set.
    """
    bucket, role = settings.require("batch_bucket"), settings.require("batch_role_arn")
    return BedrockBatches(name, setting, bucket, role, Prices(settings.model_prices))


class BedrockBatches:
    """The batches of one model. Parts that the model refuses are left out of the next one."""

    #: https://docs.aws.amazon.com/general/latest/gr/bedrock.html, "Minimum number of records per
    #: batch inference job": the same for all known models.
    least = 100
    most = 50_000

    def __init__(self, name: str, setting: str, bucket: str, role: str, prices: Prices) -> None:
        self.name = name
        self._setting = setting
        self._model = BedrockModel(name, setting, prices)
        self._prices = prices
        self._id = id_of(name)
        self._bucket = bucket
        self._role = role

    def submit(self, batch: str, items: Sequence[BatchItem]) -> str:
        """Submit the items; done twice under one name it is one job."""
        if len(items) < self.least:
            raise ModelRejected(
                f"{self.name}: a batch of {len(items)} requests is too small; Bedrock takes"
                f" {self.least} at least"
            )
        lines = "\n".join(written(items, self._line))
        with self._translated():
            # A lone surrogate, which JSON can smuggle in, cannot be sent as UTF-8.
            body = lines.encode("utf-8", "replace")
            self._s3.put_object(Bucket=self._bucket, Key=_folder(batch) + _INPUT, Body=body)
            made = self._jobs.create_model_invocation_job(
                jobName=batch,
                clientRequestToken=batch,
                modelId=self._id,
                roleArn=self._role,
                modelInvocationType="Converse",
                inputDataConfig={"s3InputDataConfig": {"s3Uri": self._uri(batch) + _INPUT}},
                outputDataConfig={"s3OutputDataConfig": {"s3Uri": self._uri(batch) + _OUTPUT}},
                timeoutDurationInHours=24,
            )
            return str(made["jobArn"])

    def find(self, batch: str, *, since: float = 0.0, other: Collection[str] = ()) -> str | None:
        with self._translated():
            page = self._jobs.list_model_invocation_jobs(nameContains=batch, maxResults=100)
            jobs = page.get("invocationJobSummaries", ())
            return next((str(job["jobArn"]) for job in jobs if job["jobName"] == batch), None)

    def poll(self, handle: str) -> BatchProgress:
        job = self._job(handle)
        state = job["status"]
        done, total = job.get("processedRecordCount", 0), job.get("totalRecordCount", 0)
        if state in _RUNNING:
            return BatchProgress("running", done, total)
        if state in _ENDED:
            return BatchProgress(
                "ended", done, total, "" if state == "Completed" else ended_early(state)
            )
        reason = f"{self.name}: the job failed; look at {handle}"
        refused = bool(_OF_RECORDS.search(said(job.get("message"))))
        return BatchProgress("failed", done, total, reason, refused)

    def results(self, handle: str) -> Iterator[BatchResult]:
        uri = urlsplit(self._job(handle)["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"])
        key = f"{uri.path.strip('/')}/{handle.rpartition('/')[2]}/{_INPUT}.out"
        with self._translated():
            try:
                found = self._s3.get_object(Bucket=uri.netloc, Key=key)
            except self._s3.exceptions.NoSuchKey:
                return  # It ended before anything was answered.
            for line in filter(bytes.strip, found["Body"].iter_lines(65536)):
                with suppress(ValueError, RecursionError):
                    record = fields(json.loads(line))
                    yield BatchResult(said(record.get("recordId")), self._outcome(record))

    def cancel(self, handle: str) -> None:
        with self._translated():
            self._jobs.stop_model_invocation_job(jobIdentifier=handle)

    def _line(self, item: BatchItem) -> str:
        body = self._model.parameters(item.request)
        del body["modelId"]
        record = {"recordId": item.id, "modelInput": body}
        return json.dumps(record, ensure_ascii=False, default=_base64)

    def _outcome(self, record: Mapping[str, Any]) -> ModelReply | ModelError:
        """Return the reply of a record, or its error."""
        if "modelOutput" in record:
            try:
                return discounted(self._model.read(fields(record, "modelOutput")))
            except ModelUnavailable as err:
                return err
        error = fields(record, "error")
        status = number(error.get("errorCode")) or 500
        if status in {408, 424, 429} or status >= 500:
            return unavailable(self.name, status, None)
        refused = f"{self.name}: refused the request; look at {self._setting} ({status})"
        words = said(error.get("errorMessage"))
        self._model.learn(words)
        # The batch may have been written before this model learnt that.
        if BedrockModel(self.name, self._setting, self._prices).learn(words):
            return ModelUnavailable(f"{refused}; the next batch will leave it out")
        return ModelRejected(refused)

    def _job(self, handle: str) -> Json:
        with self._translated():
            job: Json = self._jobs.get_model_invocation_job(jobIdentifier=handle)
            return job

    def _uri(self, batch: str) -> str:
        return f"s3://{self._bucket}/{_folder(batch)}"

    @cached_property
    def _jobs(self) -> Any:
        region = session().get_config_variable("region") or aws_region()
        return session().create_client("bedrock", region_name=region, config=_CONFIG)

    @cached_property
    def _s3(self) -> Any:
        region = session().get_config_variable("region") or aws_region()
        return session().create_client("s3", region_name=region, config=_CONFIG)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Translate errors inside the block into ModelUnavailable or ModelRejected."""
        try:
            yield
        except ClientError as err:
            problem = answered_error(self.name, self._setting, err)
            if isinstance(problem, ModelUnavailable):
                raise problem from err
            code = err.response.get("Error", {}).get("Code", "")
            raise ModelRejected(
                f"{self.name}: {err.operation_name} was refused [{code}]; look at BATCH_BUCKET,"
                " BATCH_ROLE_ARN, AWS_REGION and the function's role"
            ) from err
        except (BotoCoreError, HTTPError, OSError) as err:
            raise no_answer(self.name, Deadline(_SECONDS), err) from err
        except (KeyError, TypeError, AttributeError, ValueError) as err:
            raise ModelUnavailable(f"{self.name}: answered something else than a batch") from err


_CONFIG = Config(
    connect_timeout=10.0,
    read_timeout=_SECONDS,
    retries={"total_max_attempts": 1, "mode": "standard"},
)


def _folder(batch: str) -> str:
    return f"batches/{batch}/"


def _base64(data: bytes) -> str:
    return b64encode(data).decode()
