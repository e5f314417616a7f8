// Every view of the page, at three sizes: each is seen in both themes and both languages, and axe-core
// has no word against it. `PICTURES=1` leaves a picture of each for people to look at.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { at, open, openLab, picture, root, step, toEnd, type, until, violations, withBrowser } from './page.mjs';

let server, browser;
withBrowser((...both) => { [server, browser] = both; });

/** Width, height, theme, language. Not the full product, but each view comes in each size, each theme
 * and each language; neighbours in the list take turns. */
const LOOKS = [
  [[1440, 900, 'dark', 'ko'], [1024, 768, 'light', 'en'], [390, 844, 'dark', 'en']],
  [[1440, 900, 'light', 'en'], [1024, 768, 'dark', 'ko'], [390, 844, 'light', 'ko']],
];

/** Presses a button wherever it is, as a program does: what lies under a dialog can be pressed too. */
const press = (page, name) => page.evaluate((n) => document.querySelector(`[data-test="${n}"]`)?.click(), name);

/** Puts on a look with the page's own controls. */
async function wear(page, [width, height, theme, lang]) {
  await page.setViewportSize({ width, height });
  await press(page, `lang-${lang}`);
  if (await page.evaluate((t) => document.documentElement.dataset.theme !== t, theme)) await press(page, 'theme');
  await until(`${theme}, ${lang}`, () => page.evaluate(([t, l]) => document.documentElement.dataset.theme === t && document.documentElement.lang === l, [theme, lang]), { every: 20 });
}

/** Selects a thing by the keys. */
async function pick(page, name) {
  await at(page, name).focus();
  await page.keyboard.press('Space');
}

/** A dialog that a button opens. */
const dialog = (name) => async (page) => {
  await press(page, name);
  await at(page, 'dialog').waitFor();
};

/** The form of a node, by Enter. */
const form = (node) => async (page) => {
  await at(page, `node-${node}`).focus();
  await page.keyboard.press('Enter');
  await at(page, 'dialog').waitFor();
};

async function close(page) {
  await page.keyboard.press('Escape');
  await at(page, 'dialog').waitFor({ state: 'detached' });
}

/** A lab that comes with the page, as it begins. */
const lab = (name) => async (page) => openLab(page, JSON.parse(await readFile(join(root, 'labs', `${name}.json`), 'utf8')));

/** An address of the page: a lesson, a visit. */
const fragment = (hash, name) => async (page) => {
  await page.evaluate((h) => { location.hash = h; }, hash);
  await at(page, name).waitFor();
};

/** Of a table of the inspector. */
const tab = (name) => (page) => press(page, `tab-${name}`);

/** Runs a line; it is played to its end. */
const run = (place, line, words) => async (page) => {
  await press(page, 'pane-terminal');
  await type(page, place, line, words);
};

