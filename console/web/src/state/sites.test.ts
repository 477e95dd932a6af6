// Sites come page by page; what was known stays where asking again fails.
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, expect, test, vi } from "vitest";

import { ListSitesResponseSchema, type ListSitesResponse } from "../gen/sos/registry/v1/registry_service_pb";
import { session } from "./session.svelte";
import { sites, SITES_MAX } from "./sites.svelte";

afterEach(() => {
  vi.restoreAllMocks();
});

function server(answer: (pageToken: string) => Promise<ListSitesResponse>): string[] {
  const asked: string[] = [];
  vi.spyOn(session, "may").mockReturnValue(true);
  vi.spyOn(session, "clients", "get").mockReturnValue({
    registry: {
      listSites: ({ pageToken = "" }) => {
        asked.push(pageToken);
        return answer(pageToken);
      },
    },
  } as Partial<typeof session.clients> as typeof session.clients);
  return asked;
}

function page(from: number, nextPageToken: string, size = 2): Promise<ListSitesResponse> {
  return Promise.resolve(create(ListSitesResponseSchema, { nextPageToken, sites: Array.from({ length: size }, (_, index) => ({ siteId: `site-${from + index}` })) }));
}

test("all pages are asked for, once by however many", async () => {
  const asked = server((token) => (token === "" ? page(0, "next") : page(2, "")));
  await Promise.all([sites.load(), sites.load()]);
  expect(asked).toEqual(["", "next"]);
  expect([...sites.all.keys()]).toEqual(["site-0", "site-1", "site-2", "site-3"]);
  expect([sites.isKnown, sites.isCut, sites.trouble]).toEqual([true, false, undefined]);
});

test("a failure is told, keeps what was known, and is gone with the next success", async () => {
  server(() => Promise.reject(new ConnectError("down", Code.Unavailable)));
  await sites.load();
  expect(sites.trouble?.message).toBe("down");
  expect(sites.all.size).toBe(4);
  server(() => page(0, ""));
  await sites.load();
  expect([sites.trouble, sites.all.size]).toEqual([undefined, 2]);
});

test("there is an end to it", async () => {
  const asked = server((token) => page(Number(token), String(Number(token) + 1_000), 1_000));
  await sites.load();
  expect([asked.length, sites.all.size, sites.isCut]).toEqual([SITES_MAX / 1_000, SITES_MAX, true]);
});

test("who may not list sites asks for none", async () => {
  const asked = server(() => page(0, ""));
  vi.spyOn(session, "may").mockReturnValue(false);
  await sites.load();
  expect(asked).toEqual([]);
});
