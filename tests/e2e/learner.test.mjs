// What a learner does on the first day, in a real browser.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, drag, open, picture, step, type, until, withBrowser } from './page.mjs';

let server, browser;
withBrowser((...both) => { [server, browser] = both; });

/** The source of the packet that is being explained: [before, after] where it is being rewritten. */
async function source(page) {
  return page.locator('[data-test="pill"] [data-test="pill-from"] text').allTextContents();
}

async function openRouterForm(page) {
  await at(page, 'node-router').click({ position: { x: 20, y: 16 } });
  await at(page, 'router-form').click();
  await at(page, 'dialog').waitFor();
}

test('a learner plays, steps back, builds, publishes, undoes and comes back', async () => {
  const { context, page, problems } = await open(browser, server.url);
  const policy = await page.locator('meta[http-equiv="Content-Security-Policy"]').getAttribute('content');
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /unsafe-inline|'unsafe-eval'/);

  // The first flow: shell: wget -qO- http://example.com
  await at(page, 'first-play').click();
  await until('time passes', async () => {
    const [first] = (await at(page, 'clock').innerText()).split('/');
    return parseFloat(first) > 0;
  });
  await until('a packet is on its way', async () => (await at(page, 'pill').count()) > 0);

  // The source changes twice: at the Docker host and at the router.
  await at(page, 'to-start').click();
  const changes = new Set();
  await step(page, 'the source changes twice', async () => {
    const [before, now] = await source(page);
    if (now) changes.add(`${before.split(':')[0]} ${now.split(':')[0]}`);
    return [...changes].some((c) => /^172\.17\.0\.\d+ 192\.168\.0\.10$/.test(c)) && changes.has('192.168.0.10 150.150.0.1');
  });
  await until('the router shows its NAT row', async () => (await at(page, 'router-nat-row').count()) > 0);

  // Back, and the row is gone.
  await step(page, 'the NAT row is gone', async () => (await at(page, 'router-nat-row').count()) === 0, 12, 'step-back');
  await step(page, 'the NAT row is there again', async () => (await at(page, 'router-nat-row').count()) > 0, 12);

  // On to the end: the page arrived.
  await until('the page was fetched', async () => {
    await at(page, 'to-end').click();
    return /example/i.test(await at(page, 'terminal-output').innerText());
  });

  // A container dragged into second-bridge is a docker command.
  await drag(page, at(page, 'palette-nginx'), at(page, 'bridge-second-bridge'));
  await at(page, 'dialog').waitFor();
  const name = await at(page, 'container-name').inputValue();
  const command = await at(page, 'command').innerText();
  assert.match(command, new RegExp(`^docker run -d .*--name ${name}\\b.*--network second-bridge.* nginx$`));
  await at(page, 'submit').click();
  await at(page, `container-${name}`).waitFor();

  // Publish a port …
  await type(page, 'docker-host', 'docker run -d --name tomcat -p 8080:8080 tomcat', /[0-9a-f]{64}/);
  await at(page, 'container-tomcat').waitFor();

  // … forward it on the router …
  await openRouterForm(page);
  await at(page, 'forward-add').click();
  await at(page, 'forward-port-0').fill('8080');
  await at(page, 'forward-to-0').fill('192.168.0.10');
  await at(page, 'forward-to-port-0').fill('8080');
  await at(page, 'submit').click();
  await at(page, 'dialog').waitFor({ state: 'detached' });

  // … and get in from the internet.
  await type(page, 'visitor', 'curl http://150.150.0.1:8080', /tomcat/i);

  const forwards = async () => {
    await openRouterForm(page);
    const rows = await at(page, 'forward-row').count();
    await page.keyboard.press('Escape');
    await at(page, 'dialog').waitFor({ state: 'detached' });
    return rows;
  };
  assert.equal(await forwards(), 1);
  await at(page, 'undo').click();
  assert.equal(await forwards(), 0, 'undone');
  await at(page, 'redo').click();
  assert.equal(await forwards(), 1, 'redone');

  // Tomorrow the lab is still there.
  await page.reload();
  await at(page, 'container-tomcat').waitFor();
  await at(page, `container-${name}`).waitFor();
  assert.equal(await forwards(), 1, 'found again');
  await type(page, 'visitor', 'curl http://150.150.0.1:8080', /tomcat/i);

  assert.deepEqual(problems, []);
  await context.close();
});

test('every theme and language shows the street, a NAT and a drop', async () => {
  for (const colorScheme of ['light', 'dark']) {
    for (const locale of ['en-GB', 'ko-KR']) {
      const { context, page, problems } = await open(browser, server.url, { colorScheme, locale });
      const name = (part) => `${part}-${colorScheme}-${locale.slice(0, 2)}`;
      await at(page, 'first-play').waitFor();
      assert.equal(await page.locator('html').getAttribute('lang'), locale.slice(0, 2));
      await picture(page, name('main'));

      await at(page, 'first-play').click();
      await until('a packet is on its way', async () => (await at(page, 'pill').count()) > 0);
      await at(page, 'to-start').click();
      await step(page, 'the router translates', async () => (await source(page))[1]?.startsWith('150.150.0.1'));
      await at(page, 'rewrite').waitFor();
      await picture(page, name('nat-packet'));
      await at(page, 'node-router').click({ position: { x: 20, y: 16 } });
      await at(page, 'tab-nat').click();
      await at(page, 'nat-row').first().waitFor();
      await picture(page, name('nat-table'));
      await at(page, 'tab-packet').click();

      // Two bridges do not talk: Docker's own rules say so.
      await at(page, 'to-end').click();
      await type(page, 'docker-host:shell', 'ping -c 1 -W 1 10.0.0.2', /100% packet loss/);
      await at(page, 'to-start').click();
      await step(page, 'a packet is dropped', async () => (await at(page, 'drop').count()) > 0);
      await at(page, 'why').waitFor();
      assert.ok((await at(page, 'why').innerText()).length > 10);
      await picture(page, name('drop'));

      // Switched live, without a new page.
      const other = locale.startsWith('ko') ? 'en' : 'ko';
      await at(page, `lang-${other}`).click();
      await until('the other language', async () => (await page.locator('html').getAttribute('lang')) === other);
      assert.deepEqual(problems, []);
      await context.close();
    }
  }
});
