// Makes a picture of the canvas: an SVG that stands by itself, a PNG of it, or an APNG of the flow
// that is shown (PNG, third edition, section 11.3: acTL, fcTL, fdAT). Loaded when one is wanted.

// What the style sheets say is written onto the elements, so that the picture needs none of them.
const KEPT = ['fill', 'fill-opacity', 'stroke', 'stroke-width', 'stroke-dasharray', 'stroke-linecap', 'stroke-linejoin',
  'stroke-opacity', 'opacity', 'font-family', 'font-size', 'font-weight', 'letter-spacing', 'text-anchor',
  'dominant-baseline', 'text-decoration', 'visibility', 'display', 'paint-order', 'flood-color', 'flood-opacity',
  'stop-color', 'stop-opacity'];
/** Most frames of a moving picture: a file that a blog takes. */
const FRAMES = 150;
/** Widest moving picture, in pixels. */
const WIDE = 1080;

/** The canvas as it is now, as text. */
function svg() {
  const from = document.querySelector('#canvas svg.stage');
  if (!from) return null;
  const box = from.getBoundingClientRect();
  const to = from.cloneNode(true);
  const pairs = [[from, to]];
  while (pairs.length) {
    const [a, b] = pairs.pop();
    const style = getComputedStyle(a);
    for (const key of KEPT) {
      const value = style.getPropertyValue(key);
      if (value) b.setAttribute(key, value);
    }
    for (const attribute of [...b.attributes]) {
      if (/^(on|data-|aria-|tabindex|class$)/.test(attribute.name)) b.removeAttribute(attribute.name);
    }
    [...a.children].forEach((child, i) => pairs.push([child, b.children[i]]));
  }
  to.querySelectorAll('foreignObject, script').forEach((e) => e.remove());
  to.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  to.setAttribute('width', box.width);
  to.setAttribute('height', box.height);
  to.setAttribute('viewBox', `0 0 ${box.width} ${box.height}`);
  const ground = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
  const css = getComputedStyle(document.documentElement);
  for (const [key, value] of [['width', '100%'], ['height', '100%'], ['fill', css.getPropertyValue('--bg')]]) ground.setAttribute(key, value);
  to.prepend(ground);
  return { text: new XMLSerializer().serializeToString(to), width: box.width, height: box.height };
}

/** Paints it. */
async function painted({ text, width, height }, scale) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [Math.round(width * scale), Math.round(height * scale)];
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return { canvas, context };
}

function give(blob, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Makes the picture and hands it to the reader. `kind`: svg, png, apng. */
export async function picture(kind, name) {
  if (kind === 'apng') {
    // It takes some seconds.
    document.documentElement.dataset.busy = '';
    try {
      return give(await moving(), `${name}.png`);
    } finally {
      delete document.documentElement.dataset.busy;
    }
  }
  const now = svg();
  if (!now) return;
  if (kind === 'svg') return give(new Blob([now.text], { type: 'image/svg+xml' }), `${name}.svg`);
  const { canvas } = await painted(now, 2);
  canvas.toBlob((blob) => blob && give(blob, `${name}.png`), 'image/png');
}

const part = (test) => document.querySelector(`[data-test="${test}"]`);
const frame = () => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)));

/** Walks through the flow as a reader would, and makes one file of its steps. */
async function moving() {
  part('to-start').click();
  await frame();
  const file = new Moving();
  let before = '', pending = null;
  for (let idle = 0; file.frames < FRAMES && idle < 3;) {
    const now = svg();
    if (now.text !== before) {
      [before, idle] = [now.text, 0];
      if (pending) await file.add(...pending);
      // A rewritten address is what one came to see.
      pending = [await painted(now, Math.min(1, WIDE / now.width)), part('pill-old') ? 1200 : 420];
    } else {
      idle += 1;
    }
    part('step').click();
    await frame();
  }
  // The end is read before it begins again.
  await file.add(pending[0], 2500);
  return file.whole();
}

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});
const crc = (bytes) => bytes.reduce((c, b) => TABLE[(c ^ b) & 255] ^ (c >>> 8), ~0) ^ ~0;

