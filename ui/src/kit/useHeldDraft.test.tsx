import { act, renderHook } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { useHeldDraft } from "./useHeldDraft";

type Thing = { url: string | null; etag: string | null };
type Draft = { url: string; key: string };
const first: Thing = { url: "https://one.example", etag: "1" };
const theirs: Thing = { url: "https://theirs.example", etag: "2" };

const draftOf = ({ url }: Thing): Draft => ({ url: url ?? "", key: "" });
const differs = ({ url, key }: Draft, base: Thing) => url.trim() !== (base.url ?? "") || key !== "";
const form = () => renderHook(({ saved }) => useHeldDraft(saved, draftOf, differs), { initialProps: { saved: first } });

describe("what a form edits that is never saved over others' changes", () => {
  it("follows what is saved while nothing is touched", () => {
    const { result, rerender } = form();
    act(() => result.current.set({ url: " https://one.example " }));
    expect(result.current.isChanged).toBe(false);
    rerender({ saved: theirs });
    expect(result.current.draft).toEqual({ url: "https://theirs.example", key: "" });
    expect([result.current.base, result.current.isChanged, result.current.isStale]).toEqual([theirs, false, false]);
  });

  it("keeps what was typed upon what it has begun with, and tells that others have saved", () => {
    const { result, rerender } = form();
    act(() => result.current.set({ key: "mine" }));
    rerender({ saved: theirs });
    expect(result.current.draft).toEqual({ url: "https://one.example", key: "mine" });
    expect([result.current.base, result.current.isChanged, result.current.isStale]).toEqual([first, true, true]);
    act(() => result.current.set({ key: "" }));
    expect([result.current.base, result.current.draft.url, result.current.isStale]).toEqual([
      theirs,
      "https://theirs.example",
      false,
    ]);
  });

  it("takes its own save for nobody else's, whichever is heard first", () => {
    const { result, rerender } = form();
    const mine = { url: "https://mine.example", etag: "2" };
    act(() => result.current.set({ url: "https://mine.example" }));
    act(() => result.current.take(mine));
    // What was asked for before is drawn once more.
    rerender({ saved: first });
    expect([result.current.base, result.current.draft.url]).toEqual([mine, "https://mine.example"]);
    rerender({ saved: mine });
    expect([result.current.base, result.current.isChanged, result.current.isStale]).toEqual([mine, false, false]);
    // Somebody else takes it back: as it was before, tag and all.
    rerender({ saved: { ...first } });
    expect(result.current.draft.url).toBe("https://one.example");
  });
});
