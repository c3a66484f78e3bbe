// "Test my hypothesis": the reader commits to a filter and an AU from pictures alone; the test uses other people.
import { choice, el, tableTwin } from "./dom.js";
import { twoHistograms } from "./plots.js";
import { examplesCanvas, pictureInWords } from "./looks.js";
import { histograms, permutationTest } from "./statistics.js";

const DRAWS = 500, HIT = 0.05;

/** The pictures of people that are not in `seen` pictures: row numbers. */
export function otherPeople(subject, seen) {
  const shown = new Set(seen.map((n) => subject[n]));
  return Array.from(subject, (_, n) => n).filter((n) => !shown.has(subject[n]));
}

/** The test of one guess on some pictures (`rows`). */
export function testGuess(data, network, filter, au, rows, draws = DRAWS) {
  const pick = (column) => Float64Array.from(rows, (n) => column[n]);
  const y = Uint8Array.from(rows, (n) => data.labels.presence[au][n]);
  const sequence = Array.from(rows, (n) => data.labels.sequence[n]);
  return permutationTest(network.all.map(pick), filter, y, sequence, { draws, seed: 1 + filter * 32 + au });
}

/** Whether a guess held: more than chance has it, and seldom by chance. */
const holds = ({ p, auroc, expected }) => p <= HIT && auroc > expected;

/** The form, its test and its tally. `title` makes headings (see `titles`). */
export function hypothesis(data, network, looks, title) {
  const { aus } = data.about, guesses = [], filters = Array.from({ length: network.count }, (_, f) => f);
  let filter = Math.floor(Math.random() * network.count), au = -1;
  const top = () => looks.top(filter, "raw.one");
  const pictures = examplesCanvas(data, () => ({ looks, top: top() }), ["picture", "what it saw", "guided"]);
  const result = el("div", { "aria-live": "polite" }), tally = el("div"), chart = { stop() {}, redraw() {} };

  const filterBox = choice("filter", filters.map((f) => [f, `filter ${f}`]), filter, (value) => { filter = Number(value); show(); });
  const auBox = choice("I think it answers to", [["-1", "choose an action unit"], ...aus.map(({ au: number, name }, k) => [k, `AU ${number} ${name}`])],
    -1, (value) => { au = Number(value); commit.disabled = au < 0; });
  const another = el("button", { type: "button", onclick: () => { filter = Math.floor(Math.random() * network.count); filterBox.select.value = String(filter); show(); } }, "Another filter");
  const commit = el("button", { type: "button", class: "fer-w-main", disabled: true, onclick: run }, "Commit and test");

  function show() {
    pictures.canvas.setAttribute("aria-label", `What excites filter ${filter} most: ${top().map(({ image }) => data.about.emotions[data.labels.emotion[image]]).join(", ")}`);
    result.replaceChildren();
    pictures.redraw();
    fill();
  }

  function run() {
    const guess = { filter, au }, rows = otherPeople(data.labels.subject, top().map(({ image }) => image));
    const focused = commit.matches(":focus"); // a disabled button loses it
    result.replaceChildren(el("p", {}, "Exchanging labels…"));
    commit.disabled = true;
    setTimeout(() => { // let the page say so first
      const found = testGuess(data, network, guess.filter, guess.au, rows);
      guesses.push({ ...guess, ...found });
      verdict(guess, found, rows);
      commit.disabled = au < 0;
      if (focused) commit.focus();
    }, 20);
  }

  function verdict({ filter: f, au: k }, found, rows) {
    const hit = holds(found), name = `AU ${aus[k].au}`;
    const x = Float64Array.from(rows, (n) => network.activations(f)[n]);
    const counts = histograms(x, Uint8Array.from(rows, (n) => data.labels.presence[k][n]));
    const drawn = twoHistograms(`Activations of filter ${f} on ${rows.length} pictures, with and without ${name}`,
      () => ({ ...counts, low: network.real(f, counts.low), high: network.real(f, counts.high) }));
    chart.stop();
    Object.assign(chart, { stop: drawn.stop, redraw: drawn.redraw });
    const said = hit ? `Your guess holds: filter ${f} answers to ${name}.`
      : found.p <= HIT ? `The opposite: with ${name} filter ${f} is quieter than chance has it.`
        : Number.isNaN(found.p) ? `Nothing to test: filter ${f} or ${name} is the same in all these pictures.`
          : `Not shown: chance does as much for filter ${f} and ${name}.`;
    const numbers = Number.isNaN(found.p) ? [] : [
      el("p", {}, `AUROC ${found.auroc.toFixed(2)}. When labels are exchanged between sequences, 95 % of AUROCs lie between ` +
        `${found.nullLow.toFixed(2)} and ${found.nullHigh.toFixed(2)}, not always around 0.5, because neutral frames keep no action unit; p = ${found.p.toFixed(3)} (${found.draws} exchanges). ` +
        `KL ${found.kl.toFixed(2)}, of which ${found.klExcess.toFixed(2)} exceeds chance.`),
      el("p", {}, `By chance alone, ${found.chance.toFixed(1)} of ${network.count} filters would look this good for ${name}, ` +
        `and at least one would in ${found.best < 0.01 ? "less than 1" : (100 * found.best).toFixed(0)} % of exchanges.`)];
    result.replaceChildren(el("div", { class: "fer-w-result" }, title(said), ...numbers,
      el("p", { class: "fer-w-note" }, `Tested on ${rows.length} pictures of people other than those you saw above.`),
      drawn.element, key(name)));
    count();
  }

  function count() {
    const hits = guesses.filter(holds).length;
    tally.replaceChildren(el("p", {}, `${hits} of your ${guesses.length} ${guesses.length === 1 ? "guess" : "guesses"} held at p ≤ ${HIT}. ` +
      `If no filter answered to any action unit, about ${(guesses.length * HIT / 2).toFixed(2)} would.`),
      tableTwin("Your guesses", ["guess", "AUROC", "p"], guesses.map((guess) => [`filter ${guess.filter}, AU ${aus[guess.au].au}`, guess.auroc.toFixed(2), guess.p.toFixed(3)])));
  }
  const twin = tableTwin("The pictures as a table", ["picture", "place (y, x)"], []);
  function fill() {
    if (!twin.open) return;
    twin.querySelector("tbody").replaceChildren(...top().map((unit, k) => el("tr", {}, el("th", { scope: "row" },
      `${k + 1}. ${pictureInWords(data, unit.image).split(",")[0]}`), el("td", {}, `${unit.y}, ${unit.x}`))));
  }
  twin.addEventListener("toggle", fill);
  const element = el("div", {}, el("p", {}, "Look at what excites a filter, commit to an action unit, and only then see the numbers."),
    el("div", { class: "fer-w-bar" }, filterBox.element, another), pictures.element,
    twin, el("div", { class: "fer-w-bar" }, auBox.element, commit), result, tally);
  show();
  return { element, redraw: () => { pictures.redraw(); chart.redraw(); }, stop: () => { pictures.stop(); chart.stop(); } };
}

/** What the two shapes of `twoHistograms` mean. */
export function key(name) {
  return el("p", { class: "fer-w-key" },
    el("span", {}, el("i", { style: "border-top: 3px solid var(--fer-second)" }), `with ${name}`),
    el("span", {}, el("i", { style: "background: var(--fer-band)" }), `without ${name}`), el("span", {}, "share of pictures by activation"));
}
