// netpier as a guest: another page, on another port and with a strict policy of its own, shows labs
// by the element and by a bare frame. Two are played and heard; one, far below, is not even loaded.
// In Chromium and in Firefox.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { BROWSERS, fitsCache, launch, open, picture, serve, until } from './page.mjs';

const LINE = encodeURIComponent('wget -qO- http://example.com');
/** What a page asks for beside its own files is asked by the browser itself. */
const ours = (origins) => (url) => !url.protocol.startsWith('http') || origins.has(url.origin);

/** A blog post with a policy that allows netpier's script and frames, and nothing else of it. */
async function post(netpier) {
  const { origin } = new URL(netpier);
  const policy = `default-src 'none'; script-src 'self' ${origin}; frame-src ${origin}; style-src 'self'; img-src data:; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'`;
  const page = `<!doctype html><html lang="ko"><meta charset="utf-8"><title>post</title>
    <link rel="icon" href="data:,"><link rel="stylesheet" href="post.css">
    <script src="${netpier}netpier-lab.js"></script><script src="post.js" defer></script>
    <article><h1>Docker (5)</h1><p>Text.</p><input id="field" aria-label="field">
    <netpier-lab id="one" lab="home" lang="ko" theme="light" in="docker-host:shell" run="wget -qO- http://example.com"></netpier-lab>
    <p>Text.</p>
    <netpier-lab id="lesson" lesson="nat-table" lang="en" step="1" in="router" run="conntrack -L" height="420"></netpier-lab>
    <p class="long">Text.</p>
    <netpier-lab id="far" lab="dns"></netpier-lab>
    <iframe id="frame" loading="lazy" title="lab" src="${netpier}index.html#embed&amp;lab=home&amp;in=docker-host:shell&amp;run=${LINE}"></iframe></article>`;
  const script = `window.heard = [];
    for (const id of ['one', 'lesson']) for (const type of ['ready', 'step', 'goal']) {
      document.getElementById(id).addEventListener(type, (e) => heard.push({ ...e.detail, id, type }));
    }
    addEventListener('keydown', (e) => heard.push({ type: 'key', key: e.key }));`;
  const style = 'article { width: 720px; max-width: 100%; margin: 0 auto } .long { height: 9000px } iframe#frame { width: 100%; height: 480px }';
  const files = { '/': ['text/html', page], '/post.js': ['text/javascript', script], '/post.css': ['text/css', style] };
  const made = createServer((request, response) => {
    const [type, body] = files[request.url] ?? ['text/plain', ''];
    response.writeHead(files[request.url] ? 200 : 404, { 'content-type': `${type}; charset=utf-8`, 'content-security-policy': policy });
    response.end(body);
  });
  await new Promise((ready) => made.listen(0, '127.0.0.1', ready));
  return { url: `http://127.0.0.1:${made.address().port}/`, close: () => new Promise((done) => made.close(done)) };
}

