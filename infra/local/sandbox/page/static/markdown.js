// Shows the Markdown of GitHub and of Slack as nodes. Text stays text: of HTML it knows four harmless
// tags, and pictures are links, because the page loads nothing from elsewhere.
import { make } from "./dom.js";

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([\w+-]*).*$/;
const HEADING = /^ {0,3}(#{1,6})\s+(\S.*)$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(?:\[([ xX])\]\s+)?(.*)$/;
const QUOTE = /^ {0,3}>\s?(.*)$/;
const TABLE = /^\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?$/;
const OPEN = /^\s*<details(\s+open)?\s*>\s*(?:<summary>(.*?)<\/summary>)?(.*)$/i;
const SUMMARY = /^\s*<summary>(.*?)<\/summary>(.*)$/i;
// Comments do not show, but in code they do.
const COMMENT = /(^ {0,3}(`{3,}|~{3,})[\s\S]*?(?:^ {0,3}\2[`~]*\s*$|$(?![\s\S]))|`[^`\n]*`)|<!--[\s\S]*?(?:-->|$(?![\s\S]))/gm;

const LINK = /!?\[(?<label>(?:[^[\]\\\n]|\\.){0,999})\]\(<?(?<href>https?:\/\/[^\s)>]+)>?(?:\s+"[^"\n]*")?\)/;
const INLINE = new RegExp(
  [
    "(?<ticks>`+)(?<code>[^\\n]{0,999}?[^`\\n])\\k<ticks>(?!`)",
    LINK.source,
    "(?<url>https?:\\/\\/[^\\s<>]*[^\\s<>.,;:!?'\"()\\]}])",
    "\\*\\*(?<strong>[^\\s*](?:[^\\n]{0,999}?[^\\s*])?)\\*\\*",
    "~~(?<gone>[^~\\n]+)~~",
    "<(?<tag>sub|sup|kbd|b)>(?<inside>[^\\n]{0,999}?)<\\/\\k<tag>>",
    "(?<![\\w*])\\*(?<star>[^\\s*](?:[^*\\n]*?[^\\s*])?)\\*(?![\\w*])",
    "(?<![\\w_])_(?<under>[^\\s_](?:[^_\\n]*?[^\\s_])?)_(?![\\w_])",
    "(?<![\\w~])~(?<tilde>[^\\s~][^~\\n]*)~(?![\\w~])",
    "(?<br><br\\s*\\/?>)",
    "\\brun (?<run>[0-9a-f]{20})\\b",
    "(?<![\\w@/.])@(?<who>[A-Za-z0-9][\\w-]*(?:\\[bot\\])?)",
    "\\\\(?<escaped>[\\\\`*_{}\\[\\]()#+.!|<>~-])",
  ].join("|"),
  "gu",
);

const away = (href, ...label) => make("a", href.startsWith(location.origin) ? { href } : { href, target: "_blank", rel: "noopener noreferrer" }, ...label);

const DEEP = 8;
const node = (g, whole, how, depth) => {
  const inner = (text) => inline(text, how, depth + 1);
  if (g.code?.startsWith("/") && how.bot) return make("button", { type: "button", class: "command", "data-fill": g.code, title: "Put it into the field below" }, g.code);
  if (g.code !== undefined) return make("code", {}, g.code.length > 2 ? g.code.replace(/^ (.*\S.*) $/, "$1") : g.code);
  if (g.href !== undefined) return away(g.href, whole.startsWith("!") ? "🖼 " : "", ...(g.label ? inner(g.label) : [g.href]));
  if (g.url !== undefined) return away(g.url, g.url);
  if (g.strong !== undefined) return make("strong", {}, inner(g.strong));
  if (g.gone !== undefined) return make("del", {}, inner(g.gone));
  if (g.tag !== undefined) return make(g.tag === "b" ? "strong" : g.tag, {}, inner(g.inside));
  if (g.star !== undefined) return make(how.slack ? "strong" : "em", {}, inner(g.star));
  if (g.under?.includes(" · ")) return make("small", { class: "foot" }, inner(g.under));
  if (g.under !== undefined) return make("em", {}, inner(g.under));
  if (g.tilde !== undefined) return make("del", {}, inner(g.tilde));
  if (g.br !== undefined) return make("br");
  if (g.run !== undefined) return make("a", { href: `/run/${g.run}`, class: "run-link" }, "run ", make("code", {}, g.run.slice(0, 8)));
  if (g.who !== undefined) return make("span", { class: g.who === "agent" ? "mention agent" : "mention" }, `@${g.who}`);
  return g.escaped;
};

export const inline = (text, how = {}, depth = 0) => {
  if (depth > DEEP) return [text];
  const nodes = [];
  let end = 0;
  for (const found of text.matchAll(INLINE)) {
    nodes.push(text.slice(end, found.index), node(found.groups, found[0], how, depth));
    end = found.index + found[0].length;
  }
  return [...nodes, text.slice(end)];
};

const lined = (lines, how) => lines.flatMap((line, n) => (n ? [make("br"), ...inline(line, how)] : inline(line, how)));

const cells = (line) => line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));

export const lines = (some) => make("pre", { class: "diff", tabindex: "0" }, ...some.map((line) =>
  make("span", { class: line.startsWith("@@") ? "hunk" : line.startsWith("+") ? "added" : line.startsWith("-") ? "removed" : "same" }, `${line}\n`)));
