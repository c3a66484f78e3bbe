// The book's colours, in light and dark, and the scales of matrices: one place for all widgets.

const NAMES = ["ink", "muted", "line", "surface", "raised", "accent", "second", "band"];

/** The colours that hold at an element now: {ink, muted, line, surface, raised, accent, second, band}. */
export function palette(element) {
  const style = getComputedStyle(element);
  return Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--fer-${name}`).trim()]));
}

/** Call `changed` when the page, or JupyterLab, goes from light to dark or back; returns the function that stops it. */
export function onTheme(changed) {
  const watch = new MutationObserver(changed);
  watch.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  watch.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  return () => watch.disconnect();
}

export function isDark() {
  return document.documentElement.dataset.theme === "dark" || document.body.dataset.jpThemeLight === "false";
}

// From the book's accent to its second colour through the page's ground: told apart by every kind of colour sight.
const LIGHT = { low: [31, 111, 139], middle: [255, 255, 255], high: [194, 87, 26] };
const DARK = { low: [86, 180, 233], middle: [30, 35, 42], high: [230, 159, 0] };

/** CSS colour of t in −1 … 1: −1 the accent, 0 the ground, 1 the second colour. NaN is transparent. */
export function diverging(t, dark = isDark()) {
  if (Number.isNaN(t)) return "transparent";
  const { low, middle, high } = dark ? DARK : LIGHT;
  const end = t < 0 ? low : high, share = Math.min(1, Math.abs(t));
  return `rgb(${middle.map((from, k) => Math.round(from + (end[k] - from) * share)).join(" ")})`;
}

/** CSS colour of t in 0 … 1, from the page's ground to the second colour. */
export function sequential(t, dark = isDark()) {
  return diverging(Number.isNaN(t) ? t : Math.min(1, Math.max(0, t)), dark);
}
