// Docker's bridges, as they are seen on the page: published ports, isolation, two networks at once,
// names, what a command changed, and the walk through the firewall.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, drag, open, output, picture, step, type, until, violations, withBrowser } from './page.mjs';

let server, browser;
withBrowser((...both) => { [server, browser] = both; });

/** Inside the firewall of the Docker host, at the beginning of what is shown. */
async function goInside(page) {
  await at(page, 'node-docker-host').focus();
  await page.keyboard.press('Space');
  await at(page, 'firewall-open').click();
  await at(page, 'firewall').waitFor();
  await at(page, 'to-start').click();
}

test('a published port is reached from the LAN, the host and a container, and what made it is listed', async () => {
  const { context, page, problems } = await open(browser, server.url);
  await at(page, 'first-play').waitFor();
  await type(page, 'docker-host', 'docker run -d --name tomcat -p 8080:8080 tomcat', /[0-9a-f]{64}/);

  // What the command changed: a list, and lights on the picture.
  await at(page, 'changes').waitFor();
  const changes = await at(page, 'change').allTextContents();
  for (const wanted of [/tomcat/, /veth/, /nat.*DOCKER|DOCKER.*nat/, /8080/]) {
    assert.ok(changes.some((line) => wanted.test(line)), `${wanted} in\n${changes.join('\n')}`);
  }
  assert.ok((await at(page, 'change-lights').locator('.change-light').count()) > 1, 'the picture is lit');
  const veth = changes.findIndex((line) => /veth/.test(line));
  await at(page, 'change').nth(veth).hover();
  await until('only the cable is lit', async () => (await page.locator('.change-light').count()) === 1);
  assert.deepEqual(await violations(page), [], 'with the list of changes');
  await picture(page, 'docker-changes');
  await at(page, 'changes-close').click();

  for (const [place, url] of [
    ['laptop', 'http://192.168.0.10:8080'],
    ['docker-host', 'http://127.0.0.1:8080'],
    ['docker-host', 'http://192.168.0.10:8080'],
  ]) {
    await type(page, place, `curl -s ${url}`, /Tomcat/);
  }
  await type(page, 'docker-host:shell', 'wget -qO- http://192.168.0.10:8080', /Tomcat/);
  assert.deepEqual(problems, []);
  await context.close();
});

test('two bridges are apart until a container is on both, and there it has a name', async () => {
  const { context, page, problems } = await open(browser, server.url);
  await at(page, 'first-play').waitFor();
  const text = await type(page, 'docker-host:shell', 'ping -c 1 -W 1 10.0.0.2', /packet loss/);
  assert.match(text, /100% packet loss/);

  // Inside, the rule that drops it is lit.
  await goInside(page);
  const dead = page.locator('[data-test="fw-river"] .station.dead');
  await step(page, 'it is dropped', async () => (await dead.count()) > 0);
  assert.match(await dead.locator('[data-test="fw-verdict"]').innerText(), /DROP/);
  assert.ok((await dead.locator('.walk-rule.yes.drops').count()) > 0, 'the rule that drops it is marked');
  assert.match(await at(page, 'fw-pill').getAttribute('class'), /dropped/);
  await picture(page, 'docker-isolated');
  await page.keyboard.press('Escape');
  await at(page, 'firewall').waitFor({ state: 'detached' });

  // Dragged onto the other bridge: the command is shown, and run.
  await page.keyboard.press('Escape');
  await drag(page, at(page, 'container-shell'), at(page, 'bridge-second-bridge'));
  await at(page, 'dialog').waitFor();
  assert.equal(await at(page, 'command').innerText(), 'docker network connect second-bridge shell');
  await at(page, 'submit').click();
  await until('it is on both', async () => (await at(page, 'change').allTextContents()).some((line) => /second-bridge/.test(line)));
  await type(page, 'docker-host:shell', 'ping -c 1 -W 1 10.0.0.2', / 0% packet loss/);
  await type(page, 'docker-host:shell', 'wget -qO- http://api', /Hostname|IP:/);

  // And off again by the button beside its networks.
  await at(page, 'container-shell').focus();
  await page.keyboard.press('Space');
  await at(page, 'disconnect-second-bridge').click();
  await type(page, 'docker-host:shell', 'ping -c 1 -W 1 10.0.0.2', /100% packet loss/);
  assert.deepEqual(problems, []);
  await context.close();
});

