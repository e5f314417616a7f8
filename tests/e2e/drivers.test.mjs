// The other drivers as they are seen: an overlay ping as an envelope in an envelope, macvlan and the
// wall before its own host, containers in the host's own room, tenants of one namespace, and none.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { at, open, openLab, output, picture, root, step, still, toEnd, type, until, violations, withBrowser } from './page.mjs';

let server, browser;
withBrowser((...both) => { [server, browser] = both; });

/** A lab that comes with the page, before its first command. */
async function bare(page, name) {
  const lab = JSON.parse(await readFile(join(root, 'labs', `${name}.json`), 'utf8'));
  await openLab(page, { ...lab, commands: [] });
  return lab.nodes;
}

const LOOKS = [
  { name: 'en-1440-light', locale: 'en-GB' },
  { name: 'ko-1440-dark', locale: 'ko-KR', colorScheme: 'dark' },
  { name: 'en-390-dark', locale: 'en-GB', colorScheme: 'dark', width: 390, height: 844 },
  { name: 'ko-390-light', locale: 'ko-KR', width: 390, height: 844 },
];

/** What the first thing of a name says now, without waiting for one to come. */
const words = async (page, name) => (await at(page, name).allTextContents())[0] ?? '';

/** On a narrow screen one pane is seen at a time. */
async function pane(page, name) {
  const button = at(page, `pane-${name}`);
  if (await button.isVisible()) await button.click();
}

for (const look of LOOKS) {
  test(`two hosts join a swarm, and a ping by name is an envelope in an envelope (${look.name})`, async () => {
    const { context, page, problems } = await open(browser, server.url, look);
    await bare(page, 'overlay');
    await pane(page, 'terminal');
    const said = await type(page, 'host1', 'docker swarm init --advertise-addr 192.168.0.10', /SWMTKN/);
    const join = said.match(/docker swarm join --token \S+ \S+/)[0];
    await type(page, 'host2', join, /joined a swarm as a worker/);
    await type(page, 'host1', 'docker network create --driver overlay --attachable --subnet 10.0.50.0/24 overlay1', /[0-9a-z]{25}/);
    await type(page, 'host1', 'docker run -d --name web --network overlay1 nginx', /[0-9a-f]{64}/);
    await type(page, 'host2', 'docker run -d --name cli --network overlay1 alpine sleep infinity', /[0-9a-f]{64}/);
    await at(page, 'container-cli').waitFor();
    assert.deepEqual(await violations(page), [], 'with two hosts');

    await type(page, 'host2:cli', 'ping -c 1 web', /1 packets received/);
    await at(page, 'to-start').click();
    const echo = async () => /echo request/.test(await words(page, 'pill'));
    const sealed = async () => (await echo()) && (await at(page, 'envelope').count()) === 1;
    await step(page, 'the ping leaves its container', echo);
    assert.equal(await at(page, 'envelope').count(), 0, 'the container knows of no envelope');
    await step(page, 'it is in an envelope', sealed);
    assert.match(await at(page, 'envelope').textContent(), /VXLAN \d+.*192\.168\.0\.11 → 192\.168\.0\.10.*98 \+ 50 = 148 B/);
    assert.match(await at(page, 'pill-to').textContent(), /10\.0\.50\.\d+/);
    // Out of the host's port, on the cable.
    const onCable = async () => (await sealed()) && (await at(page, 'packet-row').filter({ hasText: 'VXLAN' }).count()) > 0
      && /switch port/.test(await page.locator('[data-test="packet-row"][aria-current]').allTextContents());
    await step(page, 'it is on the cable', onCable);
    await picture(page, `overlay-${look.name}`);
    await pane(page, 'inspector');
    await at(page, 'tab-packet').click();
    assert.match(await at(page, 'envelope-bytes').textContent(), /50 \+ 98 = 148 B/);
    assert.match(await at(page, 'fields-envelope').textContent(), /192\.168\.0\.11:\d+.*192\.168\.0\.10:4789/s);
    assert.match(await at(page, 'fields-inside').textContent(), /10\.0\.50\.\d+.*10\.0\.50\.\d+/s);
    await picture(page, `overlay-packet-${look.name}`);
    assert.deepEqual(await violations(page), [], 'with an envelope');
    await pane(page, 'terminal');
    await step(page, 'it is taken out again', async () => (await echo()) && (await at(page, 'envelope').count()) === 0);

    // Above the MTU: the container's own stack refuses what may not be cut.
    await type(page, 'host2:cli', 'ping -c 1 -M do -s 1423 web', /[Mm]essage too long|too long/);
    await at(page, 'to-start').click();
    await step(page, 'the refusal is marked at the container', async () => (await at(page, 'drop').count()) === 1);
    await picture(page, `overlay-mtu-${look.name}`);
    assert.deepEqual(problems, []);
    await context.close();
  });
}

