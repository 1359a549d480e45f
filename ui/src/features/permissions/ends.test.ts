import { describe, expect, it } from "vitest";
import type { Draft } from "./difference";
import { endsInWords, endWords, fromField, inDays, labelOf, namesIn, toField } from "./ends";

const draft: Draft = {
  actions: ["restart_instances", "view_logs"],
  projects: [],
  instances: ["a"],
  servers: [],
  until: {},
};
const say = (until: Draft["until"]) => endsInWords({ ...draft, until }, (_, id) => `instance ${id}`);
const AT = new Date(new Date().getFullYear(), 10, 30, 18, 0).toISOString();

describe("when grants end", () => {
  it("is one line, however many there are", () => {
    expect(say({})).toBe("Nothing ends");
    expect(say({ restart_instances: AT })).toBe("Restart on 30 Nov, 18:00; the rest never");
    expect(say({ a: AT, view_logs: inDays(4000) })).toBe("instance a on 30 Nov, 18:00; 1 more");
    expect(say({ a: AT, view_logs: AT, restart_instances: AT })).toBe("Everything on 30 Nov, 18:00");
  });

  it("is never sooner than was said, at a full hour", () => {
    const at = (hour: number, minute: number) => new Date(2026, 10, 26, hour, minute);
    expect(inDays(7, at(6, 54))).toBe(new Date(2026, 11, 3, 7, 0).toISOString());
    expect(inDays(1, at(23, 1))).toBe(new Date(2026, 10, 28, 0, 0).toISOString());
    expect(inDays(1, at(6, 0))).toBe(new Date(2026, 10, 27, 6, 0).toISOString());
  });

  it("is read back from its field", () => {
    expect(fromField(toField(AT))).toBe(AT);
    expect(fromField("")).toBeNull();
    expect(fromField("tomorrow")).toBeNull();
    expect(endWords(new Date(2031, 0, 2, 9, 5).toISOString())).toBe("2 Jan 2031, 09:05");
  });
});

describe("a name that several bear", () => {
  const nameOf = namesIn({
    projects: [{ id: "p", name: "Guestbook" }],
    instances: [
      { id: "i", name: "guestbook" },
      { id: "j", name: "shop" },
    ],
    servers: [],
  });

  it("comes with its kind where nothing beside it says it", () => {
    expect(labelOf("p", nameOf)).toBe("Guestbook (project)");
    expect(labelOf("i", nameOf)).toBe("guestbook (instance)");
    expect(nameOf("projects", "p")).toBe("Guestbook");
  });

  it("is told alone where it is the only one", () => {
    expect(labelOf("j", nameOf)).toBe("shop");
    expect(labelOf("gone", nameOf)).toBe("…");
  });
});
