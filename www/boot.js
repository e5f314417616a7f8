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

try {
  const { default: init } = await import(at(self.dataset.js));
  await init({ module_or_path: at(self.dataset.wasm) });
} catch (error) {
  if (!trap(error)) root.dataset.boot = 'failed';
  throw error;
}
