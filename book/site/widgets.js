// Shows the widgets of a page that has no kernel: reads the state that execution left, loads each widget's modules
// once, and gives it a model like the one JupyterLab gives. Nothing from other hosts. A page with widgets of ipywidgets'
// own loads ipywidgets.js too, whose html-manager then keeps all models.
(() => {
  const root = document.documentElement;
  const made = {}, waiting = {}, assets = {};

  function script(name) {
    return new Promise((resolve, reject) => {
      const source = `${root.dataset.content_root || "./"}_static/${name}`;
      const element = document.createElement("script");
      element.src = source;
      element.onload = resolve;
      element.onerror = () => reject(new Error(`This page's file ${source.replace(/^.*_static/, "_static")} did not load. ` +
        "Reload the page; in the offline book, unpack the whole zip."));
      document.head.append(element);
    });
  }

  // What the scripts of _static/widgets call: define(name, needs, make) and keep(name, base64).
  window.ferWidgets = {
    define: (name, needs, make) => { waiting[name] = { needs, make }; },
    keep: (name, text) => { assets[name] = text; },
    load: (name) => load(name), // a module's exports, for other scripts and for tests
    asset: (name) => asset(name),
    script, show, complain, // for ipywidgets.js
  };

  const loading = {};
  function load(name) {
    loading[name] ??= (async () => {
      await script(`widgets/${name}.js`);
      const { needs, make } = waiting[name];
      await Promise.all(needs.map(load));
      made[name] = make((other) => made[other]);
      return made[name];
    })();
    return loading[name];
  }

  async function asset(name) {
    if (!/^[\w.-]+$/.test(name)) throw new Error(`${name} is no asset's name`);
    await script(`widgets/assets/${name}.js`);
    const bytes = decode(assets[name]);
    delete assets[name];
    return bytes.buffer;
  }

  function decode(base64) {
    const text = atob(base64), bytes = new Uint8Array(text.length);
    for (let k = 0; k < text.length; k++) bytes[k] = text.charCodeAt(k);
    return bytes;
  }

  class Model {
    constructor(id, { state, buffers = [] }) {
      this.model_id = id;
      this.state = { ...state };
      this.listeners = new Map();
      this.asset = asset;
      for (const { path, data, encoding } of buffers) {
        if (encoding !== "base64") throw new Error(`buffer of ${path.join(".")} is encoded as ${encoding}`);
        const last = path[path.length - 1];
        path.slice(0, -1).reduce((place, key) => place[key], this.state)[last] = new DataView(decode(data).buffer);
      }
    }
    get(key) { return this.state[key]; }
    set(key, value) {
      if (this.state[key] === value) return;
      this.state[key] = value;
      this.tell(`change:${key}`, this, value);
      this.tell("change", this);
    }
    on(event, listener) { this.listeners.set(event, [...(this.listeners.get(event) ?? []), listener]); }
    off(event, listener) {
      if (!event) return this.listeners.clear();
      this.listeners.set(event, listener ? (this.listeners.get(event) ?? []).filter((each) => each !== listener) : []);
    }
    tell(event, ...values) { for (const listener of this.listeners.get(event) ?? []) listener(...values); }
    save_changes() {} // there is no kernel to tell
    send() {}
  }

  async function definition(model) {
    if (model.get("_module")) return (await load(model.get("_module"))).default;
    if (!model.get("_esm")) throw new Error("It is no anywidget.");
    const address = URL.createObjectURL(new Blob([model.get("_esm")], { type: "text/javascript" }));
    const found = (await import(address)).default;
    return typeof found === "function" ? found() : found;
  }

  const widgets = new Map(); // of each model the promise of its widget, initialized
  function widgetOf(model) {
    if (!widgets.has(model)) widgets.set(model, (async () => {
      const widget = await definition(model);
      await widget.initialize?.({ model, experimental: {} });
      return widget;
    })());
    return widgets.get(model);
  }

  async function show(model, place) {
    const widget = await widgetOf(model);
    const leave = new AbortController(), el = document.createElement("div");
    place.append(el);
    const cleanUp = await widget.render?.({ model, el, signal: leave.signal, experimental: {} });
    window.addEventListener("pagehide", (event) => {
      if (event.persisted) return;
      leave.abort();
      cleanUp?.();
    });
  }

  function complain(error, place) {
    const message = document.createElement("p");
    message.setAttribute("role", "alert");
    message.className = "fer-w fer-w-error";
    message.textContent = `This interactive part could not start. ${error.message}`;
    place.append(message);
  }

  // What shows the widget of an id in a place.
  async function shower(all) {
    if (Object.values(all).some((each) => each.model_module)) {
      await script("ipywidgets.js");
      return window.ferWidgets.manage(all);
    }
    const models = {};
    return (id, place) => show(models[id] ??= new Model(id, all[id]), place);
  }

  let showing;
  async function draw(place, all) {
    const id = place.dataset.model;
    try {
      if (!all[id]) throw new Error("The state of this widget is not in the page: build the book again.");
      await (await (showing ??= shower(all)))(id, place);
    } catch (error) {
      complain(error, place);
    }
    place.dataset.drawn = "true";
  }

  function start() {
    const text = document.querySelector('script[type="application/vnd.jupyter.widget-state+json"]')?.textContent;
    const all = text ? JSON.parse(text).state : {};
    const near = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        draw(target, all);
      }
    }, { rootMargin: "400px" });
    document.querySelectorAll(".fer-widget").forEach((place) => near.observe(place));
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
