// The shaders of face.js. They mirror fer_lib/faces (render.py, shading.py, skin.py, wrinkles.py, chart.py) line by line;
// tests/widgets/test_face.py holds both to the same pictures. Rows of every texture run downwards, as in Python.

const HEADER = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
`;

/** A triangle over the whole target, behind everything. */
export const FULL = `${HEADER}
void main() { gl_Position = vec4(gl_VertexID == 1 ? 3. : -1., gl_VertexID == 2 ? 3. : -1., 1., 1.); }`;

export const MESH = `${HEADER}
layout(location = 0) in vec3 position;
layout(location = 1) in vec3 normal;
layout(location = 2) in vec3 eye;
layout(location = 3) in vec3 templ;
layout(location = 4) in vec4 masks;
layout(location = 5) in float lash;
layout(location = 6) in float part;
uniform mat3 turn;      // applied as v · R
uniform vec2 box;       // centre height and half size of the picture, dm
invariant gl_Position;
out vec3 vNormal, vEye, vTemplate; out vec4 vMasks; out float vDepth, vLash; flat out int vPart;
void main() {
  const vec3 pivot = vec3(0., 6.75, .45);
  vec3 p = (position - pivot) * turn + pivot;
  float depth = 14.5 - p.z, near = 11., far = 19.;
  // y points down: row 0 of the target is the top of the picture
  gl_Position = vec4(13. / box.y * p.x, -13. / box.y * (p.y - box.x),
                     (depth * (far + near) - 2. * far * near) / (far - near), depth);
  vNormal = normal * turn; vEye = eye; vTemplate = templ; vMasks = masks;
  vDepth = depth - 13.8; // so that half floats, where a device has no better, are fine enough
  vLash = lash;
  vPart = int(part + .5);
}`;

export const DEPTH = `${HEADER}
in float vDepth; out float depth;
void main() { depth = vDepth; }`;

export const LASH = `${HEADER}
in float vDepth, vLash; uniform sampler2D depths; out vec4 cover;
void main() {
  float behind = texelFetch(depths, ivec2(gl_FragCoord.xy), 0).r;
  cover = vec4(vDepth < behind + .02 ? vLash : 0.);
}`;

/** Box means along one axis, at every \`stride\`-th place; the outside does not count (torch's avg_pool2d). */
export const POOL = `${HEADER}
uniform sampler2D source; uniform ivec2 along; uniform int reach, stride; uniform float farthest;
out float mean;
void main() {
  ivec2 at = ivec2(gl_FragCoord.xy), last = textureSize(source, 0) - 1;
  ivec2 middle = at + along * (at * stride - at);
  ivec2 room = along * middle, beyond = along * (last - middle);
  int from = -min(reach, room.x + room.y), to = min(reach, beyond.x + beyond.y);
  float sum = 0.;
  for (int d = from; d <= to; d++) sum += min(texelFetch(source, middle + along * d, 0).r, farthest);
  mean = sum / float(to - from + 1);
}`;

/** A map at uv: between its texels, or in a draft the nearest one. */
const at = (draft, map, uv) => (draft ? `texelFetch(${map}, ivec2((${uv}) * vec2(textureSize(${map}, 0))), 0)` : `texture(${map}, ${uv})`);

const chart = (draft) => `
uniform vec4 chart;      // left, top, dm; width, height, dm
uniform sampler2D strandMap; uniform vec2 strandScale;
float strandsAt(vec2 p) {
  vec2 uv = vec2((p.x - chart.x) / chart.z, (chart.y - p.y - .5 / 240.) / chart.w);
  return strandScale.x + strandScale.y * ${at(draft, "strandMap", "uv")}.r;
}
float sigmoid(float x) { return 1. / (1. + exp(-x)); }
`;

const lashesHere = (draft) => (draft ? "texture(lashes, gl_FragCoord.xy / (2. * vec2(textureSize(lashes, 0)))).r" : "texelFetch(lashes, ivec2(gl_FragCoord.xy), 0).r");

const TONE = `
float tone(float light) { return pow(max(1.30 * light / (1. + .30 * light), 1e-4), .56); }
`;

/** Where a shader's light goes: on, as it is, or in a draft straight to grey levels. */
const output = (draft) => (draft
  ? { declared: `${TONE}uniform float exposure; out vec4 grey;`, from: (light) => `grey = vec4(vec3(tone(exposure * (${light}))), 1.);` }
  : { declared: "out float light;", from: (light) => `light = ${light};` });

/** The wall and, for people with long hair, the hair behind the face. */
const behind = (draft) => `${HEADER}${chart(draft)}${output(draft).declared}
uniform vec4 place;     // pixels a dm, row of the eyes, column of the middle, long hair
uniform vec2 hair;      // darkness, volume
uniform float level; uniform sampler2D lashes;
void main() {
  float wall = pow(clamp(level, .02, 1.), 2.);
  vec2 at = vec2((gl_FragCoord.x - place.z) / place.x, 7.285 - (gl_FragCoord.y - place.y) / place.x);
  float strands = strandsAt(at);
  float edge = .80 + .06 * hair.y + .03 * sin(3.1 * at.y) + .10 * (strands - 1.);
  float cover = sigmoid((edge - abs(at.x)) / .012) * place.w;
  float dark = (.16 - .14 * hair.x) * max(strands, .3) * (.55 + .45 * min(abs(at.x) / .8, 1.));
  ${output(draft).from(`mix(wall, dark, cover) * (1. - .8 * ${lashesHere(draft)})`)}
}`;
export const WALL = behind(false);
export const WALL_DRAFT = behind(true);

const onSkin = (draft) => `
  vec3 folds = ${at(draft, "foldMap", "vec2((vTemplate.x - lined.x) / lined.z, (lined.y - vTemplate.y) / lined.w)")}.rgb;
  float paint = paintScale.x + paintScale.y * ${at(draft, "paintMap", "vec2((vTemplate.x - chart.x) / chart.z, (chart.y - vTemplate.y) / chart.w)")}.r;
  // the head's own axes: rows of the rotation
  normal = normalize(normal - folds.x * (vec3(1., 0., 0.) * turn) - folds.y * (vec3(0., 1., 0.) * turn));
  albedo = person1.x * paint * (1. - .26 * min(folds.z, 1.6)) * (1. - person1.y * vMasks.x);
  float strands = strandsAt(vTemplate.xy);
  float hair = sigmoid((hairField(vTemplate) + .02 * (strands - 1.) * 4.) / .022) * (1. - vMasks.w);
  albedo = mix(albedo, (.22 - .19 * person1.z) * max(strands, .3), hair);
  albedo = mix(albedo, .07, vMasks.y * (1. - vMasks.x));
  gloss = (.05 + .10 * vMasks.x) * (1. - hair);`;

const ELSEWHERE = `
  bool eye = vPart == 1 || vPart == 2, upper = vPart == 7;
  teeth = upper || vPart == 8;
  if (eye) {
    albedo = eyeAlbedo() * tones.x; gloss = .9;
  } else if (teeth) {
    albedo = teethAlbedo(upper) * tones.x; gloss = .25;
  } else {
    albedo = .16; gloss = .05;
  }`;

/** How much of the sky, and whether the lamp, is hidden from what stands at \`depthHere\`. */
const HIDDEN = `
uniform vec3 towards; uniform float pixelsPerDm;
uniform sampler2D depths, near1, near2;
float hollow(sampler2D pooled, float reach, vec2 uv, float depthHere) {
  return clamp((min(depthHere, .8) - texture(pooled, uv).r) / reach - .1, 0., 2.);
}
float skyAt(vec2 uv, float depthHere) {
  return exp(-1.5 * hollow(near1, .05, uv, depthHere) - .8 * hollow(near2, .16, uv, depthHere));
}
float blockedAt(float far, float depthHere) {
  vec2 at = gl_FragCoord.xy + vec2(towards.x, -towards.y) * far * pixelsPerDm;
  float rise = depthHere - towards.z * far - texture(depths, at / vec2(textureSize(depths, 0))).r;
  return clamp((rise - .015) / .04, 0., 1.) * clamp((.7 - rise) / .2, 0., 1.);
}
float shadow(float d) { // no loop over an array: software draws it half as fast
  return max(max(max(blockedAt(.05, d), blockedAt(.09, d)), max(blockedAt(.14, d), blockedAt(.20, d))),
             max(max(blockedAt(.28, d), blockedAt(.38, d)), blockedAt(.50, d)));
}
`;

/** For drafts: what is hidden, once for four pixels. */
export const HIDING = `${HEADER}${HIDDEN}
out vec4 hidden;
void main() {
  vec2 uv = gl_FragCoord.xy / vec2(textureSize(depths, 0));
  float here = texelFetch(depths, ivec2(gl_FragCoord.xy), 0).r;
  hidden = vec4(skyAt(uv, here), shadow(here), 0., 1.);
}`;

/** What the mesh looks like; skin and all else apart, as software runs both sides of every branch. */
export const SKIN = shade(true, false);
export const PARTS = shade(false, false);
export const SKIN_DRAFT = shade(true, true);
export const PARTS_DRAFT = shade(false, true);

function shade(body, draft) {
  return `${HEADER}${chart(draft)}${output(draft).declared}${draft ? "uniform sampler2D hidden; uniform vec3 towards;" : HIDDEN}
