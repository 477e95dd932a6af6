// What most test files share: one server and one browser for the file, and screens that are looked over after each test.
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect } from "vitest";

import type { Clients } from "../../src/wire/clients";
import { launch, Screen, type Options } from "./browser";
import { operator } from "./operator";
import { Buttons } from "./press";
import { Server } from "./server";

export interface Stage {
  readonly server: Server;
  readonly browser: Browser;
  readonly buttons: Buttons;
  /** The contract, asked by the test itself. */
  readonly clients: Clients;
  /** Opens a screen; it is closed after the test. */
  open(options?: Options): Promise<Screen>;
}

type Settings = Readonly<Record<string, string>>;

/** Sets the stage for the tests of a file. `settings` as in `Server.up`; `begin` runs once the server is up. */
export function stage(settings: Settings | (() => Promise<Settings>) = {}, begin: (stage: Stage) => Promise<void> = async () => undefined): Stage {
  const screens: Screen[] = [];
  const props: { server?: Server; browser?: Browser; buttons?: Buttons; clients?: Clients } = {};
  const there = <Thing>(thing: Thing | undefined): Thing => {
    if (thing === undefined) throw new Error("the stage is not set");
    return thing;
  };
  const self: Stage = {
    get server() { return there(props.server); },
    get browser() { return there(props.browser); },
    get buttons() { return there(props.buttons); },
    get clients() { return there(props.clients); },
    open: (options) => Screen.open(self.browser, self.server, options, (screen) => screens.push(screen)),
  };

  beforeAll(async () => {
    props.server = await Server.up(typeof settings === "function" ? await settings() : settings);
    props.browser = await launch();
    props.buttons = await Buttons.connect(props.server);
    props.clients = operator(props.server);
    await begin(self);
  });

  afterEach(async ({ task }) => {
    const open = screens.splice(0);
    if (task.result?.state === "fail") {
      const name = task.name.replaceAll(/[^\p{L}\p{N}]+/gu, "-");
      for (const [index, screen] of open.entries()) await screen.shoot(`failed-${name}-${index}`).catch(() => undefined);
    }
    const problems = open.flatMap((screen) => screen.problems);
    for (const screen of open) await screen.context.close();
    expect(problems, "what the pages complained of").toEqual([]);
  });

  afterAll(async () => {
    await props.buttons?.close();
    await props.browser?.close();
    await props.server?.close();
  });

  return self;
}