/** A chunk of a PNG: length, type, data, checksum. */
function chunk(type, ...parts) {
  const size = parts.reduce((n, p) => n + p.length, 0);
  const bytes = new Uint8Array(12 + size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, size);
  bytes.set([...type].map((c) => c.charCodeAt(0)), 4);
  let at = 8;
  for (const p of parts) { bytes.set(p, at); at += p.length; }
  view.setUint32(8 + size, crc(bytes.subarray(4, 8 + size)));
  return bytes;
}

const numbers = (...words) => {
  const view = new DataView(new ArrayBuffer(words.reduce((n, [, size]) => n + size, 0)));
  let at = 0;
  for (const [value, size] of words) {
    if (size === 4) view.setUint32(at, value); else if (size === 2) view.setUint16(at, value); else view.setUint8(at, value);
    at += size;
  }
  return new Uint8Array(view.buffer);
};

/** The smallest rectangle in which two frames differ. */
function changed(a, b, width, height) {
  const [x, y] = [new Uint32Array(a.buffer), new Uint32Array(b.buffer)];
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let row = 0, i = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1, i += 1) {
      if (x[i] !== y[i]) {
        if (column < left) left = column;
        if (column > right) right = column;
        if (row < top) top = row;
        bottom = row;
      }
    }
  }
  return right < 0 ? [0, 0, 1, 1] : [left, top, right - left + 1, bottom - top + 1];
}

/** RGB rows, each with the filter Up or Sub, whichever is smoother; then zlib (RFC 1950). */
async function packed(pixels, width, [left, top, w, h]) {
  const rows = new Uint8Array((w * 3 + 1) * h);
  const line = new Uint8Array(w * 3), above = new Uint8Array(w * 3);
  for (let row = 0; row < h; row += 1) {
    for (let x = 0, from = ((top + row) * width + left) * 4; x < w; x += 1, from += 4) line.set(pixels.subarray(from, from + 3), x * 3);
    const at = row * (w * 3 + 1);
    rows[at] = row ? 2 : 1;
    for (let i = 0; i < w * 3; i += 1) rows[at + 1 + i] = line[i] - (row ? above[i] : i > 2 ? line[i - 3] : 0);
    above.set(line);
  }
  const stream = new Blob([rows]).stream().pipeThrough(new CompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** A moving picture in the making. Only what changed of a frame is in it. */
class Moving {
  frames = 0;
  #parts = [];
  #sequence = 0;
  #before = null;

  /** Adds a frame that is shown for so many milliseconds. */
  async add({ context, canvas: { width, height } }, delay) {
    if (!this.frames) this.size = [width, height];
    const [w0, h0] = this.size;
    const { data } = context.getImageData(0, 0, w0, h0);
    const [left, top, w, h] = this.#before ? changed(this.#before, data, w0, h0) : [0, 0, w0, h0];
    this.#before = data;
    this.#parts.push(chunk('fcTL', numbers([this.#sequence++, 4], [w, 4], [h, 4], [left, 4], [top, 4], [delay, 2], [1000, 2], [0, 1], [0, 1])));
    const bytes = await packed(data, w0, [left, top, w, h]);
    this.#parts.push(this.frames ? chunk('fdAT', numbers([this.#sequence++, 4]), bytes) : chunk('IDAT', bytes));
    this.frames += 1;
  }

  whole() {
    const [width, height] = this.size;
    return new Blob([Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10),
      // 8 bits of red, green, blue.
      chunk('IHDR', numbers([width, 4], [height, 4], [8, 1], [2, 1], [0, 1], [0, 1], [0, 1])),
      chunk('acTL', numbers([this.frames, 4], [0, 4])), ...this.#parts, chunk('IEND')], { type: 'image/apng' });
  }
}
