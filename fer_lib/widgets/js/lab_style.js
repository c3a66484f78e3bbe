// The look of the AU lab and the FACS table, on top of widgets.css.

export const STYLE = `
.fer-lab { --fer-lab-gap: clamp(.8rem, 2.5cqi, 1.6rem); }
.fer-lab [hidden] { display: none !important; }
.fer-lab-head { display: flex; flex-wrap: wrap; gap: .2rem 1rem; align-items: baseline; justify-content: space-between; margin-bottom: .7rem; }
.fer-lab-head h3 { font-size: 1.25rem; margin: 0; }
.fer-lab-private { display: inline-flex; gap: .4rem; align-items: center; color: var(--fer-muted); font-size: .82rem; margin: 0; }
.fer-lab-private::before { content: ""; width: .5rem; height: .5rem; border-radius: 50%; background: #2f9e6e; }
.fer-lab-main { display: grid; grid-template-columns: minmax(0, 1fr); gap: var(--fer-lab-gap); }
@container (min-width: 640px) { .fer-lab-main { grid-template-columns: minmax(0, 5fr) minmax(0, 6fr); } }
@container (min-width: 900px) { .fer-lab-main { grid-template-columns: 400px minmax(0, 1fr); } }
.fer-lab-stage { position: relative; aspect-ratio: 1; max-width: 400px; width: 100%; margin: 0 auto; border-radius: 14px; overflow: hidden; background: #777; }
.fer-w .fer-lab-stage > canvas { width: 100%; height: 100%; border-radius: 0; cursor: grab; touch-action: pan-y; }
.fer-lab-stage > canvas:active { cursor: grabbing; }
.fer-lab-stage > .fer-lab-hint { position: absolute; left: .6rem; bottom: .55rem; margin: 0; padding: .1rem .55rem; font-size: .75rem; border-radius: 99px; background: rgb(0 0 0 / .62); color: #fff; pointer-events: none; }
.fer-lab-photo-stage { position: absolute; inset: 0; display: flex; align-items: center; justify-content: center; background: #14181d; }
.fer-lab-frame { position: relative; overflow: hidden; max-height: 100%; }
.fer-w .fer-lab-photo { width: 100%; border-radius: 0; }
.fer-lab-box { position: absolute; border: 2px solid #fff; box-shadow: 0 0 0 9999px rgb(0 0 0 / .45); border-radius: 6px; cursor: move; touch-action: none; }
.fer-lab-corner { position: absolute; right: -9px; bottom: -9px; width: 20px; height: 20px; background: #fff; border-radius: 50%; border: 2px solid #1f6f8b; cursor: nwse-resize; }
.fer-lab-tools { display: flex; flex-wrap: wrap; gap: .45rem; margin: .7rem auto 0; max-width: 400px; }
.fer-lab-tools button, .fer-lab-tools label { flex: 1 1 auto; }
.fer-lab-people { display: grid; grid-template-columns: repeat(auto-fill, minmax(44px, 1fr)); gap: .35rem; margin: .7rem auto 0; max-width: 400px; }
.fer-w .fer-lab-people button { padding: 0; min-height: 0; border-radius: 50%; aspect-ratio: 1; overflow: hidden; border: 2px solid transparent; background-size: cover; }
.fer-w .fer-lab-people button[aria-pressed="true"] { border-color: var(--fer-accent); box-shadow: 0 0 0 2px var(--fer-surface) inset; }
.fer-lab-people img { display: block; width: 100%; pointer-events: none; }
.fer-lab-chips { display: flex; flex-wrap: wrap; gap: .4rem; margin-bottom: .9rem; }
.fer-w .fer-lab-chips button { border-radius: 99px; padding: .25rem .85rem; min-height: 2rem; border-color: var(--fer-line); }
.fer-w .fer-lab-chips button[aria-pressed="true"] { background: var(--fer-accent); color: var(--fer-on-accent); border-color: var(--fer-accent); }
.fer-lab-see { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1rem; align-items: start; }
@container (min-width: 900px) { .fer-lab-see { grid-template-columns: minmax(0, 1fr) 132px; } .fer-lab-see .fer-lab-inputs { grid-template-columns: 1fr; } }
@container (max-width: 899px) { .fer-lab-inputs { max-width: 340px; } }
.fer-lab-inputs { display: grid; grid-template-columns: 1fr 1fr; gap: .6rem; }
.fer-w .fer-lab-inputs figure { margin: 0; padding: 0; width: auto; }
.fer-lab-inputs canvas { aspect-ratio: 1; border-radius: 8px; }
.fer-w .fer-lab-inputs figcaption { text-align: left; margin: .25rem 0 0; padding: 0; font-size: .74rem; line-height: 1.3; color: var(--fer-muted); }
.fer-lab-picture { position: relative; overflow: hidden; border-radius: 8px; }
.fer-lab-marks span { position: absolute; border: 1px solid rgb(255 255 255 / .85); outline: 1px solid rgb(0 0 0 / .5); color: #fff; font: 600 10px/1 system-ui, sans-serif; padding: 1px 2px; text-shadow: 0 0 2px #000, 0 0 2px #000; }
.fer-w .fer-lab-headline { font-size: 1.3rem; line-height: 1.25; margin: 0 0 .5rem; }
.fer-lab-headline strong { color: var(--fer-accent); }
.fer-lab-row { display: grid; grid-template-columns: 5.2rem minmax(0, 1fr) 3.4rem; gap: .6rem; align-items: center; font-size: .88rem; line-height: 1.75; }
.fer-lab-track { height: .62rem; border-radius: 99px; background: var(--fer-raised); overflow: hidden; box-shadow: inset 0 0 0 1px var(--fer-line); }
.fer-lab-fill { display: block; height: 100%; background: var(--fer-muted); border-radius: 99px; min-width: 0; }
.fer-lab-best .fer-lab-fill { background: var(--fer-accent); } .fer-lab-best { font-weight: 650; }
.fer-lab-value { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.fer-lab-why .fer-lab-row { grid-template-columns: minmax(0, 1fr) clamp(2.5rem, 16cqi, 9rem) 7.4rem; line-height: 1.35; padding: .18rem 0; }
.fer-lab-why .fer-lab-fill { background: var(--fer-second); } .fer-lab-why .fer-lab-fill.fer-lab-up { background: var(--fer-accent); }
.fer-lab-panel { margin-top: var(--fer-lab-gap); padding-top: var(--fer-lab-gap); border-top: 1px solid var(--fer-line); }
.fer-lab-panel > header { display: flex; flex-wrap: wrap; gap: .4rem 1rem; align-items: end; justify-content: space-between; margin-bottom: .6rem; }
.fer-lab-panel > header h4, .fer-lab-panel > header p { margin: 0; } .fer-lab-panel > header h4 { font-size: 1.02rem; }
.fer-lab-reasons { margin-top: 1.1rem; }
.fer-lab-groups { columns: 270px; column-gap: calc(1.4 * var(--fer-lab-gap)); }
.fer-lab-groups section { padding-bottom: .8rem; break-inside: avoid; }
.fer-w .fer-lab-groups section h4 { color: var(--fer-muted); font-weight: 600; font-size: .78rem; margin: 0 0 .2rem; }
.fer-lab-au { display: grid; grid-template-columns: minmax(0, 10rem) minmax(0, 1fr); gap: .1rem .7rem; align-items: center; padding: .1rem 0; }
.fer-lab-au .fer-lab-slider { grid-column: 2; }
.fer-lab-name { font-size: .84rem; line-height: 1.25; } .fer-lab-name b { display: inline-block; min-width: 1.35rem; font-variant-numeric: tabular-nums; }
.fer-lab-slider { display: grid; grid-template-columns: auto minmax(0, 1fr) 3rem; gap: .4rem; align-items: center; }
.fer-lab-slider input { grid-column: 2; } .fer-lab-side { grid-column: 1; font-size: .72rem; color: var(--fer-muted); width: .8rem; }
.fer-lab-slider output { font-size: .76rem; color: var(--fer-muted); font-variant-numeric: tabular-nums; white-space: nowrap; }
.fer-lab input[type="range"] { appearance: none; width: 100%; height: 24px; margin: 0; background: none; cursor: pointer; }
.fer-lab input[type="range"]::-webkit-slider-runnable-track { height: 4px; border-radius: 4px; background: linear-gradient(to right, var(--fer-accent) var(--filled, 0%), var(--fer-line) var(--filled, 0%)); }
.fer-lab input[type="range"]::-moz-range-track { height: 4px; border-radius: 4px; background: linear-gradient(to right, var(--fer-accent) var(--filled, 0%), var(--fer-line) var(--filled, 0%)); }
.fer-lab input[type="range"]::-webkit-slider-thumb { appearance: none; width: 16px; height: 16px; margin-top: -6px; border-radius: 50%; background: var(--fer-surface); border: 3px solid var(--fer-accent); }
.fer-lab input[type="range"]::-moz-range-thumb { width: 11px; height: 11px; border-radius: 50%; background: var(--fer-surface); border: 3px solid var(--fer-accent); }
.fer-lab-more summary { cursor: pointer; color: var(--fer-accent); width: fit-content; margin-bottom: .5rem; }
.fer-lab-check { display: inline-flex; gap: .4rem; align-items: center; font-size: .86rem; cursor: pointer; margin: 0; }
.fer-w ol.fer-lab-filters { list-style: none; margin: 0; padding: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 250px), 1fr)); gap: .7rem 1.1rem; counter-reset: filter; }
.fer-lab-filters li { display: grid; grid-template-columns: 76px minmax(0, 1fr); gap: .6rem; align-items: center; margin: 0; counter-increment: filter; position: relative; }
.fer-lab-filters li::before { content: counter(filter); position: absolute; left: 4px; top: 3px; font: 600 11px/1 system-ui, sans-serif; color: #fff; text-shadow: 0 0 2px #000, 0 0 3px #000; z-index: 1; }
.fer-lab-filters canvas { width: 76px; height: 76px; border-radius: 8px; }
.fer-lab-filters li > div { display: grid; line-height: 1.3; font-size: .84rem; min-width: 0; } .fer-lab-filters li span { color: var(--fer-muted); font-size: .78rem; }
.fer-lab-warning { border-left: 4px solid var(--fer-second); background: var(--fer-raised); padding: .45rem .8rem; border-radius: 0 6px 6px 0; font-size: .86rem; }
.fer-lab-file { position: relative; overflow: hidden; display: inline-flex; align-items: center; justify-content: center; cursor: pointer; margin: 0; font-size: .9rem; background: var(--fer-raised); border: 1px solid var(--fer-muted); border-radius: 6px; padding: .3rem .55rem; min-height: 2.1rem; }
.fer-lab-file input { position: absolute; inset: 0; opacity: 0; cursor: pointer; } .fer-lab-file:focus-within { outline: 3px solid var(--fer-accent); outline-offset: 2px; }
.fer-lab-busy { color: var(--fer-muted); padding: 2.5rem 1rem; text-align: center; }
.fer-lab-stills { display: grid; grid-template-columns: repeat(auto-fill, minmax(92px, 1fr)); gap: .4rem; }
.fer-w .fer-lab-stills button { padding: .25rem; min-height: 0; } .fer-w .fer-lab-stills button[aria-pressed="true"] { border-color: var(--fer-accent); box-shadow: 0 0 0 1px var(--fer-accent); }
.fer-lab-stills canvas { border-radius: 4px; } .fer-lab-stills span { font-size: .78rem; }
.fer-facs-regions { columns: 165px; column-gap: .8rem; }
.fer-facs-regions section { padding-bottom: .7rem; } .fer-facs-regions h4 { break-after: avoid; } .fer-facs-card { break-inside: avoid; } .fer-facs-regions h4 { color: var(--fer-muted); font-size: .78rem; font-weight: 600; margin: 0 0 .25rem; text-transform: capitalize; }
.fer-facs-cards .fer-facs-card { width: 100%; margin-bottom: .25rem; }
.fer-w .fer-facs-card { display: grid; grid-template-columns: 1.7rem minmax(0, 1fr); gap: .3rem; text-align: left; padding: .28rem .6rem; border-color: transparent; min-height: 0; line-height: 1.3; }
.fer-w .fer-facs-card[aria-pressed="true"] { background: var(--fer-accent); color: var(--fer-on-accent); }
.fer-facs-shown { display: grid; gap: .5rem; align-content: start; justify-items: stretch; max-width: 400px; width: 100%; margin: 0 auto; }
.fer-facs-shown h3 { font-size: 1.1rem; margin: .2rem 0 0; } .fer-w .fer-facs-shown p { margin: 0; }
.fer-facs-strength { display: grid; grid-template-columns: auto 1fr; gap: .8rem; align-items: center; margin: 0; font-size: .86rem; }
.fer-facs-spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.fer-lab-old { opacity: .45; }
@media (prefers-reduced-motion: no-preference) { .fer-lab-fill { transition: width .18s ease-out; } }
`;
