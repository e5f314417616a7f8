// Starts the program. A file of its own, because the page's policy allows no inline script.
const self = document.querySelector('script[data-wasm]');
const at = (path) => new URL(path, document.baseURI).href;
const root = document.documentElement;

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
// or markup; this one names the only address that the program gives to such a place.
const worker = () => {
  const own = { createScriptURL: (path) => {
    if (path !== 'worker.js') throw new TypeError(`${path} is no script of this page`);
    return at(path);
  } };
  return (globalThis.trustedTypes?.createPolicy('netpier', own) ?? own).createScriptURL('worker.js');
};

// Pictures are made by a program of their own, loaded when one is wanted.
globalThis.netpierPicture = async (kind, name) => (await import(at('picture.js'))).picture(kind, name);

try {
  const { default: init } = await import(at(self.dataset.js));
  await init({ module_or_path: at(self.dataset.wasm) });
} catch (error) {
  if (!trap(error)) root.dataset.boot = 'failed';
  throw error;
}

// Words are explained by a program of their own; the page works without it.
import(at('words.js')).catch((error) => console.info(`words are not explained: ${error.message}`));

// Offline from now on (worker.js). Not for a guest on another page, which keeps nothing; and after
// everything that the first visit needs.
const guest = location.hash.slice(1).split('&').some((part) => part === 'embed' || part.startsWith('embed='));
if (!guest && navigator.serviceWorker) {
  try {
    await navigator.serviceWorker.register(worker());
    const { active } = await navigator.serviceWorker.ready;
    const used = performance.getEntriesByType('resource').map((entry) => entry.name);
    active?.postMessage({ version: self.dataset.js.replace(/^.*\//, ''), used });
  } catch (error) {
    console.info(`netpier works, but not offline: ${error.message}`);
  }
}