test('in the walk through the firewall a rule is switched off, and the same request fails', async () => {
  const { context, page, problems } = await open(browser, server.url);
  await at(page, 'first-play').waitFor();
  await type(page, 'docker-host', 'docker run -d --name tomcat -p 8080:8080 tomcat', /[0-9a-f]{64}/);
  await type(page, 'laptop', 'curl -s -m 2 http://192.168.0.10:8080', /Tomcat/);
  await goInside(page);
  assert.deepEqual(await violations(page), [], 'before it comes in');
  await at(page, 'fw-goto').click();

  // Hook by hook and rule by rule: at nat the address is struck out, and the new one stands there.
  await step(page, 'the destination is rewritten', async () => (await at(page, 'fw-to-new').count()) > 0);
  assert.match(await at(page, 'fw-to-new').innerText(), /^172\.17\.0\.\d+:8080$/);
  const nat = at(page, 'fw-nat-prerouting');
  assert.equal(await nat.getAttribute('data-progress'), 'at-here');
  assert.ok((await nat.locator('.walk-rule.no').count()) > 0, 'rules were passed over');
  assert.match(await nat.locator('.walk-rule.yes').last().innerText(), /8080/);
  assert.match(await at(page, 'fw-entry-own').innerText(), /NEW/);
  assert.deepEqual(await violations(page), [], 'at nat');
  await picture(page, 'docker-firewall-nat');
  await at(page, 'step-back').click();
  assert.equal(await at(page, 'fw-to-new').count(), 0, 'a step back: not rewritten yet');

  // The rule that lets it pass is switched off for a try.
  const forward = at(page, 'fw-filter-forward');
  await step(page, 'a rule lets it pass', async () => /ACCEPT/.test(await forward.locator('[data-test="fw-verdict"]').allInnerTexts().then((all) => all.join())));
  await forward.locator('[data-test="fw-rule"].yes').last().click();
  await at(page, 'fw-editor').waitFor();
  assert.match(await at(page, 'fw-edit').inputValue(), /--dport 8080 -j ACCEPT/);
  assert.match(await at(page, 'fw-command').innerText(), /iptables -D DOCKER \d+/);
  assert.deepEqual(await violations(page), [], 'with a rule open');
  await at(page, 'fw-off').click();

  // The same request was sent again, and dies here.
  await step(page, 'the same request is dropped', async () => (await page.locator('[data-test="fw-filter-forward"].dead').count()) > 0);
  await picture(page, 'docker-firewall-off');
  await until('curl gives up', async () => /timed out|Timeout|\(28\)/i.test(await output(page)) || (await at(page, 'ctrl-c').count()) === 0);

  // Undo, and it gets through again.
  await page.keyboard.press('Escape');
  await at(page, 'firewall').waitFor({ state: 'detached' });
  await at(page, 'undo').click();
  await type(page, 'laptop', 'curl -s -m 2 http://192.168.0.10:8080', /Tomcat/);
  assert.deepEqual(problems, []);
  await context.close();
});

