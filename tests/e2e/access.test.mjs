// What people who see, point or read differently need, as far as a tool can tell (axe-core).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { at, launch, open, serve, until, violations } from './page.mjs';

let server, browser;
before(async () => {
  server = await serve();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

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
    for (const tab of ['tab-nat', 'tab-iptables', 'tab-routes', 'tab-arp', 'tab-sockets', 'tab-dhcp', 'tab-dns', 'tab-packet']) {
      await at(page, tab).click();
      assert.deepEqual(await violations(page), [], `with ${tab}`);
    }
    await at(page, 'router-form').click();
    await at(page, 'dialog').waitFor();
    for (const add of ['fixed-add', 'forward-add', 'reservation-add', 'local-add']) {
      const button = at(page, add);
      if (await button.count()) await button.click();
    }
    await at(page, 'forward-port-0').fill('70001');
    assert.deepEqual(await violations(page), [], 'with the form of the router');
    await page.keyboard.press('Escape');

    // Building.
    await at(page, 'labs').click();
    await at(page, 'dialog').waitFor();
    assert.deepEqual(await violations(page), [], 'with the gallery');
    await at(page, 'lab-empty').click();
    await at(page, 'empty-lab').waitFor();
    assert.deepEqual(await violations(page), [], 'with an empty lab');
    for (const kind of ['internet', 'router', 'computer', 'dns', 'switch', 'docker-host']) await at(page, `palette-${kind}`).click();
    assert.deepEqual(await violations(page), [], 'with devices and the bar');
    const form = async (id, button, what) => {
      await at(page, `node-${id}`).focus();
      await page.keyboard.press(button);
      await at(page, 'dialog').waitFor();
      for (const more of ['record-add', 'beyond-forward', 'how-fixed']) {
        if (await at(page, more).count()) await at(page, more).first().click();
      }
      assert.deepEqual(await violations(page), [], what);
    };
    await form('dns', 'Enter', 'with the form of a DNS server');
    await page.keyboard.press('Escape');
    await form('computer', 'Enter', 'with the form of a computer');
    await page.keyboard.press('Escape');
    await form('computer', 'c', 'with the list of cables');
    await page.keyboard.press('Enter');
    await at(page, 'dialog').waitFor({ state: 'detached' });
    await page.locator('[data-item^="link:computer"]').focus();
    await page.keyboard.press('Enter');
    await at(page, 'link-latency').waitFor();
    assert.deepEqual(await violations(page), [], 'with the form of a cable');
    await page.keyboard.press('Escape');
    await at(page, 'node-computer').focus();
    await page.keyboard.press('F2');
    await at(page, 'rename').waitFor();
    assert.deepEqual(await violations(page), [], 'while a name is written');
    await page.keyboard.type('Desk');
    await page.keyboard.press('Enter');
    await at(page, 'node-desk').waitFor();
    assert.deepEqual(problems, []);
    await context.close();
  });
}
