"""The sandbox answers, and the adapter asks, as GitHub's own description of its API says."""

import json
from typing import Any

from github import Auth, Github, GithubIntegration
from github.PullRequest import PullRequest, ReviewComment
from github.Repository import Repository
from urllib3 import request

from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.github.git.commits import Content, Link, Submodule
from tests.actions.github.sandbox_issue import SHOP
from tests.infra.local.sandbox.github.clients import app as app_of
from tests.infra.local.sandbox.github.clients import client as client_of
from tests.infra.local.sandbox.github.openapi import (
    description,
    faults,
    operation_of,
    webhook_faults,
)


def test_every_endpoint_answers_as_github_describes_it(sandbox: GitHubSandbox) -> None:
    sandbox.webhook_url = "http://127.0.0.1:9/nobody-listens"
    _use_the_app(sandbox)
    _use_a_repository(sandbox)
    exchanges = sandbox.exchanges()
    assert not [fault for exchange in exchanges for fault in faults(exchange)]
    used = {operation_of(exchange) for exchange in exchanges}
    assert set(description()["operations"]) - used == set()


_REACHED = "/installation/repositories"


def _use_the_app(sandbox: GitHubSandbox) -> None:
    sandbox.open_issue("acme/shop", "First")
    sandbox.settle()
    auth = Auth.AppAuth(str(sandbox.app_id), sandbox.private_key)
    app = GithubIntegration(
        auth=auth, base_url=sandbox.api_url, seconds_between_requests=0, seconds_between_writes=0
    )
    installation = app.get_repo_installation("acme", "shop")
    assert [one.id for one in app.get_installations()] == [installation.id]
    token = app.get_access_token(installation.id).token
    reached = client_of(sandbox, token).requester.requestJsonAndCheck("GET", _REACHED)[1]
    assert [one["full_name"] for one in reached["repositories"]] == ["acme/shop"]
    assert app.get_app().slug == "agent-flows"
    for verb, sent in (("GET", None), ("PATCH", {"content_type": "json"})):
        app.requester.requestJsonAndCheck(verb, "/app/hook/config", input=sent)
    manifest = {"url": "http://127.0.0.1", "redirect_url": "http://127.0.0.1/made"}
    made = sandbox.registration.create("", json.dumps(manifest), "Another", "")
    code = made.rpartition("=")[2]
    app.requester.requestJsonAndCheck("POST", f"/app-manifests/{code}/conversions")
    for path in ("", "/{id}", "/{id}/attempts"):
        delivery = sandbox.deliveries()[0]["id"]
        verb = "POST" if path.endswith("attempts") else "GET"
        app.requester.requestJsonAndCheck(verb, "/app/hook/deliveries" + path.format(id=delivery))


def _use_a_repository(sandbox: GitHubSandbox) -> None:
    client = Github(
        auth=Auth.Token(sandbox.token),
        base_url=sandbox.api_url,
        seconds_between_requests=0,
        seconds_between_writes=0,
    )
    assert client.get_user().login == "agent-flows[bot]"
    client.get_rate_limit()
    assert [one.full_name for one in client.get_user().get_repos()] == ["acme/shop"]
    repository = client.get_repo("acme/shop")
    repository.create_label("new", "ffffff", "A new one")
    repository.get_label("new").delete()
    list(repository.get_labels())
    repository.get_collaborator_permission("li")
    issue = repository.create_issue("Title", "Body", labels=["bug"])
    issue.edit(title="Another", body="Other", state="closed")
    list(repository.get_issues(state="all"))
    list(repository.get_issues_comments())
    list(client.search_issues("repo:acme/shop is:issue another"))
    path = f"/repos/acme/shop/issues/{issue.number}/labels"
    client.requester.requestJsonAndCheck("POST", path, input={"labels": ["question"]})
    issue.remove_from_labels("question")
    client.requester.requestJsonAndCheck("PUT", path, input={"labels": ["security"]})
    list(issue.get_labels())
    issue.delete_labels()
    comment = issue.create_comment("Hello")
    repository.get_issue(issue.number).get_comment(comment.id).edit("Hello again")
    list(issue.get_comments())
    for thing in (issue, comment):
        reaction = thing.create_reaction("eyes")
        list(thing.get_reactions())
        thing.delete_reaction(reaction.id)
    comment.delete()
    milestone = repository.create_milestone("1.0", description="The first")
    issue.edit(milestone=repository.get_milestone(milestone.number))
    assert [one.title for one in repository.get_milestones()] == ["1.0"]
    issue.lock("resolved")
    issue.unlock()
    assert repository.has_in_assignees("li")
    issue.add_to_assignees("li", "nobody")
    issue.remove_from_assignees("li")
    assert [one.event for one in issue.get_events()][-2:] == ["assigned", "unassigned"]
    pull = repository.create_pull(base="main", head="change", title="Change", body="It")
    list(repository.get_pulls())
    repository.get_pull(pull.number).edit(state="closed")

    _use_the_files(client, repository, sandbox)


