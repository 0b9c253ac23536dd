// Draws the state of the sandbox as nodes. Each has a key, by which dom.js finds it again.
import { make } from "./dom.js";
import { inline } from "./markdown.js";
import { act, area, byline, clock, comment, composer, face, files, form, input, reactions, refusal, remark, text } from "./parts.js";
import { drawPull, drawReview } from "./pull.js";
import { drawHome } from "./slack_views.js";

const SIGN = { done: "✓", committed: "✓", failed: "✕", running: "●", retrying: "↻", waiting: "…", parked: "⏸", planned: "○", dispatched: "●", unknown: "?" };
// So many of the newest issues stand open at first.
const OPEN = 3;

const newThings = (repository) => make("div", { class: "new" },
  make("details", { name: `new ${repository.name}`, "data-key": "issue" }, make("summary", {}, "New issue"),
    form("open_issue", { repository: repository.name }, {}, input("title", "Title", { maxlength: 256 }), area("body", "What happened? Markdown is welcome.", { rows: 4 }),
      make("button", {}, "Open issue"))),
  make("details", { name: `new ${repository.name}`, "data-key": "pull" }, make("summary", {}, "New pull request"),
    form("open_pull_request", { repository: repository.name }, { "data-branch": "main" }, input("title", "Title", { maxlength: 256 }), input("branch", "Branch, such as fix/empty-cart", { spellcheck: "false" }),
      area("body", "What does it change, and why?", { rows: 3 }), files([""]), make("button", {}, "Open pull request"))));

// GitHub

const STATES = { open: ["open", "Open"], closed: ["closed", "Closed"], merged: ["merged", "Merged"], draft: ["draft", "Draft"] };
const stateOf = (issue) => (issue.pull?.merged ? "merged" : issue.state === "closed" ? "closed" : issue.pull?.draft ? "draft" : "open");

const LABELS = { bug: "red", enhancement: "blue", question: "violet", documentation: "teal", duplicate: "grey", wontfix: "grey", invalid: "grey", "good first issue": "green" };
const label = ({ name, about }) => make("span", { class: `label ${LABELS[name] ?? "grey"}`, title: about || name }, name);

const turns = (repository, issue) => {
  const fields = { repository, number: issue.number };
  if (issue.pull?.merged) return null;
  return make("div", { class: "turns" },
    issue.pull && issue.state === "open" && act("turn", { ...fields, state: "merged" }, "Merge", "plain"),
    act("turn", { ...fields, state: issue.state === "open" ? "closed" : "open" }, issue.state === "open" ? "Close" : "Reopen", "plain"), refusal());
};

// Comments and reviews, in the order in which they were begun.
const said = (repository, issue, id) => [...issue.comments, ...(issue.pull?.reviews ?? [])].sort((one, other) => one.id - other.id)
  .map((one) => (one.state ? drawReview(repository, issue.number, one) : remark(`${id} ${one.id}`, one)));

const drawIssue = (repository, issue, place) => {
  const id = `${repository}/${issue.pull ? "pull" : "issues"}/${issue.number}`;
  const [kind, state] = STATES[stateOf(issue)];
  return make("details", { class: "card issue", id, open: place < OPEN },
    make("summary", {}, make("span", { class: `state ${kind}` }, state), make("b", {}, issue.title), " ", make("span", { class: "number" }, `#${issue.number}`), " ", ...issue.labels.map(label),
      make("span", { class: "meta" }, `${issue.pull ? "pull request" : "issue"} by ${issue.author}`, issue.assignees.length > 0 && `, assigned to ${issue.assignees.join(", ")}`,
        issue.milestone && `, milestone ${issue.milestone}`, issue.reason && `, ${issue.reason.replace("_", " ")}`, issue.locked && `, ${issue.locked}`,
        issue.comments.length > 0 && `, ${issue.comments.length} ${issue.comments.length === 1 ? "comment" : "comments"}`)),
    comment(`${id} body`, issue),
    issue.pull && drawPull(repository, issue),
    ...said(repository, issue, id),
    composer(`${id} comment`, "comment", { repository, number: issue.number }, "body", "Comment, or /plan a goal", "Comment"),
    turns(repository, issue),
    make("details", { class: "push labelling", "data-key": "label" }, make("summary", {}, "Add a label"),
      form("label", { repository, number: issue.number }, { class: "one" }, input("name", "Label, such as bug or agent: review", { maxlength: 50 }), make("button", {}, "Add"))));
};

export const drawRepository = (repository) => make("div", { "data-key": repository.name },
  make("h3", {}, repository.name), newThings(repository),
  repository.issues.length === 0 && make("p", { class: "empty" }, "Nothing here yet: open an issue, and the agent triages it."),
  ...repository.issues.map((issue, place) => drawIssue(repository.name, issue, place)),
  repository.older > 0 && make("p", { class: "empty" }, `${repository.older} older ones are not shown.`));

// Slack

