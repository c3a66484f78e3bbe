// Seed strip: every run of every variant as a dot on its bar.
import { choice, el, frame, speaker, titles } from "./dom.js";
import { SELECTIONS, UNITS, present, runsChart, told } from "./runs_chart.js";

function render({ model, el: host }) {
  const rows = model.get("rows"), root = frame(host, model.get("title"));
  const chart = runsChart("Accuracy of each variant"), live = speaker();
  const variants = [...new Set(rows.map((row) => row.variant))];
  const pick = (name) => (value) => { model.set(name, value); model.save_changes(); };
  const selection = choice("checkpoint chosen", present(SELECTIONS, rows, "selection"), model.get("selection"), pick("selection"));
  const unit = choice("accuracy over", present(UNITS, rows, "unit"), model.get("unit"), pick("unit"));

  function update() {
    selection.select.value = model.get("selection");
    unit.select.value = model.get("unit");
    const shown = rows.filter((row) => row.selection === model.get("selection") && row.unit === model.get("unit"));
    const groups = variants.map((name) => ({ name, rows: shown.filter((row) => row.variant === name) }));
    chart.show(groups);
    live.say(`${groups.map(({ name, rows: runs }) => `${name}: ${told(runs.map((row) => row.accuracy))}`).join("; ")}.`);
  }
  const names = ["change:selection", "change:unit"];
  names.forEach((name) => model.on(name, update));
  root.append(titles(host)(model.get("title")), el("div", { class: "fer-w-bar" }, selection.element, unit.element),
    chart.element, el("p", { class: "fer-w-note" }, "Bar: mean. Dot: one training. ±: standard deviation of the dots." +
      (model.get("data") ? ` Data: ${model.get("data")}.` : "")), live.element);
  update();
  return () => names.forEach((name) => model.off(name, update));
}

export default { render };
