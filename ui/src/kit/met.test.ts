import { expect, it } from "vitest";
import { met } from "./met";

const began = { Memory: "", Disk: "1 GiB", Processors: "1" };

it("says which fields somebody else has changed, and what saving does to each", () => {
  expect(met(began, { ...began, Memory: "2 GiB" }, { ...began, Memory: "3 GiB" })).toBe(
    "Somebody changed Memory meanwhile, which you changed too: what you save replaces that.",
  );
  expect(met(began, { ...began, Memory: "2 GiB", Disk: "" }, { ...began, Processors: "2" })).toBe(
    "Somebody changed Memory and Disk meanwhile, which you didn't: what you save undoes that.",
  );
  expect(met(began, { ...began, Memory: "2 GiB", Disk: "" }, { ...began, Disk: "3 GiB" })).toBe(
    "Somebody changed Disk and Memory meanwhile: what you save replaces Disk, which you changed too, and undoes the change of Memory.",
  );
});

it("knows of what is new and of what was taken away, and tells a few of many by name", () => {
  expect(met({ A: "1" }, { B: "2" }, { A: "1", C: "3" })).toBe(
    "Somebody changed A and B meanwhile, which you didn't: what you save undoes that.",
  );
  const many = Object.fromEntries([..."ABCDEFGH"].map((name) => [name, 1]));
  expect(met({}, many, {})).toContain("Somebody changed A, B, C, D and 4 more meanwhile,");
});

it("says nothing where nothing of theirs goes", () => {
  expect(met(began, { ...began, Disk: "" }, { ...began, Disk: "", Memory: "1 GiB" })).toBe("");
});
