// Widgets of ipywidgets' own, as far as jslink connects them: Jupyter's html-manager keeps all of the page's models,
// anywidgets' too, so that these can be linked and stand in boxes. Loaded by widgets.js where a page has such widgets.
(() => {
  const { script, show, complain, asset } = window.ferWidgets;
  const MANAGER = "vendor/html-manager/embed-amd.js";
  const made = {}, waiting = {};

  // The manager comes as AMD modules. It alone sees define and require, and only while its script runs: plotly.js and
  // other scripts, loaded at any time, would call them too.
  async function loadManager() {
    const define = (name, needs, make) => { waiting[name] = { needs, make }; };
    const lent = { define: Object.assign(define, { amd: {} }), require: () => {} };
    for (const [name, value] of Object.entries(lent)) {
      const get = () => (document.currentScript?.src.endsWith(MANAGER) ? value : undefined);
      Object.defineProperty(window, name, { get, configurable: true });
    }
    await script(MANAGER).finally(() => Object.keys(lent).forEach((name) => delete window[name]));
  }

  function need(name) {
    if (name === "module") return { id: MANAGER, uri: document.querySelector(`script[src$="${MANAGER}"]`).src };
    made[name] ??= waiting[name].make(...waiting[name].needs.map(need));
    return made[name];
  }

  function anywidget() {
    const { DOMWidgetModel, DOMWidgetView } = need("@jupyter-widgets/base");
    class AnyModel extends DOMWidgetModel {
      defaults() { return { ...super.defaults(), _view_module: "anywidget", _view_name: "AnyView", _view_module_version: "" }; }
      save_changes() {} // there is no kernel to tell
      send() {}
    }
    AnyModel.prototype.asset = asset;
    class AnyView extends DOMWidgetView {
      async render() { await show(this.model, this.el).catch((error) => complain(error, this.el)); }
    }
    return { AnyModel, AnyView };
  }

  // What the manager leaves without a name gets that of the label beside it, or of its icon; and "null" is no hint.
  const UNNAMED = "[role=slider], input[type=color], button:not(:has(:not(i))) > i:only-child";
  const ICONS = { "fa-play": "play", "fa-pause": "pause", "fa-stop": "stop", "fa-retweet": "repeat" };
  function label(place) {
    for (const part of place.querySelectorAll(UNNAMED)) {
      const beside = part.closest(".jupyter-widgets")?.querySelector(".widget-label")?.textContent;
      const icon = [...part.classList].find((name) => ICONS[name]);
      if (part.tagName !== "I") part.setAttribute("aria-label", beside || "value");
      else if (icon) part.parentElement.setAttribute("aria-label", ICONS[icon]);
    }
    place.querySelectorAll("[title=null]").forEach((part) => part.removeAttribute("title"));
  }

  window.ferWidgets.manage = async (all) => {
    await loadManager();
    const { HTMLManager } = need("@jupyter-widgets/html-manager"), classes = anywidget();
    const manager = new HTMLManager({ loader: async () => classes });
    const kind = { model_module: "anywidget", model_name: "AnyModel", model_module_version: "" };
    const state = Object.fromEntries(Object.entries(all).map(([id, each]) => [id, { ...kind, ...each }]));
    await manager.set_state({ version_major: 2, version_minor: 0, state });
    return async (id, place) => {
      const view = await manager.create_view(await manager.get_model(id));
      await manager.display_view(view, place);
      label(place);
      new MutationObserver(() => label(place)).observe(place, { childList: true, subtree: true }); // boxes fill later
    };
  };
})();
