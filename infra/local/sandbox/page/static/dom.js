// Makes nodes, and changes a tree of them into another without touching what is the same. So what
// somebody is typing, the focus, the selection and the place on the page stay as they are.

// Attributes are set as text. Nothing here or elsewhere reads text as HTML.
export const make = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return node;
};

// What belongs to the person who looks: what is open, what a form is doing, how high a field has grown.
const THEIRS = new Set(["open", "aria-busy", "style", "data-seen"]);

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.id || node.dataset.key || "" : "");

const morphAttributes = (old, fresh) => {
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !THEIRS.has(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) {
    if (!THEIRS.has(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
};

const put = (parent, node, before) => {
  // moveBefore keeps the focus of what it moves; not every browser has it.
  if (node.isConnected && parent.moveBefore) parent.moveBefore(node, before);
  else parent.insertBefore(node, before);
};

const morphChildren = (parent, fresh) => {
  const wanted = new Set([...fresh.childNodes].map(keyOf).filter(Boolean));
  const kept = new Map();
  for (const child of [...parent.childNodes]) {
    const key = keyOf(child);
    if (key && !wanted.has(key)) child.remove();
    else if (key) kept.set(key, child);
  }
  let at = parent.firstChild;
  const skip = () => {
    const skipped = at;
    at = at.nextSibling;
    return skipped;
  };
  for (const child of [...fresh.childNodes]) {
    const key = keyOf(child);
    let match = key ? kept.get(key) : undefined;
    if (match) while (at && at !== match && !keyOf(at)) skip().remove();
    if (!key && at && !keyOf(at) && at.nodeName === child.nodeName) match = at;
    if (match && match.nodeName === child.nodeName) {
      if (match === at) skip();
      else put(parent, match, at);
      morph(match, child);
    } else {
      if (match === at && match) skip();
      match?.remove();
      parent.insertBefore(child, at);
    }
  }
  while (at) skip().remove();
};

// A node marked `data-own` keeps its content: it is what somebody filled in, or an answer to it.
export const morph = (old, fresh) => {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  morphAttributes(old, fresh);
  if (!old.hasAttribute("data-own")) morphChildren(old, fresh);
};

export const show = (parent, ...children) => morphChildren(parent, make("div", {}, ...children));