for (const [name, start] of Object.entries(BROWSERS)) {
  describe(`in ${name}`, () => {
    let server, host, browser;
    before(async () => {
      server = await serve();
      browser = await start();
      host = await post(server.url);
    });
    after(async () => {
      await browser?.close();
      await host?.close();
      await server?.close();
    });

    test('a lab on another page plays, is heard, and leaves wheel, keys and focus alone', async () => {
      const { context, page, problems } = await open(browser, host.url, { width: 1000, height: 800 });
      const heard = (id, type) => page.evaluate(([of, what]) => heard.filter((e) => e.id === of && e.type === what), [id, type]);
      const lab = page.frameLocator('#one iframe');
      await lab.locator('[data-test="play"]').waitFor();
      await until('the element says that it is ready', async () => (await heard('one', 'ready')).length === 1);
      assert.equal(await page.evaluate(() => document.activeElement.tagName), 'BODY');
      const high = await page.locator('#one').evaluate((e) => e.getBoundingClientRect().height);
      assert.ok(high > 380 && high < 700, `${high} px`);
      // Two steps by hand, then by the element's own method.
      await lab.locator('[data-test="step"]').click();
      await lab.locator('[data-test="step"]').click();
      await page.locator('#one').evaluate((e) => e.step());
      const steps = await until('three steps are heard', async () => {
        const all = await heard('one', 'step');
        return all.length >= 3 && all;
      });
      assert.ok(steps.every((s) => s.netpier === 1 && s.words.length > 3), JSON.stringify(steps));
      // Keys are the post's, and the wheel over the lab scrolls the post.
      await page.locator('#field').focus();
      await page.keyboard.press('ArrowRight');
      await page.keyboard.type(' ?');
      assert.equal(await page.locator('#field').inputValue(), ' ?');
      const before = (await heard('one', 'step')).length;
      const box = await page.locator('#one').boundingBox();
      await page.mouse.move(box.x + box.width / 2, box.y + 100);
      await page.mouse.wheel(0, 400);
      await until('the post scrolls', async () => (await page.evaluate(() => scrollY)) > 200);
      assert.equal(await page.evaluate(() => document.activeElement.id), 'field');
      assert.equal((await heard('one', 'step')).length, before);
      assert.deepEqual(problems, []);
      await picture(page, `embed-${name}`);
      await context.close();
    });

    test('a lesson on another page is opened at its step, and its goals are heard', async () => {
      const { context, page, problems } = await open(browser, host.url, { width: 1000, height: 800 });
      await page.locator('#lesson').scrollIntoViewIfNeeded();
      const lab = page.frameLocator('#lesson iframe');
      await lab.locator('[data-test="embed-goals"]', { hasText: '3/3' }).waitFor();
      const goal = await until('a goal is heard', () => page.evaluate(() => heard.filter((e) => e.type === 'goal').at(-1)));
      assert.deepEqual([goal.met, goal.of, goal.netpier], [3, 3, 1]);
      assert.deepEqual(problems, []);
      await context.close();
    });

    test('what is passed by is not loaded, and nothing but our own files is asked for', async () => {
      const origins = new Set([new URL(server.url).origin, new URL(host.url).origin]);
      server.asked.length = 0;
      const { context, page, problems, asked } = await open(browser, host.url, { width: 1000, height: 800 });
      await page.frameLocator('#one iframe').locator('[data-test="play"]').waitFor();
      await page.frameLocator('#lesson iframe').locator('[data-test="play"]').waitFor();
      assert.equal(await page.locator('#far iframe').count(), 0);
      assert.ok(page.frames().filter((f) => f.url().includes('#embed')).length <= 3);
      assert.deepEqual(asked.filter((url) => !ours(origins)(url)).map(String), []);
      // Several labs share one download, and a guest installs nothing.
      const wasm = server.asked.filter((url) => url.endsWith('.wasm'));
      if (await fitsCache()) assert.deepEqual(wasm, [...new Set(wasm)]);
      assert.ok(!server.asked.some((url) => url.includes('worker.js')));
      assert.deepEqual(problems, []);
      await context.close();
    });

    test('words from a wrong origin or window are not heard', async () => {
      const { context, page, problems } = await open(browser, host.url, { width: 1000, height: 800 });
      await page.locator('#lesson').scrollIntoViewIfNeeded();
      await until('the other lab has met its goals', () => page.evaluate(() => heard.some((e) => e.id === 'lesson' && e.met === 3)));
      await page.evaluate((origin) => {
        const data = { netpier: 1, type: 'goal', met: 9, of: 9 };
        postMessage(data, '*');
        dispatchEvent(new MessageEvent('message', { data, origin, source: window }));
        dispatchEvent(new MessageEvent('message', { data, origin }));
      }, new URL(server.url).origin);
      await page.waitForTimeout(300);
      // Neither what this page says of itself, nor what the other lab's frame says, is the first lab's word.
      assert.equal(await page.evaluate(() => heard.filter((e) => e.type === 'goal' && (e.id === 'one' || e.met === 9)).length), 0);
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
  });
}

test('on a phone the guest fits its frame', async () => {
  const server = await serve();
  const browser = await launch();
  const { context, page, problems } = await open(browser, `${server.url}#embed&lab=home&lang=ko&in=docker-host:shell&run=${LINE}`, { width: 360, height: 560 });
  await page.locator('[data-test="step"]').click();
  await page.locator('[data-test="step"]').click();
  await picture(page, 'embed-phone');
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 360, `${wide} px`);
  assert.deepEqual(problems, []);
  await context.close();
  await browser.close();
  await server.close();
});
