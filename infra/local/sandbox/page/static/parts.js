// The parts that messages and forms are drawn from, whichever platform they are of.
import { make } from "./dom.js";
import { written } from "./markdown.js";

const EMOJI = {
  eyes: "👀", rocket: "🚀", confused: "😕", heart: "❤️", hooray: "🎉", laugh: "😄", "+1": "👍", "-1": "👎", thumbsup: "👍", thumbsdown: "👎",
  white_check_mark: "✅", x: "❌", warning: "⚠️", hourglass: "⏳", hourglass_flowing_sand: "⏳", thinking_face: "🤔", tada: "🎉", wave: "👋", robot_face: "🤖", speech_balloon: "💬",
};
// Longer messages are folded to their first lines.
const LONG = { characters: 1100, lines: 16 };
// Which of the long messages somebody unfolded.
export const unfolded = new Set();

const hue = (name) => `hue-${[...name].reduce((sum, sign) => (sum * 31 + sign.codePointAt(0)) % 360, 7) % 8}`;
export const face = (name, bot) => make("span", { class: bot ? "face bot" : `face ${hue(name)}`, "aria-hidden": "true" }, bot ? "✦" : [...name][0]?.toUpperCase());
export const clock = (at) => {
  const time = typeof at === "string" ? new Date(at) : new Date(at * 1000);
  const today = time.toDateString() === new Date().toDateString();
  const shown = today ? time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) : time.toLocaleDateString([], { day: "numeric", month: "short" });
  return make("time", { datetime: time.toISOString(), title: time.toLocaleString() }, shown);
};

export const byline = (message, ...more) => make("div", { class: "by" }, make("b", {}, message.author.replace("[bot]", "")), message.bot && make("span", { class: "tag" }, "bot"), ...more,
  clock(message.at ?? Number(message.ts)));

export const reactions = (names) => names.length > 0 && make("div", { class: "reactions" }, ...names.map((name) => make("span", { title: `:${name}:` }, EMOJI[name] ?? `:${name}:`)));

// The text of a message, of a long one only the beginning until somebody wants all of it. What needs
// an answer is always `whole`: nobody should approve what they did not see.
export const text = (key, said, how, whole = false) => {
  const lines = said.replace(/<details[\s\S]*?<\/details>/gi, "").split("\n");
  const isLong = !whole && (lines.length > LONG.lines || lines.join("\n").length > LONG.characters);
  const all = unfolded.has(key);
  const isCut = isLong && !all;
  const shown = make("div", { class: isCut ? "text cut" : "text", id: `text ${key}` }, ...written(isCut ? said.slice(0, 2 * LONG.characters) : said, how));
  const words = all ? "Show less" : `Show all of it (${lines.length > LONG.lines ? `${lines.length.toLocaleString()} lines` : `${said.length.toLocaleString()} characters`})`;
  return [shown, isLong && make("button", { type: "button", class: "plain fold", "data-fold": key, "aria-expanded": String(all), "aria-controls": `text ${key}` }, words)];
};

// Forms

export const refusal = () => make("output", { class: "refusal", role: "alert", "data-own": true });
export const form = (what, fields, attributes, ...children) => make("form", { "data-post": what, "data-fields": JSON.stringify(fields), autocomplete: "off", ...attributes }, ...children, refusal());
export const input = (name, label, more = {}) => make("input", { name, placeholder: label, "aria-label": label, required: true, ...more });
export const area = (name, label, more = {}, said = "") => make("textarea", { name, placeholder: label, "aria-label": label, ...more }, said);
export const act = (what, fields, label, kind, more = {}) => make("button", { type: "button", class: kind, "data-post": what, "data-fields": JSON.stringify(fields), ...more }, label);

export const fileFields = (path = "") => make("div", { class: "file-fields" }, input("path", "Path of a file, such as src/cart.py", { value: path, "data-file": true, spellcheck: "false" }),
  area("content", "Its content", { rows: 6, spellcheck: "false", class: "code" }));

export const files = (paths) => [make("div", { class: "files", "data-own": true, "data-files": true }, ...paths.map(fileFields)), make("button", { type: "button", class: "plain", "data-more": true }, "＋ another file")];

export const composer = (key, what, fields, name, label, button, more = {}) => form(what, fields, { class: "composer", "data-key": key },
  area(name, label, { required: true, rows: 1, "data-sends": true, ...more }), make("button", {}, button));

// What GitHub knows as reactions. Pressing one again takes it back.
const REACTIONS = ["+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"];
const react = (id) => make("details", { class: "react", "data-key": "react" }, make("summary", { "aria-label": "React", title: "React" }, "☺"),
  make("div", { class: "buttons" }, ...REACTIONS.map((name) => act("react", { comment: id, content: name }, EMOJI[name], "plain", { "aria-label": name, title: `:${name}:` })), refusal()));

// Something that somebody wrote on GitHub; a comment can be reacted to.
export const comment = (key, message, ...more) => make("div", { class: message.bot ? "said bot" : "said", "data-key": key }, face(message.author, message.bot),
  make("div", { class: "body" }, byline(message), text(key, message.text || "_No description._", { bot: message.bot }), reactions(message.reactions), ...more));
export const remark = (key, message, ...more) => comment(key, message, ...more, react(message.id));
