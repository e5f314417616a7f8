// Nothing is lost: a program that ends leaves a word and the lab, a lab that ends the page does not
// lock the reader out, two tabs do not overwrite one another in silence, and a browser that keeps
// nothing says so.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { at, open, picture, type, until, withBrowser } from './page.mjs';

let server, browser;
withBrowser((...both) => { [server, browser] = both; });

const kept = (page, key = 'netpier.lab') => page.evaluate((k) => localStorage.getItem(k), key);

/** What the program needs is gone, as an extension might bring about: it cannot go on. */
async function pull(page) {
  await page.evaluate(() => {
    Performance.prototype.now = () => { throw new Error('no clock'); };
  });
}

for (const locale of ['en-GB', 'ko-KR']) {
  test(`a program that ends says so and hands out the lab (${locale})`, async () => {
    const { context, page, problems } = await open(browser, server.url, { locale });
    await type(page, 'docker-host', 'docker network create kept');
    const lab = await until('the lab is kept', () => kept(page));
    await pull(page);
    await page.keyboard.press('?');
    await page.keyboard.press('Escape');
    await at(page, 'broken').waitFor();
    await page.waitForTimeout(400); // it fades in
    await picture(page, `broken-${locale}`);
    const [file] = await Promise.all([page.waitForEvent('download'), at(page, 'broken-save').click()]);
    assert.equal(await readFile(await file.path(), 'utf8'), lab);
    assert.ok(problems.some((p) => p.startsWith('uncaught')), 'it was a real end');
    await at(page, 'broken-again').click();
    await at(page, 'terminal-input').waitFor();
    assert.equal(await kept(page), lab);
    await until('opening has ended', async () => (await kept(page, 'netpier.opening')) === null);
    await context.close();
  });
}

test('a lab that ends the page is passed over, and stays to be saved', async () => {
  const { context, page, problems } = await open(browser, server.url);
  await type(page, 'docker-host', 'docker network create mine');
  const lab = await until('the lab is kept', () => kept(page));
  await page.evaluate(() => localStorage.setItem('netpier.opening', '2'));
  await page.reload();
  await at(page, 'lost').waitFor();
  await picture(page, 'lost');
  const [file] = await Promise.all([page.waitForEvent('download'), at(page, 'lost-save').click()]);
  assert.equal(await readFile(await file.path(), 'utf8'), lab);
  await at(page, 'lost-retry').click();
  await at(page, 'lost').waitFor({ state: 'detached' });
  assert.equal(await kept(page), lab);
  assert.deepEqual(problems, []);
  await context.close();
});

test('two tabs with one lab do not overwrite one another in silence', async () => {
  const { context, page: one, problems } = await open(browser, server.url);
  await at(one, 'terminal-input').waitFor();
  const two = await context.newPage();
  await two.goto(server.url);
  await at(two, 'terminal-input').waitFor();
  await type(one, 'docker-host', 'docker network create first');
  const first = await until('the lab is kept', () => kept(one));
  await at(two, 'toast').first().waitFor();
  await type(two, 'docker-host', 'docker network create second');
  await until('the second is kept', async () => (await kept(two)) !== first);
  assert.equal(await kept(two, 'netpier.lab.before'), first);
  assert.deepEqual(problems, []);
  await context.close();
});

test('a browser that keeps nothing says so once, and asks before the page is left', async () => {
  const context = await browser.newContext();
  await context.addInitScript(() => {
    Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('forbidden', 'SecurityError'); } });
  });
  const page = await context.newPage();
  const problems = [];
  page.on('pageerror', (error) => problems.push(`uncaught: ${error}`));
  await page.goto(server.url);
  await type(page, 'docker-host', 'docker network create lost');
  await page.locator('[data-test="toast"][role="alert"]').waitFor();
  await until('the page would ask', () => page.evaluate(() => 'unsaved' in document.documentElement.dataset));
  assert.deepEqual(problems, []);
  await context.close();
});
