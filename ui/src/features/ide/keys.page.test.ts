import { expect, it } from "vitest";
import { keysTo } from "./keys";

class Socket extends EventTarget {
  readyState: number = WebSocket.CONNECTING;
  sent: string[] = [];
  send(keys: Uint8Array) {
    if (this.readyState !== WebSocket.OPEN) throw new Error("it isn't open");
    this.sent.push(new TextDecoder().decode(keys));
  }
}

it("what is typed before the terminal is there comes first, once it is, and what comes too late goes nowhere", () => {
  const socket = new Socket();
  const type = keysTo(socket as unknown as WebSocket);
  const typed = (text: string) => type(new TextEncoder().encode(text));
  typed("l");
  typed("s");
  expect(socket.sent).toEqual([]);
  socket.readyState = WebSocket.OPEN;
  socket.dispatchEvent(new Event("open"));
  typed("\r");
  expect(socket.sent).toEqual(["l", "s", "\r"]);
  socket.readyState = WebSocket.CLOSED;
  typed("more");
  expect(socket.sent).toEqual(["l", "s", "\r"]);
});
