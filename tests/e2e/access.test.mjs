// What people who see, point or read differently need, as far as a tool can tell (axe-core).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, open, step, type, until, violations, withBrowser } from './page.mjs';

let server, browser;
withBrowser((...both) => { [server, browser] = both; });

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

    // What is asked and told.
    await type(page, 'docker-host:shell', 'ping -c 1 -W 1 10.0.0.2', /packet loss/);
    await page.locator('[data-test="terminal-output"] [data-test="why-ask"]').last().click();
    assert.deepEqual(await violations(page), [], 'with an explanation');
    await page.keyboard.press('Escape');
    await type(page, 'docker-host', 'docker network create extra', /[0-9a-f]{64}/);
    assert.deepEqual(await violations(page), [], 'with what a command changed');
    await at(page, 'share').click();
    await at(page, 'dialog').waitFor();
    assert.deepEqual(await violations(page), [], 'with what can be shared');
    await page.keyboard.press('Escape');
    await type(page, 'docker-host:shell', 'ping -c 1 8.8.8.8', / 0% packet loss/);
    await at(page, 'to-start').click();
    await at(page, 'node-docker-host').focus();
    await page.keyboard.press('Space');
    await at(page, 'firewall-open').click();
    await step(page, 'a row of the connection table is there', async () => (await at(page, 'fw-entry').count()) > 0, 60);
    assert.deepEqual(await violations(page), [], 'with the walk through the firewall');
    await at(page, 'fw-back').click();

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

test('a thumb hits what it aims at, and a lesson shuts nobody out', async () => {
  const { context, page, problems } = await open(browser, `${server.url}#lesson=docker0`, { width: 390, height: 844, locale: 'ko-KR' });
  /** Buttons and choices that are seen and smaller than a thumb; words within a text are as high as it is. */
  const small = () => page.evaluate(() => [...document.querySelectorAll('button, select, [role="tab"]')]
    .filter((e) => !e.closest('svg, [inert], p, li') && e.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
    .map((e) => [e.dataset.test ?? e.className, e.getBoundingClientRect()])
    .filter(([, r]) => r.width > 0 && (r.width < 39.5 || r.height < 43.5))
    .map(([name, r]) => `${name} ${Math.round(r.width)}×${Math.round(r.height)}`));
  await at(page, 'lesson').waitFor();
  assert.deepEqual(await small(), [], 'with a lesson');
  assert.deepEqual(await violations(page), [], 'with a lesson');
  await at(page, 'pane-terminal').click();
  await type(page, 'docker-host', 'ping -c 1 192.168.0.1', /packet loss/);
  assert.deepEqual(await small(), [], 'with the terminal');
  await at(page, 'how-ask').click();
  assert.deepEqual(await small(), [], 'with what is told of a line');
  await at(page, 'why-close').click();
  await at(page, 'pane-packets').click();
  assert.deepEqual(await small(), [], 'with the packets');
  await at(page, 'node-router').focus();
  await page.keyboard.press('Space');
  await at(page, 'pane-inspector').click();
  assert.deepEqual(await small(), [], 'with the inspector');
  for (const [node, what] of [['dns', 'a DNS server'], ['laptop', 'a computer'], ['router', 'the router']]) {
    await at(page, `node-${node}`).focus();
    await page.keyboard.press('Enter');
    await at(page, 'dialog').waitFor();
    assert.deepEqual(await small(), [], `with the form of ${what}`);
    await page.keyboard.press('Escape');
  }
  assert.deepEqual(problems, []);
  await context.close();
});