in vec3 vNormal, vEye, vTemplate; in vec4 vMasks; in float vDepth; flat in int vPart;
uniform mat3 turn; uniform float share;
uniform sampler2D lashes, paintMap, foldMap;
uniform vec2 paintScale; uniform vec4 lined;   // left, top, width, height of the folds' window, dm
uniform vec4 person1;    // albedo of the skin; lips, hair and iris darkness
uniform vec2 person2;    // hairline, dm; brightness of teeth
uniform vec2 tones;      // eyes and teeth beside dark skin; exposure for the skin

float hairField(vec3 t) {
  float x = abs(t.x), over = max(x - .30, 0.);
  float front = t.y - (7.98 + person2.x - 1.1 * over * sqrt(over) - .06 * x);
  return max(front, min(min(.92 - t.z, (t.y - 7.12) * 1.5), (x - .5) * 2.));
}
float eyeAlbedo() {
  const float IRIS = .066, PUPIL = .030;
  float radius = length(vEye.xy), iris = .15 - .125 * person1.w;
  iris *= 1. - .55 * sigmoid((radius - .9 * IRIS) / .003);
  float sclera = .46 * (1. - .9 * max(radius - IRIS, 0.));
  if (vEye.z <= 0.) return sclera;
  return mix(mix(.015, iris, sigmoid((radius - PUPIL) / .002)), sclera, sigmoid((radius - IRIS) / .003));
}
float teethAlbedo(bool upper) {
  float arc = asin(clamp(vTemplate.x / .33, -.99, .99)) * .33;
  float gap = 1. - .35 * exp(-pow((fract(arc / .062 + .5) - .5) * .062 / .006, 2.));
  float gum = sigmoid((upper ? vTemplate.y - 6.70 : 6.52 - vTemplate.y) / .008);
  return .62 * person2.y * gap * (1. - .7 * gum);
}
void main() {
  vec3 normal = normalize(vNormal);
  bool teeth = false;
  float albedo, gloss;
  ${body ? onSkin(draft) : ELSEWHERE}
  ${draft
    ? "vec2 seen = texture(hidden, gl_FragCoord.xy / (2. * vec2(textureSize(hidden, 0)))).rg; float sky = seen.x, blocked = seen.y;"
    : "vec2 uv = gl_FragCoord.xy / vec2(textureSize(depths, 0)); float sky = skyAt(uv, vDepth), blocked = shadow(vDepth);"}
  if (teeth) { sky = pow(sky, .45); blocked *= .35; }  // enamel is lit from within
  float key = pow(max((dot(normal, towards) + .25) / 1.25, 0.), 1.2) * (1. - .72 * blocked);
  float dome = (.66 + .22 * normal.y + .20 * max(normal.z, 0.)) * sky;
  float shine = max(dot(normal, normalize(towards + vec3(0., 0., 1.))), 0.);
  float shine2 = shine * shine, shine4 = shine2 * shine2, shine8 = shine4 * shine4, shine16 = shine8 * shine8;
  float shine90 = shine16 * shine16 * shine16 * shine16 * shine16 * shine8 * shine2;
  float lobes = (.045 * shine8 * shine4 + gloss * .35 * shine90) * (1. - blocked) * sky;
  float colour = albedo * (1.75 * share * key + 1.15 * (1. - share) * dome) + lobes * share;
  ${output(draft).from(`colour * tones.y * (1. - .8 * ${lashesHere(draft)})`)}
}`;
}

/** Box filter over the finer samples, and the tone curve. */
export const DEVELOP = `${HEADER}${TONE}
uniform sampler2D linear; uniform int samples; uniform float exposure; out float toned;
void main() {
  ivec2 corner = ivec2(gl_FragCoord.xy) * samples;
  float sum = 0.;
  for (int y = 0; y < samples; y++) for (int x = 0; x < samples; x++) sum += texelFetch(linear, corner + ivec2(x, y), 0).r;
  toned = tone(exposure * sum / float(samples * samples));
}`;

/** The lens's blur, and grey levels: four fetches between the texels weigh nine. \`flip\`: canvases count rows upwards. */
export const BLUR = `${HEADER}
uniform sampler2D tones; uniform float aside; uniform bool flip; out vec4 grey;
void main() {
  vec2 size = vec2(textureSize(tones, 0)), at = gl_FragCoord.xy, x = vec2(aside, 0.), y = vec2(0., aside);
  if (flip) at.y = size.y - at.y;
  float above = texture(tones, (at - x - y) / size).r + texture(tones, (at + x - y) / size).r;
  float below = texture(tones, (at - x + y) / size).r + texture(tones, (at + x + y) / size).r;
  grey = vec4(vec3((above + below) / 4.), 1.);
}`;
