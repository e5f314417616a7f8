// "Why?" in a real browser: the question, the hop, the way out, the same attempt again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, open, picture, toEnd, type, until, violations, withBrowser } from './page.mjs';

let server, browser;
withBrowser((...both) => { [server, browser] = both; });

/** The question at the last line of the terminal that failed. */
const ask = (page) => page.locator('[data-test="terminal-output"] [data-test="why-ask"]');

for (const [locale, sentence] of [['en-GB', /keeps different bridges apart/], ['ko-KR', /서로 다른 브리지를 떼어/]]) {
  test(`a drop is explained and mended (${locale})`, async () => {
    const { context, page, problems } = await open(browser, server.url, { locale });
    await type(page, 'docker-host:shell', 'ping -c 1 -W 1 10.0.0.2');
    await until('the question is there', async () => {
      await toEnd(page);
      return (await ask(page).count()) > 0;
    });
    await ask(page).last().click();
    assert.match(await at(page, 'why-sentence').innerText(), sentence);
    assert.match(await at(page, 'why-remedy').innerText(), /docker network connect second-bridge shell/);
    await picture(page, `why-${locale}`);

    // The hop: the timeline goes to where the packet died.
    await at(page, 'why-hop').click();
    await at(page, 'why').waitFor();
    await picture(page, `why-hop-${locale}`);

    // The way out is typed, and the same line again: it works now.
    await toEnd(page);
    await at(page, 'why-fix').click();
    await until('it works', async () => {
      await toEnd(page);
      return / 0% packet loss/.test(await at(page, 'terminal-output').innerText());
    });

    // And it is taken back: the container has one address again.
    await at(page, 'undo').click();
    await type(page, 'docker-host:shell', 'ping -c 1 -W 1 10.0.0.2');
    await until('it fails again', async () => {
      await toEnd(page);
      return (await ask(page).count()) > 0;
    });
    assert.deepEqual(problems, []);
    await context.close();
  });
}

for (const [locale, asks, sentence] of [['en-GB', 'How?', /source was rewritten more than once/], ['ko-KR', '어떻게?', /출발지 주소가 여러 번/]]) {
  test(`a line that worked tells how, on request (${locale})`, async () => {
    const { context, page, problems } = await open(browser, server.url, { locale });
    await type(page, 'docker-host:shell', 'ping -c 1 93.184.216.34', / 0% packet loss/);
    const how = at(page, 'how-ask').last();
    assert.equal(await how.innerText(), asks);
    // By keys alone, and back to the question afterwards.
    await how.focus();
    await page.keyboard.press('Enter');
    assert.match(await at(page, 'why-sentence').innerText(), sentence);
    const walk = await at(page, 'why-steps').innerText();
    assert.match(walk, /docker-host:shell[^]*docker-host[^]*router[^]*example[^]*docker-host:shell/);
    await until('the lesson about it is named', async () => /13/.test(await at(page, 'why-lesson').innerText()));
    assert.ok((await page.locator('.right .wrong').count()) > 0, 'the place lights up');
    assert.deepEqual(await violations(page), []);
    await picture(page, `how-${locale}`);
    await at(page, 'why-steps').locator('button').nth(2).click();
    await at(page, 'pill').waitFor();
    await page.keyboard.press('Escape');
    await at(page, 'why-panel').waitFor({ state: 'detached' });
    // What sends nothing has no way to tell of.
    await type(page, 'docker-host', 'docker ps', /shell/);
    assert.equal(await at(page, 'how-ask').count(), 0);
    assert.deepEqual(problems, []);
    await context.close();
  });
}
