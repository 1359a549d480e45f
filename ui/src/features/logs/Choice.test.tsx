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

type Props = { windows: Windows; isFiltered?: boolean; onExplain?: (ends: unknown) => void };

function Chosen({ windows, isFiltered = false, onExplain = () => {} }: Props) {
  const chosen = useChosen(windows);
  return (
    <MantineProvider>
      <Choice
        chosen={chosen}
        href="/download"
        isFiltered={isFiltered}
        onNone={chosen.none}
        onExplain={() => onExplain(chosen.ends && wishOf(chosen.ends))}
      />
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
  render(<Chosen windows={windows} />);
  expect(screen.getByRole("status").textContent).toBe("12,000 lines");
  expect(copy().getAttribute("aria-disabled")).toBe("true");
  expect(screen.getByText(/^More than 10,000 lines/)).toBeTruthy();
});

test("a link to what isn't kept says so, and offers nothing of it; what isn't known yet isn't told as gone", () => {
  const windows = windowsOf(10);
  const { rerender } = render(<Chosen windows={windows} />);
  const says = (hash: string, isFiltered = false) => {
    at.hash = hash;
    rerender(<Chosen windows={windows} isFiltered={isFiltered} />);
    return [screen.getByRole("status").textContent, screen.getAllByRole("button").length];
  };
  const gone = "What the link leads to isn't kept any more, or was never written.";
  expect(says("3-1")[0]).toBe("1 line");
  // Behind the last line, and between two.
  expect(says("9-999999")).toEqual([gone, 1]);
  expect(says("3-7,9-1")).toEqual([gone, 1]);
  expect(says("9-9", true)[0]).toBe("What the link leads to isn't among the lines that are shown.");
  // The stretch that it would be in isn't here.
  expect(says("1-5")[0]).toBe("1 line");
  expect(says("0-5")[0]).toBe("1 line");
  for (const [index, chunk] of windows.want(0, 19).entries()) windows.fill(chunk, lines(index + 1, 10));
  expect(says("1-5")[0]).toBe("1 line");
  expect(says("0-5")).toEqual([gone, 1]);
  expect(says("1-77,2-0")[0]).not.toBe(gone);
  expect(says("1-77")).toEqual([gone, 1]);
  // What is left of them is what is chosen.
  expect(says("0-5,1-2")[0]).toBe("3 lines");
});
