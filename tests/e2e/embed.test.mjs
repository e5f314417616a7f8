// netpier as a guest: another page, on another port and with a strict policy of its own, shows two
// labs. One is played and heard; the other, far below, is not even loaded.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { launch, open, picture, serve, until } from './page.mjs';

let server, host, browser;
before(async () => {
  server = await serve();
  browser = await launch();
  host = await post(server.url);
});
after(async () => {
  await browser?.close();
  await host?.close();
  await server?.close();
});

const LINE = encodeURIComponent('wget -qO- http://example.com');

/** A blog post with a policy that allows netpier's script and frames, and nothing else of it. */
async function post(netpier) {
  const { origin } = new URL(netpier);
  const policy = `default-src 'none'; script-src 'self' ${origin}; frame-src ${origin}; style-src 'self'; img-src data:; base-uri 'none'`;
  const page = `<!doctype html><html lang="ko"><meta charset="utf-8"><title>post</title>
    <link rel="icon" href="data:,"><link rel="stylesheet" href="post.css">
    <script src="${netpier}netpier-lab.js"></script><script src="post.js" defer></script>
    <article><h1>Docker (5)</h1><p>Text.</p><input id="field" aria-label="field">
    <netpier-lab id="one" lab="home" lang="ko" theme="light" in="docker-host:shell" run="wget -qO- http://example.com"></netpier-lab>
    <p class="long">Text.</p>
    <netpier-lab id="far" lab="dns"></netpier-lab>
    <iframe id="frame" loading="lazy" title="lab" src="${netpier}index.html#embed&amp;lab=home&amp;in=docker-host:shell&amp;run=${LINE}"></iframe></article>`;
  const script = `window.heard = [];
    for (const type of ['ready', 'step', 'goal']) document.getElementById('one').addEventListener(type, (e) => heard.push(e.detail));`;
  const style = 'article { width: 720px; margin: 0 auto } .long { height: 9000px } iframe#frame { width: 100%; height: 480px }';
  const files = { '/': ['text/html', page], '/post.js': ['text/javascript', script], '/post.css': ['text/css', style] };
  const made = createServer((request, response) => {
    const [type, body] = files[request.url] ?? ['text/plain', ''];
    response.writeHead(files[request.url] ? 200 : 404, { 'content-type': `${type}; charset=utf-8`, 'content-security-policy': policy });
    response.end(body);
  });
  await new Promise((ready) => made.listen(0, '127.0.0.1', ready));
  return { url: `http://127.0.0.1:${made.address().port}/`, close: () => new Promise((done) => made.close(done)) };
}

test('a lab on another page plays, is heard, and leaves wheel, keys and focus alone', async () => {
  const { context, page, problems } = await open(browser, host.url, { width: 1000, height: 800 });
  const asked = [];
  page.on('request', (request) => asked.push(new URL(request.url())));
  const lab = page.frameLocator('#one iframe');
  await lab.locator('[data-test="play"]').waitFor();
  await until('the element says that it is ready', () => page.evaluate(() => heard.some((e) => e.type === 'ready')));
  assert.equal(await page.evaluate(() => document.activeElement.tagName), 'BODY');
  const high = await page.locator('#one').evaluate((e) => e.getBoundingClientRect().height);
  assert.ok(high > 380 && high < 700, `${high} px`);
  // Two steps by hand, then by the element's own method.
  await lab.locator('[data-test="step"]').click();
  await lab.locator('[data-test="step"]').click();
  await page.locator('#one').evaluate((e) => e.step());
  const steps = await until('three steps are heard', async () => {
    const all = await page.evaluate(() => heard.filter((e) => e.type === 'step'));
    return all.length >= 3 && all;
  });
  assert.ok(steps.every((s) => s.netpier === 1 && s.words.length > 3), JSON.stringify(steps));
  await picture(page, 'embed');
  // The wheel over the lab scrolls the post.
  await page.locator('#field').focus();
  const box = await page.locator('#one').boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + 100);
  await page.mouse.wheel(0, 400);
  await until('the post scrolls', async () => (await page.evaluate(() => scrollY)) > 200);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'field');
  // What is far below is not there, and nothing but netpier's own files were asked for.
  assert.equal(await page.locator('#far iframe').count(), 0);
  assert.equal(page.frames().filter((f) => f.url().includes('#embed')).length <= 2, true);
  const origins = new Set([new URL(server.url).origin, new URL(host.url).origin]);
  assert.deepEqual(asked.filter((u) => u.protocol.startsWith('http') && !origins.has(u.origin)), []);
  assert.deepEqual(problems, []);
  await context.close();
});

test('the plain frame plays too, and opens the whole page at its moment', async () => {
  const { context, page, problems } = await open(browser, host.url, { width: 1000, height: 800 });
  await page.locator('#frame').scrollIntoViewIfNeeded();
  const lab = page.frameLocator('#frame');
  await lab.locator('[data-test="step"]').click();
  await lab.locator('[data-test="step"]').click();
  await until('a sentence', async () => (await lab.locator('[data-test="embed-words"]').innerText()).length > 12);
  await lab.locator('[data-test="embed-why"]').click();
  await lab.locator('[data-test="embed-reasons"]').waitFor();
  const [whole] = await Promise.all([context.waitForEvent('page'), lab.locator('[data-test="embed-open"]').click()]);
  await whole.locator('[data-test="terminal-input"]').waitFor();
  assert.match(whole.url(), /#t=\d+&lab=home/);
  assert.deepEqual(problems, []);
  await context.close();
});

test('on a phone the guest fits its frame', async () => {
  const { context, page, problems } = await open(browser, `${server.url}#embed&lab=home&lang=ko&in=docker-host:shell&run=${LINE}`, { width: 360, height: 560 });
  await page.locator('[data-test="step"]').click();
  await page.locator('[data-test="step"]').click();
  await picture(page, 'embed-phone');
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 360, `${wide} px`);
  assert.deepEqual(problems, []);
  await context.close();
});
