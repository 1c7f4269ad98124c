// Looks over the page that is open and returns what is wrong with it, in sentences. Its argument is the page as the server
// sent it.

const faults = [];
const all = (selector) => [...document.querySelectorAll(selector)];
const show = (element) => element.outerHTML.slice(0, 120);

if (!document.documentElement.lang) faults.push("the page has no language");
if (!document.title) faults.push("the page has no title");
const headings = all("h1").length;
if (headings !== 1) faults.push(`there are ${headings} headings of the first rank`);

const { scrollWidth, clientWidth } = document.documentElement;
if (scrollWidth > clientWidth) faults.push(`the page scrolls sideways: ${scrollWidth} pixels on ${clientWidth}`);

const ids = all("[id]").map((element) => element.id);
ids.filter((id, index) => ids.indexOf(id) !== index).forEach((id) => faults.push(`two elements have the id ${id}`));

for (const field of all("input:not([type=hidden]), select, textarea")) {
  if (!field.labels.length && !field.ariaLabel) faults.push(`a field has no label: ${show(field)}`);
}
for (const picture of all("img:not([alt]), svg:not([aria-hidden], [aria-label])")) {
  faults.push(`a picture has no description: ${show(picture)}`);
}
for (const control of all("a, button")) {
  if (!control.textContent.trim() && !control.ariaLabel) faults.push(`a link or button has no name: ${show(control)}`);
}
for (const control of all("button, .button, nav a")) {
  const { width, height } = control.getBoundingClientRect();
  if (width < 24 || height < 24) faults.push(`a finger misses this: ${show(control)}`);
}
for (const picture of document.images) {
  if (!picture.naturalWidth) faults.push(`a picture is missing: ${show(picture)}`);
}

// The tree that the source writes down, and the one that the browser reads: a parser mends what is nested as HTML forbids.
const EMPTY = ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];
function written(source) {
  const outline = [];
  const open = [];
  for (const [, end, name] of source.matchAll(/<(\/?)([a-zA-Z][\w-]*)(?:"[^"]*"|'[^']*'|[^>"'])*>/g)) {
    if (end) {
      open.splice(open.lastIndexOf(name));
    } else {
      outline.push(`${" ".repeat(open.length)}${name.toLowerCase()}`);
      if (!EMPTY.includes(name)) open.push(name);
    }
  }
  return outline;
}
function read(element, depth) {
  const own = `${" ".repeat(depth)}${element.localName.toLowerCase()}`;
  return [own, ...[...element.children].flatMap((child) => read(child, depth + 1))];
}
const [source, tree] = [written(arguments[0]), read(document.documentElement, 0)];
const mended = source.findIndex((line, index) => line !== tree[index]);
if (mended >= 0 || source.length !== tree.length) {
  const place = mended >= 0 ? mended : source.length;
  const path = source.slice(Math.max(place - 3, 0), place + 1).map((line) => line.trim());
  faults.push(`the browser reads another tree: after ${path.join(", ")} it has ${tree[place]?.trim()}`);
}

// Contrast, as WCAG 2 counts it. A canvas turns every notation of a colour into numbers, and lays one over another.
const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
function lay(colours) {
  canvas.clearRect(0, 0, 1, 1);
  for (const colour of ["#fff", ...colours]) {
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
  }
  return canvas.getImageData(0, 0, 1, 1).data;
}
function luminance(colours) {
  const [red, green, blue] = [...lay(colours)].map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
function contrast(element) {
  const behind = [];
  for (let each = element; each; each = each.parentElement) behind.unshift(getComputedStyle(each).backgroundColor);
  const front = luminance([...behind, getComputedStyle(element).color]);
  const back = luminance(behind);
  return (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
}
for (const element of all("body *")) {
  const text = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  if (!text.length && element.localName !== "input") continue;
  const { fontSize, fontWeight } = getComputedStyle(element);
  const size = parseFloat(fontSize);
  const enough = size >= 24 || (size >= 18.66 && fontWeight >= 700) ? 3 : 4.5;
  const ratio = contrast(element);
  const words = text[0]?.data.trim() ?? show(element);
  if (ratio < enough) faults.push(`the contrast of "${words}" is ${ratio.toFixed(1)}, and should be ${enough}`);
}

return faults;
