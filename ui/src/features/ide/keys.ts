// What is typed into a terminal, on its way to it.

type Keys = Uint8Array<ArrayBuffer>;

/** Sends what is typed. Whoever opens a terminal types at once: what comes before it is there is sent when it is. */
export function keysTo(socket: WebSocket): (keys: Keys) => void {
  const waiting: Keys[] = [];
  socket.addEventListener("open", () => {
    for (const keys of waiting.splice(0)) socket.send(keys);
  });
  return (keys) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(keys);
    else if (socket.readyState === WebSocket.CONNECTING) waiting.push(keys);
  };
}
