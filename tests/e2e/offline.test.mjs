// The page without a network after its first visit, and a new version of it that loses nothing.
// What the first visit asks of the server is counted: the worker asks for nothing twice.
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BROWSERS, at, fitsCache, open, root, serve, until } from './page.mjs';

/** Is a file kept whose address ends so? */
const keeps = (page, ending) => page.evaluate(async (end) => {
  for (const name of await caches.keys()) {
    for (const { url } of await (await caches.open(name)).keys()) if (new RegExp(`${end}$`).test(url)) return true;
  }
  return false;
}, ending);

/** A copy of dist/ whose program has other names, as a new version has. */
async function newer(folder) {
  const names = (await readdir(folder)).filter((name) => /^netpier-(page|first|rest)-.*(js|wasm)$/.test(name));
  let page = await readFile(join(folder, 'index.html'), 'utf8');
  for (const name of names) {
    const other = name.replace(/-[0-9a-f]{16}/, '-0123456789abcdef');
    page = page.replaceAll(name, other);
    await rename(join(folder, name), join(folder, other));
  }
  // Another program, so other hashes; the attributes that name them are the page's own.
  page = page.replace(/ integrity="[^"]*"/g, '');
  await writeFile(join(folder, 'index.html'), page);
}

for (const [name, start] of Object.entries(BROWSERS)) {
  describe(`in ${name}`, () => {
    let browser, folder;
    before(async () => {
      browser = await start();
      folder = await mkdtemp(join(tmpdir(), 'netpier-'));
      await cp(join(root, 'dist'), folder, { recursive: true });
    });
    after(async () => {
      await browser?.close();
      await rm(folder, { recursive: true, force: true });
    });

    test('after one visit it works without a network, and a new version loses no work', async () => {
      const server = await serve(folder);
      const { context, page, problems, asked } = await open(browser, server.url);
      await at(page, 'terminal-input').waitFor();
      await at(page, 'terminal-place').selectOption('docker-host');
      await at(page, 'terminal-input').fill('docker network create kept');
      await at(page, 'terminal-input').press('Enter');
      await at(page, 'bridge-kept').waitFor();
      await until('the page is kept', () => keeps(page, '[.]wasm'));
      await until('the page itself is kept', () => keeps(page, '/netpier/'));
      // No request that the page does not need: its own files, each large one once; no lessons yet.
      assert.deepEqual(asked.filter((url) => url.origin !== new URL(server.url).origin && url.protocol.startsWith('http')).map(String), []);
      const wasm = server.asked.filter((url) => url.endsWith('.wasm'));
      if (await fitsCache()) assert.deepEqual(wasm, [...new Set(wasm)]);
      assert.deepEqual(server.asked.filter((url) => url.includes('/lessons/')), []);
      assert.deepEqual(problems, []);

      // Online, the newest version comes at the next visit.
      await newer(folder);
      await page.reload();
      await at(page, 'bridge-kept').waitFor();
      assert.ok(server.asked.some((url) => url.includes('0123456789abcdef')));
      // A program in two parts: the second comes when something is done.
      await at(page, 'play').click();
      await until('it plays', async () => (await at(page, 'packet-row').count()) > 3);
      await until('the new version is kept', () => keeps(page, '0123456789abcdef(_bg)?[.]wasm'));
      await until('the new page is kept', () => page.evaluate(async () => (await caches.keys()).some((name) => name.includes('0123456789abcdef'))));

      await server.close();
      await page.reload();
      await at(page, 'bridge-kept').waitFor();
      await at(page, 'play').click();
      await until('it plays', async () => (await at(page, 'packet-row').count()) > 3);
      assert.deepEqual(problems, []);
      await context.close();
    });
  });
}
