// Leak lab: one switch for the split, one for the checkpoint; the honest mark stays where it was.
import { choice, el, frame, segments, speaker, titles } from "./dom.js";
import { SELECTIONS, UNITS, per, present, runsChart, told } from "./runs_chart.js";
import { mean } from "./statistics.js";

const SPLITS = [
  ["subject", "people kept apart", "Nobody in the test pictures was seen in training."],
  ["folds", "people kept apart", "Nobody in the test pictures was seen in training."],
  ["sequence", "people mixed", "The same people are in training and test, in other sequences."],
  ["image", "pictures mixed", "Neighbouring frames of one sequence are in training and test: near-copies."],
];

function render({ model, el: host }) {
  const rows = model.get("rows"), variants = [...new Set(rows.map((row) => row.variant))];
  const root = frame(host, `Leak lab: what a leak adds to accuracy, ${variants.join(", ")}`); // a page may hold several
  const splits = present(SPLITS, rows, "split"), honest = splits[0][0], chosen = present(SELECTIONS, rows, "selection");
  const fairest = (chosen.find(([value]) => value === "validation") ?? chosen[0])[0]; // one checkpoint is no choice
  const chart = runsChart("Accuracy"), live = speaker(), number = el("p", { class: "fer-w-verdict" });
  const pick = (name) => (value) => { model.set(name, value); model.save_changes(); };
  if (!splits.some(([value]) => value === model.get("split"))) model.set("split", honest);
  const split = segments("How people are split", splits, model.get("split"), pick("split"));
  const selection = segments("Checkpoint chosen", chosen, model.get("selection"), pick("selection"));
  const unit = choice("accuracy over", present(UNITS, rows, "unit"), model.get("unit"), pick("unit"));
  const accuracies = (variant, where, chosen) => rows.filter((row) => row.variant === variant && row.split === where
    && row.selection === chosen && row.unit === model.get("unit"));

  function update() {
    const where = model.get("split"), taken = model.get("selection");
    split.set(where);
    selection.set(taken);
    unit.select.value = model.get("unit");
    const reference = {}, gains = [];
    const groups = variants.map((name) => {
      const shown = accuracies(name, where, taken), fair = accuracies(name, honest, fairest);
      if (fair.length) reference[name] = mean(fair.map((row) => row.accuracy));
      if (fair.length && shown.length) gains.push([name, mean(shown.map((row) => row.accuracy)) - reference[name]]);
      return { name, rows: shown };
    });
    chart.show(groups, reference);
    const fair = where === honest && taken === fairest;
    const said = fair ? `Honest: ${groups.map(({ name, rows: runs }) => `${name} ${told(runs.map((row) => row.accuracy))}`).join("; ")}.`
      : gains.map(([name, gain]) => `${name}: ${gain < 0 ? "−" : "+"}${per(Math.abs(gain)).replace(" %", "")} points against the honest value`).join("; ") + ".";
    number.textContent = said;
    live.say(`${SPLITS.find(([value]) => value === where)[2]}${taken === "test" ? " And the checkpoint was chosen by looking at the test fold." : ""}`);
  }
  const names = ["change:split", "change:selection", "change:unit"];
  names.forEach((name) => model.on(name, update));
  number.setAttribute("aria-live", "polite");
  root.append(titles(host)("Leak lab"), el("div", { class: "fer-w-bar" }, split.element, selection.element, unit.element),
    number, live.element, chart.element,
    el("p", { class: "fer-w-note" }, `Bar: mean. Dot: one run. Line: the honest mean, people kept apart${fairest === "validation" ? " and checkpoint chosen on validation" : ""}.` +
      (model.get("data") ? ` Data: ${model.get("data")}.` : "")));
  update();
  return () => names.forEach((name) => model.off(name, update));
}

export default { render };
