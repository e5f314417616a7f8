// What people who see, point or read differently need, as far as a tool can tell (axe-core).
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { launch, open, serve, until } from './page.mjs';

const axe = createRequire(import.meta.url)('axe-core');
let server, browser;
before(async () => {
  server = await serve();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

const at = (page, name) => page.locator(`[data-test="${name}"]`);

/** Violations of WCAG 2 A and AA, one a line. */
async function violations(page) {
  // What is still fading in has not its own colours yet.
  await page.evaluate(() => Promise.race([
    Promise.all(document.getAnimations().map((a) => a.finished.catch(() => {}))),
    new Promise((done) => setTimeout(done, 1500)),
  ]));
  await page.evaluate(axe.source);
  const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa'], resultTypes: ['violations'] }));
  return found.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(' ')} ${n.failureSummary.replaceAll('\n', ' ')}`));
}

for (const colorScheme of ['light', 'dark']) {
  test(`nobody is shut out: ${colorScheme}`, async () => {
    const { context, page, problems } = await open(browser, server.url, { colorScheme });
    await at(page, 'first-play').waitFor();
    assert.deepEqual(await violations(page), [], 'at the beginning');
    await at(page, 'first-play').click();
    await until('a packet is on its way', async () => (await at(page, 'pill').count()) > 0);
    await at(page, 'play').click();
    assert.deepEqual(await violations(page), [], 'with a packet under way');
    await at(page, 'node-router').focus();
    await page.keyboard.press('Space');
    for (const tab of ['tab-nat', 'tab-iptables', 'tab-routes', 'tab-arp', 'tab-sockets', 'tab-packet']) {
      await at(page, tab).click();
      assert.deepEqual(await violations(page), [], `with ${tab}`);
    }
    await at(page, 'router-form').click();
    await at(page, 'dialog').waitFor();
    assert.deepEqual(await violations(page), [], 'with the form of the router');
    assert.deepEqual(problems, []);
    await context.close();
  });
}