for (const look of LOOKS) {
  test(`macvlan is reached from the laptop, not from its own host, and the shim is the door (${look.name})`, async () => {
    const { context, page, problems } = await open(browser, server.url, look);
    await bare(page, 'macvlan');
    await pane(page, 'terminal');
    await type(page, 'docker-host', 'docker network create -d macvlan --subnet 192.168.0.0/24 --gateway 192.168.0.1 --ip-range 192.168.0.192/27 --aux-address host=192.168.0.192 -o parent=eth0 lan', /[0-9a-f]{64}/);
    await type(page, 'docker-host', 'docker run -d --name web --network lan nginx', /[0-9a-f]{64}/);
    await at(page, 'wall').waitFor();
    assert.match(await at(page, 'container-web').textContent(), /192\.168\.0\.193.*([0-9a-f]{2}:){5}[0-9a-f]{2}/);

    // In through the parent, past the gate: no hook of the host is asked.
    await type(page, 'laptop', 'curl -s http://192.168.0.193', /nginx/);
    await at(page, 'to-start').click();
    let hooks = 0;
    await step(page, 'the request arrives', async () => {
      hooks += await at(page, 'lit-hook').count();
      return /GET/.test(await words(page, 'pill'));
    });
    assert.equal(hooks, 0, 'the gate sees nothing of it');
    await picture(page, `macvlan-${look.name}`);

    await type(page, 'docker-host', 'ping -c 1 -W 1 192.168.0.193', /100% packet loss/);
    await at(page, 'to-start').click();
    await step(page, 'it dies at the wall', async () => (await at(page, 'wall-hit').count()) > 0);
    await picture(page, `macvlan-wall-${look.name}`);
    assert.deepEqual(await violations(page), [], 'with a packet dead at the wall');

    await toEnd(page);
    for (const line of ['ip link add shim0 link eth0 type macvlan mode bridge', 'ip addr add 192.168.0.192/32 dev shim0',
      'ip link set shim0 up', 'ip route add 192.168.0.192/27 dev shim0']) await type(page, 'docker-host', line);
    await at(page, 'shim-shim0').waitFor();
    await type(page, 'docker-host', 'ping -c 1 -W 1 192.168.0.193', / 0% packet loss/);
    await at(page, 'to-start').click();
    await step(page, 'it goes through the door', async () => /echo reply/.test(await words(page, 'pill')));
    await picture(page, `macvlan-shim-${look.name}`);
    assert.deepEqual(problems, []);
    await context.close();
  });
}

for (const look of LOOKS) {
  test(`two containers in the host's own room fight over port 80 (${look.name})`, async () => {
    const { context, page, problems } = await open(browser, server.url, look);
    await bare(page, 'host-network');
    await pane(page, 'terminal');
    await type(page, 'docker-host', 'docker run -d --name one --network host nginx', /[0-9a-f]{64}/);
    await type(page, 'docker-host', 'docker run -d --name two --network host nginx', /[0-9a-f]{64}/);
    await at(page, 'host-room').waitFor();
    await until('the second one has given up', async () => {
      await toEnd(page);
      return /docker-host|192/.test(await at(page, 'container-one').textContent())
        && (await at(page, 'container-two').getAttribute('class')).includes('stopped');
    });
    await type(page, 'docker-host', 'docker logs two', /bind.*80.*in use|[Aa]ddress already in use/s);
    await type(page, 'laptop', 'curl -s http://192.168.0.10', /nginx/);
    await at(page, 'to-start').click();
    await step(page, 'the request is in the room', async () => /GET/.test(await words(page, 'pill')));
    await picture(page, `host-room-${look.name}`);

    // Tenants of one namespace, and one that has nothing but itself.
    await toEnd(page);
    await type(page, 'docker-host', 'docker run -d --name app nginx', /[0-9a-f]{64}/);
    await type(page, 'docker-host', 'docker run -d --name side --network container:app redis', /[0-9a-f]{64}/);
    await type(page, 'docker-host', 'docker run -d --name alone --network none alpine sleep infinity', /[0-9a-f]{64}/);
    await at(page, 'shared-box').waitFor();
    const [box, app, side] = await Promise.all(['shared-box', 'container-app', 'container-side'].map((n) => at(page, n).boundingBox()));
    for (const tenant of [app, side]) {
      assert.ok(tenant.x >= box.x - 1 && tenant.x + tenant.width <= box.x + box.width + 1, 'a tenant lies in the box');
    }
    assert.match(await at(page, 'container-alone').textContent(), /lo 127\.0\.0\.1/);
    await picture(page, `tenants-${look.name}`);
    assert.deepEqual(await violations(page), [], 'with tenants');
    assert.deepEqual(problems, []);
    await context.close();
  });
}

