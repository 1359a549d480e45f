import { MantineProvider } from "@mantine/core";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { PhoneFilter, type Which, WhichLog } from "./Tools";
import { none } from "./windows";

vi.mock("@/kit", async (original) => ({ ...(await original<object>()), usePhone: () => true }));
afterEach(cleanup);

const ABOUT = {
  Application: "What its own processes write",
  Deployment: "The newest build, and its switch",
  Init: "What starts and watches its processes",
  Proxy: "Each request, and how it was answered",
};
const which = (choose = vi.fn()): Which => ({ value: "application", choose, hasDeployment: true });

test("on a phone each log stands in the menu with what it holds below it", async () => {
  render(
    <MantineProvider>
      <PhoneFilter
        which={which()}
        counts={none()}
        hidden={[]}
        onToggle={vi.fn()}
        minutes="all"
        onMinutes={vi.fn()}
        isOnly={false}
        onOnly={vi.fn()}
        isWrapped={false}
        onWrapped={vi.fn()}
      />
    </MantineProvider>,
  );
  fireEvent.click(screen.getByRole("button", { name: "What is shown" }));
  for (const [label, about] of Object.entries(ABOUT))
    expect(
      (await screen.findByRole("menuitemradio", { name: new RegExp(`^${label}`), hidden: true })).textContent,
    ).toBe(label + about);
});

test("where one points at a log it says what it holds, and it is chosen as before", async () => {
  const choose = vi.fn();
  render(
    <MantineProvider>
      <WhichLog which={which(choose)} />
    </MantineProvider>,
  );
  for (const [label, about] of Object.entries(ABOUT)) {
    const word = screen.getByText(label);
    fireEvent.mouseEnter(word);
    expect((await screen.findByText(about)).getAttribute("role")).toBe("tooltip");
    fireEvent.mouseLeave(word);
  }
  fireEvent.click(screen.getByRole("radio", { name: "Proxy" }));
  expect(choose).toHaveBeenCalledWith("proxy");
});
