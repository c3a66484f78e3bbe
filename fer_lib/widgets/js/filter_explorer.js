// Filter explorer: the filters of a layer as a grid; one of them in detail.
import { choice, el, failure, frame, renew, segments, sharpCanvas, speaker, tableTwin, titles, withCommand } from "./dom.js";
import { onTheme, palette } from "./colours.js";
import { drawCrop, drawTile, fieldOf, openExplorer } from "./explorer_data.js";
import { bars, profile } from "./plots.js";
import { examplesCanvas, pictureInWords, rowNames } from "./looks.js";

const RANKINGS = [["raw.one", "activation, one a sequence"], ["raw.all", "activation, all frames"],
  ["contrast.one", "activation ÷ contrast, one a sequence"], ["contrast.all", "activation ÷ contrast, all frames"]];
const FACES = [["guided", "guided backpropagation"], ["deconvnet", "deconvnet"], ["crop", "what it saw"]];

async function render({ model, el: host }) {
  const root = frame(host, "Filter explorer");
  root.append(el("p", { class: "fer-w-quiet", role: "status" }, "Loading the filters…"));
  let data;
  try {
    data = await openExplorer(model);
    await data.looks(model.get("layer"));
    const network = await data.network(0);
    return build(model, root, data, network);
  } catch (error) {
    root.replaceChildren(failure(error));
  }
}

