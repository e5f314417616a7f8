// Starts the program. A file of its own, because the page's policy allows no inline script.
const self = document.querySelector('script[data-wasm]');
const at = (path) => new URL(path, document.baseURI).href;
const root = document.documentElement;

// What takes longest begins at once. Some hosts do not say what kind of file it is.
const program = fetch(at(self.dataset.wasm)).then((response) => (
  response.headers.get('content-type') === 'application/wasm' ? WebAssembly.compileStreaming(response) : response.arrayBuffer()));
program.catch(() => {});

// The theme comes first, so that a dark room never sees a white flash.
let theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
try {
  const chosen = localStorage.getItem('netpier.theme');
  if (chosen === 'light' || chosen === 'dark') theme = chosen;
} catch { /* storage may be forbidden: the system's theme it is */ }
root.dataset.theme = theme;

// A program that ends leaves a trap, and its words in data-panic. What the browser throws through
// the program ends it, too.
const trap = (error) => {
  if (!(error instanceof WebAssembly.RuntimeError || /wasm/.test(error?.stack))) return false;
  import(at('broken.js')).then(({ broken }) => broken(root.dataset.panic ?? error.message));
  return true;
};
addEventListener('error', (event) => trap(event.error));
addEventListener('unhandledrejection', (event) => trap(event.reason));
addEventListener('beforeunload', (event) => {
  if ('unsaved' in root.dataset) event.preventDefault();
});

// Where the browser has Trusted Types, the page's policy (index.html) lets no text become a script
// or markup; this one names the only address that the program gives to such a place. It is made at once,
// so that nobody else can have its name.
const own = { createScriptURL: (path) => {
  if (path !== 'worker.js') throw new TypeError(`${path} is no script of this page`);
  return at(path);
} };
const trusted = globalThis.trustedTypes?.createPolicy('netpier', own) ?? own;
const worker = () => trusted.createScriptURL('worker.js');

// Pictures are made by a program of their own, loaded when one is wanted.
globalThis.netpierPicture = async (kind, name) => (await import(at('picture.js'))).picture(kind, name);

// A published page comes in two parts: what opening it runs, and the rest, which comes when the reader
// first does something: docs/adr/0005-two-parts.md. A page that is built for development is whole.
const { rest, restStyle } = self.dataset;
let first;
let ready;
let placed = false;
const place = (program, style) => {
  if (placed) return;
  new WebAssembly.Instance(program, { a: first });
  placed = true;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
};

/** Now: the program stands still in the middle of a step. Bytes come as the low halves of letters. */
const fetchNow = (path, charset) => {
  const request = new XMLHttpRequest();
  request.open('GET', at(path), false);
  request.overrideMimeType(`text/plain; charset=${charset}`);
  request.send();
  if (request.status !== 200) throw new Error(`${path}: ${request.status}`);
  return request.responseText;
};

/** The program calls this when it needs the rest. When it returns, the rest is in its place. */
globalThis.netpierRest = (exports) => {
  first = exports;
  while (!placed) {
    try {
      if (ready) return place(...ready);
      const bytes = Uint8Array.from(fetchNow(rest, 'x-user-defined'), (c) => c.charCodeAt(0));
      place(new WebAssembly.Module(bytes), fetchNow(restStyle, 'utf-8'));
    } catch (error) {
      if (!confirm('A part of netpier could not be loaded. Try again? · netpier의 나머지를 불러오지 못했어요. 다시 시도할까요?')) {
        document.documentElement.dataset.boot = 'failed';
        throw error;
      }
    }
  }
};

/** The rest, compiled, and its style. */
const fetched = () => Promise.all([WebAssembly.compileStreaming(fetch(at(rest))), fetch(at(restStyle)).then((response) => response.text())]);

const said = (key) => {
  try { return localStorage.getItem(key); } catch { return null; }
};
// A page on another page, which keeps nothing and knows nothing of the reader.
const guest = location.hash.slice(1).split('&').some((part) => part === 'embed' || part.startsWith('embed='));

/** A link to a lab or a lesson, or a lab of the reader's own, needs the rest at once: then it comes beside
 * the first part. */
const linked = rest && (/[#&](lab|lesson|in|run|t)=/.test(location.hash) || (!guest && said('netpier.lab')))
  && fetched().then((both) => { ready = both; }, () => {});

/** In good time, and without holding anything up. If it fails, the program asks itself. */
const ACTS = ['pointerdown', 'keydown', 'dragenter', 'paste'];
const fetchSoon = async () => {
  ACTS.forEach((act) => removeEventListener(act, fetchSoon, true));
  if (placed) return;
  try {
    place(...await fetched());
  } catch {
    ACTS.forEach((act) => addEventListener(act, fetchSoon, true));
  }
};

// A published page has the texts of each language in a file.
const asked = /[#&]lang=(en|ko)\b/.exec(location.hash)?.[1] ?? said('netpier.lang') ?? navigator.language;
const lang = /^ko\b/.test(asked) ? 'ko' : 'en';
const file = self.dataset[lang === 'ko' ? 'textsKo' : 'textsEn'];
const texts = file && fetch(at(file)).then((response) => (response.ok ? response.text() : undefined)).catch(() => undefined);

// This file comes before the page's end and its style, so that what it fetches is on its way; the program
// begins when both are there.
const stands = async () => {
  if (document.readyState === 'loading') await new Promise((done) => { document.addEventListener('DOMContentLoaded', done); });
  const sheets = [...document.querySelectorAll('link[rel=stylesheet]')].filter(({ sheet }) => !sheet);
  await Promise.all(sheets.map((link) => new Promise((done) => { link.onload = link.onerror = done; })));
};

try {
  const [{ default: init }, handed] = await Promise.all([import(at(self.dataset.js)), texts, linked, stands()]);
  globalThis.netpierTexts = (tag) => (tag === lang ? handed : undefined);
  first = await init({ module_or_path: program });
  if (ready) place(...ready);
  if (rest) ACTS.forEach((act) => addEventListener(act, fetchSoon, true));
} catch (error) {
  if (!trap(error)) root.dataset.boot = 'failed';
  throw error;
}

// What follows is not part of starting: it comes when the page is drawn and the browser has nothing to do.
await new Promise((quiet) => { (globalThis.requestIdleCallback ?? setTimeout)(quiet); });

// Words are explained by a program of their own; the page works without it.
import(at('words.js')).catch((error) => console.info(`words are not explained: ${error.message}`));

// Offline from now on (worker.js). Not for a guest; and after
// everything that the first visit needs.
if (!guest && navigator.serviceWorker) {
  try {
    await navigator.serviceWorker.register(worker());
    const { active } = await navigator.serviceWorker.ready;
    const used = performance.getEntriesByType('resource').map((entry) => entry.name);
    // What was not needed yet: for later, when all is quiet.
    const later = [rest, restStyle, self.dataset.textsKo, self.dataset.textsEn].filter(Boolean).map(at);
    active?.postMessage({ version: self.dataset.wasm.replace(/^.*\//, ''), used, later });
  } catch (error) {
    console.info(`netpier works, but not offline: ${error.message}`);
  }
}
