// What opening the page is: it comes, in either language and theme, on any screen, for the first time
// or again, alone or as a guest, and stands still; a pointer passes over it, its window changes size.
// Nothing is pressed, typed or opened: with that the rest of the program comes.
//
// `cargo xtask dist` runs this file to find out what of the program that takes (xtask/src/cut.rs), and
// the tests of a page's weight begin with `arrive`.
import { fileURLToPath } from 'node:url';
import { writeFile } from 'node:fs/promises';
import { at, launch, open, serve } from './page.mjs';

/** The page opens and stands still: nothing is fetched any more. */
export async function arrive(page) {
  await at(page, 'first-play').waitFor();
  await page.waitForLoadState('networkidle');
}

/** Eyes and a pointer on the page. */
async function look(page) {
  const { width, height } = page.viewportSize();
  await page.mouse.move(10, 10);
  await page.mouse.move(width - 10, height - 10, { steps: 12 });
  await page.mouse.move(width / 2, height / 2, { steps: 12 });
  await page.setViewportSize({ width: width - 20, height: height - 60 });
  await page.setViewportSize({ width, height });
  await page.waitForTimeout(200);
}

/** Every way of opening the page, each with an empty profile; `see` is handed each page at its end. */
async function everyWay(browser, url, see) {
  const ways = [
    { locale: 'en-GB' },
    { locale: 'ko-KR', colorScheme: 'dark' },
    { locale: 'en-US', width: 1024, height: 768 },
    { locale: 'ko-KR', width: 390, height: 844 },
    { locale: 'de-DE', width: 1920, height: 1080, colorScheme: 'dark' },
  ];
  for (const way of ways) {
    const { context, page } = await open(browser, url, way);
    page.setDefaultTimeout(60_000);
    await arrive(page);
    await look(page);
    await see(page);
    // Back tomorrow.
    await page.reload();
    await at(page, 'canvas').waitFor();
    await page.waitForTimeout(500);
    await see(page);
    await context.close();
  }
  const { context, page } = await open(browser, `${url}#embed`);
  await at(page, 'play').waitFor();
  await page.waitForTimeout(500);
  await see(page);
  await context.close();
}

// As a program, `first-visit.mjs FOLDER BASE COUNT OUT`: pays these visits to an instrumented page, whose
// program has a byte of memory for each of its basic blocks, and writes those bytes into the file OUT, and
// the classes that elements had, one a line, into OUT.classes.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, base, count, out] = process.argv.slice(2);
  const server = await serve(folder);
  const browser = await launch();
  try {
    const real = browser.newContext.bind(browser);
    browser.newContext = async (options) => {
      const context = await real(options);
      await context.addInitScript(() => {
        const instantiate = WebAssembly.instantiate;
        WebAssembly.instantiate = async (...args) => {
          const made = await instantiate.apply(WebAssembly, args);
          globalThis.counted = made.exports.memory;
          return made;
        };
      });
      return context;
    };
    const ran = Buffer.alloc(Number(count));
    const classes = new Set();
    await everyWay(browser, server.url, async (page) => {
      const bytes = await page.evaluate(([from, n]) => Array.from(new Uint8Array(globalThis.counted.buffer, from, n), String).join(''),
        [Number(base), ran.length]);
      for (let i = 0; i < ran.length; i++) if (bytes[i] === '1') ran[i] = 1;
      const seen = await page.evaluate(() => [...document.querySelectorAll('[class]')].flatMap((e) => [...e.classList]));
      seen.forEach((name) => classes.add(name));
    });
    await writeFile(out, ran);
    await writeFile(`${out}.classes`, [...classes].sort().join('\n'));
    console.log(`${ran.reduce((sum, one) => sum + one)} of ${ran.length} basic blocks ran`);
  } finally {
    await browser.close();
    await server.close();
  }
}
