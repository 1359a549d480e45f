import { describe, expect, it } from "vitest";
import type { Change } from "./difference";
import { counted, grouped, summed } from "./groups";
import { toldOf } from "./near";

const instance = (id: string, added: boolean): Change => ({ kind: "resource", list: "instances", id, added });
const action = (key: "view_logs" | "restart_instances", added: boolean): Change => ({ kind: "action", key, added });

describe("a difference", () => {
  it("is told by switches in the order of the page, by ends, and by numbers of what it is about", () => {
    const end: Change = { kind: "end", key: "view_logs", at: null };
    const told = grouped([instance("a", true), end, action("view_logs", true), action("restart_instances", false)]);
    expect(told.actions.map(({ key }) => key)).toEqual(["restart_instances", "view_logs"]);
    expect(told.ends).toEqual([end]);
    expect(told.lists.map(({ list }) => list)).toEqual(["instances"]);
  });

  it("counts what comes and what goes, and nothing that doesn't", () => {
    const each = [true, true, false].map((added) => ({ added }));
    expect(counted(each)).toBe("2 added, 1 taken away");
    expect(counted(each.slice(0, 1))).toBe("1 added");
    expect(counted(each.slice(2))).toBe("1 taken away");
  });

  it("of several members says how many get and lose each switch", () => {
    const each = [[action("view_logs", true), action("restart_instances", false)], [action("view_logs", true)], []];
    expect(summed(each)).toEqual([
      { key: "restart_instances", added: false, of: 1 },
      { key: "view_logs", added: true, of: 2 },
    ]);
  });
});

describe("the preset that a profile is near", () => {
  it("is changed where it was, and where its switches are others now", () => {
    expect(toldOf(null, [])).toBeNull();
    expect(toldOf({ name: "Client", actions: ["view_logs"], isChanged: false }, ["view_logs"])).toBe("Client");
    expect(toldOf({ name: "Client", actions: ["view_logs"], isChanged: false }, [])).toBe("Client, changed");
    expect(toldOf({ name: "Client", actions: ["view_logs"], isChanged: true }, ["view_logs"])).toBe("Client, changed");
  });
});
