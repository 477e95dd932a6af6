// A file is compared with what is registered, and each row is sent once; what the server refuses is told like what means nothing.
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { BadRequestSchema } from "../gen/google/rpc/error_details_pb";
import { DeviceSchema, SiteSchema, type Site } from "../gen/sos/registry/v1/registry_pb";
import type { Clients } from "../wire/clients";
import { csvImport } from "./import.svelte";
import { session } from "./session.svelte";

type Put = { requestId: string; site: Site };

let registered: Site[] = [];
let putSite: (put: Put) => Promise<object>;

beforeEach(() => {
  registered = [create(SiteSchema, { siteId: "same", name: "Same" }), create(SiteSchema, { siteId: "other", name: "Old" })];
  putSite = async () => ({});
  const registry = {
    listSites: async () => ({ sites: registered, nextPageToken: "", position: 1n }),
    listDevices: async () => ({
      devices: [create(DeviceSchema, { siteId: "same", deviceId: "a" }), create(DeviceSchema, { siteId: "same", deviceId: "b", unverified: true })],
      nextPageToken: "", position: 1n,
    }),
    putSite: (put: Put) => putSite(put),
  };
  vi.spyOn(session, "clients", "get").mockReturnValue({ registry } as unknown as Clients);
});

afterEach(() => {
  vi.restoreAllMocks();
});

const read = (text: string): Promise<void> => csvImport.read(new File([text], "sites.csv"));
const changes = () => csvImport.items.map(({ row, change }) => `${row.name} ${change}`);

test("rows are compared with what is registered", async () => {
  await read("site_id,name\nsame,Same\nother,New\nnew,New\n");
  expect(changes()).toEqual(["same same", "other changed", "new new"]);
  expect([csvImport.phase, csvImport.left]).toEqual(["ready", 2]);
});

test("a call point that was only heard of counts as new", async () => {
  await read("site_id,device_id\nsame,a\nsame,b\n");
  expect(changes()).toEqual(["same/a same", "same/b new"]);
});

test("what differs is sent, at most 16 at once, and what the server refuses is told by line and column", async () => {
  let [under, most] = [0, 0];
  const sent: string[] = [];
  putSite = async ({ site }) => {
    most = Math.max(most, ++under);
    await new Promise((resolve) => setTimeout(resolve, 1));
    under -= 1;
    sent.push(site.siteId);
    const fieldViolations = [{ field: "site.location", description: "must be on the earth" }];
    if (site.siteId === "s-7") throw new ConnectError("x", Code.InvalidArgument, undefined, [{ desc: BadRequestSchema, value: { fieldViolations } }]);
    if (site.siteId === "s-8") throw new ConnectError("there is no site s-8", Code.NotFound);
    return {};
  };
  await read(`site_id,name\nsame,Same\nBAD,x\n${Array.from({ length: 50 }, (_, at) => `s-${at},S`).join("\n")}`);
  await csvImport.run();
  expect(most).toBe(16);
  expect(new Set(sent).size).toBe(50);
  expect([csvImport.phase, csvImport.taken, csvImport.refused, csvImport.badLines, csvImport.left]).toEqual(["done", 48, 2, 3, 0]);
  expect(csvImport.bad.map(({ line, column }) => [line, column])).toEqual([[3, "site_id"], [11, "latitude"], [12, "site_id"]]);
});

test("an import that stopped goes on where it was, under the same request ids", async () => {
  const ids: string[] = [];
  let mayPass = false;
  putSite = async ({ requestId }) => {
    ids.push(requestId);
    if (!mayPass) throw new ConnectError("no", Code.PermissionDenied);
    return {};
  };
  await read("site_id,name\na,A\n");
  await csvImport.run();
  expect([csvImport.refusal?.kind, csvImport.left]).toEqual(["forbidden", 1]);
  mayPass = true;
  await csvImport.run();
  expect([csvImport.taken, csvImport.left, new Set(ids).size]).toEqual([1, 0, 1]);
});

test("an operator can stop it; what is under way is waited for", async () => {
  putSite = async () => {
    csvImport.stop();
    return {};
  };
  await read(`site_id,name\n${Array.from({ length: 40 }, (_, at) => `s-${at},S`).join("\n")}`);
  await csvImport.run();
  expect(csvImport.taken).toBeLessThanOrEqual(16);
  expect(csvImport.taken + csvImport.left).toBe(40);
});

test("a file that cannot be read is told, and nothing else is shown", async () => {
  await read("site_id,color\n");
  expect([csvImport.phase, csvImport.trouble?.code, csvImport.table]).toEqual(["none", "unknownColumn", undefined]);
});
