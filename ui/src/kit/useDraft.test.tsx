import { act, renderHook } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { useDraft } from "./useDraft";

type Thing = { name: string; status: string; etag: string };
const first: Thing = { name: "shop", status: "running", etag: "1" };

const form = () =>
  renderHook(({ saved }) => useDraft(saved, ({ name }: Thing) => ({ name })), { initialProps: { saved: first } });

describe("what a form edits", () => {
  it("follows what is saved while nothing is touched", () => {
    const { result, rerender } = form();
    rerender({ saved: { ...first, name: "store", etag: "2" } });
    expect(result.current.draft).toEqual({ name: "store" });
    expect([result.current.isChanged, result.current.isStale, result.current.etag]).toEqual([false, false, "2"]);
  });

  it("keeps what was typed, tells that others have saved, and can be dropped for theirs", () => {
    const { result, rerender } = form();
    act(() => result.current.setDraft({ name: "mine" }));
    rerender({ saved: { ...first, name: "theirs", etag: "2" } });
    expect(result.current.draft).toEqual({ name: "mine" });
    expect([result.current.isStale, result.current.etag]).toEqual([true, "2"]);
    rerender({ saved: { ...first, name: "theirs again", etag: "3" } });
    expect([result.current.began, result.current.now]).toEqual([{ name: "shop" }, { name: "theirs again" }]);
    act(() => result.current.drop());
    expect(result.current.draft).toEqual({ name: "theirs again" });
    expect([result.current.isChanged, result.current.isStale]).toEqual([false, false]);
  });

  it("says nothing of a change that the form doesn't show, and saves with its tag", () => {
    const { result, rerender } = form();
    act(() => result.current.setDraft({ name: "mine" }));
    rerender({ saved: { ...first, status: "stopped", etag: "2" } });
    expect(result.current.draft).toEqual({ name: "mine" });
    expect([result.current.isStale, result.current.etag]).toEqual([false, "2"]);
  });

  it("takes its own save for nobody else's, whichever is heard first", () => {
    const { result, rerender } = form();
    const saved = { ...first, name: "mine", etag: "2" };
    act(() => result.current.setDraft({ name: "mine" }));
    act(() => result.current.take(saved));
    // What was asked for before is drawn once more.
    rerender({ saved: { ...first } });
    expect(result.current.draft).toEqual({ name: "mine" });
    rerender({ saved });
    expect([result.current.isChanged, result.current.isStale, result.current.etag]).toEqual([false, false, "2"]);
    act(() => result.current.setDraft({ name: "mine too" }));
    const again = { ...saved, name: "mine too", etag: "3" };
    rerender({ saved: again });
    act(() => result.current.take(again));
    expect([result.current.isChanged, result.current.isStale, result.current.etag]).toEqual([false, false, "3"]);
  });
});
