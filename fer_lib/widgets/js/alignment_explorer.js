// Alignment explorer: filters × AUs by measure and network, one cell in detail, and the reader's own hypothesis.
import { choice, el, failure, frame, renew, segments, sharpCanvas, speaker, tableTwin, titles } from "./dom.js";
import { onTheme } from "./colours.js";
import { drawFace, openExplorer, topPictures } from "./explorer_data.js";
import { hypothesis, key } from "./hypothesis.js";
import { pictureInWords } from "./looks.js";
import { METRICS, matrixView } from "./matrix.js";
import { twoHistograms } from "./plots.js";
import { histograms } from "./statistics.js";

const FACES = 5;

async function render({ model, el: host }) {
  const root = frame(host, "Alignment explorer");
  root.append(el("p", { class: "fer-w-quiet", role: "status" }, "Loading the alignments…"));
  try {
    const data = await openExplorer(model);
    const place = Math.max(0, data.about.networks.findIndex(({ title }) => title === model.get("network")));
    return build(model, root, data, place, await data.network(place), await data.looks("conv3"), await data.network(0));
  } catch (error) {
    root.replaceChildren(failure(error));
  }
}

function build(model, root, data, place, network, looks, first) {
  const { aus } = data.about, state = { place, network, order: "strength", filters: [] };
  const live = speaker(), metric = () => model.get("metric");
  const value = (f, k) => state.network.at("value", metric(), f, k);
  const strongest = (f) => Math.max(...aus.map((_, k) => { const v = value(f, k); return Number.isNaN(v) ? -Infinity : v; }));
  function arrange() {
    const by = { strength: strongest, number: (f) => -f }[state.order] ?? ((f) => { const v = value(f, Number(state.order)); return Number.isNaN(v) ? -Infinity : v; });
    const score = Array.from({ length: state.network.count }, (_, f) => by(f));
    state.filters = score.map((_, f) => f).sort((a, b) => score[b] - score[a] || a - b);
  }
  arrange();
  const filter = () => (model.get("filter") >= 0 ? model.get("filter") : state.filters[0]);
  const au = () => {
    const place = aus.findIndex((each) => each.au === model.get("au"));
    if (place >= 0) return place;
    const values = aus.map((_, k) => value(filter(), k));
    return Math.max(0, values.indexOf(Math.max(...values.filter(Number.isFinite))));  // a silent filter has none
  };
  function pick(f, k) {
    model.set("filter", f);
    model.set("au", aus[k].au);
    model.save_changes();
  }
  const matrix = matrixView(aus, () => ({ metric: metric(), filters: state.filters, value, filter: filter(), au: au() }), pick,
    (k) => { state.order = String(k); order.select.value = state.order; refresh(); });
  const cells = () => ({ x: state.network.activations(filter()), y: data.labels.presence[au()] });
  const histogram = twoHistograms("", () => {
    const { x, y } = cells(), counts = histograms(x, y);
    return { ...counts, low: state.network.real(filter(), counts.low), high: state.network.real(filter(), counts.high) };
  });
  const behind = (present) => { const { x, y } = cells(); return topPictures(x, data.labels.sequence, (n) => Boolean(y[n]) === present, FACES); };
  const faceRow = (present) => {
    const side = (width) => Math.min(88, Math.floor((width + 6) / FACES) - 6);
    return sharpCanvas((width) => side(width), (context, width) => behind(present).forEach((n, k) =>
      drawFace(context, data.faces, n, k * (side(width) + 6), 0, side(width))), { role: "img", "aria-label": "The filter's strongest faces" });
  };
  const withAU = faceRow(true), without = faceRow(false), parts = [matrix, histogram, withAU, without];
  const title = titles(root), heading = title(), facts = el("dl", { class: "fer-w-facts" }), legend = el("div"), twin = el("div");
  const [titleWith, titleWithout] = [title("", 1), title("", 1)];
  const detail = el("div", {}, heading, facts, histogram.element, legend, titleWith, withAU.element, titleWithout, without.element, twin);

  function describe() {
    const f = filter(), k = au(), name = `AU ${aus[k].au}`, told = METRICS[metric()];
    heading.textContent = `Filter ${f} and ${name}, ${aus[k].name}`;
    const rows = factsOf(f, k);
    facts.replaceChildren(...rows.flatMap(([term, text]) => [el("dt", {}, term), el("dd", {}, text)]));
    legend.replaceChildren(key(name));
    histogram.name(`Activations of filter ${f} with and without ${name}. ${rows.map((row) => row.join(" ")).join("; ")}`);
    titleWith.textContent = `With ${name}: what excites it most`;
    titleWithout.textContent = `Without ${name}: what excites it most`;
    [[withAU, true], [without, false]].forEach(([row, present]) => row.canvas.setAttribute("aria-label",
      `${present ? "With" : "Without"} ${name}: ${behind(present).map((n) => pictureInWords(data, n)).join("; ")}`));
    const { x, y } = cells(), { present, absent } = histograms(x, y);
    renew(twin, tableTwin("The two histograms as a table", ["bin", `with ${name}`, `without ${name}`],
      Array.from(present, (count, bin) => [bin + 1, count, absent[bin]])));
    matrix.canvas.setAttribute("aria-label", `Filters by action units, ${told.name}. Arrow keys choose a cell. Now filter ${f}, ${name}, ${said(value(f, k))}`);
    matrix.press(Number(state.order in { strength: 1, number: 1 } ? -1 : state.order));
    live.say(`Filter ${f}, ${name}: ${told.name} ${said(value(f, k))}.`);
    parts.forEach((each) => each.redraw());
  }

  const said = (v) => (Number.isNaN(v) ? "undefined" : METRICS[metric()].told(v));
  function factsOf(f, k) {
    const at = (column, name) => state.network.at(column, name, f, k), two = (v) => v.toFixed(2);
    const presence = data.labels.presence[k], n = presence.reduce((a, b) => a + b, 0);
    return [
      ["AUROC", `${two(at("value", "auroc"))} (95 % over people: ${two(at("low", "auroc"))} to ${two(at("high", "auroc"))})`],
      ["by chance", `${two(at("null_low", "auroc"))} to ${two(at("null_high", "auroc"))}, 95 % when labels are exchanged between sequences`],
      ["p", `${at("p", "auroc").toFixed(3)} for this pair; ${at("p_max", "auroc").toFixed(3)} among all pairs`],
      ["KL", `${two(at("value", "kl"))} nats; chance alone gives ${two(at("chance", "kl"))}; excess ${two(at("value", "kl_excess"))} (p ${at("p", "kl").toFixed(3)})`],
      ["average precision", `${two(at("value", "average_precision"))}; chance ${two(n / presence.length)}`],
      ["r", `${two(at("value", "pearson"))}; partial, given the other AUs: ${two(at("value", "partial_r"))}`],
    ];
  }

  function refresh() { arrange(); describe(); all.open = false; }
  async function changeNetwork(number) {
    try {
      const found = await data.network(Number(number));
      if (networks.select.value !== String(number)) return; // another was chosen meanwhile
      state.network = found;
      state.place = Number(number);
      model.set("network", data.about.networks[state.place].title);
      model.save_changes();
      refresh();
      source.textContent = sourceText();
    } catch (error) {
      live.element.replaceChildren(failure(error));
    }
  }
  const sourceText = () => { const net = data.about.networks[state.place];
    return `Network: ${net.title} (${net.source}, ${net.size} px); ${data.about.data.images} pictures. Data: ${data.about.data.label}.`; };
  const measure = choice("measure", Object.entries(METRICS).map(([name, about]) => [name, about.name]), metric(),
    (name) => { model.set("metric", name); model.save_changes(); });
  const networks = choice("network", data.about.networks.map(({ title }, k) => [k, title]), state.place, changeNetwork);
  const order = choice("filters sorted by", [["strength", "strength"], ["number", "number"], ...aus.map(({ au: number }, k) => [k, `AU ${number}`])],
    "strength", (name) => { state.order = name; refresh(); });
  const all = tableTwin("The whole matrix as a table", ["filter", ...aus.map(({ au: number }) => `AU ${number}`)], []);
  all.addEventListener("toggle", () => all.open && all.querySelector("tbody").replaceChildren(...state.filters.map((f) =>
    el("tr", {}, el("th", { scope: "row" }, String(f)), aus.map((_, k) => el("td", {}, said(value(f, k))))))));
  const source = el("p", { class: "fer-w-note" }, sourceText());
  const explore = el("div", {}, el("div", { class: "fer-w-bar" }, measure.element, networks.element, order.element),
    el("div", { class: "fer-w-split" }, el("div", {}, matrix.element, all), detail), live.element, source);
  const guess = hypothesis(data, first, looks, title);
  guess.element.hidden = true;
  const mode = segments("", [["explore", "Explore"], ["guess", "Test my hypothesis"]], "explore", (which) => {
    explore.hidden = which !== "explore";
    guess.element.hidden = which !== "guess";
  });
  mode.element.querySelector("legend").textContent = "What to do";
  root.replaceChildren(el("div", { class: "fer-w-bar" }, mode.element), explore, guess.element);
  const remeasure = () => { measure.select.value = metric(); refresh(); };
  const listen = [["change:metric", remeasure], ["change:filter", describe], ["change:au", describe]];
  listen.forEach(([name, each]) => model.on(name, each));
  describe();
  const stopTheme = onTheme(() => [...parts, guess].forEach((each) => each.redraw()));
  return () => {
    listen.forEach(([name, each]) => model.off(name, each));
    stopTheme();
    [...parts, guess].forEach((each) => each.stop());
  };
}

export default { render };
