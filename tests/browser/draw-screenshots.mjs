// Takes pictures of every kind of drawing in light, dark, narrow and right to left, for review:
//   node draw-screenshots.mjs [folder]

import { mkdir } from "node:fs/promises";
import { CASES, Drawings } from "./drawings.mjs";
import { launch } from "./harness.mjs";

const folder = process.argv[2] ?? "screenshots";
const LOOKS = {
  light: { context: {} },
  dark: { context: { theme: "dark" } },
  narrow: { context: {}, viewport: { width: 360, height: 640 } },
  "right-to-left": { context: { locale: "ar" } },
};

await mkdir(folder, { recursive: true });
const [drawings, browser] = await Promise.all([Drawings.start(), launch()]);
for (const [look, { context, viewport = { width: 760, height: 460 } }] of Object.entries(LOOKS)) {
  const { page, show, close } = await drawings.open(browser, { viewport });
  for (const [name, one] of Object.entries(CASES)) {
    if (process.argv[3] && !name.startsWith(process.argv[3])) continue;
    await show({ ...one, context });
    await page.locator("#stage").screenshot({ path: `${folder}/draw-${name}-${look}.png` });
  }
  await close();
}
await browser.close();
drawings.stop();
