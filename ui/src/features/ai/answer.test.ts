import { describe, expect, test } from "vitest";
import { blocks, inline, plainText } from "./answer";

describe("an answer", () => {
  test("names lines, code and what is strong", () => {
    expect(inline("It has no `pg_config` [L12] [L13, L14], **twice**.")).toEqual([
      { kind: "text", text: "It has no " },
      { kind: "code", text: "pg_config" },
      { kind: "text", text: " " },
      { kind: "lines", numbers: [12] },
      { kind: "text", text: " " },
      { kind: "lines", numbers: [13, 14] },
      { kind: "text", text: ", " },
      { kind: "strong", text: "twice" },
      { kind: "text", text: "." },
    ]);
  });

  test("keeps as text what isn't one of these, links and HTML included", () => {
    for (const text of ["[here](https://a.example)", "<img src=x>", "![x](y)", "[L12 said]", "[12]", "a ` b", "**"])
      expect(inline(text)).toEqual([{ kind: "text", text }]);
  });

  test("is drawn in blocks, also while it comes", () => {
    const text = "## What happened\nIt broke\nhere.\n\n## What to try\n1. Use `a`.\n2. Or b.\n- c\n```\nx\n";
    expect(blocks(text).map((block) => block.kind)).toEqual(["heading", "text", "heading", "list", "list", "code"]);
    expect(blocks(text)[1]).toEqual({ kind: "text", parts: [{ kind: "text", text: "It broke here." }] });
    expect(blocks("## What hap")).toEqual([{ kind: "heading", text: "What hap" }]);
    expect(blocks("")).toEqual([]);
  });

  test("is copied without the numbers of lines", () => {
    expect(plainText("## What happened\nIt broke [L1] [L2–L3].")).toBe("What happened\nIt broke.");
  });
});
