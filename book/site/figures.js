// Draws each plotly figure when it comes near the window, with one shared plotly.min.js, in the page's colours.
(() => {
  const root = document.documentElement;
  const HEIGHT = 450; // px, plotly's own
  const NARROW = 520; // px; below this a legend at the side leaves no room for the plot
  let plotly; // promise of window.Plotly, made at the first figure

  function load() {
    plotly ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = (root.dataset.content_root || "./") + "_static/plotly.min.js";
      script.onload = () => resolve(window.Plotly);
      script.onerror = () => reject(new Error("plotly.min.js did not load"));
      document.head.append(script);
    });
    return plotly;
  }

  function template(layout) {
    const style = getComputedStyle(root);
    const text = style.getPropertyValue("--pst-color-text-base").trim();
    const colour = (name) => style.getPropertyValue(name).trim();
    const axis = {
      gridcolor: colour("--pst-color-border"), linecolor: colour("--pst-color-border"),
      zerolinecolor: colour("--pst-color-border"), automargin: true,
    };
    const dark = root.dataset.theme === "dark";
    return { layout: {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: text, family: getComputedStyle(document.body).fontFamily, size: 14 },
      xaxis: axis, yaxis: axis, margin: { l: 50, r: 20, t: layout.title ? 50 : 20, b: 50 },
      shapedefaults: { line: { color: text } },
      hoverlabel: { bgcolor: colour("--pst-color-surface") },
      // Okabe and Ito's colours, told apart by every kind of colour sight
      colorway: dark ? ["#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#d55e00"]
                     : ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"],
    } };
  }

  // The ink and the accents of fer_lib.figures, as they must be on a dark page.
  const DARK = { "#1f2430": "#ced6dd", "#1f6f8b": "#56b4e9", "#c2571a": "#e69f00" };

  function read(figure) {
    let text = figure.querySelector("script").textContent;
    if (root.dataset.theme === "dark") {
      for (const [light, dark] of Object.entries(DARK)) text = text.replaceAll(light, dark);
    }
    return JSON.parse(text);
  }

  // The text in lines of at most so many letters; a line that holds tags is left alone.
  function wrap(text, letters) {
    return text.split("<br>").map((line) => {
      if (line.includes("<")) return line;
      const lines = [""];
      for (const word of line.split(" ")) {
        const last = lines.length - 1;
        const longer = lines[last] ? `${lines[last]} ${word}` : word;
        if (longer.length > letters && lines[last]) lines.push(word);
        else lines[last] = longer;
      }
      return lines.join("<br>");
    }).join("<br>");
  }

  function wrapTitle(owner, letters) {
    if (!owner?.title?.text) return 0;
    const before = owner.title.text;
    owner.title.text = wrap(before, letters);
    return owner.title.text.split("<br>").length - before.split("<br>").length;
  }

  // A figure as a phone needs it: words in as many lines as they take, the legend below, a slim colour bar.
  function makeNarrow(data, layout, width) {
    const LETTER = { title: 10, text: 8.2 }; // px, a little more than the fonts' mean
    const LINE = 24, LABELS = 70; // px: a line of a title; what the labels of an axis take
    const margin = { l: 50, r: 20, t: 50, b: 50, ...layout.margin };
    const height = layout.height ?? HEIGHT;
    const plot = height - margin.t - margin.b;
    const inner = { x: width - margin.l - margin.r - LABELS, y: plot - LABELS };
    const above = LINE * wrapTitle(layout, Math.floor((width - 10) / LETTER.title));
    let below = 0;
    for (const [name, axis] of Object.entries(layout)) {
      const side = /^([xy])axis\d*$/.exec(name)?.[1];
      if (!side) continue;
      const [from, to] = axis.domain ?? [0, 1];
      const more = wrapTitle(axis, Math.floor((inner[side] * (to - from)) / LETTER.text));
      if (side === "x") below = Math.max(below, LINE * more);
    }
    layout.legend = { ...layout.legend, orientation: "h", x: 0, y: -0.32 - below / plot, yanchor: "top", xanchor: "left" };
    const named = data.filter((trace) => trace.name && trace.showlegend !== false);
    for (const trace of named) trace.name = wrap(trace.name, Math.floor((width - 70) / LETTER.text));
    if (named.length > 1) below += LINE;
    for (const { colorbar } of data) {
      if (colorbar) Object.assign(colorbar, { thickness: 12, title: { ...colorbar.title, side: "right" } });
    }
    layout.margin = { ...margin, t: margin.t + above, b: margin.b + below };
    layout.height = height + above + below;
  }

  const placeOf = (figure) => figure.querySelector(".fer-figure-plot");
  // What a narrow figure was laid out for; wide ones fit every width.
  const narrowWidth = (place) => (place.clientWidth < NARROW ? String(place.clientWidth) : "");

  async function draw(figure) {
    const Plotly = await load();
    const { data, layout } = read(figure);
    const { width, ...rest } = layout; // the page sets the width
    const place = placeOf(figure);
    figure.dataset.narrow = narrowWidth(place);
    if (figure.dataset.narrow) makeNarrow(data, rest, place.clientWidth);
    place.style.height = `${rest.height ?? HEIGHT}px`;
    await Plotly.react(place, data, { ...rest, template: template(layout) }, { responsive: true, displaylogo: false });
    figure.dataset.drawn = "true";
  }

  // A figure that cannot be drawn says what it shows, and why it does not.
  async function attempt(figure) {
    try {
      await draw(figure);
    } catch (error) {
      placeOf(figure).textContent = `${figure.getAttribute("aria-label")} (The figure could not be drawn: ${error.message}. Reload the page.)`;
    }
  }

  function start() {
    const figures = document.querySelectorAll(".fer-figure");
    const near = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        attempt(target);
      }
    }, { rootMargin: "300px" });
    figures.forEach((figure) => near.observe(figure));
    const print = window.print.bind(window); // paper has no scrolling: the page's print button draws every figure first
    window.print = () => Promise.all([...figures].map(attempt)).then(print);
    const drawn = () => [...document.querySelectorAll(".fer-figure[data-drawn]")];
    new MutationObserver(() => drawn().forEach(attempt))
      .observe(root, { attributes: true, attributeFilter: ["data-theme"] });
    let turning; // a phone turns in several steps
    window.addEventListener("resize", () => {
      clearTimeout(turning);
      turning = setTimeout(() => {
        drawn().filter((figure) => figure.dataset.narrow !== narrowWidth(placeOf(figure))).forEach(attempt);
      }, 200);
    });
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
