// A network built from nothing: once with the pointer, once with the keyboard.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, drag, open, output, picture, type, until, withBrowser } from './page.mjs';

let server, browser;
withBrowser((...both) => { [server, browser] = both; });

/** The address in a box of the picture. */
async function address(page, id, like) {
  return until(`${id} has an address`, async () => {
    const end = at(page, 'to-end');
    if (await end.isEnabled()) await end.click();
    return (await at(page, `node-${id}`).textContent()).match(like)?.[0];
  });
}

const HOME = /192\.168\.\d+\.\d+/;

/** Lets go of something from the palette at a point of the picture. */
async function put(page, ware, x, y) {
  const from = await at(page, ware).boundingBox();
  const stage = await at(page, 'canvas').boundingBox();
  await page.mouse.move(from.x + from.width / 2, from.y + from.height / 2);
  await page.mouse.down();
  await page.mouse.move(stage.x + stage.width * x, stage.y + stage.height * y, { steps: 8 });
  await page.mouse.up();
}

/** With the pointer. */
const pointer = {
  async begin(page) {
    await at(page, 'labs').click();
    await at(page, 'lab-empty').click();
    await at(page, 'empty-lab').waitFor();
  },
  async device(page, kind, id, x, y) {
    await put(page, `palette-${kind}`, x, y);
    await at(page, `node-${id}`).waitFor();
    await at(page, 'fit').click();
  },
  async cable(page, [a, p], [b, q]) {
    await drag(page, at(page, `port-${a}-${p}`), at(page, `port-${b}-${q}`));
    await until(`a cable at ${a} ${p}`, async () => (await at(page, `link-${a}-${p}`).count()) + (await at(page, `link-${b}-${q}`).count()));
  },
  async settings(page, id) {
    await at(page, `node-${id}`).click({ position: { x: 24, y: 18 } });
    await at(page, 'bar-settings').click();
    await at(page, 'dialog').waitFor();
  },
  press: (page, name) => at(page, name).click(),
  fill: (page, name, text) => at(page, name).fill(text),
  save: (page) => at(page, 'submit').click(),
};

/** Without a pointer: what has a name is brought under the keys, everything else is keys. */
const keys = (page) => page.keyboard;
const keyboard = {
  async begin(page) {
    await at(page, 'labs').focus();
    await keys(page).press('Enter');
    await at(page, 'dialog').waitFor();
    // The empty lab is the first thing in the window.
    await until('the empty lab has the keys', () => at(page, 'lab-empty').evaluate((e) => e === document.activeElement));
    await keys(page).press('Enter');
    await at(page, 'empty-lab').waitFor();
  },
  async device(page, kind, id) {
    await at(page, `palette-${kind}`).focus();
    await keys(page).press('Enter');
    await at(page, `node-${id}`).waitFor();
  },
  async cable(page, [a, p], [b, q]) {
    await this.go(page, a);
    await keys(page).press('c');
    await at(page, 'dialog').waitFor();
    await at(page, `socket-use-${p}`).focus();
    await keys(page).press('Space');
    await at(page, `end-${b}-${q}`).focus();
    await keys(page).press('Space');
    await keys(page).press('Enter');
    await at(page, 'dialog').waitFor({ state: 'detached' });
  },
  /** To a box with the arrow keys, as far as they lead. */
  async go(page, id) {
    await page.locator('#canvas [data-item][tabindex="0"]').first().focus();
    const here = () => page.evaluate(() => document.activeElement?.getAttribute('data-item'));
    const boxes = async (name) => at(page, name).boundingBox();
    const been = new Map();
    for (let i = 0; i < 40; i++) {
      const now = await here();
      if (now === `node:${id}`) return;
      const times = been.get(now) ?? 0;
      been.set(now, times + 1);
      const [a, b] = [await page.locator(`[data-item="${now}"]`).first().boundingBox(), await boxes(`node-${id}`)];
      const [dx, dy] = [b.x + b.width / 2 - a.x - a.width / 2, b.y + b.height / 2 - a.y - a.height / 2];
      const tries = Math.abs(dx) > Math.abs(dy)
        ? [dx > 0 ? 'ArrowRight' : 'ArrowLeft', dy > 0 ? 'ArrowDown' : 'ArrowUp']
        : [dy > 0 ? 'ArrowDown' : 'ArrowUp', dx > 0 ? 'ArrowRight' : 'ArrowLeft'];
      // Who comes by a second time goes the other way: else one may go round for ever.
      const way = times % 2;
      await keys(page).press(tries[way]);
      if ((await here()) === now) await keys(page).press(tries[1 - way]);
    }
    assert.fail(`the arrow keys do not lead to ${id}`);
  },
  async settings(page, id) {
    await this.go(page, id);
    await keys(page).press('Enter');
    await at(page, 'dialog').waitFor();
  },
  async press(page, name) {
    await at(page, name).focus();
    await keys(page).press('Space');
  },
  async fill(page, name, text) {
    await at(page, name).focus();
    await keys(page).press('Control+a');
    await keys(page).type(text);
  },
  save: (page) => keys(page).press('Enter'),
};

