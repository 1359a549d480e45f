import { Button } from "@mantine/core";
import { useEffect, useMemo, useRef, useState } from "react";
import Cropper from "react-easy-crop";
import "react-easy-crop/react-easy-crop.css";
import { Dialog, Note, WaitingButton } from "@/kit";
import css from "./appearance.module.css";
import { cut, heldIn, isBlank, squareOf } from "./picture";

/** Pixels a side of the frame, and how large the previews beside it are. */
const FRAME = 280;
const SIZES = [64, 28, 20];
const CLOSEST = 6;

const whyBlank = (type: string) =>
  type === "image/svg+xml"
    ? "Scripts in a picture aren't run: what one would draw isn't part of it."
    : "All of it is transparent, or the file isn't whole.";

type Props = {
  file: File;
  onClose: () => void;
  /** The file itself where the whole picture was kept, else the part that was chosen. */
  onChosen: (picture: Blob) => void;
};

/** Which part of a picture becomes the logo: dragged, zoomed, by keys; with what becomes of it in its real sizes. */
export function CropDialog({ file, onClose, onChosen }: Props) {
  const url = useMemo(() => URL.createObjectURL(file), [file]);
  useEffect(() => () => URL.revokeObjectURL(url), [url]);
  const picture = useRef<HTMLImageElement | null>(null);
  const [natural, setNatural] = useState<{ width: number; height: number } | null>(null);
  const [moved, setMoved] = useState({ x: 0, y: 0 });
  const [zoom, setZoom] = useState(1);
  const [isBroken, setBroken] = useState(false);
  /** Nothing can be seen of the whole picture, or of the part that was chosen. */
  const [blank, setBlank] = useState<"whole" | "part" | null>(null);

  const whyNot = isBroken ? "It can't be read" : blank === "whole" ? "There is nothing to see in it" : undefined;
  const move = (to: { x: number; y: number }, at = zoom) => {
    setMoved(natural ? heldIn(natural, FRAME, at, to) : to);
    setBlank((before) => (before === "part" ? null : before));
  };
  const isWhole = zoom === 1 && moved.x === 0 && moved.y === 0;
  const square = natural && squareOf(natural, FRAME, zoom, moved);
  const choose = async () => {
    if (isWhole || !picture.current || !square) return onChosen(file);
    if (isBlank(picture.current, square)) return setBlank("part");
    onChosen(await cut(picture.current, square).catch(() => file));
  };
  return (
    <Dialog
      opened
      onClose={onClose}
      title="The logo"
      sentence={whyNot ? undefined : "Drag the picture, and zoom in on the part that becomes the logo."}
      size={560}
      onSubmit={() => whyNot === undefined && void choose()}
      foot={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <WaitingButton type="submit" variant="filled" why={whyNot}>
            Use this picture
          </WaitingButton>
        </>
      }
    >
      <div className={css.crop} hidden={whyNot !== undefined}>
        <div>
          <div className={css.frame}>
            <Cropper
              image={url}
              crop={moved}
              zoom={zoom}
              minZoom={1}
              maxZoom={CLOSEST}
              aspect={1}
              cropSize={{ width: FRAME, height: FRAME }}
              objectFit="contain"
              showGrid={false}
              restrictPosition={false}
              disableAutomaticStylesInjection
              zoomWithScroll
              onCropChange={(to) => move(to)}
              onZoomChange={setZoom}
              setImageRef={({ current }) => {
                picture.current = current;
              }}
              onMediaLoaded={({ naturalWidth, naturalHeight }) => {
                const size = { width: naturalWidth || 512, height: naturalHeight || 512 };
                setNatural(size);
                const all = squareOf(size, FRAME, 1, { x: 0, y: 0 });
                if (picture.current && isBlank(picture.current, all)) setBlank("whole");
              }}
              mediaProps={{ alt: "", onError: () => setBroken(true) }}
              cropperProps={{ role: "group", "aria-label": "The part that becomes the logo; arrow keys move it" }}
            />
          </div>
          <label className={css.zoom}>
            Zoom
            <input
              type="range"
              min={1}
              max={CLOSEST}
              step={0.05}
              value={zoom}
              onChange={(event) => {
                const to = Number(event.currentTarget.value);
                setZoom(to);
                move(moved, to);
              }}
            />
          </label>
        </div>
        <div className={css.sizes}>
          {natural &&
            square &&
            SIZES.map((size) => (
              <span key={size} className={css.size} style={{ width: size, height: size }}>
                <img
                  src={url}
                  alt=""
                  style={{
                    width: (natural.width * size) / square.side,
                    height: (natural.height * size) / square.side,
                    transform: `translate(${(-square.left * size) / square.side}px, ${(-square.top * size) / square.side}px)`,
                  }}
                />
              </span>
            ))}
        </div>
      </div>
      {blank && (
        <Note tone="bad">
          {blank === "whole"
            ? `There is nothing to see in ${file.name}. ${whyBlank(file.type)} Choose another file.`
            : "There is nothing to see in this part. Move the picture, or zoom out."}
        </Note>
      )}
      {isBroken && (
        <Note tone="bad">
          This browser can't read {file.name} as a picture. Open it in a picture editor, and save it as PNG.
        </Note>
      )}
    </Dialog>
  );
}
