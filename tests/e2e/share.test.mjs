// Links and files: a lab goes into a link and comes out of it, a visit leaves the own lab alone,
// a hostile link gets a clear word, and the exports are what they say.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { at, open, picture, until, withBrowser } from './page.mjs';

let server, browser;
withBrowser((...both) => { [server, browser] = both; });

const kept = (page) => page.evaluate(() => localStorage.getItem('netpier.lab'));

async function linkOf(page) {
  await at(page, 'share').click();
  return at(page, 'share-link').inputValue();
}

test('a lab goes into a link, and a visit leaves the own lab alone until it is said', async () => {
  const { context, page, problems } = await open(browser, server.url);
  await at(page, 'terminal-place').selectOption('docker-host');
  await at(page, 'terminal-input').fill('docker run -d --name linked nginx');
  await at(page, 'terminal-input').press('Enter');
  await at(page, 'container-linked').waitFor();
  const link = await linkOf(page);
  await picture(page, 'share');
  assert.match(link, /#.*lab=1\.[\w-]+$/);
  await context.close();

  const other = await open(browser, server.url);
  await at(other.page, 'terminal-place').selectOption('docker-host');
  await at(other.page, 'terminal-input').fill('docker network create mine');
  await at(other.page, 'terminal-input').press('Enter');
  const own = await until('the own lab is kept', () => kept(other.page));
  await other.page.evaluate((hash) => { location.hash = hash; }, new URL(link).hash);
  await at(other.page, 'visit').waitFor();
  await picture(other.page, 'visit');
  assert.equal(await kept(other.page), own);
  await at(other.page, 'visit-home').click();
  await at(other.page, 'visit').waitFor({ state: 'detached' });
  assert.equal(await kept(other.page), own);
  assert.deepEqual([...problems, ...other.problems], []);
  await other.context.close();
});

test('a hostile link gets a clear word and changes nothing', async () => {
  for (const [hash, words] of [['lab=2.AAAA', /version 2/], ['lab=1.eJwrzy', /cut off|damaged/],
    ['lab=<img src=x onerror=alert(1)>', /no lab/], [`lab=1.${'A'.repeat(300_000)}`, /as a file/]]) {
    const { context, page, problems } = await open(browser, `${server.url}#${hash}`);
    await until(words, async () => words.test(await at(page, 'toast').first().innerText()));
    await at(page, 'node-docker-host').waitFor();
    assert.equal(await page.evaluate(() => location.hash), '');
    assert.deepEqual(problems, []);
    await context.close();
  }
});

test('the exports are what they say', async () => {
  const { context, page, problems } = await open(browser, server.url);
  await at(page, 'play').click();
  await at(page, 'share').click();
  const starts = {
    'export-script': (b) => b.toString().startsWith('#!/bin/sh\n'),
    'export-capture': (b) => b.readUInt32LE(0) === 0x0a0d0d0a,
    'export-svg': (b) => b.toString().startsWith('<svg') && !/<script|on\w+=|class=/.test(b.toString()),
    'export-png': (b) => b.readUInt32BE(0) === 0x89504e47,
  };
  for (const [name, good] of Object.entries(starts)) {
    const [file] = await Promise.all([page.waitForEvent('download'), at(page, name).click()]);
    const bytes = await readFile(await file.path());
    assert.ok(bytes.length > 100 && good(bytes), `${name}: ${bytes.subarray(0, 80)}`);
  }
  assert.deepEqual(problems, []);
  await context.close();
});

test('a moving picture shows each step of the flow, and browsers can read it', async () => {
  const { context, page, problems } = await open(browser, `${server.url}#in=laptop&run=ping%20-c%201%20192.168.0.1&lab=home`, { width: 1200, height: 800 });
  await until('there is something to step through', async () => (await at(page, 'packet-row').count()) > 1);
  await at(page, 'share').click();
  const [file] = await Promise.all([page.waitForEvent('download', { timeout: 60_000 }), at(page, 'export-apng').click()]);
  const bytes = await readFile(await file.path());
  assert.equal(bytes.subarray(37, 41).toString(), 'acTL');
  const frames = bytes.readUInt32BE(41);
  const read = await page.evaluate(async (base64) => {
    const data = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const decoder = new ImageDecoder({ data, type: 'image/png' });
    await decoder.tracks.ready;
    await decoder.completed;
    const count = decoder.tracks.selectedTrack.frameCount;
    const { image } = await decoder.decode({ frameIndex: count - 1 });
    return { count, width: image.displayWidth, animated: decoder.tracks.selectedTrack.animated };
  }, bytes.toString('base64'));
  assert.deepEqual([read.count, read.animated], [frames, true]);
  assert.ok(frames > 4 && frames <= 150 && read.width > 300 && bytes.length < 3_000_000, `${frames} frames, ${bytes.length} bytes`);
  assert.deepEqual(problems, []);
  await context.close();
});

test('a link opens a lesson at a step and a packet by its line', async () => {
  const { context, page, problems } = await open(browser, `${server.url}#lesson=nat-table&step=1`);
  await until('the first move was made', async () => (await at(page, 'packet-row').count()) > 5);
  assert.deepEqual(problems, []);
  await context.close();
  const other = await open(browser, `${server.url}#in=laptop&run=ping%20-c%201%20192.168.0.1&packet=2&lab=home`);
  const row = other.page.locator('[data-test="packet-row"]').nth(1);
  await until('its line is the one shown', async () => (await row.getAttribute('aria-current')) !== null);
  assert.deepEqual(other.problems, []);
  await other.context.close();
});
