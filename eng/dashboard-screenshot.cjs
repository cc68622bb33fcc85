// Opens a trace in the Aspire dashboard and saves what a person sees there.
const { chromium } = require('playwright-core');

const [dashboard, trace, file] = process.argv.slice(2);

(async () => {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage({ viewport: { width: 1600, height: 1200 } });
    await page.goto(new URL(`/traces/detail/${trace}`, dashboard).href, { waitUntil: 'domcontentloaded' });
    // The rows of the waterfall come over the page's own connection after it has loaded.
    await page.locator('text=/POST .*payments/').first().waitFor({ timeout: 30_000 });
    await page.waitForTimeout(1_000);
    await page.screenshot({ path: file });
  } finally {
    await browser.close();
  }
})().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
