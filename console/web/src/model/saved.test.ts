import { describe, expect, it } from "vitest";

import { VIEWS_MAX, paramsOf, parseViews, withView, without, type View } from "./saved";

describe("saved views", () => {
  it("are kept under a name, the newest of that name", () => {
    const one = withView([], { name: " Школы ", params: { q: "a" } });
    const two = withView(one, { name: "Школы", params: { q: "b" } });
    expect(two).toEqual([{ name: "Школы", params: { q: "b" } }]);
    expect(without(two, "Школы")).toEqual([]);
    expect(withView(two, { name: "  ", params: {} })).toBe(two);
  });

  it("are bounded, and lose the oldest", () => {
    let views: readonly View[] = [];
    for (let at = 0; at <= VIEWS_MAX; at += 1) views = withView(views, { name: `v${at}`, params: {} });
    expect(views).toHaveLength(VIEWS_MAX);
    expect(views[0]?.name).toBe("v1");
  });

  it("survive what is not theirs", () => {
    expect(parseViews(null)).toEqual([]);
    expect(parseViews("{")).toEqual([]);
    expect(parseViews("{}")).toEqual([]);
    expect(parseViews('[1, {"name": "a"}, {"name": "b", "params": {"q": 1}}, {"name": "c", "params": {"q": "x"}}]')).toEqual([
      { name: "c", params: { q: "x" } },
    ]);
  });

  it("hold the parameters of their page that say something", () => {
    const here: Record<string, string> = { q: "x", site: "", alert: "1" };
    expect(paramsOf(["q", "site", "is"], (name) => here[name] ?? "")).toEqual({ q: "x" });
  });
});
