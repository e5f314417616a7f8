// How long the page takes until one can do something, beside an empty Yew counter that is built the
// same way: `start.mjs COUNTER-FOLDER`, run by `cargo xtask start`. Both are opened in turns, each time
// with an empty cache, from the same server.
import { launch, serve } from './page.mjs';

const ROUNDS = Number(process.env.ROUNDS ?? 15);

/** Milliseconds from the navigation's start until the button is there and a frame with it was drawn. */
async function once(browser, url) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.addInitScript(() => {
    const look = () => {
      if (!document.querySelector('[data-test="first-play"]')) return requestAnimationFrame(look);
      return requestAnimationFrame(() => { setTimeout(() => { globalThis.ready = performance.now(); }); });
    };
    requestAnimationFrame(look);
  });
  await page.goto(url);
  let ready;
  while (!ready) {
    await page.waitForTimeout(20);
    ready = await page.evaluate(() => globalThis.ready);
  }
  await context.close();
  return ready;
}

const middle = (all) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)];

const browser = await launch();
const servers = { 'an empty Yew counter': await serve(process.argv[2], { gzip: true }), netpier: await serve(undefined, { gzip: true }) };
const times = {};
for (const round of Array(ROUNDS + 1).keys()) {
  for (const [name, { url }] of Object.entries(servers)) {
    const ms = await once(browser, url);
    // The first round warms the browser up.
    if (round > 0) (times[name] ??= []).push(ms);
  }
}
for (const [name, all] of Object.entries(times)) {
  console.log(`${name.padEnd(24)} median ${middle(all).toFixed(0)} ms, ${Math.min(...all).toFixed(0)} to ${Math.max(...all).toFixed(0)}, of ${all.length}`);
}
const [counter, netpier] = Object.values(times).map(middle);
console.log(`netpier takes ${(netpier / counter).toFixed(2)} times as long (goal: 2.5)`);
await browser.close();
for (const server of Object.values(servers)) await server.close();
