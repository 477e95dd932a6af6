// P6: the way to the server breaks in the middle of a command: it has one effect, and the page is never blank.
import { afterAll, expect, test } from "vitest";

import { mark, missedNothing, saysThatItIsOld, UNREACHABLE } from "./harness/away";
import { Cut } from "./harness/cut";
import { alertOf } from "./harness/operator";
import { stage } from "./harness/stage";

const cut = await Cut.listen();
const on = stage({ SOS_CONSOLE__GRPC_URL: cut.url }, async ({ server }) => {
  cut.target = server.grpc;
});
afterAll(() => cut.close());

test.each(["request", "answer"] as const)("P6: the %s is lost, and the command has one effect", async (loses) => {
  const screen = await on.open({ operator: "asel", expected: UNREACHABLE });
  await on.buttons.press(`school-12/${loses}`);
  const { alertId } = await alertOf(on.clients, `school-12/${loses}`);
  await screen.show(alertId);
  const { cuts } = cut;
  // The preflight of the browser names the method in its path, too: only what is posted counts.
  cut.next = { text: "POST /sos.alert.v1.AlertService/AcknowledgeAlert", loses };
  await screen.step("acknowledge").click();
  await screen.rowIs(alertId, "ACKNOWLEDGED");
  expect(cut.cuts).toBe(cuts + 1);
  const { alert, timeline } = await on.clients.alerts.getAlert({ alertId });
  expect(alert?.owner).toBe("asel");
  expect(timeline.filter((entry) => entry.event?.body.case === "alertAcknowledged")).toHaveLength(1);
  expect(await screen.get("notice").count()).toBe(0);
});

test("P5: a way that swallows everything makes the screen old, and is tried again by itself", async () => {
  const screen = await on.open({ operator: "asel", expected: UNREACHABLE });
  await mark(screen);
  const retried = screen.page.waitForRequest(/GetSession/);
  cut.isMute = true;
  await saysThatItIsOld(screen);
  // This attempt hangs for ever; another one has to be made, which first asks whether the log is still the same.
  await retried;
  await on.buttons.press("school-12/meanwhile");
  await alertOf(on.clients, "school-12/meanwhile");
  cut.isMute = false;
  await screen.live();
  await missedNothing(screen, on.clients);
});

test("P5: the network is lost, and comes back", async () => {
  const screen = await on.open({ operator: "asel", expected: UNREACHABLE });
  await mark(screen);
  await screen.context.setOffline(true);
  cut.isMute = true;
  await saysThatItIsOld(screen);
  for (const room of ["a", "b", "c"]) await on.buttons.press(`hospital-1/${room}`);
  await alertOf(on.clients, "hospital-1/c");
  cut.isMute = false;
  await screen.context.setOffline(false);
  await screen.live();
  await missedNothing(screen, on.clients);
});

test("the server's HTTP port is not there yet: the page waits, and goes on by itself", async () => {
  const screen = await on.open({ operator: "asel", expected: /net::ERR_|503/ });
  let answers = 0;
  await screen.page.route("**/config.json", (call) => {
    answers += 1;
    if (answers === 1) return call.abort();
    return answers === 2 ? call.fulfill({ status: 503, body: "not ready" }) : call.continue();
  });
  await screen.page.reload({ waitUntil: "domcontentloaded" });
  await screen.page.getByText("Waiting for the server…").waitFor();
  await screen.live();
  expect(answers).toBeGreaterThanOrEqual(3);
});

test("a part of the page cannot be had any more: it says so, and the rest works", async () => {
  const screen = await on.open({ operator: "asel", expected: /net::ERR_FAILED|dynamically imported module|preload CSS/ });
  await screen.page.route(/assets\/Map/, (call) => call.abort());
  await screen.go("#/map");
  await screen.page.locator("main").getByRole("alert").getByRole("button", { name: "Load the console again" }).waitFor();
  await screen.page.unroute(/assets\/Map/);
  await screen.go("#/alerts");
  await screen.get("search").waitFor();
});
