import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { describe, expect, it } from "vitest";
import { useMutation } from "./useMutation";

const client = new QueryClient();
const around = ({ children }: { children: ReactNode }) => (
  <QueryClientProvider client={client}>{children}</QueryClientProvider>
);

/** A write that ends when it is told to; what it was begun with. */
function writing() {
  const begun: unknown[] = [];
  const ends: ((failure?: Error) => void)[] = [];
  const { result } = renderHook(
    () =>
      useMutation<string, Error, { name: string }>({
        mutationFn: (input) => {
          begun.push(input);
          return new Promise((go, stop) => ends.push((failure) => (failure ? stop(failure) : go(input.name))));
        },
      }),
    { wrapper: around },
  );
  return { result, begun, ends };
}

describe("a write", () => {
  it("isn't begun twice by a double click, which comes before anything is drawn anew", async () => {
    const { result, begun, ends } = writing();
    const { mutate } = result.current;
    await act(async () => {
      mutate({ name: "shop" });
      mutate({ name: "shop" });
    });
    expect(begun).toEqual([{ name: "shop" }]);
    await act(async () => ends[0]?.());
    await waitFor(() => expect(result.current.data).toBe("shop"));
  });

  it("is begun beside another one of other input", async () => {
    const { result, begun } = writing();
    await act(async () => {
      result.current.mutate({ name: "shop" });
      result.current.mutate({ name: "store" });
    });
    expect(begun).toHaveLength(2);
  });

  it("takes what JSON hasn't for the same only where it is the same", async () => {
    const begun: unknown[] = [];
    const { result } = renderHook(
      () => useMutation<void, Error, unknown>({ mutationFn: (input) => new Promise(() => begun.push(input)) }),
      { wrapper: around },
    );
    const [one, other] = [new Blob(["one"]), new Blob(["other"])];
    const circle: { itself?: unknown } = Object.create({});
    circle.itself = circle;
    await act(async () => {
      for (const input of [one, one, other, circle, { file: one }, { file: one }]) result.current.mutate(input);
    });
    expect(begun).toHaveLength(5);
  });

  it("can be done again once it came to its end, also to a bad one", async () => {
    const { result, begun, ends } = writing();
    await act(async () => result.current.mutate({ name: "shop" }));
    await act(async () => ends[0]?.(new Error("refused")));
    await waitFor(() => expect(result.current.error?.message).toBe("refused"));
    await act(async () => result.current.mutate({ name: "shop" }));
    expect(begun).toHaveLength(2);
  });

  it("is answered to whoever asked the second time as well", async () => {
    const { result, ends } = writing();
    let answers: Promise<string>[] = [];
    await act(async () => {
      const { mutateAsync } = result.current;
      answers = [mutateAsync({ name: "shop" }), mutateAsync({ name: "shop" })];
    });
    await act(async () => ends[0]?.());
    expect(await Promise.all(answers)).toEqual(["shop", "shop"]);
    expect(ends).toHaveLength(1);
  });
});

it("every form of the page writes by it", () => {
  const root = join(import.meta.dirname, "..");
  const others = readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.tsx?$/.test(name) && !name.startsWith(join("api", "useMutation")))
    .filter((name) => /useMutation\b[^;]*from "@tanstack\/react-query"/.test(readFileSync(join(root, name), "utf8")));
  expect(others).toEqual([]);
});

describe("after a button did something", () => {
  const form = (markup: string) => {
    document.body.innerHTML = `<form>${markup}<button type="submit">Save</button></form>`;
    const button = document.querySelector("button");
    if (!button) throw new Error("no button");
    button.focus();
    return button;
  };

  it("the focus goes to the first field that is wrong", async () => {
    form('<input id="name" /><input id="password" />');
    const { result, ends } = writing();
    await act(async () => result.current.mutate({ name: "shop" }));
    document.getElementById("password")?.setAttribute("aria-invalid", "true");
    await act(async () => ends[0]?.(new Error("no")));
    await waitFor(() => expect(document.activeElement?.id).toBe("password"));
  });

  it("it comes back to the button, which was off meanwhile", async () => {
    const button = form("");
    const { result, ends } = writing();
    await act(async () => result.current.mutate({ name: "shop" }));
    button.blur();
    await act(async () => ends[0]?.());
    await waitFor(() => expect(document.activeElement).toBe(button));
  });

  it("it goes to the form where the button stays off", async () => {
    const button = form("");
    const { result, ends } = writing();
    await act(async () => result.current.mutate({ name: "shop" }));
    button.blur();
    button.disabled = true;
    await act(async () => ends[0]?.());
    await waitFor(() => expect(document.activeElement?.tagName).toBe("FORM"));
  });

  it("it stays where somebody has put it", async () => {
    form('<input id="name" aria-invalid="true" /><input id="other" />');
    const { result, ends } = writing();
    await act(async () => result.current.mutate({ name: "shop" }));
    document.getElementById("other")?.focus();
    await act(async () => ends[0]?.(new Error("no")));
    await new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(go))));
    expect(document.activeElement?.id).toBe("other");
  });
});
