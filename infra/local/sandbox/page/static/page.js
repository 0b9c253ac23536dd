// The sandbox page: asks once a second what there is, shows what changed, and posts what somebody does.
import { drawMissing, drawRepository, drawRuns, drawSlack, drawSteps, homes } from "./draw.js";
import { make, show } from "./dom.js";
import { fileFields, unfolded } from "./parts.js";
import { drawDialog } from "./slack_views.js";

const EVERY = 1000;
const find = (id) => document.getElementById(id);
const seen = { text: "", state: null, said: null, run: "" };

// What there is

const draw = () => {
  const state = seen.state;
  const missing = (name) => [make("p", { class: "empty" }, `${name} is the real one; look there.`)];
  const logs = [...document.querySelectorAll(".log")].filter((log) => log.scrollHeight - log.scrollTop - log.clientHeight < 40);
  show(find("repositories"), ...(state.repositories?.map(drawRepository) ?? missing("GitHub")));
  show(find("channels"), ...(state.channels ? drawSlack(state) : missing("Slack")));
  show(find("journal"), ...drawRuns(state));
  for (const log of document.querySelectorAll(".log")) if (logs.includes(log) || !log.dataset.seen) log.scrollTop = log.scrollHeight, log.setAttribute("data-seen", "");
  find("trouble").hidden = !state.trouble;
  if (find("trouble").textContent !== state.trouble) find("trouble").textContent = state.trouble;
  people("github", (state.people ?? []).map((name) => [name, name]));
  people("slack", (state.users ?? []).map((user) => [user.id, user.name]));
  drawOpened();
  say(state);
};

// The dialog that the person at this page has open in Slack.
const slackUser = () => document.querySelector("[data-as=slack]").value;
const drawOpened = () => {
  const dialog = find("slack-dialog");
  const view = seen.state?.dialogs?.[slackUser()];
  if (view) show(find("slack-dialog-shown"), ...drawDialog(view));
  if (!view && dialog.open) dialog.close();
  if (view && !dialog.open) dialog.showModal();
};
find("slack-dialog").addEventListener("cancel", (event) => {
  event.preventDefault();
  dismiss();
});
const dismiss = async () => {
  await post("close_dialog", {});
  await refresh();
};
const openTab = async (channel, name) => {
  if (name === "home") homes.add(channel);
  else homes.delete(channel);
  draw();
  const { user } = seen.state.channels.find((one) => one.id === channel);
  await post(name === "home" ? "open_home" : "open_messages", { user });
};

const people = (place, names) => {
  const choice = document.querySelector(`[data-as=${place}]`);
  find(`${place}-as`).hidden = names.length === 0;
  show(choice, ...names.map(([value, name]) => make("option", { value, "data-key": value }, name)));
};

// What a person who does not see the page should hear: what the agent says, and what failed.
const heard = (state) => {
  const found = new Map();
  for (const { name, issues } of state.repositories ?? []) {
    for (const issue of issues) for (const one of [...issue.comments, ...(issue.pull?.threads ?? []).flatMap((thread) => thread.comments)]) if (one.bot) found.set(`g${one.id}`, `${one.author} commented on ${name}#${issue.number}: ${one.text}`);
  }
  for (const { name, threads } of state.channels ?? []) {
    for (const one of threads.flatMap((thread) => thread.messages)) if (one.bot && !one.growing) found.set(`s${one.ts}`, `${one.author} in ${name}: ${one.text}`);
  }
  for (const run of state.runs) if (run.state === "failed") found.set(`r${run.id}`, `A run of ${run.flow} failed: ${run.reason}`);
  return found;
};
const say = (state) => {
  const now = heard(state);
  const words = [...now].filter(([key]) => seen.said && !seen.said.has(key)).map(([, said]) => said.slice(0, 200));
  if (words.length) find("said").textContent = words.join(". ");
  seen.said = now;
};

const link = (state, words) => {
  const node = find("link");
  if (node.textContent !== words) [node.className, node.textContent] = [`link ${state}`, words];
};

const ask = async (path) => {
  const answer = await fetch(path);
  return [answer.ok, await answer.text()];
};

const refresh = async () => {
  let ok, text;
  try {
    [ok, text] = await ask("/state");
  } catch {
    ok = false;
  }
  if (!ok) return link("off", "not running");
  const state = text === seen.text ? seen.state : JSON.parse(text);
  const busy = state.runs.filter((run) => run.state === "running" || run.state === "retrying").length;
  link(busy ? "busy" : "on", busy ? `${busy} ${busy === 1 ? "run" : "runs"} at work` : "up to date");
  if (text !== seen.text) {
    [seen.text, seen.state] = [text, state];
    draw();
  }
  await goTo(false);
};

