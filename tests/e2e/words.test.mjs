// Words explained: on hover, on focus and on a long press, in both languages.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, open, picture, until, withBrowser } from './page.mjs';

let server, browser;
withBrowser((...both) => { [server, browser] = both; });

const tip = (page) => page.locator('#word-tip');

/** The words that the tip says, once it is there. */
async function said(page, what) {
  await tip(page).waitFor();
  await until(`the tip says ${what}`, async () => what.test(await tip(page).innerText()));
}

/** Comes to an element by the keys. */
async function byKeys(page, element) {
  await element.focus();
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Tab');
}

/** Rests with a finger on an element. */
async function press(context, page, element, ms) {
  const box = await element.boundingBox();
  const point = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  const cdp = await context.newCDPSession(page);
  await cdp.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [point] });
  await new Promise((go) => setTimeout(go, ms));
  await cdp.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
}

for (const [locale, ttl, gateway, masquerade] of [
  ['en-GB', /routers it may still pass/, /not for a neighbour/, /your own address/],
  ['ko-KR', /지날 수 있는 라우터/, /이웃에게 가지 않는/, /자기 주소로/],
]) {
  test(`a word of a table, a field, a rule and a form explains itself (${locale})`, async () => {
    const { context, page, problems } = await open(browser, server.url, { locale });
    await at(page, 'first-play').click();
    await until('a packet is on its way', async () => (await at(page, 'pill').count()) > 0);
    await at(page, 'to-start').click();
    await until('an IP packet is explained', async () => {
      await at(page, 'step').click();
      return (await page.locator('[data-word="ttl"]').count()) > 0;
    });

    // A header field: the mouse comes, and goes; Escape takes it away too, and nothing else.
    await page.locator('[data-word="ttl"]').hover();
    await said(page, ttl);
    await picture(page, `words-field-${locale.slice(0, 2)}`);
    await page.keyboard.press('Escape');
    await tip(page).waitFor({ state: 'hidden' });
    await page.mouse.move(500, 300);

    // A table: by the keys.
    await at(page, 'node-docker-host').focus();
    await page.keyboard.press('Space');
    await at(page, 'tab-routes').click();
    await byKeys(page, page.locator('th [data-word="gateway"]'));
    await said(page, gateway);
    assert.equal(await page.locator('th [data-word="gateway"]').getAttribute('aria-describedby'), 'word-tip');

    // A rule: its words one by one under the mouse, all of them for the keys.
    await at(page, 'tab-iptables').click();
    const rule = at(page, 'iptables-rule').filter({ hasText: 'MASQUERADE' }).first();
    await byKeys(page, rule);
    await said(page, masquerade);
    assert.ok((await tip(page).locator('p').count()) > 1);
    await picture(page, `words-rule-${locale.slice(0, 2)}`);
    await page.keyboard.press('Escape');

    // A form: whoever stays at a field is told; whoever types is left alone.
    await page.keyboard.press('Escape');
    await at(page, 'node-laptop').focus();
    await page.keyboard.press('Enter');
    await at(page, 'how-fixed').first().click();
    await byKeys(page, at(page, 'gateway'));
    await said(page, gateway);
    await page.keyboard.type('1');
    await tip(page).waitFor({ state: 'hidden' });
    assert.deepEqual(problems, []);
    await context.close();
  });
}

test('a long press explains and presses nothing; what it speaks of may go away', async () => {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, locale: 'ko-KR' });
  const page = await context.newPage();
  await page.goto(`${server.url}#lesson=nat-table`);
  const term = page.locator('.term').first();
  await term.waitFor();
  await press(context, page, term, 700);
  await said(page, /포트|1~65535/);
  await picture(page, 'words-press-ko');
  await at(page, 'lesson-fold').tap();
  await tip(page).waitFor({ state: 'hidden' });

  await at(page, 'pane-inspector').tap();
  const tab = at(page, 'tab-routes');
  await press(context, page, tab, 700);
  await said(page, /가장 자세한 줄/);
  assert.equal(await tab.getAttribute('aria-selected'), 'false', 'it was explained, not pressed');
  await tab.tap();
  assert.equal(await tab.getAttribute('aria-selected'), 'true');
  await context.close();
});
