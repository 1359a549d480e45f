import { MantineProvider } from "@mantine/core";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { Choice } from "./Choice";
import { shown } from "./lines";
import { wishOf } from "./stretch";
import { useChosen } from "./useChosen";
import { none, Windows } from "./windows";

const at = vi.hoisted(() => ({ hash: "" }));
vi.mock("@tanstack/react-router", () => ({ useLocation: () => at, useNavigate: () => () => {} }));
afterEach(cleanup);

const AT = "2026-01-01T00:00:00.000Z";
const lines = (segment: number, count: number) =>
  Array.from({ length: count }, (_, at) =>
    shown({ position: `${segment}-${at}`, at: AT, stream: "stdout", text: `text ${at}`, level: "info" }),
  );

/** Three stretches of so many lines, the first two of which aren't here. */
function windowsOf(count: number): Windows {
  const windows = new Windows();
  windows.append(lines(3, 3));
  const told = { at: AT, until: AT, lines: count, levels: none(), found: [], hits: 0 };
  windows.prepend([
    { ...told, position: "1-0" },
    { ...told, position: "2-0" },
  ]);
  return windows;
}

function Chosen({ windows, onExplain }: { windows: Windows; onExplain: (ends: unknown) => void }) {
  const chosen = useChosen(windows);
  return (
    <MantineProvider>
      <Choice chosen={chosen} href="/download" onExplain={() => onExplain(chosen.ends && wishOf(chosen.ends))} />
    </MantineProvider>
  );
}

const copy = () => screen.getByRole("button", { name: "Copy text" });

test("what isn't all here isn't copied in part: it is offered as a download, and explained whole", () => {
  const windows = windowsOf(10);
  const [, second] = windows.want(0, 19);
  if (second) windows.fill(second, lines(2, 10));
  at.hash = "1-5,2-3";
  const explained = vi.fn();
  const { rerender } = render(<Chosen windows={windows} onExplain={explained} />);
  expect(screen.getByRole("status").textContent).toBe("Several lines");
  expect(copy().getAttribute("aria-disabled")).toBe("true");
  expect(screen.getByText(/^Not all of these lines are here/)).toBeTruthy();
  expect(screen.getByRole("link", { name: "Download" }).getAttribute("href")).toBe("/download");
  fireEvent.click(screen.getByRole("button", { name: "Explain" }));
  expect(explained).toHaveBeenCalledWith({ from: "1-5", to: "2-3" });
  // With both ends here, and a hole between.
  at.hash = "2-3,3-1";
  rerender(<Chosen windows={windows} onExplain={explained} />);
  expect(screen.getByRole("status").textContent).toBe("9 lines");
  expect(copy().getAttribute("aria-disabled")).toBeNull();
  if (second) second.lines = second.lines?.slice(0, 8) ?? null;
  rerender(<Chosen windows={windows} onExplain={explained} />);
  expect(copy().getAttribute("aria-disabled")).toBe("true");
});

test("more than ten thousand lines aren't copied in part either", () => {
  const windows = windowsOf(6_000);
  for (const [at, chunk] of windows.want(0, 11_999).entries()) windows.fill(chunk, lines(at + 1, 6_000));
  at.hash = "1-0,2-5999";
  render(<Chosen windows={windows} onExplain={() => {}} />);
  expect(screen.getByRole("status").textContent).toBe("12,000 lines");
  expect(copy().getAttribute("aria-disabled")).toBe("true");
  expect(screen.getByText(/^More than 10,000 lines/)).toBeTruthy();
});
