// Six lessons walked through as a learner would: from the link to the last goal, by doing what the
// text asks, in both languages. "Show me" is not used.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, open, picture, toEnd, type, until, withBrowser } from './page.mjs';

let server, browser;
withBrowser((...both) => { [server, browser] = both; });

/** Waits until exactly these goals are met, in order. */
async function met(page, count) {
  await until(`${count} goals are met`, async () => {
    await toEnd(page);
    const goals = await at(page, 'lesson-goal').evaluateAll((all) => all.map((g) => g.dataset.met === 'true'));
    return goals.length > 0 && goals.every((goal, i) => goal === i < count);
  });
}

const play = async (page) => at(page, 'lesson-play').click();
const moves = (page) => until('something moves', async () => (await at(page, 'pill').count()) > 0);

const LESSONS = {
  'nat-table': async (page, shot) => {
    await play(page);
    await moves(page);
    await until('the router writes its row', async () => {
      await at(page, 'step').click();
      return (await at(page, 'router-nat-row').count()) > 0;
    });
    await shot('row');
    await met(page, 2);
    await type(page, 'router', 'conntrack -L', /src=10\.0\.0\.1 /);
  },
  'publish-a-port': async (page, shot) => {
    await type(page, 'laptop', 'curl -m 3 http://192.168.0.10:8080', /Failed to connect|refused/);
    await met(page, 1);
    await type(page, 'docker-host', 'docker run -d --name web -p 8080:80 nginx', /[0-9a-f]{64}/);
    await met(page, 2);
    await shot('published');
    await at(page, 'node-router').click({ position: { x: 20, y: 16 } });
    await at(page, 'router-form').click();
    await at(page, 'forward-add').click();
    await at(page, 'forward-port-0').fill('8080');
    await at(page, 'forward-to-0').fill('192.168.0.10');
    await at(page, 'forward-to-port-0').fill('8080');
    await shot('form');
    await at(page, 'submit').click();
    await at(page, 'dialog').waitFor({ state: 'detached' });
  },
  'the-wrong-door': async (page, shot) => {
    await play(page);
    await moves(page);
    await met(page, 1);
    // The question, where it failed: the answer names the port, and the lesson.
    await page.locator('[data-test="terminal-output"] [data-test="why-ask"]').last().click();
    await until('the port is named', async () => /8080/.test(await at(page, 'why-sentence').innerText()));
    await until('what is behind it is told', async () => (await at(page, 'why-behind').innerText()).length > 60);
    await shot('why');
    await at(page, 'why-close').click();
    await type(page, 'docker-host', 'docker ps', /8080\/tcp/);
    await met(page, 2);
    await type(page, 'docker-host', 'docker rm -f tomcat', /tomcat/);
    await type(page, 'docker-host', 'docker run -d --name tomcat -p 8001:8080 tomcat', /[0-9a-f]{64}/);
  },
  'two-islands': async (page, shot) => {
    await play(page);
    await moves(page);
    await met(page, 2);
    await at(page, 'to-start').click();
    await until('the drop is seen', async () => {
      await at(page, 'step').click();
      return (await at(page, 'drop').count()) > 0;
    });
    await shot('drop');
    await type(page, 'docker-host', 'docker network connect second-bridge shell', /\$|#/);
  },
  'names-for-containers': async (page, shot) => {
    await play(page);
    await met(page, 1);
    await shot('unknown');
    await type(page, 'docker-host', 'docker network connect second-bridge shell', /\$|#/);
    await type(page, 'docker-host:shell', 'ping -c 1 api', / 0% packet loss/);
    await met(page, 2);
    await shot('known');
    await type(page, 'docker-host:shell', 'wget -qO- http://example.com', /example/i);
  },
  overlay: async (page, shot) => {
    await play(page);
    const said = await type(page, 'host1', 'docker swarm init --advertise-addr 192.168.0.10', /docker swarm join/);
    const join = /docker swarm join --token \S+ \S+/.exec(said)[0];
    await met(page, 1);
    await type(page, 'host2', join, /joined a swarm/);
    await met(page, 2);
    await type(page, 'host1', 'docker network create --driver overlay --attachable --subnet 10.0.50.0/24 overlay1', /[0-9a-z]{20}/);
    await met(page, 3);
    await type(page, 'host1', 'docker run -d --name web --network overlay1 nginx', /[0-9a-f]{64}/);
    await type(page, 'host2', 'docker run -d --name cli --network overlay1 alpine sleep infinity', /[0-9a-f]{64}/);
    await type(page, 'host2:cli', 'ping -c 1 web', / 0% packet loss/);
    await met(page, 4);
    await shot('envelope');
    await type(page, 'host2:cli', 'ip link', /mtu 1450/);
  },
};

for (const [id, walk] of Object.entries(LESSONS)) {
  test(`lesson ${id}, from its link to its last goal, in both languages`, async () => {
    for (const locale of ['en-GB', 'ko-KR']) {
      const { context, page, problems } = await open(browser, `${server.url}#lesson=${id}`, { locale });
      const shot = (part) => picture(page, `lesson-${id}-${locale.slice(0, 2)}-${part}`);
      await at(page, 'lesson').waitFor();
      await met(page, 0);
      assert.ok(await at(page, 'lesson-play').isVisible(), 'there is something to play');
      await shot('start');
      await walk(page, shot);
      await at(page, 'lesson-after').waitFor();
      await toEnd(page);
      await shot('done');
      assert.ok(page.url().endsWith(`#lesson=${id}`), 'the address is the lesson’s own');

      // The own lab is found again, and the lesson is remembered.
      await at(page, 'mine').click();
      await at(page, 'lesson').waitFor({ state: 'detached' });
      await at(page, 'start').click();
      await until('the lesson counts', async () => /1/.test(await at(page, 'front-course').innerText()));
      assert.deepEqual(problems, []);
      await context.close();
    }
  });
}

test('the first page leads to lesson 1, the course, the clinic, the labs and the own lab with one press each', async () => {
  for (const width of [1440, 390]) {
    const { context, page, problems } = await open(browser, server.url, { width, height: 844 });
    await at(page, 'front-clinic').click();
    await until('the clinic is in sight', async () => page.locator('#course-clinic').evaluate((e) => {
      const list = e.closest('.dialog-body').getBoundingClientRect();
      return e.getBoundingClientRect().top < list.bottom - 100;
    }));
    await at(page, 'course-close').click();
    await at(page, 'front-course').click();
    await at(page, 'course-plug-in').waitFor();
    await page.keyboard.press('Escape');
    await at(page, 'front-labs').click();
    await at(page, 'lab-mine').waitFor();
    await page.keyboard.press('Escape');
    await at(page, 'front-lesson').click();
    await at(page, 'lesson').waitFor();
    await at(page, 'lesson-play').waitFor();
    await until('the address names it', async () => page.url().endsWith('#lesson=plug-in'));
    await at(page, 'mine').click();
    await at(page, 'lesson').waitFor({ state: 'detached' });
    await at(page, 'container-shell').waitFor();
    await at(page, 'start').click();
    await at(page, 'front-mine').click();
    await at(page, 'terminal-input').waitFor();
    assert.deepEqual(problems, []);
    await context.close();
  }
});
