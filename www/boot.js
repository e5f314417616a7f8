// Starts the program. A file of its own, because the page's policy allows no inline script.
const self = document.querySelector('script[data-wasm]');
const at = (path) => new URL(path, document.baseURI).href;

// The theme comes first, so that a dark room never sees a white flash.
let theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
try {
  const chosen = localStorage.getItem('netpier.theme');
  if (chosen === 'light' || chosen === 'dark') theme = chosen;
} catch { /* storage may be forbidden: the system's theme it is */ }
document.documentElement.dataset.theme = theme;

try {
  const { default: init } = await import(at(self.dataset.js));
  await init({ module_or_path: at(self.dataset.wasm) });
} catch (error) {
  document.documentElement.dataset.boot = 'failed';
  throw error;
}