async function build(model, root, data, network) {
  const state = { layer: model.get("layer"), ranking: RANKINGS[0][0], face: FACES[0][0], order: "alignment", shown: [] };
  state.looks = await data.looks(state.layer);
  const live = speaker(), detail = el("div", { class: "fer-w-detail" });
  const label = (f) => (state.layer === "conv3" ? network.label[f] : -1);
  const strength = (f) => (label(f) < 0 ? 0 : network.at("value", "auroc", f, label(f)));
  const named = (f) => (label(f) < 0 ? `filter ${f}` :
    `filter ${f}: AU ${data.about.aus[label(f)].au}, AUROC ${strength(f).toFixed(2)}`);
  const orders = { number: (a, b) => a - b, alignment: (a, b) => strength(b) - strength(a) || a - b,
    "action unit": (a, b) => label(a) - label(b) || strength(b) - strength(a) };
  const current = () => (model.get("filter") >= 0 && model.get("filter") < state.looks.count ? model.get("filter") : state.shown[0]);
  const arrange = () => { state.shown = Array.from({ length: state.looks.count }, (_, f) => f).sort(orders[state.layer === "conv3" ? state.order : "number"]); };
  arrange();

  const across = (width) => Math.max(8, Math.min(16, Math.floor(width / 34)));
  const grid = sharpCanvas((width) => Math.ceil(state.looks.count / across(width)) * (width / across(width)), (context, width) => {
    const side = width / across(width), colours = palette(grid.canvas);
    state.shown.forEach((f, k) => drawThumb(context, f, (k % across(width)) * side + 1, Math.floor(k / across(width)) * side + 1, side - 2));
    const k = state.shown.indexOf(current());
    context.strokeStyle = colours.second;
    context.lineWidth = 3;
    context.strokeRect((k % across(width)) * side + 1.5, Math.floor(k / across(width)) * side + 1.5, side - 3, side - 3);
  }, { tabindex: "0", role: "slider", "aria-label": "Filter; arrow keys choose", "aria-valuemin": "0" });

  function drawThumb(context, f, left, top, side) {
    const [best] = state.looks.top(f, state.ranking), { looks } = state;
    if (state.layer === "conv1" && state.face !== "crop") {
      context.imageSmoothingEnabled = false;
      drawTile(context, looks.kernels, looks.columns, looks.field.size, f, left, top, side);
      context.imageSmoothingEnabled = true;
    } else if (state.face === "crop") drawCrop(context, data.faces, best.image, fieldOf(looks.field, best), left, top, side);
    else drawTile(context, looks.maps[state.face], looks.columns, looks.field.size, best.unit, left, top, side);
  }

  function choose(f) {
    if (f === undefined) return;
    model.set("filter", f);
    model.save_changes();
  }
  grid.canvas.addEventListener("click", (event) => {
    const width = grid.canvas.clientWidth, side = width / across(width);
    choose(state.shown[Math.floor(event.offsetY / side) * across(width) + Math.floor(event.offsetX / side)]);
  });
  grid.canvas.addEventListener("keydown", (event) => {
    const wide = across(grid.canvas.clientWidth), last = state.shown.length - 1, place = state.shown.indexOf(current());
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: wide, ArrowUp: -wide, Home: -last, End: last }[event.key];
    if (step === undefined || withCommand(event)) return;
    event.preventDefault();
    choose(state.shown[Math.max(0, Math.min(last, place + step))]);
    const box = grid.element.parentElement, line = (grid.canvas.clientHeight * Math.floor((place + step) / wide)) / Math.ceil((last + 1) / wide);
    if (line < box.scrollTop || line > box.scrollTop + box.clientHeight - 40) box.scrollTop = line - box.clientHeight / 2;
  });

  const top = () => state.looks.top(current(), state.ranking);
  const examples = examplesCanvas(data, () => ({ looks: state.looks, top: top() }));
  const aus = data.about.aus, row = (column) => aus.map((_, k) => network.at(column, "auroc", current(), k));
  const profiles = profile("", () => ({ names: aus.map(({ au }) => au), value: row("value"), low: row("low"), high: row("high"),
    nullLow: row("null_low"), nullHigh: row("null_high"), strong: label(current()) }));
  const harm = () => data.about.emotions.map((_, k) => network.harm[current() * data.about.emotions.length + k]);
  const ablation = network.harm ? bars("", () => ({ values: harm(), short: data.about.emotions.map((name) => name.slice(0, 3)) })) : null;

  const title = titles(root), heading = title(), pictures = el("div"), statistics = el("div");
  detail.append(heading, examples.element, pictures, statistics);

  function describe() {
    const f = current(), found = top();
    grid.canvas.setAttribute("aria-valuemax", String(state.looks.count - 1));
    grid.canvas.setAttribute("aria-valuenow", String(f));
    grid.canvas.setAttribute("aria-valuetext", named(f));
    heading.textContent = `${state.layer} filter ${f}`;
    const silent = found[0].raw <= 0;
    examples.canvas.setAttribute("aria-label", `Top pictures of ${state.layer} filter ${f}: ${found.map(({ image }) => pictureInWords(data, image)).join("; ")}`);
    renew(pictures, rowNames(), silent ? failure("This filter is silent: no picture excites it.") : "",
      tableTwin("The pictures as a table", ["picture", "activation", state.ranking.startsWith("raw") ? "rank by" : "activation ÷ contrast", "place (y, x)"],
        found.map((unit, k) => [`${k + 1}. ${pictureInWords(data, unit.image)}`, unit.raw.toPrecision(3), unit.score.toPrecision(3), `${unit.y}, ${unit.x}`])));
    statistics.hidden = state.layer !== "conv3";
    if (state.layer === "conv3") describeStatistics(f);
    live.say(`${state.layer}, ${named(f)}${silent ? ", silent" : ""}.`);
    [grid, examples, profiles, ablation].forEach((each) => each?.redraw());
  }

  function describeStatistics(f) {
    const best = label(f), told = (k) => `AU ${aus[k].au}`;
    const interval = (k) => `${network.at("low", "auroc", f, k).toFixed(2)} to ${network.at("high", "auroc", f, k).toFixed(2)}`;
    const lead = best < 0 ? "It answers to no action unit." : `It answers most to ${told(best)}, ${aus[best].name}: AUROC ` +
      `${strength(f).toFixed(2)} (95 % interval over people ${interval(best)}), p = ${network.at("p_max", "auroc", f, best).toFixed(3)} among all pairs.`;
    profiles.name(`AUROC of filter ${f} for ${aus.length} action units. ${lead}`);
    const harms = ablation ? harm() : [], worst = harms.indexOf(Math.max(...harms));
    const lost = !ablation ? "" : `Without it, ${data.about.emotions[worst]} suffers most: the log-probability of the right answer falls by ` +
      `${harms[worst].toFixed(3)}; accuracy changes by ${(100 * network.accuracy_change[f]).toFixed(1)} points.`;
    ablation?.name(`Harm of taking filter ${f} out, by emotion. ${lost}`);
    const losses = !ablation ? [] : [title("What the network loses without it", 1), el("p", {}, lost), ablation.element,
      tableTwin("The losses as a table", ["emotion", "fall of log-probability"], data.about.emotions.map((name, k) => [name, harms[k].toFixed(3)]))];
    renew(statistics, title("Which action units?", 1), el("p", {}, lead), profiles.element,
      el("p", { class: "fer-w-note" }, "Dot: AUROC; line: its interval; grey band: 95 % of AUROCs when labels are exchanged between sequences."),
      tableTwin("The profile as a table", ["action unit", "AUROC", "interval", "p (all pairs)"],
        aus.map(({ au, name }, k) => [`AU ${au} ${name}`, network.at("value", "auroc", f, k).toFixed(3), interval(k), network.at("p_max", "auroc", f, k).toFixed(3)])), ...losses);
  }

  let turn = 0; // of changes: looks that come late are dropped
  async function change(part) {
    const mine = ++turn;
    try {
      const looks = part.layer && await data.looks(part.layer);
      if (mine !== turn) return;
      Object.assign(state, part, looks && { looks });
      arrange();
      if (looks) {
        model.set("filter", -1);
        model.set("layer", part.layer);
        model.save_changes();
      }
      order.element.hidden = state.layer !== "conv3";
      describe();
    } catch (error) {
      if (mine !== turn) return;
      layers.set(state.layer);
      live.element.replaceChildren(failure(error));
    }
  }
  const layers = segments("Layer", Object.keys(data.about.networks[0].looks).map((name) => [name, name]), state.layer, (layer) => change({ layer }));
  const face = choice("shown in the grid", FACES, state.face, (value) => change({ face: value }));
  const ranking = choice("pictures ranked by", RANKINGS, state.ranking, (value) => change({ ranking: value }));
  const order = choice("filters sorted by", Object.keys(orders).map((name) => [name, name]), state.order, (value) => change({ order: value }));
  const others = () => { if (model.get("layer") !== state.layer) { layers.set(model.get("layer")); change({ layer: model.get("layer") }); } };
  root.replaceChildren(el("div", { class: "fer-w-bar" }, layers.element, order.element, face.element, ranking.element),
    el("div", { class: "fer-w-split" }, el("div", { class: "fer-w-grid" }, grid.element), detail), live.element,
    el("p", { class: "fer-w-note" }, `Network ${data.about.networks[0].source}; ${data.about.data.images} pictures. Data: ${data.about.data.label}.`));
  order.element.hidden = state.layer !== "conv3";
  describe();
  model.on("change:filter", describe);
  model.on("change:layer", others);
  const stopTheme = onTheme(() => [grid, examples, profiles, ablation].forEach((each) => each?.redraw()));
  return () => {
    model.off("change:filter", describe);
    model.off("change:layer", others);
    stopTheme();
    [grid, examples, profiles, ablation].forEach((each) => each?.stop());
  };
}

export default { render };