const loop = async () => {
  try {
    if (!document.hidden) await refresh();
  } finally {
    setTimeout(loop, EVERY);
  }
};

// Addresses: /acme/shop/issues/1 shows an issue, /run/1e788c the steps of a run.

const decoded = (path) => {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
};

const goTo = async (moved = true) => {
  const path = decoded(location.pathname);
  const [, run] = /^\/run\/([^/]+)$/.exec(path) ?? [];
  if (run) return showRun(run);
  if (find("run").open) find("run").close();
  if (path === seen.path && !moved) return;
  const target = find(path.slice(1));
  if (path !== "/" && !target) return;
  seen.path = path;
  if (!target) return;
  target.open = true;
  part("github");
  target.scrollIntoView({ block: "start", behavior: "smooth" });
  target.classList.add("found");
  setTimeout(() => target.classList.remove("found"), 2000);
};

const showRun = async (run) => {
  let ok, text;
  try {
    [ok, text] = await ask(`/state/run/${encodeURIComponent(run)}`);
  } catch {
    return;
  }
  if (`${run} ${text}` !== seen.run) {
    seen.run = `${run} ${text}`;
    show(find("run-shown"), ...(ok ? drawSteps(JSON.parse(text), seen.state?.channels) : drawMissing(text)));
  }
  if (!find("run").open && location.pathname.startsWith("/run/")) find("run").showModal();
};

const visit = (path) => {
  if (path !== location.pathname) history.pushState(null, "", path);
  goTo();
};

const part = (name) => {
  find("main").dataset.part = name;
  for (const one of document.querySelectorAll("nav a")) one.setAttribute("aria-current", String(one.hash === `#${name}`));
};

find("run").addEventListener("close", () => {
  seen.run = "";
  if (location.pathname.startsWith("/run/")) visit("/");
});
addEventListener("popstate", () => goTo());

// What somebody does

const IN_SLACK = new Set(["say", "click", "shortcut", "shortcut_on", "submit", "close_dialog", "press", "open_home", "open_messages", "edit", "delete", "emoji", "attach", "stop"]);

const base64 = (file) => new Promise((done) => {
  const reader = new FileReader();
  reader.addEventListener("load", () => done(reader.result.split(",")[1] ?? ""));
  reader.readAsDataURL(file);
});

const post = async (what, { file, ...fields }) => {
  if (file) fields = { ...fields, name: file.name, content: await base64(file) };
  const place = { ...Object.fromEntries([...IN_SLACK].map((name) => [name, "user"])), redrive: "" }[what] ?? "author";
  const as = place && document.querySelector(`[data-as=${place === "user" ? "slack" : "github"}]`).value;
  const body = JSON.stringify(as ? { [place]: as, ...fields } : fields);
  try {
    const answer = await fetch(`/${what}`, { method: "POST", headers: { "content-type": "application/json" }, body });
    return answer.ok ? "" : (await answer.text()).trim() || `refused (${answer.status})`;
  } catch {
    return "The local system does not answer. Your text is still here.";
  }
};

// What a dialog holds, by the names of its fields; several boxes that can be ticked are a list.
const valuesOf = (form, data) => Object.fromEntries([...form.elements].filter((one) => one.name)
  .map((one) => [one.name, one.type === "checkbox" ? data.getAll(one.name) : data.get(one.name) ?? ""]));

// What is filled in: the files of a pull request are a list.
const filled = (form) => {
  const data = new FormData(form);
  const fields = Object.fromEntries(data);
  if (form.matches("[data-view]")) return { values: valuesOf(form, data) };
  if (form.dataset.value) return { value: fields[form.dataset.value] };
  if (!form.querySelector("[data-files]")) return fields;
  const [paths, contents] = [data.getAll("path"), data.getAll("content")];
  delete fields.path;
  delete fields.content;
  return { ...fields, files: paths.map((path, n) => ({ path, content: contents[n] })) };
};

