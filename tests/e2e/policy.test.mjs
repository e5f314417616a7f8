// What the page may do: no text becomes markup or a script, and no request leaves for anywhere but
// its own folder, whatever the reader opens.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BROWSERS, POLICY, at, open, until, withBrowser } from './page.mjs';

for (const [name, start] of Object.entries(BROWSERS)) {
  describe(`in ${name}`, () => {
    let server, browser;
    withBrowser((...both) => { [server, browser] = both; }, { start });

    test('the page’s own policy is the one that is sent', async () => {
      const { context, page } = await open(browser, server.url);
      const own = page.locator('meta[http-equiv="Content-Security-Policy"]');
      assert.equal(await own.getAttribute('content'), POLICY);
      await context.close();
    });

    test('a text becomes neither markup nor a script', async () => {
      const { context, page } = await open(browser, server.url);
      await at(page, 'terminal-input').waitFor();
      const outcomes = await page.evaluate(() => {
        const tries = {
          markup: () => { document.createElement('div').innerHTML = '<b>x</b>'; },
          script: () => { document.createElement('script').src = 'https://elsewhere.example/x.js'; },
          worker: () => new Worker('https://elsewhere.example/x.js'),
          policy: () => trustedTypes.createPolicy('another', { createHTML: (x) => x }),
          again: () => trustedTypes.createPolicy('netpier', { createHTML: (x) => x }),
        };
        return Object.entries(tries).map(([what, attempt]) => {
          try {
            attempt();
            return `${what} went through`;
          } catch (error) {
            return error.name;
          }
        });
      });
      assert.ok(outcomes.every((outcome) => /Error$/.test(outcome)), outcomes.join(', '));
      await context.close();
    });

    test('nothing but the page’s own files is asked for, whatever is opened', async () => {
      const { context, page, problems, asked } = await open(browser, server.url);
      await at(page, 'terminal-input').waitFor();
      await at(page, 'terminal-place').selectOption('laptop');
      await at(page, 'terminal-input').fill('curl -sS http://192.168.0.10/');
      await at(page, 'terminal-input').press('Enter');
      await at(page, 'why-ask').first().click();
      await at(page, 'why-panel').first().waitFor();
      await at(page, 'share').click();
      // Firefox does not tell its driver of downloads: what is handed out is seen here.
      await page.evaluate(() => {
        const make = URL.createObjectURL;
        window.made = [];
        URL.createObjectURL = (blob) => {
          window.made.push(blob.type);
          return make.call(URL, blob);
        };
      });
      await at(page, 'export-svg').click();
      await until('a picture is made', () => page.evaluate(() => made.includes('image/svg+xml')));
      await page.keyboard.press('Escape');
      await page.evaluate(() => { location.hash = '#lesson=docker0'; });
      await until('the lesson is fetched', () => asked.some((url) => url.pathname.endsWith('/lessons/docker0.json')));
      const foreign = asked.filter((url) => url.protocol.startsWith('http') && !url.href.startsWith(server.url));
      assert.deepEqual(foreign.map(String), []);
      assert.deepEqual(problems, []);
      await context.close();
    });
  });
}
