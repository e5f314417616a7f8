// What one looks at is whole and in sight, and fingers hit what they aim at on every screen.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { at, open, openLab, root, step, still, toEnd, type, until, withBrowser } from './page.mjs';

let server, browser;
withBrowser((...both) => { [server, browser] = both; });

const TABLET = { width: 1024, height: 768, touch: true };
const PHONE = { width: 390, height: 844, touch: true };

/** A lab that comes with the page. */
const bring = async (page, name) => openLab(page, JSON.parse(await readFile(join(root, 'labs', `${name}.json`), 'utf8')));

test('on a tablet fingers hit every button', async () => {
  const { context, page, problems } = await open(browser, server.url, TABLET);
  // A dialog that is still fading in has nothing that can be hit.
  const small = () => still(page).then(() => page.evaluate(() => [...document.querySelectorAll('button, select, [role="tab"]')]
    .filter((e) => !e.closest('svg, [inert], p, li') && e.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
    .map((e) => [e.dataset.test ?? e.className, e.getBoundingClientRect()])
    .filter(([, r]) => r.width > 0 && (r.width < 43.5 || r.height < 43.5))
    .map(([name, r]) => `${name} ${Math.round(r.width)}×${Math.round(r.height)}`)));
  await at(page, 'first-play').waitFor();
  assert.deepEqual(await small(), [], 'at the beginning');
  await type(page, 'docker-host:shell', 'ping -c 1 -W 1 10.0.0.2', /packet loss/);
  await at(page, 'node-router').focus();
  await page.keyboard.press('Space');
  await at(page, 'tab-nat').click();
  assert.deepEqual(await small(), [], 'with a router');
  await page.keyboard.press('Enter');
  await at(page, 'node-router').focus();
  await page.keyboard.press('Enter');
  await at(page, 'dialog').waitFor();
  assert.deepEqual(await small(), [], 'with its form');
  await page.keyboard.press('Escape');
  await at(page, 'terminal-place').selectOption('docker-host:shell');
  await page.locator('[data-test="terminal-output"] [data-test="why-ask"]').last().click();
  await at(page, 'why-panel').waitFor();
  assert.deepEqual(await small(), [], 'with an explanation');
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, 'nothing hangs over the edge');
  assert.deepEqual(problems, []);
  await context.close();
});

test('a finger that rests on the ground draws a frame around boxes', async () => {
  const { context, page, problems } = await open(browser, server.url, TABLET);
  await bring(page, 'storm');
  const [one, two] = [await at(page, 'node-pc1').boundingBox(), await at(page, 'node-pc2').boundingBox()];
  const cdp = await context.newCDPSession(page);
  const touch = (kind, ...touchPoints) => cdp.send('Input.dispatchTouchEvent', { type: kind, touchPoints });
  const from = { x: one.x - 6, y: one.y - 6 };
  await touch('touchStart', from);
  await page.waitForTimeout(700);
  for (const share of [0.3, 0.6, 1]) {
    await touch('touchMove', { x: from.x + (two.x + two.width + 6 - from.x) * share, y: from.y + (two.y + two.height + 12 - from.y) * share });
  }
  await touch('touchEnd');
  await until('two are picked', async () => /2/.test(await page.locator('.bar-count').innerText()));
  assert.deepEqual(problems, []);
  await context.close();
});

test('packets are found by the words that they show', async () => {
  const { context, page, problems } = await open(browser, server.url);
  await type(page, 'docker-host:shell', 'wget -qO- http://example.com', /example/i);
  const rows = at(page, 'packet-row');
  const all = await rows.count();
  await at(page, 'packet-filter').fill('dns router');
  await until('fewer are shown', async () => (await rows.count()) < all);
  const texts = await rows.allTextContents();
  assert.ok(texts.length > 0 && texts.every((t) => /dns/i.test(t) && /router/i.test(t)), texts.join('\n'));
  // Keys that are written there play nothing.
  await at(page, 'packet-filter').press('Home');
  await at(page, 'packet-filter').fill('no such thing');
  await until('that is said', async () => /No packet/.test(await page.locator('.packets').innerText()));
  await at(page, 'packet-filter').fill('');
  await until('all are back', async () => (await rows.count()) === all);
  assert.deepEqual(problems, []);
  await context.close();
});

