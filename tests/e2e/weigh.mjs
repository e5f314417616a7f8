// What a first visit really moves: a Chromium with an empty profile opens dist/ and stands still; then the
// server says what it sent, to the page and to its service worker. What compresses goes as gzip -9, as from
// a good host. `node tests/e2e/weigh.mjs` prints it; weight.test.mjs asks whether it is within bounds.
import { fileURLToPath } from 'node:url';
import { launch, open, serve } from './page.mjs';
import { arrive } from './first-visit.mjs';

/** Every file that was sent with the bytes of its bodies, and what the page complained about. */
export async function weigh(browser, server, { locale = 'en-GB', after = async () => {} } = {}) {
  server.sent.clear();
  const { context, page, problems } = await open(browser, server.url, { locale });
  await arrive(page);
  // The worker comes after the page; after 20 seconds of quiet it would fetch lessons.
  await page.waitForTimeout(2000);
  await after(page);
  await context.close();
  const files = new Map(server.sent);
  return { files, all: [...files.values()].reduce((sum, n) => sum + n, 0), problems };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = await serve(process.argv[2], { gzip: true });
  const browser = await launch();
  for (const locale of ['en-GB', 'ko-KR']) {
    const { files, all } = await weigh(browser, server, { locale });
    console.log(`what a first visit moved (${locale}, gzip -9)`);
    for (const [name, bytes] of files) console.log(`  ${name.padEnd(46)}${String(bytes).padStart(10)}`);
    console.log(`  ${'all'.padEnd(46)}${String(all).padStart(10)}`);
  }
  await browser.close();
  await server.close();
}
