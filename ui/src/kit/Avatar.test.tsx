import { MantineProvider } from "@mantine/core";
import { cleanup, render } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";
import { lettering, WorkspaceLogo } from "./Avatar";

afterEach(cleanup);

test("no letter is smaller than 11, and where two don't fit one stands", () => {
  for (const size of [16, 18, 20, 22, 24, 28, 30, 40]) {
    const { text, fontSize } = lettering("Anna Lindqvist", size, 0.36);
    expect(fontSize, `${size}`).toBeGreaterThanOrEqual(11);
    expect(text, `${size}`).toBe(size < 26 ? "A" : "AL");
  }
});

test("a logo made of initials has an edge where its colour is like the page's", () => {
  const { container } = render(
    <MantineProvider>
      <WorkspaceLogo name="Acme" />
    </MantineProvider>,
  );
  expect(container.querySelector<HTMLElement>("span[aria-hidden]")?.style.boxShadow).toContain("var(--brand-edge)");
});
