// Draws a pull request: its branches and checks, its diff with the comments in place, its reviews.
import { make } from "./dom.js";
import { lines } from "./markdown.js";
import { act, area, comment, composer, files, form, input, refusal, remark, text } from "./parts.js";

// So much of the patch is shown above a comment whose lines have changed since.
const ABOVE = 5;

const plusMinus = ({ additions, deletions }) => [make("span", { class: "plus" }, `+${additions}`), " ", make("span", { class: "minus" }, `−${deletions}`)];

// Threads. A resolved one is folded; it gets another key, so that it folds when somebody resolves it.

const place = (thread) => (thread.whole ? thread.path : `${thread.path}:${thread.start ? `${thread.start}–` : ""}${thread.line}`);
const drawThread = (repository, thread) => make("details", { class: "remarks", "data-key": `thread ${thread.id} ${thread.resolved}`, open: !thread.resolved },
  make("summary", {}, make("code", {}, place(thread)), thread.outdated && make("span", { class: "tag" }, "outdated"),
    thread.resolved && make("span", { class: "tag" }, `resolved by ${thread.resolved.replace("[bot]", "")}`),
    make("span", { class: "meta" }, ` ${thread.comments.length} ${thread.comments.length === 1 ? "comment" : "comments"}`)),
  thread.outdated && thread.hunk && lines(thread.hunk.split("\n").slice(-ABOVE)),
  ...thread.comments.map((one) => remark(`remark ${one.id}`, one)),
  composer(`answer ${thread.id}`, "answer", { comment: thread.id }, "body", "Reply", "Reply"),
  make("div", { class: "turns" }, act("resolve", { repository, number: thread.number, comment: thread.id, resolved: !thread.resolved }, thread.resolved ? "Unresolve" : "Resolve", "plain"), refusal()));

// The patch of a file, with its threads below their lines: a thread's position counts the lines.
const patched = (repository, file, threads) => {
  const drawn = [];
  let some = [];
  file.patch.split("\n").forEach((line, position) => {
    some.push(line);
    const here = threads.filter((thread) => thread.position === position && !thread.whole);
    if (!here.length) return;
    drawn.push(lines(some), ...here.map((thread) => drawThread(repository, thread)));
    some = [];
  });
  if (some.length) drawn.push(lines(some));
  return drawn;
};

const remarkOn = (repository, number, path) => make("details", { class: "answer", "data-key": "remark" }, make("summary", {}, "Comment on a line"),
  form("comment_on_line", { repository, number, path }, { class: "one" }, input("line", "Line", { type: "number", min: 1 }), area("body", "Comment", { required: true, rows: 1 }), make("button", {}, "Comment")));

const changedFile = (repository, number, file, threads) => {
  const count = file.patch ? file.patch.split("\n").length : 0;
  const inside = (thread) => !thread.whole && thread.position !== null && thread.position < count;
  return make("details", { class: "file", "data-key": file.filename, open: threads.some((thread) => !thread.resolved) },
    make("summary", {}, make("span", { class: `change ${file.status}`, title: file.status }, { added: "A", removed: "D", renamed: "R" }[file.status] ?? "M"),
      make("code", {}, file.before ? `${file.before} → ${file.filename}` : file.filename),
      threads.length > 0 && make("span", { class: "tag" }, `${threads.length} ${threads.length === 1 ? "thread" : "threads"}`), make("span", { class: "counts" }, ...plusMinus(file))),
    ...threads.filter((thread) => thread.whole).map((thread) => drawThread(repository, thread)),
    file.patch ? patched(repository, file, threads.filter(inside)) : make("p", { class: "empty" }, "No text to show."),
    file.cut > 0 && make("p", { class: "empty" }, `${file.cut.toLocaleString()} more characters`),
    ...threads.filter((thread) => !thread.whole && !inside(thread)).map((thread) => drawThread(repository, thread)),
    file.patch && file.status !== "removed" && remarkOn(repository, number, file.filename));
};

// Reviews and checks

const VERDICTS = { APPROVED: "approved", CHANGES_REQUESTED: "asks for changes", DISMISSED: "dismissed", COMMENTED: "reviewed" };
const canDismiss = ({ state }) => state === "APPROVED" || state === "CHANGES_REQUESTED";
export const drawReview = (repository, number, review) => comment(`review ${review.id}`, { ...review, text: review.text || `_${VERDICTS[review.state]}_` },
  make("p", { class: "meta" }, VERDICTS[review.state], review.dismissal && `: ${review.dismissal}`),
  canDismiss(review) && make("details", { class: "dismiss", "data-key": "dismiss" }, make("summary", {}, "Dismiss"),
    form("dismiss", { repository, number, review: review.id }, { class: "one" }, input("message", "Why is it dismissed?"), make("button", {}, "Dismiss"))));

const CHECKS = { success: ["plus", "✓"], failure: ["minus", "✕"], error: ["minus", "✕"], "": ["", "●"], pending: ["", "●"] };
const drawCheck = ({ name, state, said, lines }) => {
  const [kind, sign] = CHECKS[state] ?? ["", "•"];
  const title = { title: `${name}: ${state || "under way"}` };
  const head = [make("span", { class: kind }, `${sign} `), name, " ", make("span", { class: "meta" }, state || "under way")];
  if (!said && !lines.length) return make("div", { class: "check", "data-key": `check ${name}`, ...title }, ...head);
  return make("details", { class: "check", "data-key": `check ${name}` }, make("summary", title, ...head), ...text(`check ${name}`, said, {}, true),
    lines.length > 0 && make("ul", {}, ...lines.map((one) => make("li", {}, make("code", {}, one.place), ` ${one.text}`))));
};

// What one may ask of the agent here, and a check that fails, so that there is something to ask about.
const RED = new Set(["failure", "error", "timed_out"]);
const orders = (repository, number, checks) => make("div", { class: "turns orders", "data-key": "orders" },
  ...["/review", "/describe", "/improve", ...(checks.some(({ state }) => RED.has(state)) ? ["/why-red"] : [])]
    .map((body) => act("comment", { repository, number, body }, body, "plain")), refusal());
const failing = (repository, number) => make("details", { class: "push", "data-key": "check" }, make("summary", {}, "Report a failing check"),
  form("check", { repository, number }, {}, input("name", "Name, such as unit tests"), area("log", "Its log", { required: true, rows: 4, spellcheck: "false", class: "code" }), make("button", {}, "Report")));

export const drawPull = (repository, issue) => {
  const { pull, number } = issue;
  const threads = pull.threads.map((thread) => ({ ...thread, number }));
  const named = new Set(pull.files.map((file) => file.filename));
  return make("div", { class: "pull", "data-key": "pull" },
    make("p", { class: "branches" }, make("code", {}, pull.head), " → ", make("code", {}, pull.base), make("span", { class: "counts" }, `${pull.commits} ${pull.commits === 1 ? "commit" : "commits"}, `, ...plusMinus(pull))),
    pull.checks.length > 0 && make("div", { class: "checks" }, ...pull.checks.map(drawCheck)),
    orders(repository, number, pull.checks),
    ...pull.files.map((file) => changedFile(repository, number, file, threads.filter((thread) => thread.path === file.filename))),
    ...threads.filter((thread) => !named.has(thread.path)).map((thread) => drawThread(repository, thread)),
    issue.state === "open" && make("details", { class: "push", "data-key": "push" }, make("summary", {}, "Push a commit"),
      form("push", { repository, number }, { "data-branch": pull.branch, "data-source": pull.source }, files([pull.files[0]?.filename ?? ""]), make("button", {}, "Push"))),
    issue.state === "open" && failing(repository, number));
};
