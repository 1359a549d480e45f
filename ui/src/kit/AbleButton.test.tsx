import { MantineProvider } from "@mantine/core";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import type { Able } from "@/api/nouns";
import { AbleButton, WaitingButton } from "./AbleButton";

afterEach(cleanup);

function shown(of: Able, whenMissing?: string) {
  const onClick = vi.fn();
  render(
    <MantineProvider>
      <AbleButton of={of} verb="stop" onClick={onClick} {...(whenMissing && { whenMissing })}>
        Stop
      </AbleButton>
    </MantineProvider>,
  );
  const button = screen.queryByRole("button");
  if (button) fireEvent.click(button);
  return { button, onClick };
}

it("does what may be done", () => {
  expect(shown({ may: ["stop"], blocked: {} }).onClick).toHaveBeenCalledOnce();
});

it("isn't there for what isn't allowed", () => {
  expect(shown({ may: ["restart"], blocked: {} }).button).toBeNull();
});

it("is there, does nothing, and names the permission where a member would look for it", () => {
  const { button, onClick } = shown({ may: [], blocked: {} }, "You need the permission Stop.");
  expect(button?.getAttribute("aria-disabled")).toBe("true");
  expect(onClick).not.toHaveBeenCalled();
  expect(screen.getByText("You need the permission Stop.")).toBeTruthy();
});

it("does nothing while the state forbids it, and says why", () => {
  const detail = "Other work on this instance isn't over yet.";
  const { onClick } = shown({ may: ["stop"], blocked: { stop: { code: "instance_busy", detail } } });
  expect(onClick).not.toHaveBeenCalled();
  expect(screen.getByText(detail)).toBeTruthy();
});

it("is the same button while it is held, does nothing, and says why", () => {
  const onClick = vi.fn();
  const of: Able = { may: ["stop"], blocked: {} };
  const button = (held?: string) => (
    <MantineProvider>
      <AbleButton of={of} verb="stop" onClick={onClick} held={held}>
        Stop
      </AbleButton>
    </MantineProvider>
  );
  const { rerender } = render(button());
  const before = screen.getByRole("button");
  rerender(button("In a moment."));
  const held = screen.getByRole("button");
  expect(held).toBe(before);
  expect(held.title).toBe("In a moment.");
  fireEvent.click(held);
  expect(onClick).not.toHaveBeenCalled();
});

it("waits, is reached all the same, and tells for what when it is pressed", async () => {
  const [onClick, onSubmit] = [vi.fn(), vi.fn((event: { preventDefault: () => void }) => event.preventDefault())];
  const form = (why?: string) => (
    <MantineProvider>
      <form onSubmit={onSubmit}>
        <WaitingButton type="submit" why={why} onClick={onClick}>
          Invite
        </WaitingButton>
      </form>
    </MantineProvider>
  );
  const { rerender } = render(form("Give an e-mail address first"));
  const button = () => screen.getByRole("button", { name: /Invite/ });
  expect(button().hasAttribute("disabled")).toBe(false);
  const told = document.getElementById(button().getAttribute("aria-describedby") ?? "");
  expect(told?.textContent).toBe("Give an e-mail address first");
  fireEvent.click(button());
  expect(onClick).not.toHaveBeenCalled();
  expect(onSubmit).not.toHaveBeenCalled();
  expect((await screen.findByRole("tooltip")).textContent).toBe("Give an e-mail address first");
  rerender(form());
  expect(button().hasAttribute("aria-describedby")).toBe(false);
  fireEvent.click(button());
  expect(onClick).toHaveBeenCalledOnce();
  expect(onSubmit).toHaveBeenCalledOnce();
});
