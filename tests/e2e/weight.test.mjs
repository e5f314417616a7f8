// The published page comes in two parts: docs/adr/0005-two-parts.md.
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { arrive } from './first-visit.mjs';
import { at, open, root, until, withBrowser } from './page.mjs';
import { weigh } from './weigh.mjs';

let server, browser;
withBrowser((...both) => { [server, browser] = both; }, { gzip: true });

const isRest = (name) => /(^|\/)(netpier-)?rest-/.test(name);

/** Types a line that only the rest understands. */
async function ask(page) {
  await at(page, 'terminal-place').selectOption('docker-host');
  await at(page, 'terminal-input').fill('docker network ls');
  await at(page, 'terminal-input').press('Enter');
}

test('the page that is tested is the one that is published: in two parts', async () => {
  const names = await readdir(`${root}/dist`);
  assert.equal(names.filter((name) => name.endsWith('.wasm')).length, 2, names.join(' '));
});

/** The goal is 400,000 (docs/weight.md says where it stands: 203,000); the rest is room for what changes add. */
const BOUND = 214_000;

for (const locale of ['en-GB', 'ko-KR']) {
  test(`a first visit is light, and fetches nothing of the rest (${locale})`, async () => {
    // Where hash tables meet by chance a visit may need the rest early; that has to be rare.
    const visits = [];
    while (visits.length < 3 && !visits.some(({ files }) => ![...files.keys()].some(isRest))) {
      visits.push(await weigh(browser, server, { locale }));
    }
    const { files, all, problems } = visits.at(-1);
    console.log(`# a first visit moved ${all} bytes; visits that it took: ${visits.length}`);
    assert.deepEqual([...files.keys()].filter(isRest), []);
    assert.ok(all <= BOUND, `${all} bytes: ${JSON.stringify([...files])}`);
    assert.deepEqual(problems, []);
  });
}

test('the rest comes with the first act of the reader, and works', async () => {
  const { files, problems } = await weigh(browser, server, {
    after: async (page) => {
      await ask(page);
      await until('the engine answers', async () => /second-bridge/.test(await at(page, 'terminal-output').innerText()));
    },
  });
  assert.equal([...files.keys()].filter(isRest).length, 2, [...files.keys()].join(' '));
  assert.deepEqual(problems, []);
});

test('a link that needs the rest at once gets it at once', async () => {
  const { context, page, problems } = await open(browser, `${server.url}#lab=nat`);
  await at(page, 'canvas').waitFor();
  assert.deepEqual(problems, []);
  await context.close();
});

test('without a connection the reader is asked, and the page lives on', async () => {
  const { context, page } = await open(browser, server.url);
  await arrive(page);
  let down = true;
  await context.route(/rest-/, (route) => (down ? route.abort() : route.continue()));
  const asked = [];
  page.on('dialog', (dialog) => {
    asked.push(dialog.message());
    down = false;
    return dialog.accept();
  });
  await ask(page);
  await until('the engine answers', async () => /second-bridge/.test(await at(page, 'terminal-output').innerText()));
  assert.equal(asked.length, 1);
  await context.close();
});
