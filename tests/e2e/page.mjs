// What every end-to-end test needs: a small server for dist/, real browsers, and a page that
// fails its test on any error in the console.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { mkdir, readFile, readdir, stat } from 'node:fs/promises';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before } from 'node:test';
import { gzipSync } from 'node:zlib';
import { chromium, firefox } from 'playwright-core';

const axe = createRequire(import.meta.url)('axe-core');
const here = dirname(fileURLToPath(import.meta.url));
export const root = join(here, '../..');
const out = join(here, 'out');

/** The policy that a careful host would send. The page has the same one in its head (policy.test.mjs). */
export const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; "
  + "img-src 'self' data: blob:; font-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
  + "require-trusted-types-for 'script'; trusted-types netpier";

const TYPES = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css',
  '.wasm': 'application/wasm', '.svg': 'image/svg+xml', '.json': 'application/json', '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
};

/** Serves a folder on a free loopback port, below /netpier/, as project pages lie under a path. With
 * `gzip`, what compresses goes compressed. `sent` tells the bytes that went of each file. */
export async function serve(folder = join(root, 'dist'), { gzip = false } = {}) {
  await stat(join(folder, 'index.html')).catch(() => {
    throw new Error(`there is no page in ${folder}; build it first: cargo xtask dist`);
  });
  /** Each file that was asked for, every time. */
  const asked = [];
  const sent = new Map();
  // A good host compresses once, and not while a visitor waits.
  const packed = new Map();
  const pack = (file, body) => {
    const known = packed.get(file);
    if (known?.body.equals(body)) return known.bytes;
    const bytes = gzipSync(body, { level: 9 });
    packed.set(file, { body, bytes });
    return bytes;
  };
  const server = createServer(async (request, response) => {
    asked.push(request.url);
    const path = normalize(decodeURIComponent(new URL(request.url, 'http://x').pathname)).replace(/^\/netpier\//, '/');
    const file = join(folder, path.endsWith('/') ? `${path}index.html` : path);
    try {
      if (!file.startsWith(folder)) throw new Error('outside');
      let body = await readFile(file);
      const head = {
        'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
        // The posts and the builder show frames; their own policies are in their heads.
        ...(/^\/(blog|builder)\//.test(path) ? {} : { 'content-security-policy': POLICY }),
        'cache-control': 'max-age=600',
      };
      if (gzip && !/\.png$/.test(file)) {
        body = pack(file, body);
        head['content-encoding'] = 'gzip';
      }
      head['content-length'] = body.length;
      sent.set(path.slice(1) || 'index.html', (sent.get(path.slice(1) || 'index.html') ?? 0) + body.length);
      response.writeHead(200, head);
      response.end(body);
    } catch {
      response.writeHead(404, { 'content-type': 'text/plain' });
      response.end('not found');
    }
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  return { asked, sent, url: `http://127.0.0.1:${server.address().port}/netpier/`, close: () => new Promise((done) => { server.close(done); server.closeAllConnections(); }) };
}

/** A headless Chromium that speaks to nobody. */
export async function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'],
  });
}

/** A headless Firefox as it comes: driven by WebDriver BiDi, so it needs no driver and no patch. */
export async function launchFirefox() {
  const options = {
    executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
    channel: 'moz-firefox',
    firefoxUserPrefs: { 'network.captive-portal-service.enabled': false, 'network.connectivity-service.enabled': false },
    timeout: 45_000,
  };
  // On a busy machine it was seen not to come up, once; then it does the second time.
  return firefox.launch(options).catch(() => firefox.launch(options));
}

/** A program built for development is too big for the cache of a fresh visitor, and fetched again. */
export async function fitsCache() {
  const names = (await readdir(join(root, 'dist'))).filter((name) => name.endsWith('.wasm'));
  const sizes = await Promise.all(names.map((name) => stat(join(root, 'dist', name))));
  return sizes.every(({ size }) => size < 8_000_000);
}

/** The browsers that a guest has to be good in. */
export const BROWSERS = { Chromium: launch, Firefox: launchFirefox };

/** A server and a browser for the tests of a file, or of the `describe` that it is called in: `ready` gets
 * both before the first of them, and both end after the last. */
export function withBrowser(ready, { start = launch, gzip = false } = {}) {
  let server, browser;
  before(async () => {
    server = await serve(undefined, { gzip });
    browser = await start();
    ready(server, browser);
  });
  after(async () => {
    await browser?.close();
    await server?.close();
  });
}

/** A fresh visitor's page. `problems` collects whatever the console complains about. */
export async function open(browser, url, { width = 1440, height = 900, locale = 'en-GB', colorScheme = 'light', touch = false } = {}) {
  // A finger is a coarse pointer.
  const context = await browser.newContext({ viewport: { width, height }, locale, colorScheme, hasTouch: touch, isMobile: touch });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const problems = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(`${message.type()}: ${message.text()}`);
  });
  /** Every address that the page and its frames ask for. */
  const asked = [];
  page.on('request', (request) => asked.push(new URL(request.url())));
  page.on('pageerror', (error) => problems.push(`uncaught: ${error}`));
  page.on('requestfailed', (request) => problems.push(`failed: ${request.url()} ${request.failure()?.errorText}`));
  page.on('response', (response) => {
    if (response.status() >= 400) problems.push(`${response.status()}: ${response.url()}`);
  });
  await page.goto(url);
  return { context, page, problems, asked };
}