/** [name, the pane that a phone shows, how one comes to it, how one leaves it]. They follow on one another. */
const VIEWS = [
  ['front', 'start', (page) => at(page, 'first-play').waitFor()],
  ['help', null, dialog('help'), close],
  ['course', null, async (page) => { await press(page, 'front-course'); await at(page, 'course').waitFor(); }, async (page) => press(page, 'course-close')],
  ['toast', 'terminal', async (page) => {
    await press(page, 'labs');
    await at(page, 'lab-file').setInputFiles({ name: 'holiday.json', mimeType: 'application/json', buffer: Buffer.from('{"format": 1}') });
    await at(page, 'toast').waitFor();
    await close(page);
  }, async (page) => { await page.locator('.toast button').first().evaluate((b) => b.click()); }],
  ['played', 'packets', async (page) => {
    await press(page, 'first-play');
    await until('it is on its way', async () => (await at(page, 'pill').count()) > 0);
    await press(page, 'play');
    await press(page, 'to-start');
    await step(page, 'an IP packet', async () => /TCP/.test((await at(page, 'pill').allTextContents()).join()), 60);
  }],
  ['packet', 'inspector', async (page) => { await pick(page, 'node-router'); await tab('packet')(page); }],
  ['nat', 'inspector', async (page) => { await toEnd(page); await tab('nat')(page); }],
  ['router-dhcp', 'inspector', tab('dhcp')],
  ['router-dns', 'inspector', tab('dns')],
  ['iptables', 'inspector', async (page) => { await pick(page, 'node-docker-host'); await tab('iptables')(page); }],
  ['routes', 'inspector', tab('routes')],
  ['arp', 'inspector', tab('arp')],
  ['sockets', 'inspector', tab('sockets')],
  ['container', 'inspector', (page) => pick(page, 'container-web')],
  ['router-form', null, async (page) => {
    await form('router')(page);
    for (const add of ['fixed-add', 'forward-add', 'reservation-add', 'local-add']) await press(page, add);
  }, close],
  ['dns-form', null, async (page) => { await form('dns')(page); await press(page, 'record-add'); }, close],
  ['computer-form', null, form('laptop'), close],
  ['daemon-form', null, async (page) => { await pick(page, 'node-docker-host'); await at(page, 'daemon-form').waitFor({ state: 'attached' }); await press(page, 'daemon-form'); await at(page, 'dialog').waitFor(); }, close],
  ['network-form', null, dialog('palette-bridge'), close],
  ['container-form', null, dialog('palette-nginx'), close],
  ['cables', null, async (page) => { await at(page, 'node-router').focus(); await page.keyboard.press('c'); await at(page, 'dialog').waitFor(); }, close],
  ['cable-form', null, async (page) => { await page.locator('[data-item^="link:"]').first().focus(); await page.keyboard.press('Enter'); await at(page, 'link-latency').waitFor(); }, close],
  ['rename', 'terminal', async (page) => { await at(page, 'node-laptop').focus(); await page.keyboard.press('F2'); await at(page, 'rename').waitFor(); }, (page) => page.keyboard.press('Escape')],
  ['share', null, dialog('share'), close],
  ['changes', 'terminal', async (page) => {
    await run('docker-host', 'docker run -d --name tomcat -p 8080:8080 tomcat', /[0-9a-f]{64}/)(page);
    await at(page, 'changes').waitFor();
  }, async (page) => press(page, 'changes-close')],
  ['why', 'inspector', async (page) => {
    await run('docker-host:shell', 'ping -c 1 -W 1 10.0.0.2', /packet loss/)(page);
    await page.locator('[data-test="terminal-output"] [data-test="why-ask"]').last().evaluate((b) => b.click());
    await at(page, 'why-panel').waitFor();
  }, async (page) => press(page, 'why-close')],
  ['how', 'inspector', async (page) => {
    await run('docker-host:shell', 'ping -c 1 93.184.216.34', / 0% packet loss/)(page);
    await page.locator('[data-test="terminal-output"] [data-test="how-ask"]').last().evaluate((b) => b.click());
    await at(page, 'why-panel').waitFor();
  }, async (page) => press(page, 'why-close')],
  ['walk', 'terminal', async (page) => {
    await run('laptop', 'curl -s -m 2 http://192.168.0.10:8080', /Tomcat/)(page);
    await pick(page, 'node-docker-host');
    await page.keyboard.press('f');
    await at(page, 'firewall').waitFor();
    await press(page, 'to-start');
    await step(page, 'it is rewritten', async () => (await at(page, 'fw-to-new').count()) > 0);
  }],
  ['rule', 'terminal', async (page) => {
    await page.locator('[data-test="fw-rule"]').first().evaluate((b) => b.click());
    await at(page, 'fw-editor').waitFor();
  }, async (page) => { await press(page, 'fw-editor-close'); await press(page, 'fw-back'); }],
  ['gallery', null, dialog('labs'), close],
  ['empty', 'terminal', async (page) => { await press(page, 'labs'); await at(page, 'dialog').waitFor(); await press(page, 'lab-empty'); await at(page, 'empty-lab').waitFor(); }],
  ['built', 'terminal', async (page) => { for (const kind of ['internet', 'router', 'computer', 'dns', 'switch', 'docker-host']) await press(page, `palette-${kind}`); }],
  ['street', 'terminal', lab('street')],
  ['host-network', 'terminal', lab('host-network')],
  ['macvlan', 'terminal', lab('macvlan')],
  ['storm', 'terminal', lab('storm')],
  ['overlay', 'inspector', async (page) => {
    await lab('overlay')(page);
    await press(page, 'pane-terminal');
    await run('host2:cli', 'ping -c 1 web', /packet loss/)(page);
    await press(page, 'to-start');
    await step(page, 'an envelope', async () => (await at(page, 'envelope').count()) > 0);
    await press(page, 'tab-packet');
  }],
  ['lesson', 'lesson', fragment('lesson=docker0', 'lesson')],
  ['visit', 'terminal', fragment('in=laptop&run=ping%20-c%201%20192.168.0.1&lab=home', 'visit')],
];