test('forms of containers and networks say the command that they are, and docker\'s own words against it', async () => {
  const { context, page, problems } = await open(browser, server.url);
  await at(page, 'palette-bridge').click();
  await at(page, 'dialog').waitFor();
  await at(page, 'network-name').fill('backend');
  await at(page, 'network-subnet').fill('10.9.0.0/24');
  await at(page, 'network-gateway').fill('10.8.0.1');
  assert.ok(await at(page, 'submit').isDisabled(), 'the gateway lies elsewhere');
  await at(page, 'network-gateway').fill('10.9.0.254');
  await at(page, 'network-internal').check();
  assert.equal(await at(page, 'command').innerText(),
    'docker network create --subnet 10.9.0.0/24 --gateway 10.9.0.254 --internal backend');
  assert.deepEqual(await violations(page), [], 'with the form of a network');
  await at(page, 'submit').click();
  await at(page, 'bridge-backend').waitFor();

  await at(page, 'palette-nginx').click();
  await at(page, 'dialog').waitFor();
  await at(page, 'network-backend').click();
  await at(page, 'container-name').fill('site');
  await at(page, 'container-publish').fill('8081:80 127.0.0.1:8082:80');
  await at(page, 'container-env').fill('GREETING=hello');
  assert.equal(await at(page, 'command').innerText(),
    'docker run -d --name site -p 8081:80 -p 127.0.0.1:8082:80 -e GREETING=hello nginx && docker network connect backend site');
  assert.deepEqual(await violations(page), [], 'with the form of a container');
  await at(page, 'submit').click();
  await at(page, 'container-site').waitFor();
  await at(page, 'container-site').focus();
  await page.keyboard.press('Space');
  assert.deepEqual(await violations(page), [], 'with a container selected');
  for (const [button, state] of [['docker-stop', 'exited'], ['docker-start', 'running'], ['docker-pause', 'paused'], ['docker-unpause', 'running']]) {
    if ((await at(page, button).count()) === 0 && /pause/.test(button)) continue;
    await at(page, button).click();
    await until(`${button}: ${state}`, async () => (await at(page, 'container-state').innerText()) === state);
  }
  assert.deepEqual(problems, []);
  await context.close();
});

test('the daemon is set by a form that is its file, and published ports outlive a closed host', async () => {
  const { context, page, problems } = await open(browser, server.url);
  await at(page, 'first-play').waitFor();
  await type(page, 'docker-host', 'docker run -d --name site --restart always -p 8081:80 nginx', /[0-9a-f]{64}/);
  await at(page, 'node-docker-host').focus();
  await page.keyboard.press('Space');
  await at(page, 'daemon-form').click();
  await at(page, 'dialog').waitFor();
  await at(page, 'daemon-icc').uncheck();
  await at(page, 'daemon-mtu').fill('1400');
  assert.deepEqual(JSON.parse(await at(page, 'daemon-json').inputValue()), { icc: false, mtu: 1400 });
  await at(page, 'daemon-json').fill('{ "icc": false, "colour": "red" }');
  await until('dockerd knows no colour', async () => /colour/.test(await at(page, 'refused').innerText()));
  assert.ok(await at(page, 'submit').isDisabled());
  await at(page, 'daemon-json').fill('{ "icc": false }');
  await at(page, 'daemon-guard').check();
  assert.deepEqual(await violations(page), [], 'with the settings of the daemon');
  await picture(page, 'docker-daemon');
  await at(page, 'submit').click();
  await at(page, 'dialog').waitFor({ state: 'detached' });
  await type(page, 'docker-host', 'docker start web shell', /web/);
  await type(page, 'docker-host:shell', 'ping -c 1 -W 1 172.17.0.2', /100% packet loss/);
  await type(page, 'laptop', 'ping -c 1 -W 1 192.168.0.10', /100% packet loss/);
  await type(page, 'laptop', 'curl -s -m 3 http://192.168.0.10:8081', /nginx/i);
  assert.deepEqual(problems, []);
  await context.close();
});

for (const [width, height] of [[1024, 768], [390, 844]]) {
  for (const [locale, colorScheme] of [['en-GB', 'dark'], ['ko-KR', 'light']]) {
    test(`the walk is for everybody: ${width}x${height}, ${locale}, ${colorScheme}`, async () => {
      const { context, page, problems } = await open(browser, server.url, { width, height, locale, colorScheme });
      await at(page, 'first-play').click();
      await until('the page was fetched', async () => /example/i.test(await output(page)));
      await at(page, 'node-docker-host').focus();
      await page.keyboard.press('Space');
      await page.keyboard.press('f');
      await at(page, 'firewall').waitFor();
      await at(page, 'to-start').click();
      await step(page, 'it is inside', async () => (await at(page, 'fw-pill').count()) > 0, 80);
      assert.deepEqual(await violations(page), [], 'with a packet inside');
      await picture(page, `docker-walk-${width}-${locale}-${colorScheme}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, 'nothing hangs over the edge');
      await page.keyboard.press('Escape');
      await at(page, 'firewall').waitFor({ state: 'detached' });
      assert.deepEqual(problems, []);
      await context.close();
    });
  }
}
