import { beforeEach, expect, test, vi } from "vitest";
import { Problem } from "@/api/problem";
import { grantInstance } from "./grant";

const { viewPermissions, setPermissions } = vi.hoisted(() => ({ viewPermissions: vi.fn(), setPermissions: vi.fn() }));
vi.mock("@/api/generated", async (original) => ({ ...(await original<object>()), viewPermissions, setPermissions }));

const saved = (instances: string[] | null, etag: string) => ({
  actions: ["view_logs"],
  projects: ["p"],
  instances,
  servers: [],
  until: { view_logs: "2027-01-01" },
  etag,
});
const changed = () => new Problem({ status: 412, code: "precondition_failed", title: "", detail: "" });

beforeEach(() => {
  viewPermissions.mockReset();
  setPermissions.mockReset();
});

test("an instance is added to what a member has, and nothing of it is changed", async () => {
  viewPermissions.mockResolvedValue(saved(["a"], '"1"'));
  await grantInstance("w", "m", "b");
  const { etag: _, ...kept } = saved(["a", "b"], "");
  expect(setPermissions.mock.calls).toEqual([["w", "m", kept, { headers: { "If-Match": '"1"' } }]]);
});

test("what somebody else has saved meanwhile stays", async () => {
  viewPermissions.mockResolvedValueOnce(saved(["a"], '"1"')).mockResolvedValueOnce(saved(["a", "c"], '"2"'));
  setPermissions.mockRejectedValueOnce(changed());
  await grantInstance("w", "m", "b");
  expect(setPermissions.mock.calls[1]?.slice(2)).toMatchObject([
    { instances: ["a", "c", "b"] },
    { headers: { "If-Match": '"2"' } },
  ]);
});

test("it isn't tried for ever, and not where another answer comes", async () => {
  viewPermissions.mockResolvedValue(saved([], '"1"'));
  setPermissions.mockRejectedValue(changed());
  await expect(grantInstance("w", "m", "b")).rejects.toThrow();
  expect(setPermissions).toHaveBeenCalledTimes(3);
  setPermissions.mockReset().mockRejectedValue(new Problem({ status: 403, code: "forbidden", title: "", detail: "" }));
  await expect(grantInstance("w", "m", "b")).rejects.toThrow();
  expect(setPermissions).toHaveBeenCalledTimes(1);
});

test("whoever has it, or is an owner by now, is left alone", async () => {
  viewPermissions.mockResolvedValueOnce(saved(["b"], '"1"')).mockResolvedValueOnce(saved(null, '"1"'));
  await grantInstance("w", "m", "b");
  await grantInstance("w", "m", "b");
  expect(setPermissions).not.toHaveBeenCalled();
});
