import { Button } from "@mantine/core";
import { IconTrash, IconUpload } from "@tabler/icons-react";
import { type DragEvent, useRef, useState } from "react";
import { Note, WorkspaceLogo } from "@/kit";
import css from "./appearance.module.css";
import { CropDialog } from "./later";
import { KINDS, refusalOf, tooManyPixels } from "./picture";

type Props = {
  name: string;
  /** What would be seen once it is saved: the address of a picture, or none. */
  logo: string | null;
  /** The colour of the initials where there is none. */
  color: string;
  /** A picture that isn't saved yet, or null to take the logo away. */
  onChange: (picture: Blob | null) => void;
  /** Why the server refused it. */
  error: string | undefined;
};

/** The logo: chosen by a click on it, dropped, or by the button; which part of a picture it is, is picked first. */
export function LogoField({ name, logo, color, onChange, error }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const upload = useRef<HTMLButtonElement>(null);
  const [file, setFile] = useState<File | null>(null);
  const [refusal, setRefusal] = useState<string | null>(null);
  const [isOver, setOver] = useState(false);

  const choose = async (chosen: File | undefined) => {
    if (!chosen) return;
    const why = refusalOf(chosen) ?? (await tooManyPixels(chosen));
    setRefusal(why);
    if (!why) setFile(chosen);
  };
  const close = () => {
    setFile(null);
    // Choosing a file has taken the focus elsewhere, or dropping one never had it.
    setTimeout(() => upload.current?.focus({ preventScroll: true }));
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void choose(event.dataTransfer.files[0]);
  };
  const told = refusal ?? error;
  return (
    <section aria-label="Logo">
      <h2 className={css.heading}>Logo</h2>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping is one of three ways; the others are buttons */}
      <div
        className={css.drop}
        data-over={isOver || undefined}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <button type="button" className={css.logo} onClick={() => input.current?.click()}>
          <span className="visually-hidden">{logo ? "Change the logo" : "Choose a logo"}</span>
          <WorkspaceLogo name={name} url={logo} of={color} size={72} />
        </button>
        <div>
          <div className={css.buttons}>
            <Button
              ref={upload}
              leftSection={<IconUpload size={16} stroke={1.75} />}
              onClick={() => input.current?.click()}
            >
              Upload
            </Button>
            {logo && (
              <Button
                variant="subtle"
                leftSection={<IconTrash size={16} stroke={1.75} />}
                onClick={() => {
                  setRefusal(null);
                  onChange(null);
                  // The button goes with the logo.
                  upload.current?.focus({ preventScroll: true });
                }}
              >
                Remove
              </Button>
            )}
          </div>
          <p className={css.help}>
            Click the logo, or drop a file here. PNG, JPEG, WebP or SVG, at most 2 MiB and 4096 pixels a side.
          </p>
        </div>
        <input
          ref={input}
          type="file"
          hidden
          aria-label="Logo file"
          accept={KINDS.join(",")}
          onChange={(event) => {
            void choose(event.currentTarget.files?.[0]);
            // The same file may be chosen again.
            event.currentTarget.value = "";
          }}
        />
      </div>
      {told && <Note tone="bad">{told}</Note>}
      {file && (
        <CropDialog
          key={`${file.name}-${file.size}-${file.lastModified}`}
          file={file}
          onClose={close}
          onChosen={(picture) => {
            onChange(picture);
            close();
          }}
        />
      )}
    </section>
  );
}
