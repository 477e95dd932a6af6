// A browser with the console in it. Whatever a page complains of and no test expects fails that test.
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";

import { chromium, type Browser, type BrowserContext, type ConsoleMessage, type Locator, type Page } from "playwright-core";

import type { Server } from "./server";

export const SCREENSHOTS = resolve(process.env["SOS_SCREENSHOTS"] ?? "../../target/screenshots");

/** A build of the page that is shown instead of the one in the binary; nothing: that one. */
const DIST = process.env["SOS_CONSOLE_DIST"];

const PATIENCE_MS = 20_000;

const CHROMIUM = process.env["SOS_CHROMIUM"] ?? "/usr/bin/chromium";

export function launch(): Promise<Browser> {
  if (!existsSync(CHROMIUM)) throw new Error(`there is no ${CHROMIUM}: install Debian's package chromium, or name another with SOS_CHROMIUM`);
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
      "--autoplay-policy=no-user-gesture-required",
      // A page that comes from no address at all may not ask one of this machine.
      ...(DIST === undefined ? [] : ["--disable-features=LocalNetworkAccessChecks"]),
    ],
  });
}

export interface Options {
  /** The name to sign in with; none: stay at the door. */
  readonly operator?: string;
  /** The token to sign in with. */
  readonly token?: string;
  /** What the browser asks for. */
  readonly locale?: "en-GB" | "ru-KZ" | "kk-KZ";
  readonly dark?: boolean;
  readonly width?: number;
  readonly height?: number;
  /** Where to begin, as `#/map`. */
  readonly hash?: string;
  /** Runs in the page before anything of its own. */
  readonly before?: string;
  /** Problems that this test brings about. */
  readonly expected?: RegExp;
}

/** One officer's screen. */
export class Screen {
  /** What the page complained of, and was not expected. */
  readonly problems: string[] = [];

  private constructor(readonly context: BrowserContext, readonly page: Page, public expected: RegExp | undefined) {
    page.on("pageerror", (error) => this.#note(`error: ${error.message}`));
    page.on("console", (message: ConsoleMessage) => {
      if (message.type() === "error" || message.type() === "warning") this.#note(`${message.type()}: ${message.text()} ${message.location().url}`);
    });
  }

  /** Opens one; `opened` hears of it before anything can go wrong with it. */
  static async open(browser: Browser, server: Pick<Server, "http">, options: Options = {}, opened: (screen: Screen) => void = () => undefined): Promise<Screen> {
    const { operator, token, locale = "en-GB", dark = false, width = 1366, height = 768, hash = "", before, expected } = options;
    const context = await browser.newContext({
      locale, colorScheme: dark ? "dark" : "light", viewport: { width, height }, timezoneId: "Asia/Almaty", reducedMotion: "reduce",
    });
    context.setDefaultTimeout(PATIENCE_MS);
    // CSP violations of every kind, also those that the browser would not print as errors.
    await context.addInitScript(`addEventListener("securitypolicyviolation", (event) => console.error("CSP: " + event.violatedDirective + " " + event.blockedURI));`);
    if (DIST !== undefined) await servedFrom(context, server.http, DIST);
    if (before !== undefined) await context.addInitScript(before);
    const screen = new Screen(context, await context.newPage(), expected);
    opened(screen);
    await screen.page.goto(`${server.http}/${hash}`);
    if (operator !== undefined) await screen.signIn("operator", operator);
    if (token !== undefined) await screen.signIn("token", token);
    return screen;
  }

  /** Signs in, and waits until the screen is live. */
  async signIn(field: "operator" | "token", text: string): Promise<void> {
    await this.get(field).fill(text);
    await this.get("sign-in").click();
    await this.live();
  }

  /** What carries a hook. */
  get(testId: string): Locator {
    return this.page.locator(`[data-testid="${testId}"]`);
  }

  /** The button of a step, of the alert that is shown beside the list. */
  step(verb: string): Locator {
    return this.get("detail").locator(`[data-testid="${verb}"]`);
  }

  /** Waits for a row in some state. */
  async rowIs(alertId: string, state: "RAISED" | "ACKNOWLEDGED" | "RESOLVED"): Promise<Locator> {
    const row = this.page.locator(`[data-testid="alert-row"][data-alert-id="${alertId}"][data-state="${state}"]`);
    await row.waitFor();
    return row;
  }

  async live(): Promise<void> {
    await this.page.locator('[data-testid="connection"][data-state="live"]').waitFor();
  }

  async stale(): Promise<void> {
    await this.page.locator('[data-testid="connection"][data-state="stale"]').waitFor();
  }

  /** Opens an alert beside the list. */
  async show(alertId: string): Promise<void> {
    await this.go(`#/alerts?alert=${alertId}`);
    await this.page.locator(`[data-testid="detail"][data-alert-id="${alertId}"] [data-testid="timeline"]`).waitFor();
  }

  /** Follows a link to another page of the console, without loading it again. */
  async go(hash: string): Promise<void> {
    await this.page.evaluate((to) => {
      location.hash = to;
    }, hash);
  }

  async shoot(name: string): Promise<void> {
    await mkdir(SCREENSHOTS, { recursive: true });
    await this.page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
  }

  #note(problem: string): void {
    if (this.expected?.test(problem) !== true) this.problems.push(problem);
  }
}

/** Shows a build of the page in a directory, with the headers of the server (its CSP among them). */
async function servedFrom(context: BrowserContext, address: string, dist: string): Promise<void> {
  await context.route(`${address}/**`, async (call) => {
    const { pathname } = new URL(call.request().url());
    const path = join(dist, pathname === "/" ? "index.html" : pathname);
    if (!existsSync(path)) return call.fallback();
    return pathname === "/" ? call.fulfill({ response: await call.fetch(), path }) : call.fulfill({ path });
  });
}
