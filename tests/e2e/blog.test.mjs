// The two blog posts, at blog width and on a phone, and the page that builds what a blog takes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open, picture, until, violations, withBrowser } from './page.mjs';

let server, browser;
withBrowser((...both) => { [server, browser] = both; });

const SIZES = [['blog', { width: 1000, height: 900 }], ['phone', { width: 390, height: 844 }]];

for (const lang of ['ko', 'en']) {
  for (const [name, size] of SIZES) {
    test(`the ${lang} post plays its labs (${name})`, async () => {
      const dark = lang === 'en' && name === 'phone';
      const { context, page, problems } = await open(browser, `${server.url}blog/out-and-in.${lang}.html`, { ...size, colorScheme: dark ? 'dark' : 'light' });
      const labs = page.locator('netpier-lab, iframe[loading="lazy"]');
      assert.equal(await labs.count(), 3);
      for (let i = 0; i < 3; i += 1) {
        const place = labs.nth(i);
        await place.scrollIntoViewIfNeeded();
        const own = await place.evaluate((e) => e.tagName === 'IFRAME');
        const lab = own ? place.contentFrame() : place.locator('iframe').contentFrame();
        const step = lab.locator('[data-test="step"]');
        await until('steps can be taken', () => step.isEnabled());
        const rewritten = lab.locator('[data-test="pill-old"]').or(lab.locator('.embed-words.dead'));
        await until('what it is about is seen', async () => {
          await step.click();
          return (await rewritten.count()) > 0;
        });
        await place.scrollIntoViewIfNeeded();
        await picture(page, `post-${lang}-${name}-${i + 1}`);
      }
      assert.deepEqual(await violations(page), []);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= size.width, `${wide} px`);
      assert.deepEqual(problems, []);
      await context.close();
    });
  }
}

test('what the builder gives is what it shows', async () => {
  const { context, page, problems } = await open(browser, `${server.url}builder/index.html#lang=ko&in=visitor&run=ping%20-c%201%208.8.8.8&lab=home`, { width: 900, height: 1000 });
  const code = page.locator('#code');
  assert.match(await code.inputValue(), /<netpier-lab title="netpier" lang="ko" in="visitor" run="ping -c 1 8\.8\.8\.8" lab="home">/);
  await page.locator('#preview iframe').contentFrame().locator('[data-test="play"]').waitFor();
  assert.deepEqual(await violations(page), []);
  await picture(page, 'builder');
  await page.locator('#where').selectOption('tistory');
  assert.match(await code.inputValue(), /^<iframe src="http:[^"]*index\.html#embed&amp;lang=ko&amp;in=visitor&amp;run=ping%20-c%201%208\.8\.8\.8&amp;lab=home"/);
  await page.locator('#where').selectOption('velog');
  assert.match(await code.inputValue(), /index\.html#lang=ko&in=visitor&run=ping%20-c%201%208\.8\.8\.8&lab=home$/);
  // A link is somebody's text.
  await page.locator('#link').fill('x#lab="><img src=x onerror=alert(1)>');
  await page.locator('#where').selectOption('own');
  assert.ok(!(await code.inputValue()).includes('<img'));
  // A preview that is exchanged while it loads is let go.
  assert.deepEqual(problems.filter((p) => !p.includes('ERR_ABORTED')), []);
  await context.close();
});
