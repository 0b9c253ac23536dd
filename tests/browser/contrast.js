// Returns the texts that are hard to read, with their contrast.
const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
const rgba = (color, under) => {
  canvas.fillStyle = under ? `rgb(${under})` : "#fff";
  canvas.fillRect(0, 0, 1, 1);
  canvas.fillStyle = color;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)];
};
const back = (node) => {
  const layers = [];
  for (let one = node; one; one = one.parentElement) layers.push(getComputedStyle(one).backgroundColor);
  return layers.reverse().reduce((under, color) => rgba(color, under), null);
};
const light = (color) => {
  const [r, g, b] = color.map((one) => (one /= 255) <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const poor = new Map();
const texts = document.createTreeWalker(document.querySelector("dialog[open]") ?? document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  const node = texts.currentNode.parentElement;
  if (!texts.currentNode.data.trim() || !node.checkVisibility() || node.closest("noscript, option")) continue;
  const under = back(node);
  const [one, other] = [light(rgba(getComputedStyle(node).color, under)), light(under)].sort();
  const ratio = (other + 0.05) / (one + 0.05);
  if (ratio < 4.5) poor.set(`${node.tagName}.${node.className} in ${node.parentElement.className}`, ratio.toFixed(2));
}
return [...poor];
