// Files of fer_lib/widgets/assets: from the page's own folder when there is no kernel, else from the kernel in parts.

const PAUSE = 650; // ms between parts: Jupyter drops messages beyond about a megabyte a second
const PATIENCE = 20000; // ms
let queue = Promise.resolve(); // one part at a time, whatever the number of widgets
const kept = new Map();

/** The bytes of an asset, as an ArrayBuffer. Rejects with a message for the reader. */
export function asset(model, name) {
  if (!kept.has(name)) {
    const bytes = model.asset ? model.asset(name) : fromKernel(model, name);
    bytes.catch(() => kept.delete(name));
    kept.set(name, bytes);
  }
  return kept.get(name);
}

export async function jsonAsset(model, name) {
  return JSON.parse(new TextDecoder().decode(await asset(model, name)));
}

async function fromKernel(model, name) {
  const parts = [];
  let from = 0, total = 1;
  while (from < total) {
    const place = from;
    const reply = queue.then(() => part(model, name, place));
    queue = reply.catch(() => {}).then(() => new Promise((done) => setTimeout(done, PAUSE)));
    const { bytes, size } = await reply;
    if (!bytes.length) break;
    parts.push(bytes);
    from += bytes.length;
    total = size;
  }
  return new Blob(parts).arrayBuffer();
}

function part(model, name, from) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => end(reject, new Error(
      `The kernel did not send ${name}. Is it running, and not busy? Run the cell again.`)), PATIENCE);
    function end(settle, value) {
      clearTimeout(late);
      model.off("msg:custom", listen);
      settle(value);
    }
    function listen(message, buffers) {
      if (message?.kind !== "asset" || message.name !== name || message.from !== from) return;
      if (message.error) return end(reject, new Error(message.error));
      const view = buffers[0];
      end(resolve, { bytes: new Uint8Array(view.buffer ?? view, view.byteOffset ?? 0, view.byteLength), size: message.total });
    }
    model.on("msg:custom", listen);
    model.send({ kind: "asset", name, from });
  });
}