const perform = async (node, fields) => {
  if (node.getAttribute("aria-busy")) return;
  const place = node.closest("form, .buttons, .turns, .view");
  const refusal = place?.querySelector(".refusal");
  node.setAttribute("aria-busy", "true");
  const reason = await post(node.dataset.post, { ...JSON.parse(node.dataset.fields), ...fields });
  node.removeAttribute("aria-busy");
  if (refusal) refusal.textContent = reason;
  // Only what was taken is emptied, and only if nobody typed on meanwhile.
  if (!reason && node.matches("form") && !node.matches("[data-view], .search") && JSON.stringify(filled(node)) === JSON.stringify(fields)) {
    node.reset();
    const files = node.querySelector("[data-files]");
    while (files?.children.length > 1) files.lastElementChild.remove();
    node.querySelectorAll("textarea").forEach(grow);
    if (!node.matches(".composer")) {
      node.closest("details").open = false;
      node.closest("details").firstElementChild.focus();
    }
  }
  await refresh();
};

addEventListener("submit", (event) => {
  event.preventDefault();
  perform(event.target, filled(event.target));
});

// A field becomes as high as its text, up to what page.css allows.
const grow = (field) => {
  if (!field.matches("[data-sends]")) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 2}px`;
};

addEventListener("input", ({ target }) => {
  grow(target);
  const refusal = target.form?.querySelector(".refusal");
  if (refusal) refusal.textContent = "";
});

// Enter sends, as in Slack; not while an input method composes a word.
addEventListener("keydown", (event) => {
  const field = event.target;
  if (event.key !== "Enter" || event.isComposing || !field.matches?.("textarea")) return;
  const sends = field.matches("[data-sends]") && !event.shiftKey;
  if (!sends && !event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  field.form.requestSubmit();
});

// The content of a file that is there already appears under its path.
const fill = async (path) => {
  const form = path.form;
  const content = path.parentElement.querySelector("textarea");
  if (!path.value || (content.value && content.value !== content.dataset.filled)) return;
  const repository = form.dataset.source ?? JSON.parse(form.dataset.fields).repository;
  const [ok, text] = await ask(`/file?${new URLSearchParams({ repository, branch: form.dataset.branch, path: path.value })}`);
  if (ok && (content.value === "" || content.value === content.dataset.filled)) content.value = content.dataset.filled = JSON.parse(text).text;
};
addEventListener("change", ({ target }) => {
  if (target.matches("[data-as=slack]")) drawOpened();
  if (target.matches("[data-file]")) fill(target);
});
addEventListener("toggle", ({ target }) => {
  if (!target.open) return;
  target.querySelectorAll(":scope > form [data-file]").forEach(fill);
  if (target.matches(".new details, .answer, .push") && document.activeElement === target.firstElementChild) target.querySelector("input:not([value]), textarea")?.focus();
}, true);

const fillIn = (field, words) => {
  field.value = words;
  grow(field);
  field.focus();
};

const CLICKS = {
  post: (node) => node.matches("button") && perform(node, {}),
  fold: (node) => {
    const key = node.dataset.fold;
    if (!unfolded.delete(key)) unfolded.add(key);
    draw();
  },
  more: (node) => {
    const files = node.form.querySelector("[data-files]");
    files.append(fileFields());
    files.lastElementChild.querySelector("input").focus();
  },
  close: () => find("run").close(),
  dismiss: () => dismiss(),
  tab: (node) => openTab(node.dataset.channel, node.dataset.tab),
  fill: (node) => fillIn(node.closest(".remarks, .card").querySelector(":scope > .composer textarea"), node.dataset.fill),
  try: (node) => fillIn(document.querySelector(`[data-key="${node.dataset.channel}"] > form textarea`), node.dataset.try),
};

addEventListener("click", (event) => {
  for (const [name, does] of Object.entries(CLICKS)) {
    const node = event.target.closest(`[data-${name}]`);
    if (node) does(node);
  }
  const here = event.target.closest("a[href]");
  if (!here || event.ctrlKey || event.metaKey || event.shiftKey || here.origin !== location.origin) return;
  event.preventDefault();
  if (here.matches("[href^='#']")) {
    part(here.hash.slice(1));
    document.querySelector(here.hash)?.scrollIntoView({ block: "start" });
    return;
  }
  visit(here.pathname);
  const [, comment] = /^#(?:issuecomment-|discussion_r)(\d+)$/.exec(here.hash) ?? [];
  if (comment) document.querySelector(`[data-key$=" ${comment}"]`)?.scrollIntoView({ block: "center" });
});
// A click on what is behind the dialog closes it.
find("run").addEventListener("click", ({ target }) => target === find("run") && target.close());

part("github");
loop();
