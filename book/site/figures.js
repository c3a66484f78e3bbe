// Draws each plotly figure when it comes near the window, with one shared plotly.min.js, in the page's colours.
(() => {
  const root = document.documentElement;
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

  async function draw(figure) {
    const Plotly = await load();
    const { data, layout } = read(figure);
    const { width, ...rest } = layout; // the page sets the width
    const place = figure.querySelector(".fer-figure-plot");
    if (place.clientWidth < NARROW) rest.legend = { ...rest.legend, orientation: "h", x: 0, y: -0.32, yanchor: "top", xanchor: "left" };
    await Plotly.react(place, data, { ...rest, template: template(layout) }, { responsive: true, displaylogo: false });
    figure.dataset.drawn = "true";
  }

  function start() {
    const figures = document.querySelectorAll(".fer-figure");
    const near = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        draw(target);
      }
    }, { rootMargin: "300px" });
    figures.forEach((figure) => near.observe(figure));
    const print = window.print.bind(window); // paper has no scrolling: the page's print button draws every figure first
    window.print = () => Promise.all([...figures].map(draw)).then(print);
    new MutationObserver(() => document.querySelectorAll(".fer-figure[data-drawn]").forEach(draw))
      .observe(root, { attributes: true, attributeFilter: ["data-theme"] });
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