test('a lease is made a reservation where it is seen', async () => {
  const { context, page, problems } = await open(browser, server.url);
  await bring(page, 'street');
  await at(page, 'node-router-a').focus();
  await page.keyboard.press('Space');
  await at(page, 'tab-dhcp').click();
  await until('both leases are there', async () => { await toEnd(page); return (await at(page, 'lease-keep').count()) === 2; });
  const words = await at(page, 'lease-keep').first().innerText();
  assert.match(words, /192\.168\.0\.\d+/);
  await at(page, 'lease-keep').first().click();
  await until('it is told', async () => /reserved/.test(await at(page, 'toast').last().innerText()));
  await at(page, 'router-form').click();
  assert.equal(await at(page, 'reservation-address-0').inputValue(), words.match(/[\d.]{7,}/)[0]);
  assert.deepEqual(problems, []);
  await context.close();
});

test('a lesson that is over shows what it was about, and no line of it is cut through', async () => {
  for (const size of [{ width: 1366, height: 768 }, PHONE]) {
    const { context, page, problems } = await open(browser, `${server.url}#lesson=docker0`, { ...size, locale: 'ko-KR' });
    await at(page, 'lesson-show').click();
    await until('all goals are met', async () => {
      if (await at(page, 'to-end').isEnabled()) await at(page, 'to-end').click();
      return (await at(page, 'lesson-after').count()) > 0;
    }, { timeout: 60_000 });
    const cut = await page.evaluate(() => {
      const body = document.querySelector('.lesson-body');
      const { top, bottom } = body.getBoundingClientRect();
      const parts = [...body.querySelectorAll(':scope > p, .goals > li, .lesson-after')].map((e) => e.getBoundingClientRect());
      return parts.filter((r) => r.top < top - 1 && r.bottom > top + 1 && r.bottom < bottom).length;
    });
    assert.equal(cut, 0, `at ${size.width}`);
    assert.deepEqual(problems, []);
    await context.close();
  }
});

test('on a phone the row of the moment is in sight, and the word about a visit goes with the first line', async () => {
  const { context, page, problems } = await open(browser, `${server.url}#lab=street`, PHONE);
  await at(page, 'visit').waitFor();
  await at(page, 'pane-terminal').click();
  await type(page, 'anna', 'hostname', /anna/);
  await at(page, 'visit').waitFor({ state: 'hidden' });
  await type(page, 'anna', 'curl -s http://example.com', /example/i);
  await at(page, 'pane-packets').click();
  const seen = () => page.evaluate(() => {
    const list = document.querySelector('.packets .scroll').getBoundingClientRect();
    const row = document.querySelector('[data-test="packet-row"][aria-current]').getBoundingClientRect();
    return row.top >= list.top - 1 && row.bottom <= list.bottom + 1;
  });
  await until('the row of the moment is in sight', seen);
  assert.deepEqual(problems, []);
  await context.close();
});

test('in the walk the sentence about a rewriting is seen with its rule', async () => {
  const { context, page, problems } = await open(browser, server.url);
  await type(page, 'docker-host', 'docker run -d --name tomcat -p 8080:8080 tomcat', /[0-9a-f]{64}/);
  await type(page, 'laptop', 'curl -s -m 2 http://192.168.0.10:8080', /Tomcat/);
  await at(page, 'node-docker-host').focus();
  await page.keyboard.press('Space');
  await page.keyboard.press('f');
  await at(page, 'to-start').click();
  await step(page, 'it is rewritten', async () => (await at(page, 'fw-to-new').count()) > 0);
  await until('all of it is seen', async () => {
    const [river, verdict] = await Promise.all([
      page.locator('.walk-body').boundingBox(), page.locator('.station.at-here [data-test="fw-verdict"]').boundingBox()]);
    return verdict.y + verdict.height <= river.y + river.height;
  }, { timeout: 3000 });
  assert.deepEqual(problems, []);
  await context.close();
});
