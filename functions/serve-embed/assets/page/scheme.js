// The default colours of content in a dark theme. Content without colours of its own gets light text, because the page
// behind it is dark. Colours that the content sets stay.

const LONGEST_TEXT_SCAN = 2000; // text nodes

// The weakest way to choose a scheme: `color-scheme` of the content's own goes before it.
const scheme = document.createElement("meta");
Object.assign(scheme, { name: "color-scheme", content: "dark" });
scheme.style.color = "CanvasText";

const checked = new WeakSet(); // elements whose light text is their own
let theme, timer;

export function useTheme(name) {
  if (name === theme) return;
  theme = name;
  scheme.remove();
  if (theme !== "dark" || document.querySelector('meta[name="color-scheme" i]')) return;
  put();
  check();
}

// Call after the content has changed.
export function checkSchemeSoon() {
  if (scheme.isConnected) timer ??= setTimeout(check, 250);
}

const put = () => (document.head ?? document.documentElement).append(scheme);
const colorOf = (element) => getComputedStyle(element).color;

// Default text on a light background of the content's own needs the light scheme. Then all of the content gets it: the
// browser paints a white canvas under a frame that is not dark in a page that is.
function check() {
  timer = null;
  if (!scheme.isConnected) return;
  const suspects = textElements().filter((element) => !checked.has(element) && colorOf(element) === colorOf(scheme) && isOnLight(element));
  if (!suspects.length) return;
  const before = colorOf(scheme);
  scheme.remove();
  if (suspects.some((element) => colorOf(element) !== before)) return;
  suspects.forEach((element) => checked.add(element));
  put();
}

function textElements() {
  const found = new Set();
  const texts = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  for (let count = 0; count < LONGEST_TEXT_SCAN && texts.nextNode(); count++) {
    if (/\S/.test(texts.currentNode.data)) found.add(texts.currentNode.parentElement);
  }
  return [...found];
}

// An image, and a colour in a form that is not red, green and blue, may be light.
function isOnLight(element) {
  for (let at = element; at; at = at.parentElement) {
    const { backgroundColor, backgroundImage } = getComputedStyle(at);
    if (backgroundImage !== "none") return true;
    const [red, green, blue, alpha = 1] = backgroundColor.match(/[\d.]+/g).map(Number);
    if (alpha >= 0.5) return !backgroundColor.startsWith("rgb") || red * 0.3 + green * 0.6 + blue * 0.1 > 127;
  }
  return false;
}
