// Keeps the page for times without a network. docs/offline.md says what it fetches and when.
//
// Nothing is fetched when the worker is installed. Once a page runs it says what it used; that is
// kept, and comes out of the browser's own cache. The rest (lessons) comes when the page was quiet
// for a while. Whoever is online gets the newest page when they open it; a page that is open is
// never exchanged under its reader, and the files of the version before it stay.
const KEPT = 'netpier-';
const QUIET_MS = 20_000;
const SCOPE = self.registration.scope;

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

/** One page has many addresses: what stands behind `?` and `#` is not part of it. */
function plain(url) {
  const at = new URL(url);
  at.search = at.hash = '';
  at.pathname = at.pathname.replace(/\/index\.html$/, '/');
  return at.href;
}

/** A file whose name holds a hash of it never changes. */
const lasting = (url) => /-[0-9a-f]{12,}[^/]*\.(js|wasm|css|svg|json)$/.test(url);
const versions = async () => (await caches.keys()).filter((name) => name.startsWith(KEPT));

/** The newest version's file. */
async function kept(url) {
  for (const name of (await versions()).reverse()) {
    const found = await (await caches.open(name)).match(url);
    if (found) return found;
  }
  return undefined;
}

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = plain(request.url);
  if (request.method === 'GET' && url.startsWith(SCOPE)) event.respondWith(lasting(url) ? first(url, request) : newest(url, request));
});

const first = async (url, request) => await kept(url) ?? keep(url, await fetch(request));

async function newest(url, request) {
  try {
    const came = await fetch(request);
    // The page itself is kept when it runs: half a new version would be none.
    return url === SCOPE ? came : keep(url, came);
  } catch (error) {
    const old = await kept(url);
    if (old) return old;
    throw error;
  }
}

async function keep(url, response) {
  const name = (await versions()).at(-1);
  // A full disk keeps nothing.
  if (name && response.ok && response.type === 'basic' && !response.redirected) {
    const copy = response.clone();
    await caches.open(name).then((cache) => cache.put(url, copy)).catch(() => {});
  }
  return response;
}

self.addEventListener('message', (event) => {
  const { version, used, later = [] } = event.data ?? {};
  const own = (urls) => urls.map(plain).filter((url) => url.startsWith(SCOPE));
  if (typeof version === 'string' && Array.isArray(used)) event.waitUntil(runs(version, own(used), own(later)));
});

/** A page of this version runs, used these files, and may want the others later. */
async function runs(version, used, later) {
  const before = await versions();
  const cache = await caches.open(KEPT + version);
  for (const url of used) {
    if (await cache.match(url)) continue;
    const old = lasting(url) && await kept(url);
    if (old) await cache.put(url, old).catch(() => {});
    else await cache.add(new Request(url, { cache: 'force-cache' })).catch(() => {});
  }
  const page = await fetch(new Request(SCOPE, { cache: 'no-cache' })).catch(() => null);
  if (page?.ok && (await page.clone().text()).includes(version)) await cache.put(SCOPE, page).catch(() => {});
  const last = before.filter((name) => name !== KEPT + version).pop();
  for (const name of before) if (name !== KEPT + version && name !== last) await caches.delete(name);
  await new Promise((quiet) => { setTimeout(quiet, QUIET_MS); });
  await rest(cache, later);
}

/** `later`, lessons and what else is loaded when it is wanted, one after the other; not where the reader saves data. */
async function rest(cache, later) {
  if (self.navigator.connection?.saveData) return;
  const lesson = (name) => `${SCOPE}lessons/${name}.json`;
  const more = ['words.js', 'broken.js', 'picture.js', 'locales/en/background.json', 'locales/ko/background.json'].map((name) => SCOPE + name);
  try {
    for (const url of later) if (!await kept(url)) await cache.add(url);
    const index = await fetch(lesson('index'));
    const lessons = await index.clone().json();
    await cache.put(lesson('index'), index);
    const names = ['terms', ...lessons.map(({ id }) => id)];
    for (const url of [...more, ...names.map(lesson)]) if (!await cache.match(url)) await cache.add(url);
  } catch { /* offline, or the disk is full: another time */ }
}
