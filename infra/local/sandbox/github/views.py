"""Shows the rows of the sandbox as GitHub's JSON: in responses of the API and in webhooks."""

from collections import Counter

from infra.local.sandbox.github.accounts import AccountViews, node_id
from shared.events import Json

#: https://docs.github.com/en/rest/reactions/reactions#about-reactions
REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")

_REPOSITORY_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}


class Views(AccountViews):
    """Shows repositories and what is in them."""

    def repository(self, row: Json) -> Json:
        owner, _, name = row["name"].partition("/")
        url, page = f"{self.api}/repos/{row['name']}", f"{self.web}/{row['name']}"
        opened = len(self._state.rows("issues", repository=row["id"], state="open"))
        off = ("disabled", "has_pages", "has_discussions", "has_wiki")
        none_yet = ("forks", "stargazers", "watchers")
        return {
            "id": row["id"],
            "node_id": node_id("R", row),
            "name": name,
            "full_name": row["name"],
            "private": row["private"],
            "fork": bool(row.get("network")),
            "owner": self.account(owner),
            "html_url": page,
            "description": None,
            "url": url,
            **{key: url + path for key, path in _REPOSITORY_LINKS.items()},
            "git_url": page.replace("http://", "git://") + ".git",
            "ssh_url": f"git@127.0.0.1:{row['name']}.git",
            "clone_url": f"{page}.git",
            "svn_url": page,
            **dict.fromkeys(off, False),
            **dict.fromkeys(("has_projects", "has_downloads"), True),
            "has_issues": row.get("has_issues", True),
            **{f"{key}_count": 0 for key in none_yet},
            **dict.fromkeys(("forks", "watchers", "size"), 0),
            **dict.fromkeys(("network_count", "subscribers_count"), 0),
            **dict.fromkeys(("homepage", "language", "mirror_url", "license")),
            "archived": row.get("archived", False),
            "visibility": "private" if row["private"] else "public",
            "default_branch": row["default_branch"],
            "open_issues": opened,
            "open_issues_count": opened,
            "topics": [],
            "created_at": row["created_at"],
            "updated_at": row["updated_at"],
            "pushed_at": row["created_at"],
        }

    def label(self, row: Json) -> Json:
        return {
            "id": row["id"],
            "node_id": node_id("LA", row),
            "url": f"{self._repository_url(row)}/labels/{row['name'].replace(' ', '%20')}",
            "name": row["name"],
            "color": row["color"],
            "default": row["name"] in {"bug", "enhancement", "question", "documentation"},
            "description": row["description"],
        }

    def milestone(self, row: Json) -> Json:
        repository = self._repository_of(row)
        url = f"{self._repository_url(row)}/milestones/{row['number']}"
        inside = self._state.rows("issues", milestone=row["id"])
        opened = sum(issue["state"] == "open" for issue in inside)
        same = ("id", "number", "title", "description", "state", "created_at", "updated_at")
        return {
            **{name: row[name] for name in same},
            "node_id": node_id("MI", row),
            "url": url,
            "html_url": f"{self.web}/{repository['name']}/milestone/{row['number']}",
            "labels_url": f"{url}/labels",
            "creator": self.account(row["creator"]),
            "open_issues": opened,
            "closed_issues": len(inside) - opened,
            "closed_at": row["updated_at"] if row["state"] == "closed" else None,
            "due_on": None,
        }

    def _milestone_of(self, issue: Json) -> Json | None:
        row = self._state.get("milestones", issue.get("milestone") or 0)
        return self.milestone(row) if row else None

    def label_rows(self, issue: Json) -> list[Json]:
        rows = (self._state.get("labels", number) for number in issue["labels"])
        return [row for row in rows if row]

    def labels(self, issue: Json) -> list[Json]:
        return [self.label(row) for row in self.label_rows(issue)]

    def issue(self, row: Json) -> Json:
        url = self._issue_url(row)
        repository = self._repository_of(row)
        page = self._issue_page(row)
        people = [self.account(login) for login in row.get("assignees", ())]
        shown = {
            "url": url,
            "repository_url": self._repository_url(row),
            "labels_url": f"{url}/labels{{/name}}",
            "comments_url": f"{url}/comments",
            "events_url": f"{url}/events",
            "timeline_url": f"{url}/timeline",
            "html_url": page,
            "id": row["id"],
            "node_id": node_id("PR" if row["pull"] else "I", row),
            "number": row["number"],
            "title": row["title"],
            "user": self.account(row["author"]),
            "labels": self.labels(row),
            "state": row["state"],
            "state_reason": row["state_reason"],
            "locked": row.get("locked", False),
            "active_lock_reason": row.get("lock_reason"),
            "assignee": next(iter(people), None),
            "assignees": people,
            "milestone": self._milestone_of(row),
            "comments": len(self._state.rows("comments", issue=row["id"])),
            "created_at": row["created_at"],
            "updated_at": row["updated_at"],
            "closed_at": row["closed_at"],
            "author_association": self._state.association(repository, row["author"]),
            "body": row["body"],
            "reactions": self.rollup(f"{url}/reactions", row),
            "performed_via_github_app": self._app_of(row["author"]),
        }
        if row["pull"]:
            shown["draft"] = row["pull"]["draft"]
            shown["pull_request"] = {
                "url": f"{self._repository_url(row)}/pulls/{row['number']}",
                "html_url": page,
                "diff_url": f"{page}.diff",
                "patch_url": f"{page}.patch",
                "merged_at": row["pull"].get("merged_at"),
            }
        return shown

    def comment(self, row: Json) -> Json:
        issue = self._issue_of(row)
        url = f"{self._repository_url(issue)}/issues/comments/{row['id']}"
        return {
            "url": url,
            "html_url": f"{self._issue_page(issue)}#issuecomment-{row['id']}",
            "issue_url": self._issue_url(issue),
            "id": row["id"],
            "node_id": node_id("IC", row),
            "user": self.account(row["author"]),
            "created_at": row["created_at"],
            "updated_at": row["updated_at"],
            "author_association": self._state.association(
                self._repository_of(issue), row["author"]
            ),
            "body": row["body"],
            "reactions": self.rollup(f"{url}/reactions", row),
            "performed_via_github_app": self._app_of(row["author"]),
        }

    def review_comments(self, issue: Json) -> int:
        """Return how many comments on its lines a pull request has."""
        return len(self._state.rows("review_comments", pull=issue["id"], pending=False))

    def source(self, repository: Json, pull: Json) -> Json | None:
        """Return the repository that has the head of a pull request, unless it was deleted."""
        return self._state.get("repositories", pull.get("source") or repository["id"])

    def reaction(self, row: Json) -> Json:
        return {
            "id": row["id"],
            "node_id": node_id("REA", row),
            "user": self.account(row["author"]),
            "content": row["content"],
            "created_at": row["created_at"],
        }

    def rollup(self, url: str, row: Json) -> Json:
        counts = Counter(found["content"] for found in self._state.rows("reactions", of=row["id"]))
        each = {content: counts[content] for content in REACTIONS}
        return {"url": url, "total_count": counts.total(), **each}

    def _repository_of(self, row: Json) -> Json:
        found = self._state.get("repositories", row["repository"])
        assert found is not None
        return found

    def _issue_of(self, comment: Json) -> Json:
        found = self._state.get("issues", comment["issue"])
        assert found is not None
        return found

    def _repository_url(self, row: Json) -> str:
        return f"{self.api}/repos/{self._repository_of(row)['name']}"

    def _issue_url(self, issue: Json) -> str:
        return f"{self._repository_url(issue)}/issues/{issue['number']}"

    def _issue_page(self, issue: Json) -> str:
        kind = "pull" if issue["pull"] else "issues"
        return f"{self.web}/{self._repository_of(issue)['name']}/{kind}/{issue['number']}"
