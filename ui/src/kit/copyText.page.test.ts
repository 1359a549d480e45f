import { afterEach, expect, test, vi } from "vitest";
import { copyText } from "./copyText";

afterEach(() => {
  vi.unstubAllGlobals();
  document.body.replaceChildren();
});

function shown(text: string): HTMLElement {
  const element = document.createElement("pre");
  element.textContent = text;
  document.body.append(element);
  return element;
}

test("without a clipboard and without permission the text is left selected and isn't called copied", async () => {
  vi.stubGlobal("navigator", {});
  document.execCommand = () => false;
  expect(await copyText(shown("stoa_pat_1"))).toBe(false);
  expect(window.getSelection()?.toString()).toBe("stoa_pat_1");
});

test("without a clipboard the selected text is copied the older way", async () => {
  vi.stubGlobal("navigator", {});
  let copied = "";
  document.execCommand = () => {
    copied = window.getSelection()?.toString() ?? "";
    return true;
  };
  expect(await copyText(shown("stoa_pat_2"))).toBe(true);
  expect(copied).toBe("stoa_pat_2");
});

test("where the clipboard refuses, the older way is tried", async () => {
  vi.stubGlobal("navigator", { clipboard: { writeText: () => Promise.reject(new Error("refused")) } });
  document.execCommand = () => true;
  expect(await copyText(shown("stoa_pat_3"))).toBe(true);
});
