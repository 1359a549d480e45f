import { Button } from "@mantine/core";
import { FitAddon } from "@xterm/addon-fit";
import { Terminal as Screen } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import { useEffect, useRef, useState } from "react";
import { getOpenTerminalUrl, type OpenTerminalParams } from "@/api/generated";
import type { Place } from "./files";
import css from "./ide.module.css";
import { keysTo } from "./keys";
import { alwaysDrawn, documentForTerminals, themeOf, withNonce } from "./terminalLook";

/** The close code by which a right that has ended is told. */
const RIGHT_ENDED = 4403;

type Props = {
  place: Place;
  /** One that was opened before; null opens a new one. */
  session: string | null;
  isShown: boolean;
  /** With the instance: then there is nothing to connect to again. */
  isDeleting: boolean;
  /** Changes whenever it is to take the focus. */
  focus: number;
  onSession: (session: string) => void;
  onOver: () => void;
  onOutput: () => void;
  onLeave: () => void;
};

type Lost = { detail: string; isOver: boolean };

/** One terminal. Left, it stays; closed, it ends. */
export default function Terminal(props: Props) {
  const { place, isShown, isDeleting, focus } = props;
  const element = useRef<HTMLDivElement>(null);
  const screen = useRef<Screen | null>(null);
  const fit = useRef<FitAddon | null>(null);
  const [turn, setTurn] = useState(0);
  const [lost, setLost] = useState<Lost | null>(null);
  const tell = useRef(props);
  tell.current = props;

  useEffect(() => {
    if (!element.current) return;
    const made = new Screen({
      allowProposedApi: true,
      convertEol: false,
      cursorBlink: false,
      documentOverride: documentForTerminals(),
      fontFamily: '"JetBrains Mono Variable", ui-monospace, monospace',
      fontSize: 12.5,
      lineHeight: 1.3,
      minimumContrastRatio: 4.5,
      scrollback: 5000,
      theme: themeOf(element.current),
    });
    // Text that leads elsewhere than it says is text: what is written here shows colours, and nothing else.
    made.parser.registerOscHandler(8, () => true);
    const fitted = new FitAddon();
    made.loadAddon(fitted);
    const into = element.current;
    alwaysDrawn(() => withNonce(() => made.open(into)));
    // The one key that leaves it: every other is the shell's.
    made.attachCustomKeyEventHandler((event) => {
      if (event.key !== "F6" || event.type !== "keydown") return true;
      event.preventDefault();
      tell.current.onLeave();
      return false;
    });
    screen.current = made;
    fit.current = fitted;
    const place = element.current;
    const scheme = new MutationObserver(() => {
      made.options.theme = themeOf(place);
    });
    scheme.observe(document.documentElement, { attributes: true, attributeFilter: ["data-mantine-color-scheme"] });
    const size = new ResizeObserver(() => {
      if (place.clientWidth > 0 && place.clientHeight > 0) fitted.fit();
    });
    size.observe(place);
    return () => {
      scheme.disconnect();
      size.disconnect();
      made.dispose();
      screen.current = null;
      fit.current = null;
    };
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new turn is a new connection
  useEffect(() => {
    const made = screen.current;
    if (!made) return;
    fit.current?.fit();
    made.reset();
    const { session } = tell.current;
    const socket = connect(place, { cols: made.cols, rows: made.rows, ...(session && { session }) });
    socket.binaryType = "arraybuffer";
    let [isOver, said] = [false, ""];
    socket.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) {
        made.write(new Uint8Array(data));
        tell.current.onOutput();
        return;
      }
      const told = JSON.parse(String(data)) as { session?: string; ended?: number; detail?: string };
      if (told.session) tell.current.onSession(told.session);
      if (told.ended !== undefined) isOver = true;
      if (told.detail) said = told.detail;
    };
    socket.onclose = ({ code }) => {
      if (isOver) return tell.current.onOver();
      const detail =
        said ||
        (code === RIGHT_ENDED ? "You may not use the IDE here any more." : "The terminal isn't connected any more.");
      setLost({ detail, isOver: code === RIGHT_ENDED });
    };
    const send = keysTo(socket);
    const typed = made.onData((text) => send(new TextEncoder().encode(text)));
    const bytes = made.onBinary((text) => send(Uint8Array.from(text, (letter) => letter.charCodeAt(0))));
    const resized = made.onResize(({ cols, rows }) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ resize: { cols, rows } }));
    });
    return () => {
      socket.onclose = null;
      typed.dispose();
      bytes.dispose();
      resized.dispose();
      socket.close();
    };
  }, [place.workspace, place.instance, turn]);

  useEffect(() => {
    if (!isShown) return;
    fit.current?.fit();
    if (focus > 0) screen.current?.focus();
  }, [isShown, focus]);

  return (
    <div className={css.terminal} hidden={!isShown}>
      {lost && (
        <div className={css.lost} role="status">
          <span>{lost.detail}</span>
          {!lost.isOver && !isDeleting && (
            <Button
              size="xs"
              onClick={() => {
                setLost(null);
                setTurn((before) => before + 1);
              }}
            >
              Connect again
            </Button>
          )}
        </div>
      )}
      <div ref={element} className={css.screen} />
    </div>
  );
}

function connect({ workspace, instance }: Place, how: OpenTerminalParams): WebSocket {
  const url = getOpenTerminalUrl(workspace, instance, how);
  return new WebSocket(new URL(url, location.origin.replace(/^http/, "ws")));
}

/** Ends one, with what runs in it, whether or not it is shown. */
export function endTerminal(place: Place, session: string): void {
  const socket = connect(place, { session, cols: 80, rows: 24 });
  socket.onopen = () => socket.send(JSON.stringify({ end: true }));
}
