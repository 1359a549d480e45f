import { describe, expect, it } from "vitest";
import { addsUpTo, type Draft, difference, kept, proposed, rebased } from "./difference";

const empty: Draft = { actions: [], projects: [], instances: [], servers: [], until: {} };

describe("the difference before saving", () => {
  it("names what is added and what is taken away, in both sections", () => {
    const before: Draft = { ...empty, actions: ["stop_instances", "view_logs"], instances: ["a"] };
    const after: Draft = { ...empty, actions: ["view_logs", "restart_instances"], instances: ["b"] };
    expect(difference(before, after)).toEqual([
      { kind: "action", key: "restart_instances", added: true },
      { kind: "action", key: "stop_instances", added: false },
      { kind: "resource", list: "instances", id: "b", added: true },
      { kind: "resource", list: "instances", id: "a", added: false },
    ]);
    expect(difference(before, before)).toEqual([]);
  });

  it("names an end that is set, moved or taken away, and none of what goes", () => {
    const at = "2030-01-01T00:00:00.000Z";
    const before: Draft = { ...empty, actions: ["view_logs", "use_ide"], until: { view_logs: at, use_ide: at } };
    const moved: Draft = {
      ...before,
      until: { view_logs: "2031-01-01T00:00:00.000Z", use_ide: "2030-01-01T00:00:00Z" },
    };
    expect(difference(before, moved)).toEqual([{ kind: "end", key: "view_logs", at: "2031-01-01T00:00:00.000Z" }]);
    expect(difference(before, { ...before, until: {} })).toHaveLength(2);
    expect(difference(before, kept({ ...before, actions: ["use_ide"] }))).toEqual([
      { kind: "action", key: "view_logs", added: false },
    ]);
    expect(rebased(difference(before, moved), { ...empty, actions: ["use_ide"] }).until).toEqual({});
  });

  it("is made again upon what somebody else saved, without undoing that", () => {
    const before: Draft = { ...empty, actions: ["stop_instances"] };
    const mine = difference(before, { ...empty, actions: ["view_logs"] });
    const theirs: Draft = { ...empty, actions: ["stop_instances", "use_ide"], servers: ["s"] };
    expect(rebased(mine, theirs)).toEqual({ ...empty, actions: ["use_ide", "view_logs"], servers: ["s"] });
  });
});

describe("a draft that is proposed", () => {
  const before: Draft = {
    ...empty,
    actions: ["use_ide"],
    instances: ["shown", "unseen"],
    until: { unseen: "2030-01-01T00:00:00Z", shown: "2030-01-01T00:00:00Z" },
  };
  const profile = { actions: ["view_logs" as const], projects: ["p"], instances: ["new"], servers: [] };

  it("takes the place of all that was shown, and leaves what wasn't", () => {
    const shown = { projects: ["p"], instances: ["shown", "new"], servers: [] };
    expect(proposed(before, { ...profile, shown })).toEqual({
      actions: ["view_logs"],
      projects: ["p"],
      instances: ["new", "unseen"],
      servers: [],
      until: { unseen: "2030-01-01T00:00:00Z" },
    });
  });

  it("takes the place of everything where everything was shown", () => {
    expect(proposed(before, profile)).toEqual({ ...empty, ...profile });
  });
});

describe("what a profile adds up to", () => {
  const say = (draft: Partial<Draft>) => addsUpTo({ ...empty, ...draft }, (_, id) => id);

  it("says nothing is seen where nothing is", () => {
    expect(say({})).toBe("Sees no project, no instance and no server.");
  });

  it("says what is done with what", () => {
    expect(say({ actions: ["restart_instances", "view_logs"], instances: ["shop-staging"] })).toBe(
      "Sees instance shop-staging. May restart and start it and read its logs. Can't see any server.",
    );
  });

  it("says when a switch works on nothing", () => {
    expect(say({ actions: ["stop_instances"] })).toContain("work on nothing");
    expect(say({ projects: ["shop"] })).toContain("without View projects");
  });
});