const diff = (text) => lines(text.split("\n"));
const suggestion = (text) => make("figure", {}, make("figcaption", {}, text ? "Suggested change" : "Suggested change: delete these lines"), text && diff(text.replace(/^/gm, "+")));
const BLOCKS = new Map([["diff", diff], ["suggestion", suggestion]]);

const fenced = (lines, at, [, fence, kind]) => {
  let end = at + 1;
  const closes = new RegExp(`^ {0,3}${fence[0]}{${fence.length},}\\s*$`);
  while (end < lines.length && !closes.test(lines[end])) end += 1;
  const text = lines.slice(at + 1, end).join("\n");
  return [end + 1, BLOCKS.get(kind)?.(text) ?? make("pre", { tabindex: "0" }, make("code", {}, text))];
};

const folded = (lines, at, [, open, summary, rest], how, depth) => {
  let end = at + 1;
  let deep = 1;
  for (; end < lines.length; end += 1) {
    if (OPEN.test(lines[end])) deep += 1;
    if (/<\/details>/i.test(lines[end]) && !(deep -= 1)) break;
  }
  const inside = [rest, ...lines.slice(at + 1, end), (lines[end] ?? "").replace(/<\/details>.*$/i, "")];
  let title = summary;
  if (title === undefined) {
    const first = inside.findIndex((line) => line.trim());
    const found = SUMMARY.exec(inside[first] ?? "");
    if (found) [title, inside[first]] = [found[1], found[2]];
  }
  const body = make("div", {}, ...blocks(inside, how, depth + 1));
  return [end + 1, make("details", { class: "folded", open: open !== undefined }, make("summary", {}, ...inline(title || "Details", how)), body)];
};

const tabled = (lines, at, how) => {
  let end = at + 2;
  while (end < lines.length && lines[end].includes("|") && lines[end].trim()) end += 1;
  const row = (tag) => (line) => make("tr", {}, ...cells(line).map((cell) => make(tag, {}, ...inline(cell, how))));
  const body = lines.slice(at + 2, end).map(row("td"));
  return [end, make("div", { class: "table", tabindex: "0" }, make("table", {}, make("thead", {}, row("th")(lines[at])), make("tbody", {}, ...body)))];
};

const listed = (lines, at, how, depth) => {
  const [, indent, sign] = ITEM.exec(lines[at]);
  const list = make(/\d/.test(sign) ? "ol" : "ul", /^\d/.test(sign) && parseInt(sign, 10) !== 1 ? { start: parseInt(sign, 10) } : {});
  let end = at;
  while (end < lines.length) {
    const found = ITEM.exec(lines[end]);
    if (!found || found[1].length !== indent.length || /\d/.test(found[2]) !== /\d/.test(sign) || RULE.test(lines[end])) break;
    const inside = [found[4]];
    for (end += 1; end < lines.length; end += 1) {
      const deeper = lines[end].search(/\S/) > indent.length;
      if (!deeper && !(lines[end].trim() === "" && (lines[end + 1] ?? "").search(/\S/) > indent.length)) break;
      inside.push(lines[end].slice(Math.min(indent.length + 2, Math.max(lines[end].search(/\S/), 0))));
    }
    const box = found[3] === undefined ? null : make("input", { type: "checkbox", disabled: true, checked: found[3] !== " ", "aria-label": found[3] === " " ? "to do" : "done" });
    list.append(make("li", box ? { class: "task" } : {}, box, ...blocks(inside, how, depth + 1, true)));
  }
  return [end, list];
};

const quoted = (lines, at, how, depth) => {
  let end = at;
  while (end < lines.length && QUOTE.test(lines[end])) end += 1;
  return [end, make("blockquote", {}, ...blocks(lines.slice(at, end).map((line) => QUOTE.exec(line)[1]), how, depth + 1))];
};

// Returns the line after the block that begins at a line, and its node; null for a paragraph.
const block = (lines, at, how, depth) => {
  const line = lines[at];
  let found;
  if (depth > DEEP) return null;
  if ((found = FENCE.exec(line))) return fenced(lines, at, found);
  if ((found = OPEN.exec(line))) return folded(lines, at, found, how, depth);
  if (!how.slack && (found = HEADING.exec(line))) return [at + 1, make(`h${Math.min(found[1].length + 3, 6)}`, {}, ...inline(found[2].replace(/\s#+\s*$/, ""), how))];
  if (RULE.test(line)) return [at + 1, make("hr")];
  if (QUOTE.test(line)) return quoted(lines, at, how, depth);
  if (ITEM.test(line)) return listed(lines, at, how, depth);
  if (line.includes("|") && TABLE.test((lines[at + 1] ?? "").trim())) return tabled(lines, at, how);
  return null;
};

const blocks = (lines, how, depth = 0, tight = false) => {
  const nodes = [];
  let words = [];
  const paragraph = () => {
    if (words.length) nodes.push(...(tight && !nodes.length ? lined(words, how) : [make("p", {}, ...lined(words, how))]));
    words = [];
  };
  for (let at = 0; at < lines.length; ) {
    const found = lines[at].trim() ? block(lines, at, how, depth) : null;
    if (found || !lines[at].trim()) paragraph();
    if (found) nodes.push(found[1]);
    else if (lines[at].trim()) words.push(lines[at].trim());
    at = found ? found[0] : at + 1;
  }
  paragraph();
  return nodes;
};

// `how` says where it comes from: `slack` has other signs for bold, and commands of a `bot` can be clicked.
export const written = (text, how = {}) => blocks(text.replace(COMMENT, "$1").split(/\r?\n/), how);
