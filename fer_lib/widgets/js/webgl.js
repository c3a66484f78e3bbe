// Small parts of WebGL 2 that face.js is built from.

/** Thrown where the browser cannot draw; the message is for the reader. */
export class NoWebGL extends Error {}

const PLACES = new WeakMap(); // of each program's uniforms: asking the driver at each frame takes time

/** Uniforms of one program, set by name. */
export class Settings {
  constructor(gl, shader) {
    Object.assign(this, { gl, shader, unit: 0 });
  }

  place(name) {
    const known = PLACES.get(this.shader) ?? PLACES.set(this.shader, new Map()).get(this.shader);
    if (!known.has(name)) known.set(name, this.gl.getUniformLocation(this.shader, name));
    return known.get(name);
  }

  real(name, ...values) {
    this.gl[`uniform${values.length}f`](this.place(name), ...values);
  }

  whole(name, value) {
    this.gl.uniform1i(this.place(name), value);
  }

  texture(name, map) {
    this.gl.activeTexture(this.gl.TEXTURE0 + this.unit);
    this.gl.bindTexture(this.gl.TEXTURE_2D, map.texture ?? map);
    this.whole(name, this.unit++);
  }
}

export function program(gl, vertex, fragment) {
  const made = gl.createProgram();
  for (const [type, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(type);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  if (gl.getProgramParameter(made, gl.LINK_STATUS) || gl.isContextLost()) return made;
  const log = gl.getAttachedShaders(made).map((shader) => gl.getShaderInfoLog(shader)).join(" ");
  throw new NoWebGL(`This browser's graphics driver refuses the face: ${gl.getProgramInfoLog(made)} ${log}`);
}

export function attribute(gl, at, size, type, normalised) {
  gl.enableVertexAttribArray(at);
  gl.vertexAttribPointer(at, size, type, normalised, 0, 0);
}

export function parameters(gl, kind, filter) {
  for (const side of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(kind, side, filter);
  for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(kind, side, gl.CLAMP_TO_EDGE);
}

export function discard(gl, { textures, frame, deep }) {
  for (const texture of textures) gl.deleteTexture(texture);
  gl.deleteFramebuffer(frame);
  if (deep) gl.deleteRenderbuffer(deep);
}
