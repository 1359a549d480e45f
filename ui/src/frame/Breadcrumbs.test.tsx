import { MantineProvider } from "@mantine/core";
import { cleanup, render } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { WorkspaceLogo } from "@/kit/Avatar";
import { Breadcrumbs } from "./Breadcrumbs";

vi.mock("@tanstack/react-router", () => ({
  useLocation: () => ({ pathname: "/mach-acht/instances" }),
  Link: ({ children }: { children: string }) => <a href="/">{children}</a>,
}));
afterEach(cleanup);

test("a workspace's initials are the same before the breadcrumbs and in the sidebar", () => {
  const { container } = render(
    <MantineProvider>
      <Breadcrumbs workspace={{ name: "Mach Acht", logo_url: null }} />
      <WorkspaceLogo name="Mach Acht" />
    </MantineProvider>,
  );
  const letters = [...container.querySelectorAll("span[aria-hidden]")].map((one) => one.textContent);
  expect(letters).toEqual(["MA", "MA"]);
});