/** A picture in tests/e2e/out/, for people to look at. */
export async function picture(page, name) {
  await mkdir(out, { recursive: true });
  // Hiding the caret would add a style, which the page's policy forbids.
  await page.screenshot({ path: join(out, `${name}.png`), caret: 'initial' });
}

/** Asks again until the answer is good. The page's policy forbids waitForFunction's eval. */
export async function until(what, check, { timeout = 20_000, every = 100 } = {}) {
  const end = Date.now() + timeout;
  let last;
  for (;;) {
    try {
      last = await check();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`never: ${what} (last: ${last})`);
    await new Promise((go) => setTimeout(go, every));
  }
}

/** What has a name for the tests (see SELECTORS.md). */
export const at = (page, name) => page.locator(`[data-test="${name}"]`);

/** To the present, where the whole of what was printed is to be read. */
export async function toEnd(page) {
  const end = at(page, 'to-end');
  if (await end.isEnabled()) await end.click();
}

/** The words of the terminal, at the present. */
export async function output(page) {
  await toEnd(page);
  return at(page, 'terminal-output').innerText();
}

/** Types a line at a place; what it printed, once `words` are among it, whenever on the timeline. */
export async function type(page, place, line, words) {
  await at(page, 'terminal-place').selectOption(place);
  const input = at(page, 'terminal-input');
  await input.fill(line);
  await input.press('Enter');
  if (!words) return '';
  return until(`${place}: ${line} says ${words}`, async () => {
    const text = (await output(page)).split(line).pop();
    return words.test(text) && text;
  });
}

/** Steps forward (or presses another button) until `check` is true, at most `most` times. How often. */
export async function step(page, what, check, most = 400, button = 'step') {
  for (let i = 0; i < most; i++) {
    if (await check()) return i;
    await at(page, button).click();
  }
  throw new Error(`not within ${most} times ${button}: ${what}`);
}

/** Drags from the middle of one thing to the middle of another, in steps as a hand does. */
export async function drag(page, from, to) {
  const [a, b] = [await from.boundingBox(), await to.boundingBox()];
  await page.mouse.move(a.x + a.width / 2, a.y + a.height / 2);
  await page.mouse.down();
  await page.mouse.move(b.x + b.width / 2, b.y + b.height / 2, { steps: 12 });
  await page.mouse.up();
}

/** Violations of WCAG 2 A and AA, one a line: of the page, or of what `within` selects. What comes or goes
 * has not its own colours meanwhile, and may begin to at any moment: what is found is looked for twice. */
export async function violations(page, within) {
  if (!(await page.evaluate(() => Boolean(globalThis.axe)))) await page.evaluate(axe.source);
  const look = async () => {
    await still(page);
    const found = await page.evaluate((part) => globalThis.axe.run(part ?? document, { runOnly: ['wcag2a', 'wcag2aa'], resultTypes: ['violations'], preload: false }), within);
    return found.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(' ')} ${n.failureSummary.replaceAll('\n', ' ')}`));
  };
  return (await look()).length > 0 ? look() : [];
}

/** Until nothing fades or slides, but for what beckons for ever. */
export const still = (page) => page.evaluate(() => Promise.race([
  Promise.all(document.getAnimations()
    .filter((a) => Number.isFinite(a.effect?.getComputedTiming().endTime))
    .map((a) => a.finished.catch(() => {}))),
  new Promise((done) => setTimeout(done, 1500)),
]));

/** Opens a lab from a file made of `lab`. */
export async function openLab(page, lab) {
  await at(page, 'labs').click();
  const file = { name: `${lab.name}.json`, mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(lab)) };
  await at(page, 'lab-file').setInputFiles(file);
  await at(page, `node-${lab.nodes[0].id}`).waitFor();
}