const KINDS = { primary: "yes", danger: "no" };
const buttons = (channel, message) => message.buttons.length > 0 && make("div", { class: "buttons" },
  ...message.buttons.map(({ action_id, label, style, value }) => act("click", { channel, ts: message.ts, action_id, value, ...(message.to ? { user: message.to } : {}) }, label, KINDS[style] ?? "plain")), refusal());

// The menu of a message: reactions, its shortcuts, and what its author can do with it.
const EMOJI = [["+1", "👍"], ["-1", "👎"], ["x", "❌"]];
const ofAuthor = (channel, message) => [act("delete", { channel, ts: message.ts }, "Delete", "plain"),
  make("details", { class: "answer", "data-key": `edit ${message.ts}` }, make("summary", {}, "Edit"),
    form("edit", { channel, ts: message.ts }, {}, area("text", "The message", { rows: 2, required: true }, message.text), make("button", {}, "Save")))];
const menu = (channel, message, shortcuts) => !message.only && shortcuts.length > 0 && make("details", { class: "menu buttons", "data-key": `menu ${message.ts}`, name: "menu" },
  make("summary", { "aria-label": "More actions", title: "More actions" }, "⋯"),
  ...EMOJI.map(([emoji, sign]) => act("emoji", { channel, ts: message.ts, emoji }, sign, "plain", { title: `React with :${emoji}:` })),
  ...shortcuts.map(({ id, name }) => act("shortcut_on", { callback_id: id, channel, ts: message.ts }, name, "plain")), ...(message.bot ? [] : ofAuthor(channel, message)), refusal());

// Which of the direct messages show the app's home.
export const homes = new Set();

const drawMessage = (channel, message, shortcuts) => make("div", {
  class: ["said", message.bot && "bot", message.reply && "reply", message.only && "only", message.growing && "growing"].filter(Boolean).join(" "), "data-key": message.ts },
  face(message.author, message.bot),
  make("div", { class: "body" }, byline(message, message.only && make("span", { class: "tag" }, `only ${message.only} sees this`)),
    text(`${channel} ${message.ts}`, message.text, { slack: !message.markdown }, message.buttons.length > 0), message.files.length > 0 && make("p", { class: "meta" }, ...message.files.map((name) => `📎 ${name} `)), reactions(message.reactions), buttons(channel, message), menu(channel, message, shortcuts)));

const drawThread = (channel, thread, shortcuts) => make("div", { class: "thread", "data-key": thread.ts },
  ...thread.messages.map((message) => drawMessage(channel, message, shortcuts)),
  thread.status && make("p", { class: "typing" }, `agent ${thread.status}`),
  thread.works && make("div", { class: "buttons" }, act("stop", { channel, thread_ts: thread.ts }, "■ Stop", "plain", { title: "Stop the agent in this thread" }), refusal()),
  !thread.messages[0].only && make("details", { class: "answer", "data-key": "reply" }, make("summary", {}, "Reply in the thread"),
    composer("reply", "say", { channel, thread_ts: thread.ts }, "text", "Reply in the thread", "Reply")));

const tab = (channel, name, label) => make("button", { type: "button", class: "plain", role: "tab", "data-tab": name, "data-channel": channel.id, "aria-selected": String((name === "home") === homes.has(channel.id)) }, label);

const attach = (channel) => make("details", { class: "attach", "data-key": "attach" }, make("summary", {}, "📎 Attach a file"),
  form("attach", { channel }, {}, make("input", { type: "file", name: "file", "aria-label": "File", required: true }), input("text", "What you say about it", { required: false }), make("button", {}, "Send")));

const drawChannel = (channel, state) => make("div", { class: "card channel", "data-key": channel.id },
  make("h3", {}, channel.name, channel.direct && make("span", { class: "meta" }, "direct messages with the agent")),
  channel.direct && make("div", { class: "tabs", role: "tablist", "data-key": "tabs" }, tab(channel, "home", "Home"), tab(channel, "messages", "Messages")),
  homes.has(channel.id) ? drawHome(state.homes[channel.user]) : [
    make("div", { class: "log", tabindex: channel.threads.length > 0 && "0", role: "group", "aria-label": `Messages in ${channel.name}`, "data-key": "log" },
      channel.older > 0 && make("p", { class: "empty" }, `${channel.older} older threads are not shown.`),
      ...channel.threads.map((thread) => drawThread(channel.id, thread, state.shortcuts.filter((one) => one.kind === "message")))),
    channel.prompts.length > 0 && make("div", { class: "buttons prompts", "data-key": "prompts" },
      ...channel.prompts.map(({ title, message }) => act("say", { channel: channel.id, text: message }, title, "plain", { title: message })), refusal()),
    composer("say", "say", { channel: channel.id }, "text", channel.direct ? "Message the agent" : `Message ${channel.name}, @agent to ask`, "Send"), attach(channel.id)]);

const drawShortcuts = (shortcuts) => shortcuts.length > 0 && make("details", { class: "hints", "data-key": "shortcuts" }, make("summary", {}, "⚡ Shortcuts"),
  make("div", { class: "buttons" }, ...shortcuts.map(({ id, name }) => act("shortcut", { callback_id: id }, name, "plain")), refusal()));

