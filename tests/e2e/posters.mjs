// Takes the stills of the blog posts anew: node tests/e2e/posters.mjs, after cargo xtask dist. Each shows
// its guest, 720 pixels wide, at the first moment at which an address is rewritten.
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { at, launch, open, root, serve, step } from './page.mjs';

/** The height of a still: that of the element which shows it. */
const HEIGHTS = { door: 600 };
const HEIGHT = 670;

const posts = join(root, 'docs/blog');
const site = await serve();
const browser = await launch();
for (const name of (await readdir(posts)).filter((file) => file.endsWith('.html'))) {
  const post = await readFile(join(posts, name), 'utf8');
  for (const [, tag] of post.matchAll(/<netpier-lab ([^>]*)>/g)) {
    const given = Object.fromEntries([...tag.matchAll(/([a-z]+)="([^"]*)"/g)].map(([, key, value]) => [key, value]));
    const words = ['lab', 'in', 'run', 'lang'].map((key) => `&${key}=${encodeURIComponent(given[key])}`);
    const height = HEIGHTS[given.poster.split('.')[0]] ?? HEIGHT;
    const { page, context } = await open(browser, `${site.url}index.html#embed${words.join('')}`, { width: 720, height });
    await at(page, 'embed-words').waitFor();
    await step(page, `an address is rewritten in ${given.poster}`, () => at(page, 'pill-old').count());
    await page.waitForTimeout(1000);
    await page.screenshot({ path: join(posts, given.poster), caret: 'initial' });
    console.log(given.poster);
    await context.close();
  }
}
await browser.close();
await site.close();
