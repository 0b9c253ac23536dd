// Turns 3,000 random trees into others; returns what went wrong.
let seed = 1;
const random = (below) => (seed = (seed * 48271) % 2147483647) % below;
const tree = (depth) => {
  const keys = [..."abcdefgh"].sort(() => random(3) - 1);
  const children = Array.from({ length: random(6) }, () => random(4) ? tree2(depth, keys) : "text" + random(5));
  return dom.make(["div", "p", "span"][random(3)], { class: "c" + random(3), title: random(2) && "t" }, ...children);
};
const tree2 = (depth, keys) => {
  const node = depth > 0 ? tree(depth - 1) : dom.make("b", {}, "leaf" + random(4));
  if (random(2) && keys.length) node.dataset.key = keys.pop();
  return node;
};
const found = [];
for (let round = 0; round < 3000; round += 1) {
  const [from, to] = [dom.make("div", {}, tree(2)), dom.make("div", {}, tree(2))];
  document.body.append(from);
  const keyed = new Map([...(from.firstChild?.children ?? [])].filter((n) => n.dataset.key).map((n) => [n.nodeName + n.dataset.key, n]));
  const [before, wanted] = [from.cloneNode(true), to.cloneNode(true)];
  const same = from.firstChild.nodeName === to.firstChild.nodeName;
  dom.morph(from, to);
  from.normalize();
  wanted.normalize();
  if (!from.isEqualNode(wanted)) found.push([before.getHTML(), wanted.getHTML(), from.getHTML()]);
  for (const n of same ? from.firstChild.children : []) {
    const old = n.dataset.key && keyed.get(n.nodeName + n.dataset.key);
    if (old && old !== n) found.push(["lost " + n.dataset.key, before.getHTML(), from.getHTML()]);
  }
  from.remove();
}
return found.slice(0, 3);