const hints = (channels, commands) => {
  const place = channels.find((channel) => channel.name === "#support") ?? channels[0];
  const tried = ["@agent what do we know about the crash at checkout?", ...commands.filter((one) => one.command !== "/agent").map((one) => `${one.command} ${one.hint.split(", or ")[0]}`)];
  return make("details", { class: "hints", "data-key": "hints", open: channels.every((channel) => channel.threads.length < 3) }, make("summary", {}, "Things to try"),
    ...tried.map((words) => make("button", { type: "button", class: "hint", "data-try": words, "data-channel": place.id }, words)));
};

export const drawSlack = (state) => [hints(state.channels, state.commands), drawShortcuts(state.shortcuts.filter((one) => one.kind === "global")), ...state.channels.map((channel) => drawChannel(channel, state))].filter(Boolean);

// Runs

const mark = (state) => make("span", { class: `mark ${state}`, "aria-hidden": "true" }, SIGN[state] ?? "•");
const joined = (...parts) => parts.filter(Boolean).join(" · ");
const tries = (count) => count > 1 && `${count} tries`;

const drawDead = (letter) => make("div", { class: "card dead", "data-key": letter.id },
  make("p", {}, make("b", {}, letter.flow), ` gave up on ${letter.type || "an event"} after ${letter.tries === 1 ? "1 try" : `${letter.tries} tries`}`),
  letter.conversation && make("p", { class: "meta" }, letter.conversation), make("p", { class: "cause" }, letter.cause),
  make("div", { class: "turns" }, act("redrive", { queue: letter.queue }, `Try the dead letters of ${letter.flow} again`, "plain"), letter.run && make("a", { href: `/run/${letter.run}` }, "its steps"), refusal()));

// Where a run's conversation is, for a person: github:acme/shop#1 or slack:T0SANDBOX:C0SUPPORT:1796003655.638649.
const where = (conversation, channels) => {
  const [platform, ...rest] = conversation.split(":");
  const channel = platform === "slack" && channels.find((one) => one.id === rest[1]);
  return channel ? channel.name : rest.join(":");
};

const drawRun = (run, channels) => make("li", { "data-key": run.id },
  make("a", { href: `/run/${run.id}`, class: "run" }, mark(run.state), make("span", { class: "what" }, make("b", {}, run.flow), " ", make("span", { class: "event" }, run.event)),
    make("span", { class: "meta" }, joined(where(run.conversation, channels), run.state, run.took, run.cost, tries(run.attempts))), clock(run.at), run.reason && make("span", { class: "cause" }, run.reason)));

export const drawRuns = ({ runs, dead_letters, channels = [] }) => [
  dead_letters.length > 0 && make("h3", { class: "dead-title", "data-key": "dead" }, "Dead letters"), ...dead_letters.map(drawDead),
  runs.length === 0 ? make("p", { class: "empty" }, "No runs yet.") : make("ol", { class: "card runs", "data-key": "runs" }, ...runs.map((run) => drawRun(run, channels)))];

const pretty = (json) => {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
};
const side = (name, json) => json && json !== "null" && [make("h4", {}, name), make("pre", { tabindex: "0" }, make("code", {}, pretty(json)))];

const drawStep = (step, place) => make("li", { "data-key": `step ${place}` }, make("details", {},
  make("summary", {}, mark(step.state), make("b", {}, step.name), step.target && make("span", { class: "target" }, step.target), step.kind === "effect" && make("span", { class: "tag" }, step.state === "committed" ? "effect" : `effect ${step.state}`),
    make("span", { class: "meta" }, joined(step.took, step.model, step.tokens, step.cost, tries(step.attempt)))),
  side("in", step.input), side("out", step.output)));

export const drawSteps = (run, channels = []) => [
  make("div", { class: "run-head" }, make("h2", { id: "run-title", tabindex: "-1", autofocus: true }, mark(run.state), `${run.flow} `, make("span", { class: "event" }, run.event)), make("button", { type: "button", class: "plain", "data-close": true, "aria-label": "Close" }, "✕")),
  make("p", { class: "meta" }, joined(run.state, run.took, run.cost, run.tokens > 0 && `${run.tokens.toLocaleString()} tokens`, tries(run.attempts)), " · ", clock(run.at)),
  make("p", { class: "meta" }, where(run.conversation, channels), " · run ", make("code", {}, run.id)),
  run.reason && make("p", { class: "cause" }, run.reason),
  run.steps.length === 0 ? make("p", { class: "empty" }, "No steps yet.") : make("ol", { class: "steps" }, ...run.steps.map(drawStep)),
  make("p", { class: "meta" }, "On the command line: ", make("code", {}, `./scripts/flows run ${run.id.slice(0, 8)}`))];

export const drawMissing = (words) => [make("div", { class: "run-head" }, make("h2", { id: "run-title", tabindex: "-1", autofocus: true }, "Run"), make("button", { type: "button", class: "plain", "data-close": true, "aria-label": "Close" }, "✕")), make("p", { class: "cause" }, ...inline(words))];