for (const look of LOOKS) {
  test(`forms of every driver tell what docker would refuse at its field, and what mends it (${look.name})`, async () => {
    const { context, page, problems } = await open(browser, server.url, { ...look, touch: look.width === 390 });
    await bare(page, 'host-network');
    await pane(page, 'terminal');
    await type(page, 'docker-host', 'docker run -d --name web --network host nginx', /[0-9a-f]{64}/);
    const said = async (words) => until(`docker says ${words}`, async () => words.test(await words_of('refused')));
    const words_of = async (name) => (await at(page, name).allTextContents()).join('\n');

    // An overlay wants a swarm; the button begins one, and the form is good.
    await at(page, 'palette-bridge').click();
    await at(page, 'driver-overlay').click();
    await said(/not a swarm manager/);
    assert.ok(await at(page, 'submit').isDisabled());
    assert.deepEqual(await violations(page), [], 'with a refusal');
    await picture(page, `form-overlay-${look.name}`);
    await still(page);
    const [dialog, told, foot] = await Promise.all([at(page, 'dialog'), at(page, 'refused'), page.locator('.dialog-foot')].map((l) => l.boundingBox()));
    assert.ok(told.x + told.width <= dialog.x + dialog.width, 'what is said lies within the form');
    const gap = dialog.y + dialog.height - foot.y - foot.height;
    assert.ok(gap >= 0 && gap < 3, `the buttons stand at the lower edge: ${gap}`);
    assert.match(await at(page, 'offer').innerText(), /docker swarm init --advertise-addr 192\.168\.0\.10/);
    await at(page, 'offer').click();
    await until('the swarm is there', async () => (await at(page, 'refused').count()) === 0);
    assert.equal(await at(page, 'command').innerText(), 'docker network create --driver overlay --attachable net2');

    // macvlan begins with the LAN that is there; a parent that is not is told at its field.
    await at(page, 'driver-macvlan').click();
    await until('the LAN of the host', async () => (await at(page, 'network-subnet').inputValue()) === '192.168.0.0/24');
    await at(page, 'network-parent').fill('eth7.10');
    await said(/was not found on the host: eth7/);
    assert.equal(await at(page, 'network-parent').getAttribute('aria-invalid'), 'true');
    await at(page, 'offer').click();
    await until('the interface that there is', async () => (await at(page, 'network-parent').inputValue()) === 'eth0');
    await at(page, 'network-subnet').fill('172.17.0.0/24');
    await at(page, 'network-gateway').fill('');
    await at(page, 'network-range').fill('');
    await said(/Pool overlaps/);
    await at(page, 'offer').click();
    await until('another subnet', async () => (await at(page, 'refused').count()) === 0);
    await page.keyboard.press('Escape');

    // In the host's room port 80 is taken: it would start, and end by itself.
    await at(page, 'palette-container').click();
    await at(page, 'network-host').click();
    await said(/bind\(\) to 0\.0\.0\.0:80 failed/);
    assert.ok(await at(page, 'submit').isEnabled(), 'docker does not refuse it');
    await at(page, 'container-share').selectOption('web');
    assert.match(await at(page, 'command').innerText(), /--network container:web/);
    await picture(page, `form-container-${look.name}`);
    assert.deepEqual(await violations(page), [], 'with the form of a container');
    assert.deepEqual(problems, []);
    await context.close();
  });
}

