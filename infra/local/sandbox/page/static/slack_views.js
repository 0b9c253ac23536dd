// Draws Slack's views: the dialog that a person has open, and the app's home.
import { make } from "./dom.js";
import { written } from "./markdown.js";
import { act, refusal } from "./parts.js";

const words = (text) => (text.type === "mrkdwn" ? written(text.text, { slack: true }) : text.text.split("\n").flatMap((line, n) => (n ? [make("br"), line] : [line])));

const INPUTS = { datepicker: "date", timepicker: "time" };
const chosen = (element, option) => (element.initial_options ?? [element.initial_option]).some((one) => one?.value === option.value);

const OF_ELEMENT = {
  plain_text_input: (element, more) => {
    const limits = { maxlength: element.max_length, minlength: element.min_length };
    if (element.multiline) return make("textarea", { rows: 6, ...limits, ...more }, element.initial_value);
    return make("input", { value: element.initial_value, ...limits, ...more });
  },
  static_select: (element, more) => make("select", more, make("option", { value: "" }, "Choose …"),
    ...element.options.map((one) => make("option", { value: one.value, selected: chosen(element, one) }, one.text.text))),
  checkboxes: (element, { name }) => make("span", { class: "checkboxes" },
    ...element.options.map((one) => make("label", {}, make("input", { type: "checkbox", name, value: one.value, checked: chosen(element, one) }), one.text.text))),
  button: (element, more, home) => act("press", { action_id: element.action_id, home }, element.text.text, { primary: "yes", danger: "no" }[element.style] ?? "plain"),
};
const other = (element, more) => make("input", { type: INPUTS[element.type] ?? "text", value: element.initial_date ?? element.initial_time ?? element.initial_conversation, ...more });
const drawElement = (element, more, home) => (OF_ELEMENT[element.type] ?? other)(element, more, home);

const drawInput = (block, errors, home) => {
  const id = `view ${block.block_id}`;
  const error = errors[block.block_id];
  const hint = (error || block.hint) && `${id} note`;
  const field = drawElement(block.element, { id, name: block.block_id, required: !block.optional && !block.dispatch_action, "aria-invalid": error && "true", "aria-describedby": hint }, home);
  const drawn = make("div", { class: error ? "field wrong" : "field", "data-key": id }, make("label", { for: id }, block.label.text, block.optional && make("span", { class: "meta" }, " (optional)")), field,
    hint && make("span", { id: hint, class: error ? "refusal" : "meta", role: error && "alert" }, error || block.hint.text));
  if (!block.dispatch_action) return drawn;
  return make("form", { class: "search", "data-post": "press", "data-fields": JSON.stringify({ action_id: block.element.action_id, home }), "data-value": block.block_id, autocomplete: "off" }, drawn, make("button", {}, "Search"), refusal());
};

const OF_BLOCK = {
  header: (block) => make("h4", {}, block.text.text),
  divider: () => make("hr"),
  context: (block) => make("p", { class: "meta" }, ...block.elements.flatMap((one) => (one.text ? words(one) : []))),
  section: (block, _, home) => make("div", { class: "section" }, make("div", { class: "text" }, ...words(block.text)), block.accessory && drawElement(block.accessory, {}, home)),
  input: drawInput,
  actions: (block, _, home) => make("div", { class: "buttons" }, ...block.elements.map((one) => drawElement(one, {}, home))),
};
const drawBlocks = (view, home) => view.blocks.map((block) => (OF_BLOCK[block.type] ?? (() => null))(block, view.errors ?? {}, home));

export const drawDialog = (view) => [make("div", { "data-key": `${view.id} ${view.hash}`, class: "view" },
  make("div", { class: "run-head" }, make("h2", { id: "slack-dialog-title", tabindex: "-1" }, view.title.text), make("button", { type: "button", class: "plain", "data-dismiss": true, "aria-label": "Close" }, "✕")),
  make("form", { "data-post": "submit", "data-fields": "{}", "data-view": true, autocomplete: "off", novalidate: true }, ...drawBlocks(view, false),
    view.trouble && make("p", { class: "refusal", role: "alert" }, view.trouble),
    make("div", { class: "turns" }, make("button", { type: "button", class: "plain", "data-dismiss": true }, view.close?.text ?? "Cancel"), view.submit && make("button", {}, view.submit.text)), refusal()))];

export const drawHome = (view) => make("div", { class: "view home", "data-key": "home" },
  ...(view ? drawBlocks(view, true) : [make("p", { class: "empty" }, "The app has not shown its home yet.")]), make("div", { class: "buttons" }, refusal()));
