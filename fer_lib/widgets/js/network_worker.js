// The network on a thread of its own, so that the face keeps moving while it computes. Where a page may have no worker,
// the same calls run on the page's own thread.
import { asset } from "./assets.js";
import { Network, readWeights, softmax, spread } from "./network.js";

/** What the worker runs: { id, call, values } in, { id, result } or { id, error } out. */
function serve(scope) {
  let network = null;
  const calls = {
    start: async (wasm, weights, size) => { network = await Network.make(wasm, weights, size); },
    see: (grey) => network.predict(grey),
    decode: (filters, places, method) => filters.map((filter, i) => network.decode(filter, places[i], method)),
  };
  scope.onmessage = async ({ data: { id, call, values } }) => {
    try {
      scope.postMessage({ id, result: await calls[call](...values) });
    } catch (error) {
      scope.postMessage({ id, error: String(error?.message ?? error) });
    }
  };
}

/** The shipped network, ready: { see(grey), decode(filters, places, method), stop() }, all promises but stop. */
export async function startNetwork(model, manifest) {
  if (typeof WebAssembly !== "object") throw new Error("This browser has no WebAssembly, which the network needs.");
  const [wasm, packed] = await Promise.all([asset(model, "network.wasm"), asset(model, "lab_network.bin.gz")]);
  const weights = await readWeights(packed, manifest), size = manifest.network.size;
  const worker = makeWorker(), ask = asking(worker);
  try {
    await ask("start", wasm.slice(0), weights, size);
  } catch (error) {
    throw new Error(`The network could not start: ${error.message} It needs WebAssembly with SIMD: any browser since 2023.`);
  }
  return {
    see: (grey) => ask("see", grey),
    decode: (filters, places, method) => ask("decode", filters, places, method),
    stop: () => worker.terminate(),
  };
}

function asking(worker) {
  const waiting = new Map();
  let calls = 0;
  worker.onmessage = ({ data: { id, result, error } }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error) reject(new Error(error));
    else resolve(result);
  };
  return (call, ...values) => new Promise((resolve, reject) => {
    waiting.set(++calls, { resolve, reject });
    worker.postMessage({ id: calls, call, values });
  });
}

function makeWorker() {
  const source = `"use strict";\n${[softmax, spread, Network, serve].join("\n")}\nserve(self);`;
  try {
    const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" })), worker = new Worker(address);
    URL.revokeObjectURL(address);
    return worker;
  } catch {
    return localWorker();
  }
}

/** A stand-in for a worker, on this thread. */
function localWorker() {
  const scope = { postMessage: (data) => worker.onmessage({ data }) };
  const worker = { postMessage: (data) => setTimeout(() => scope.onmessage({ data })), terminate: () => {} };
  serve(scope);
  return worker;
}