for (const look of LOOKS) {
  test(`each lab of a driver offers to play what it is about, clear of the picture (${look.name})`, async () => {
    const { context, page, problems } = await open(browser, server.url, look);
    for (const [lab, line] of [['host-network', 'laptop: curl'], ['macvlan', 'laptop: curl'], ['overlay', 'cli: ping -c 1 web']]) {
      await at(page, 'labs').click();
      await at(page, `lab-${lab}`).click();
      await until('the offer', async () => (await words(page, 'first-play')).includes(line));
      if (look.width === 390) continue;
      await still(page);
      const offer = await at(page, 'first-play').boundingBox();
      for (const box of await page.locator('[data-test^="container-"]').all()) {
        const { y, height } = await box.boundingBox();
        assert.ok(y + height <= offer.y, `${lab}: nothing lies over a container`);
      }
    }
    await at(page, 'first-play').click();
    await until('the ping is answered', async () => / 0% packet loss/.test(await output(page)));
    assert.deepEqual(problems, []);
    await context.close();
  });
}

test('a home router is called in forms and the inspector what the picture calls it', async () => {
  const { context, page, problems } = await open(browser, server.url, { locale: 'ko-KR' });
  await at(page, 'node-router').click({ position: { x: 20, y: 10 } });
  await until('the inspector', async () => (await words(page, 'inspected')) === '공유기 (router)');
  await at(page, 'router-form').click();
  assert.match(await at(page, 'dialog').locator('h2').innerText(), /^공유기 \(router\) 설정$/);
  assert.deepEqual(problems, []);
  await context.close();
});

test('at 1024 pixels the whole river of the firewall is seen at once', async () => {
  const { context, page, problems } = await open(browser, server.url, { width: 1024, height: 768 });
  await at(page, 'first-play').click();
  await at(page, 'to-start').click();
  await step(page, 'a hook', async () => (await at(page, 'lit-hook').count()) > 0);
  await at(page, 'node-docker-host').click({ position: { x: 20, y: 10 } });
  await at(page, 'firewall-open').click();
  for (let i = 0; i < 4; i++) {
    await still(page);
    const river = page.locator('.walk-body');
    const [whole, seen] = await river.evaluate((e) => [e.scrollWidth, e.clientWidth]);
    assert.ok(whole <= seen + 1, `${whole} of ${seen} pixels`);
    await at(page, 'step').click();
  }
  assert.deepEqual(await violations(page), []);
  assert.deepEqual(problems, []);
  await context.close();
});

for (const size of [{ width: 1440, height: 900 }, { width: 1024, height: 768 }]) {
  test(`the word about a visit and the bar of a box hide nothing that one reads (${size.width})`, async () => {
    const lab = JSON.parse(await readFile(join(root, 'labs', 'overlay.json'), 'utf8'));
    const own = await open(browser, server.url, size);
    await openLab(own.page, { ...lab, name: 'mine' });
    await at(own.page, 'share').click();
    const link = await at(own.page, 'share-link').inputValue();
    await own.context.close();

    const { context, page, problems } = await open(browser, server.url + link.slice(link.indexOf('#')), size);
    await at(page, 'visit').waitFor();
    await at(page, 'container-cli').waitFor();
    await still(page);
    const visit = await at(page, 'visit').boundingBox();
    const lowest = async () => {
      const { y, height } = await at(page, 'container-cli').boundingBox();
      return y + height;
    };
    await until('the picture keeps clear', async () => (await lowest()) <= visit.y);
    assert.equal(await at(page, 'first-play').count(), 0, 'one thing is said at a time');

    // The bar of the upper host does not lie on the name of the lower one.
    await at(page, 'node-host1').focus();
    await page.keyboard.press('Space');
    await at(page, 'bar').waitFor();
    await until('the bar has its place', async () => {
      const [bar, below] = [await at(page, 'bar').boundingBox(), await at(page, 'node-host2').boundingBox()];
      return bar.y + bar.height <= below.y + 4 || bar.y >= below.y + below.height;
    });
    // Nor does the bar of the lowest container lie on its network's name.
    await at(page, 'container-cli').focus();
    await page.keyboard.press('Space');
    await until('the bar is below', async () => (await at(page, 'bar').boundingBox()).y >= (await lowest()) - 2);
    assert.deepEqual(problems, []);
    await context.close();
  });
}
