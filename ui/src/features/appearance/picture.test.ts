import { expect, it } from "vitest";
import { heldIn, isSeen, refusalOf, sizeOfPng, squareOf, tooManyPixels } from "./picture";

const wide = { width: 400, height: 200 };

it("at first the whole picture is seen, in the middle of its square", () => {
  expect(squareOf(wide, 280, 1, { x: 0, y: 0 })).toEqual({ left: 0, top: -100, side: 400 });
});

it("closer, a part of it is seen, and where it was dragged to", () => {
  expect(squareOf(wide, 280, 2, { x: 0, y: 0 })).toEqual({ left: 100, top: 0, side: 200 });
  // At zoom 2 a pixel of the picture is 1.4 of the frame.
  const { left, top } = squareOf(wide, 280, 2, { x: 140, y: 0 });
  expect(left).toBeCloseTo(0);
  expect(top).toBeCloseTo(0);
});

it("it can't be dragged away", () => {
  expect(heldIn(wide, 280, 1, { x: 50, y: -50 })).toEqual({ x: 0, y: 0 });
  expect(heldIn(wide, 280, 2, { x: 999, y: 50 })).toEqual({ x: 140, y: 0 });
});

it("a file that can't be a logo is told why", () => {
  const file = { name: "logo.png", type: "image/png", size: 1000 };
  expect(refusalOf(file)).toBeNull();
  expect(refusalOf({ ...file, type: "image/gif" })).toMatch(/isn't a PNG/);
  expect(refusalOf({ ...file, size: 0 })).toMatch(/empty/);
  expect(refusalOf({ ...file, size: 3 * 1024 * 1024 })).toBe("logo.png has 3.0 MiB. A logo has at most 2 MiB.");
  expect(refusalOf({ ...file, size: 2 * 1024 * 1024 })).toBeNull();
  expect(refusalOf({ ...file, size: 2 * 1024 * 1024 + 1 })).toMatch(/has 2.1 MiB/);
});

it("a PNG that no browser opens says itself how large it is", async () => {
  const begin = new Uint8Array(24);
  begin.set([0x89, 0x50, 0x4e, 0x47]);
  new DataView(begin.buffer).setUint32(16, 60_000);
  new DataView(begin.buffer).setUint32(20, 8);
  expect(sizeOfPng(begin)).toEqual({ width: 60_000, height: 8 });
  expect(sizeOfPng(begin.subarray(0, 20))).toBeNull();
  expect(sizeOfPng(new Uint8Array(24))).toBeNull();
  const file = new File([begin], "large.png", { type: "image/png" });
  expect(await tooManyPixels(file)).toBe("large.png is 60000 by 8 pixels. A logo has at most 4096 a side.");
});

it("a picture of nothing but what is clear shows nothing", () => {
  expect(isSeen([0, 0, 0, 0, 255, 255, 255, 0])).toBe(false);
  expect(isSeen([0, 0, 0, 0, 255, 255, 255, 1])).toBe(true);
});