def _use_the_files(client: Github, repository: Repository, sandbox: GitHubSandbox) -> None:
    before = sandbox.push(
        "acme/shop", {"README.md": "# Shop", "docs/a b.md": "A", "to": Link("docs")}
    )
    files: dict[str, Content] = {"docs/a b.md": None, "docs/b.md": "A", "lib": Submodule("1" * 40)}
    after = sandbox.push("acme/shop", files)
    assert repository.get_git_ref("heads/main").object.sha == after
    tree = repository.get_git_tree(after, recursive=True)
    assert [entry.path for entry in tree.tree] == ["README.md", "docs", "docs/b.md", "lib", "to"]
    repository.get_git_blob(tree.tree[0].sha)
    assert [one.sha for one in repository.get_commits()] == [after, before]
    list(client.search_code("shop repo:acme/shop"))
    repository.create_git_ref("refs/heads/fix", after)
    repository.create_file("lib.py", "Add", "1", branch="fix")
    made = repository.create_file("new.py", "Add", "1\n", branch="fix")["content"]
    repository.update_file("new.py", "Change", "2\n", made.sha, branch="fix")
    pull = repository.create_pull(base="main", head="fix", title="Fix", body="It", draft=True)
    list(pull.get_commits())
    assert [one.number for one in repository.get_commit("fix").get_pulls()] == [pull.number]
    sandbox.push(SHOP, {"later.md": "1\n"})
    assert pull.update_branch()
    pull.create_review_request(["li"])
    list(pull.get_review_requests()[0])
    pull.delete_review_request(["li"])
    _review(sandbox, pull)
    _check(sandbox, pull)
    assert [(one.filename, one.patch) for one in pull.get_files()] == [
        ("lib.py", "@@ -0,0 +1 @@\n+1\n\\ No newline at end of file"),
        ("new.py", "@@ -0,0 +1 @@\n+3"),
    ]
    repository.get_git_ref("heads/fix").delete()
    assert repository.get_pull(pull.number).state == "closed"
    (changed, *_) = repository.compare(before, after).files
    assert (changed.status, changed.previous_filename) == ("renamed", "docs/a b.md")
    for path in ("README.md", "docs", "lib", "to"):
        repository.get_contents(path)


def _review(sandbox: GitHubSandbox, pull: PullRequest) -> None:
    path, by = f"{pull.url}/reviews", client_of(sandbox).requester

    def ask(verb: str, url: str, **fields: object) -> Any:
        return by.requestJsonAndCheck(verb, url, input=fields or None)[1]

    line: ReviewComment = {"path": "new.py", "line": 1, "body": "Why 2?"}
    review = pull.create_review(body="So", event="COMMENT", comments=[line])
    ask("PUT", f"{path}/{review.id}", body="So so")
    assert [one.body for one in pull.get_reviews()] == ["So so"]
    pull.get_review(review.id)
    (comment,) = pull.get_single_review_comments(review.id)
    refused = sandbox.review(SHOP, pull.number, "No", event="REQUEST_CHANGES")
    pull.get_review(refused).dismiss("Yes")
    pending = ask("POST", path, body="Wait", comments=[line])["id"]
    ask("DELETE", f"{path}/{pending}")
    pending = ask("POST", path, body="Wait")["id"]
    ask("POST", f"{path}/{pending}/events", event="COMMENT")
    head = pull.get_commits()[0]
    on_file = pull.create_review_comment("All of it", head, "lib.py", subject_type="file")
    pull.create_review_comment_reply(comment.id, "Because")
    assert len(list(pull.get_review_comments())) == 3
    sandbox.push(SHOP, {"new.py": "3\n"}, branch="fix")
    outdated = pull.get_review_comment(comment.id)
    assert (outdated.raw_data["line"], outdated.original_line) == (None, 1)
    outdated.edit("Why 2 ?")
    reaction = outdated.create_reaction("-1")
    list(outdated.get_reactions())
    outdated.delete_reaction(reaction.id)
    list(pull.base.repo.get_pulls_review_comments())
    on_file.delete()


