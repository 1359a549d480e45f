// Lines of JSON as they come.

export async function* linesOf<T>(response: Response): AsyncGenerator<T> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (let chunk = await reader?.read(); chunk && !chunk.done; chunk = await reader?.read()) {
      const parts = (text + chunk.value).split("\n");
      text = parts.pop() ?? "";
      for (const part of parts) if (part) yield JSON.parse(part) as T;
    }
    if (text) yield JSON.parse(text) as T;
  } finally {
    // Whoever leaves early wants no more of it.
    void reader?.cancel().catch(() => {});
  }
}
