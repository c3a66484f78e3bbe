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

/** All that the skin's shader must know of the mesh, so that it runs once a pixel: triangles hardly larger than that would call it several times. */
export const GATHER = `${HEADER}
in vec3 vNormal, vTemplate; in vec4 vMasks; in float vDepth;
layout(location = 0) out float depth;
layout(location = 1) out vec4 facing;  // normal, lips
layout(location = 2) out vec4 place;   // on the template; inside of the mouth less ears, which never meet
void main() {
  depth = vDepth;
  facing = vec4(vNormal, vMasks.x);
  place = vec4(vTemplate, vMasks.y * (1. - vMasks.x) - vMasks.w);
}`;

/** Depths for half as many pixels a side. */
export const HALVE = `${HEADER}
uniform sampler2D depths; uniform float farthest; out float depth;
void main() { depth = min(texelFetch(depths, 2 * ivec2(gl_FragCoord.xy), 0).r, farthest); }`;

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
const at = (draft, map, uv) => (draft ? `texelFetch(${map}, ivec2((${uv}) * vec2(textureSize(${map}, 0))), 0)` : `textureLod(${map}, ${uv}, 0.)`);

const chart = (draft) => `
uniform vec4 chart;      // left, top, dm; width, height, dm
uniform sampler2D strandMap; uniform vec2 strandScale;
float strandsAt(vec2 p) {
  vec2 uv = vec2((p.x - chart.x) / chart.z, (chart.y - p.y - .5 / 240.) / chart.w);
  return strandScale.x + strandScale.y * ${at(draft, "strandMap", "uv")}.r;
}
float sigmoid(float x) { return 1. / (1. + exp(-x)); }
`;

const LASHES_HERE = "texelFetch(lashes, ivec2(gl_FragCoord.xy), 0).r";

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
  ${output(draft).from(`mix(wall, dark, cover) * (1. - .8 * ${LASHES_HERE})`)}
}`;
export const WALL = behind(false);
export const WALL_DRAFT = behind(true);

const onSkin = (draft) => `
  vec4 at = texelFetch(facing, ivec2(gl_FragCoord.xy), 0), on = texelFetch(place, ivec2(gl_FragCoord.xy), 0);
  float lips = at.w, inside = max(on.w, 0.), ears = max(-on.w, 0.);
  normal = normalize(at.xyz);
  vec3 folds = ${at(draft, "foldMap", "vec2((on.x - lined.x) / lined.z, (lined.y - on.y) / lined.w)")}.rgb;
  float paint = paintScale.x + paintScale.y * ${at(draft, "paintMap", "vec2((on.x - chart.x) / chart.z, (chart.y - on.y) / chart.w)")}.r;
  // the head's own axes: rows of the rotation
  normal = normalize(normal - folds.x * (vec3(1., 0., 0.) * turn) - folds.y * (vec3(0., 1., 0.) * turn));
  albedo = person1.x * paint * (1. - .26 * min(folds.z, 1.6)) * (1. - person1.y * lips);
  float strands = strandsAt(on.xy);
  float hair = sigmoid((hairField(on.xyz) + .02 * (strands - 1.) * 4.) / .022) * (1. - ears);
  albedo = mix(albedo, (.22 - .19 * person1.z) * max(strands, .3), hair);
  albedo = mix(albedo, .07, inside);
  gloss = (.05 + .10 * lips) * (1. - hair);`;

const EYES_AND_TEETH = `
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
`;

const ELSEWHERE = `
  normal = normalize(vNormal);
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
const hiding = (near1, near2) => `
uniform vec3 towards; uniform float pixelsPerDm; uniform sampler2D depths;
float hollow(float pooled, float reach, float depthHere) { return clamp((min(depthHere, .8) - pooled) / reach - .1, 0., 2.); }
float skyAt(vec2 uv, float depthHere) {
  return exp(-1.5 * hollow(${near1}.r, .05, depthHere) - .8 * hollow(${near2}.r, .16, depthHere));
}
float blockedAt(float far, float depthHere) {
  vec2 at = gl_FragCoord.xy + vec2(towards.x, -towards.y) * far * pixelsPerDm;
  float rise = depthHere - towards.z * far - textureLod(depths, at / vec2(textureSize(depths, 0)), 0.).r;
  return clamp((rise - .015) / .04, 0., 1.) * clamp((.7 - rise) / .2, 0., 1.);
}
float shadow(float d) { // no loop over an array: software draws it half as fast
  return max(max(max(blockedAt(.05, d), blockedAt(.09, d)), max(blockedAt(.14, d), blockedAt(.20, d))),
             max(max(blockedAt(.28, d), blockedAt(.38, d)), blockedAt(.50, d)));
}
`;

