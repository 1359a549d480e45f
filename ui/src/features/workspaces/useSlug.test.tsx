import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, renderHook } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Problem } from "@/api/problem";
import { useSlug } from "./useSlug";

const { asked, isTooOften } = vi.hoisted(() => ({ asked: [] as string[], isTooOften: { now: false } }));
vi.mock("@/api/generated", () => ({
  checkSlug: async ({ name }: { name: string }) => {
    asked.push(name);
    if (isTooOften.now) throw tooOften();
    return { slug: name.toLowerCase().replaceAll(" ", "-"), available: true, reason: null, suggestion: null };
  },
}));
const tooOften = () =>
  new Problem({ status: 429, code: "too_many_requests", title: "Too often", detail: "Wait a moment." }, 20);

beforeEach(() => {
  vi.useFakeTimers();
  asked.length = 0;
  isTooOften.now = false;
});
afterEach(() => vi.useRealTimers());

/** What a timer sets in motion is drawn first, and asked behind that. */
async function pass(milliseconds: number) {
  for (const part of [milliseconds, 10, 10]) await act(() => vi.advanceTimersByTimeAsync(part));
}

function field() {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const wrapper = ({ children }: { children: ReactNode }) => (
    <QueryClientProvider client={client}>{children}</QueryClientProvider>
  );
  return renderHook(({ name }) => useSlug(name), { wrapper, initialProps: { name: "" } });
}

it("a slow hand that writes a long name is asked about once a word at most, not once a letter", async () => {
  const { result, rerender } = field();
  const name = "Studio for lamps of all kinds";
  for (let end = 1; end <= name.length; end += 1) {
    rerender({ name: name.slice(0, end) });
    await pass(333);
  }
  await pass(500);
  expect(asked.at(-1)).toBe(name);
  expect(asked.length).toBeLessThanOrEqual(name.split(" ").length);
  expect(result.current).toMatchObject({ slug: "studio-for-lamps-of-all-kinds", tone: "good", isFree: true });
});

it("where the server takes no more, the last slug stands, and it is asked again when it does", async () => {
  const { result, rerender } = field();
  rerender({ name: "Acme" });
  await pass(500);
  isTooOften.now = true;
  rerender({ name: "Acme Lamps" });
  await pass(500);
  expect(result.current).toMatchObject({ slug: "acme", word: "It's checked when you save.", isFree: true });
  isTooOften.now = false;
  await pass(21_000);
  expect(result.current).toMatchObject({ slug: "acme-lamps", tone: "good" });
});

it("without any slug there is nothing to save, and the page says what to do", async () => {
  isTooOften.now = true;
  const { result, rerender } = field();
  rerender({ name: "Acme" });
  await pass(500);
  expect(result.current.isFree).toBe(false);
  expect(result.current.word).toMatch(/write one/);
  act(() => result.current.edit("acme"));
  await pass(500);
  expect(result.current).toMatchObject({ slug: "acme", isFree: true });
});