/** What is new in a view: of a dialog or of the inspector only that, since the rest was looked at before. */
const part = (pane) => (pane === null ? '.dialog' : pane === 'inspector' ? '.inspector' : undefined);

/** With `PICTURES=1` each view is seen in all six looks, with `ONLY=walk,rule` only these. */
const PICTURES = Boolean(process.env.PICTURES);
const ONLY = process.env.ONLY?.split(',');

test('nobody is shut out of any view, in any size, theme and language', async () => {
  const { context, page, problems } = await open(browser, server.url);
  await at(page, 'first-play').waitFor();
  const found = [];
  for (const [i, [name, pane, go, leave]] of VIEWS.entries()) {
    if (ONLY && !ONLY.includes(name)) continue;
    await page.setViewportSize({ width: 1440, height: 900 });
    await go(page).catch((error) => { throw new Error(`${name}: ${error.message}`); });
    for (const look of PICTURES ? LOOKS.flat() : LOOKS[i % 2]) {
      await wear(page, look);
      if (pane && look[0] < 760) await press(page, `pane-${pane}`);
      found.push(...(await violations(page, part(pane))).map((v) => `${name} ${look.join(' ')}: ${v}`));
      if (PICTURES) await picture(page, `view-${name}-${look[0]}-${look[2]}-${look[3]}`);
    }
    if (leave) {
      await page.setViewportSize({ width: 1440, height: 900 });
      await leave(page);
    }
  }
  assert.deepEqual(found, []);
  assert.deepEqual(problems, []);
  await context.close();
});

test('nobody is shut out where the own lab was lost, nor as a guest', async () => {
  const { context, page, problems } = await open(browser, server.url, { locale: 'ko-KR' });
  await run('docker-host', 'docker network create mine', /[0-9a-f]{64}/)(page);
  await until('the lab is kept', () => page.evaluate(() => localStorage.getItem('netpier.lab')));
  await page.evaluate(() => localStorage.setItem('netpier.opening', '2'));
  await page.reload();
  await at(page, 'lost').waitFor();
  for (const look of LOOKS[0]) {
    await wear(page, look);
    assert.deepEqual(await violations(page), [], `lost, ${look.join(' ')}`);
    if (PICTURES) await picture(page, `view-lost-${look[0]}-${look[2]}-${look[3]}`);
  }
  for (const [width, , theme, lang] of LOOKS[0]) {
    await page.emulateMedia({ colorScheme: theme });
    await page.setViewportSize({ width: Math.min(width, 900), height: 560 });
    await page.goto('about:blank');
    await page.goto(`${server.url}#embed&lang=${lang}&in=laptop&run=ping%20-c%201%20192.168.0.1&lab=home`);
    await until('steps can be taken', () => at(page, 'step').isEnabled());
    await at(page, 'step').click();
    assert.deepEqual(await violations(page), [], `guest, ${width} ${theme} ${lang}`);
    if (PICTURES) await picture(page, `view-guest-${width}-${theme}-${lang}`);
  }
  assert.deepEqual(problems, []);
  await context.close();
});