const HIDDEN = "uniform sampler2D near1, near2;" + hiding("textureLod(near1, uv, 0.)", "textureLod(near2, uv, 0.)");

/** For drafts: what is hidden, and the lashes, once for four pixels; mean depths from the map's own coarser levels. */
export const HIDING = `${HEADER}uniform vec2 levels;${hiding("textureLod(depths, uv, levels.x)", "textureLod(depths, uv, levels.y)")}
uniform sampler2D lashes; out vec4 hidden;
void main() {
  vec2 uv = gl_FragCoord.xy / vec2(textureSize(depths, 0));
  float here = texelFetch(depths, ivec2(gl_FragCoord.xy), 0).r;
  hidden = vec4(skyAt(uv, here), shadow(here), ${LASHES_HERE}, 1.);
}`;

/** What the mesh looks like; skin and all else apart, as software runs both sides of every branch. */
export const SKIN = shade(true, false);
export const PARTS = shade(false, false);
export const SKIN_DRAFT = shade(true, true);
export const PARTS_DRAFT = shade(false, true);

function shade(body, draft) {
  return `${HEADER}${chart(draft)}${output(draft).declared}${draft ? "uniform sampler2D hidden; uniform vec3 towards;" : HIDDEN}
${body ? "uniform sampler2D facing, place;" : "in vec3 vNormal, vEye, vTemplate; in float vDepth; flat in int vPart;"}
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
${body ? "" : EYES_AND_TEETH}void main() {
  vec3 normal;
  bool teeth = false;
  float albedo, gloss;
  ${body ? onSkin(draft) : ELSEWHERE}
  ${draft
    ? "vec3 seen = textureLod(hidden, gl_FragCoord.xy / (2. * vec2(textureSize(hidden, 0))), 0.).rgb; float sky = seen.x, blocked = seen.y;"
    : `vec2 uv = gl_FragCoord.xy / vec2(textureSize(depths, 0)); float here = ${body ? "texelFetch(depths, ivec2(gl_FragCoord.xy), 0).r" : "vDepth"}, sky = skyAt(uv, here), blocked = shadow(here);`}
  if (teeth) { sky = pow(sky, .45); blocked *= .35; }  // enamel is lit from within
  float key = pow(max((dot(normal, towards) + .25) / 1.25, 0.), 1.2) * (1. - .72 * blocked);
  float dome = (.66 + .22 * normal.y + .20 * max(normal.z, 0.)) * sky;
  float shine = max(dot(normal, normalize(towards + vec3(0., 0., 1.))), 0.);
  float shine2 = shine * shine, shine4 = shine2 * shine2, shine8 = shine4 * shine4, shine16 = shine8 * shine8;
  float shine90 = shine16 * shine16 * shine16 * shine16 * shine16 * shine8 * shine2;
  float lobes = (.045 * shine8 * shine4 + gloss * .35 * shine90) * (1. - blocked) * sky;
  float colour = albedo * (1.75 * share * key + 1.15 * (1. - share) * dome) + lobes * share;
  ${output(draft).from(`colour * tones.y * (1. - .8 * ${draft ? "seen.z" : LASHES_HERE})`)}
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
  float above = textureLod(tones, (at - x - y) / size, 0.).r + textureLod(tones, (at + x - y) / size, 0.).r;
  float below = textureLod(tones, (at - x + y) / size, 0.).r + textureLod(tones, (at + x + y) / size, 0.).r;
  grey = vec4(vec3((above + below) / 4.), 1.);
}`;