def _check(sandbox: GitHubSandbox, pull: PullRequest) -> None:
    sandbox.grant_permissions({"checks": "write", "statuses": "write"})
    token = app_of(sandbox).get_access_token(sandbox.account_id("acme")).token
    repository = client_of(sandbox, token).get_repo(SHOP)
    commit = repository.get_commit(sandbox.branches(SHOP)["fix"])
    run = repository.create_check_run("lint", commit.sha, status="in_progress")
    line = {"path": "new.py", "start_line": 1, "end_line": 1, "message": "No"}
    annotations = [{**line, "annotation_level": "failure"}]
    output = {"title": "One error", "summary": "No", "annotations": annotations}
    run.edit(conclusion="failure", output=output)
    assert [one.message for one in repository.get_check_run(run.id).get_annotations()] == ["No"]
    assert [one.conclusion for one in commit.get_check_runs()] == ["failure"]
    (suite,) = commit.get_check_suites()
    assert repository.get_check_suite(suite.id).conclusion == "failure"
    assert [one.id for one in suite.get_check_runs()] == [run.id]
    commit.create_status("failure", "https://ci.example", "No", "ci")
    (status,) = repository.requester.requestJsonAndCheck("GET", f"{commit.url}/statuses")[1]
    assert status["state"] == "failure"
    assert commit.get_combined_status().state == "failure"
    job = sandbox.check(SHOP, commit.sha, "build", "failure", log="No\n")
    url = f"{sandbox.api_url}/repos/{SHOP}/actions/jobs/{job}/logs"
    signed = {"Authorization": f"Bearer {token}"}
    answer = request("GET", url, headers=signed, redirect=False)
    assert (answer.status, request("GET", answer.headers["location"]).data) == (302, b"No\n")


def test_every_webhook_carries_what_github_describes(sandbox: GitHubSandbox) -> None:
    sandbox.webhook_url = "http://127.0.0.1:9/nobody-listens"
    numbers = (
        sandbox.open_issue("acme/shop", "Crash", None),
        sandbox.open_pull_request("acme/shop", "Fix", "It"),
    )
    for number in numbers:
        sandbox.edit_issue("acme/shop", number, title="Crash 2", body="Now", labels=["bug"])
        sandbox.edit_issue("acme/shop", number, labels=[])
        sandbox.assign("acme/shop", number, "li")
        sandbox.unassign("acme/shop", number, "li")
        for milestone in (sandbox.add_milestone("acme/shop", f"{number}.0"), None):
            sandbox.edit_issue("acme/shop", number, milestone=milestone)
        sandbox.lock_issue("acme/shop", number, "too heated")
        sandbox.unlock_issue("acme/shop", number)
        sandbox.edit_issue("acme/shop", number, state="closed")
        sandbox.edit_issue("acme/shop", number, state="open")
        comment = sandbox.comment("acme/shop", number, "Me too")
        sandbox.edit_comment(comment, "Me as well")
        sandbox.delete_comment(comment)
    _be_reviewed(sandbox)
    sandbox.push("acme/shop", {"README.md": "# Shop"})
    sandbox.push("acme/shop", {"README.md": None, "a.md": "# Shop"}, branch="other")
    sandbox.delete_branch("acme/shop", "other")
    for private in (True, False):
        sandbox.set_private("acme/shop", private=private)
    sent = [(one["event"], one["payload"]) for one in sandbox.deliveries()]
    assert not [fault for event, payload in sent for fault in webhook_faults(event, payload)]
    seen = {f"{event}.{payload.get('action', '')}".rstrip(".") for event, payload in sent}
    assert set(description()["webhooks"]) - seen == set()


def _be_reviewed(sandbox: GitHubSandbox) -> None:
    number = sandbox.open_pull_request(SHOP, "Fix", head="fix", files={"a.py": "1\n2\n"})
    for draft in (True, False):
        sandbox.set_draft(SHOP, number, draft=draft)
    for wanted in (True, False):
        sandbox.request_reviews(SHOP, number, "li", wanted=wanted)
    sandbox.push(SHOP, {"stable.md": "1"}, branch="stable")
    sandbox.set_base(SHOP, number, "stable")
    review = sandbox.review(SHOP, number, "No", event="REQUEST_CHANGES")
    sandbox.edit_review(review, "No, no")
    sandbox.dismiss(review, "Yes")
    comment = sandbox.comment_on_line(SHOP, number, "Why?", path="a.py", line=2, start_line=1)
    sandbox.comment_on_line(SHOP, number, "All", path="a.py", subject_type="file")
    sandbox.edit_remark(comment, "Why, then?")
    answer = sandbox.answer(comment, "So")
    for resolved in (True, False):
        sandbox.resolve(comment, resolved=resolved)
    sandbox.push(SHOP, {"a.py": "1\n3\n"}, branch="fix")
    sandbox.resolve(comment)
    sandbox.delete_remark(answer)
    head = sandbox.branches(SHOP)["fix"]
    sandbox.check(SHOP, head, "lint", "failure", output={"title": "No", "summary": "No"})
    sandbox.set_status(SHOP, head, "failure", context="ci")
