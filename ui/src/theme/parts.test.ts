import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const files = (folder: string): string[] =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });

it("has the styles of every part of Mantine that is used", () => {
  const names = files("src")
    .filter((path) => /\.tsx$/.test(path))
    .flatMap((path) => [...readFileSync(path, "utf8").matchAll(/import \{([^}]*)\} from "@mantine\/core"/g)])
    .flatMap(([, list = ""]) => list.split(","))
    .map((name) => name.trim())
    .filter((name) => existsSync(`node_modules/@mantine/core/styles/${name}.layer.css`));
  const parts = readFileSync("src/theme/parts.css", "utf8");
  expect(names.length).toBeGreaterThan(10);
  expect(names.filter((name) => !parts.includes(`/${name}.layer.css"`))).toEqual([]);
});
