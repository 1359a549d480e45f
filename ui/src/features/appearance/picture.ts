// What of a chosen file becomes the logo. The server reads whatever it is sent with care; this only saves a way.

export const KINDS = ["image/png", "image/jpeg", "image/webp", "image/svg+xml"];
const LARGEST = 2 * 1024 * 1024;
/** Pixels a side of what the server reads. */
const LARGEST_SIDE = 4096;
/** Pixels a side of what is sent when a part was chosen: as many as are kept. */
const SIDE = 512;

/** Why a file can't be a logo, in a sentence; null where it may be one. */
export function refusalOf(file: { type: string; size: number; name: string }): string | null {
  if (!KINDS.includes(file.type)) return `${file.name} isn't a PNG, JPEG, WebP or SVG file.`;
  if (file.size === 0) return `${file.name} is empty.`;
  if (file.size > LARGEST)
    // Rounded up: what is a little too large isn't said to be just so large.
    return `${file.name} has ${(Math.ceil((file.size / 1024 / 1024) * 10) / 10).toFixed(1)} MiB. A logo has at most 2 MiB.`;
  return null;
}

/** What a PNG says of its own size, which may be more than a browser opens. */
export function sizeOfPng(begin: Uint8Array): { width: number; height: number } | null {
  const isPng = begin.length >= 24 && [0x89, 0x50, 0x4e, 0x47].every((byte, at) => begin[at] === byte);
  if (!isPng) return null;
  const view = new DataView(begin.buffer, begin.byteOffset);
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

async function sizeOf(file: File): Promise<{ width: number; height: number } | null> {
  const told = sizeOfPng(new Uint8Array(await file.slice(0, 24).arrayBuffer()));
  if (told) return told;
  const picture = await createImageBitmap(file).catch(() => null);
  if (!picture) return null;
  const { width, height } = picture;
  picture.close();
  return { width, height };
}

/** The same for what has to be opened to be known: what can't be opened here is the server's to refuse. */
export async function tooManyPixels(file: File): Promise<string | null> {
  if (file.type === "image/svg+xml") return null;
  const size = await sizeOf(file);
  if (!size) return null;
  const { width, height } = size;
  if (Math.max(width, height) <= LARGEST_SIDE) return null;
  return `${file.name} is ${width} by ${height} pixels. A logo has at most ${LARGEST_SIDE} a side.`;
}

/** Which square of a picture is seen: its corner and its side, in the picture's own pixels. */
export type Square = { left: number; top: number; side: number };

/** `shown` is how large the whole picture stands in the frame at zoom 1, `moved` by how much it was dragged. */
export function squareOf(
  natural: { width: number; height: number },
  frame: number,
  zoom: number,
  moved: { x: number; y: number },
): Square {
  const scale = (frame / Math.max(natural.width, natural.height)) * zoom;
  const side = frame / scale;
  return {
    left: natural.width / 2 - moved.x / scale - side / 2,
    top: natural.height / 2 - moved.y / scale - side / 2,
    side,
  };
}

/** How far a picture may be dragged: as long as it fills the frame, or stands in the middle where it doesn't. */
export function heldIn(
  natural: { width: number; height: number },
  frame: number,
  zoom: number,
  moved: { x: number; y: number },
): { x: number; y: number } {
  const scale = (frame / Math.max(natural.width, natural.height)) * zoom;
  const held = (length: number, by: number) => {
    const most = Math.max(0, (length * scale - frame) / 2);
    return Math.min(most, Math.max(-most, by)) || 0;
  };
  return { x: held(natural.width, moved.x), y: held(natural.height, moved.y) };
}

/** The square, as large as it is kept. */
function drawn(picture: HTMLImageElement, square: Square): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = SIDE;
  canvas.height = SIDE;
  const scale = SIDE / square.side;
  const [width, height] = [picture.naturalWidth || SIDE, picture.naturalHeight || SIDE];
  const context = canvas.getContext("2d");
  if (context) {
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, -square.left * scale, -square.top * scale, width * scale, height * scale);
  }
  return canvas;
}

/** Whether any pixel can be seen, of four bytes each: red, green, blue, and how much of it. */
export const isSeen = (pixels: ArrayLike<number>): boolean => {
  for (let at = 3; at < pixels.length; at += 4) if (pixels[at] !== 0) return true;
  return false;
};

/**
 * Whether there is nothing to see in the square: an SVG without a shape, or whose shapes a script would have made, is a
 * picture to the browser, and an empty one. What can't be looked into is the server's to judge.
 */
export function isBlank(picture: HTMLImageElement, square: Square): boolean {
  try {
    const pixels = drawn(picture, square).getContext("2d")?.getImageData(0, 0, SIDE, SIDE).data;
    return pixels !== undefined && !isSeen(pixels);
  } catch {
    return false;
  }
}

/** The square as a PNG. */
export async function cut(picture: HTMLImageElement, square: Square): Promise<Blob> {
  const canvas = drawn(picture, square);
  return new Promise((go, stop) => {
    canvas.toBlob((blob) => (blob ? go(blob) : stop(new Error("the picture can't be cut"))), "image/png");
  });
}