for (const [name, hand] of [['pointer', pointer], ['keyboard', keyboard]]) {
  test(`a street is built, used and understood with the ${name} alone`, async () => {
    const { context, page, problems } = await open(browser, server.url);
    await hand.begin(page);

    // The internet, a router, two computers, a DNS server.
    await hand.device(page, 'internet', 'isp', 0.5, 0.25);
    await hand.device(page, 'router', 'router', 0.35, 0.7);
    await hand.device(page, 'computer', 'computer', 0.2, 0.92);
    await hand.device(page, 'computer', 'computer-2', 0.5, 0.92);
    await hand.device(page, 'dns', 'dns', 0.78, 0.92);
    assert.equal(await at(page, 'palette-internet').count(), 0, 'there is one internet');

    // Cables; addresses come by DHCP, the router's from its provider.
    await hand.cable(page, ['router', 'wan0'], ['isp', 'home1']);
    await hand.cable(page, ['computer', 'eth0'], ['router', 'lan1']);
    await hand.cable(page, ['computer-2', 'eth0'], ['router', 'lan2']);
    await hand.cable(page, ['dns', 'eth0'], ['router', 'lan3']);
    const [one, two, dns] = [
      await address(page, 'computer', HOME), await address(page, 'computer-2', HOME), await address(page, 'dns', HOME),
    ];
    assert.equal(new Set([one, two, dns]).size, 3);
    await type(page, 'router', 'ip -4 -o addr show wan0', /inet 150\.150\.0\.\d+/);
    const wan = (await output(page)).match(/inet (150\.150\.0\.\d+)/)[1];
    await picture(page, `street-${name}-built`);

    // Both use source port 6000 to one server; the router keeps them apart.
    await type(page, 'computer', 'curl -s --local-port 6000 http://93.184.216.34', /example/i);
    await type(page, 'computer-2', 'curl -s --local-port 6000 http://93.184.216.34', /example/i);
    await at(page, 'terminal-place').selectOption('router');
    await hand.settings(page, 'router');
    await page.keyboard.press('Escape');
    await hand.press(page, 'tab-nat');
    const mapped = await until('both connections are in the NAT table', async () => {
      const rows = await at(page, 'nat-row').allInnerTexts();
      const own = rows.filter((r) => r.includes(`${one}:6000`) || r.includes(`${two}:6000`));
      const ports = own.map((r) => r.match(new RegExp(`${wan.replaceAll('.', '\\.')}:(\\d+)`))?.[1]);
      return own.length >= 2 && ports.every(Boolean) ? ports : false;
    });
    assert.equal(new Set(mapped).size, 2, `two public ports: ${mapped}`);
    await picture(page, `street-${name}-nat`);

    // Nobody comes in, until a port forward says where to.
    await type(page, 'computer', 'httpd --title inside &');
    await type(page, 'visitor', `curl -s -m 2 http://${wan}:8080; echo exit $?`, /exit (28|7)/);
    await hand.settings(page, 'router');
    await hand.press(page, 'forward-add');
    await hand.fill(page, 'forward-port-0', '8080');
    await hand.fill(page, 'forward-to-0', one);
    await hand.fill(page, 'forward-to-port-0', '80');
    const rule = new RegExp(`--dport 8080 .*--to-destination ${one}:80`);
    await until('the form says the rule', async () => rule.test(await at(page, 'router-rules').innerText()));
    await hand.save(page);
    await at(page, 'dialog').waitFor({ state: 'detached' });
    await type(page, 'visitor', `curl -s http://${wan}:8080`, /inside/);

    // The private phone book knows its own names only, until it is linked to the public one.
    await hand.settings(page, 'dns');
    await hand.press(page, 'record-add');
    await hand.fill(page, 'record-name-0', 'nas.home');
    await hand.fill(page, 'record-value-0', two);
    await hand.save(page);
    await at(page, 'dialog').waitFor({ state: 'detached' });
    await type(page, 'computer', `dig +short nas.home @${dns}`, new RegExp(two));
    await type(page, 'computer', `dig example.com @${dns}`, /status: NXDOMAIN/);
    await hand.settings(page, 'dns');
    await hand.press(page, 'beyond-forward');
    await hand.fill(page, 'dns-forward', '8.8.8.8');
    await hand.save(page);
    await at(page, 'dialog').waitFor({ state: 'detached' });
    await type(page, 'computer', 'clear');
    await type(page, 'computer', `dig +short example.com @${dns}`, /93\.184\.216\.34/);
    await picture(page, `street-${name}-done`);

    // All of it can be undone and done again.
    for (let i = 0; i < 40 && (await at(page, 'undo').isEnabled()); i++) await at(page, 'undo').click();
    await at(page, 'node-docker-host').waitFor();
    for (let i = 0; i < 40 && (await at(page, 'redo').isEnabled()); i++) await at(page, 'redo').click();
    await at(page, 'node-computer-2').waitFor();
    assert.deepEqual(problems, []);
    await context.close();
  });
}
