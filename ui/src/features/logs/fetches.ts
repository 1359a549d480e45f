// What is fetched because it is looked at. Whoever scrolls on wants no more of what was passed.

import type { Problem } from "@/api/problem";
import { untilDone } from "./again";
import type { Chunk, Windows } from "./windows";

/** Milliseconds for which the same has to be in sight. */
const REST = 80;

export class Fetches {
  private under = new Map<Chunk, { over: AbortController; isSought: boolean }>();
  private failing = new Set<Chunk>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private awaited = "";

  constructor(
    private windows: Windows,
    private read: (chunk: Chunk, signal: AbortSignal) => Promise<void>,
    /** Of a failure, and whether anything that is wanted still isn't here because of one. */
    private tell: (problem: Problem | null, isMissing: boolean) => void,
  ) {}

  /** These lines are in sight. */
  see(first: number, last: number): void {
    const { windows } = this;
    const sight = `${windows.chunkAt(first)}-${windows.chunkAt(last)}-${windows.chunks.length}`;
    if (sight === this.awaited) return;
    this.awaited = sight;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.awaited = "";
      this.look(first, last);
    }, REST);
  }

  private look(first: number, last: number): void {
    const wanted = this.windows.want(first, last);
    for (const [chunk, { isSought }] of this.under) if (!isSought && !this.windows.isInSight(chunk)) this.drop(chunk);
    for (const chunk of wanted) this.fetch(chunk, false);
  }

  /** This line is sought, wherever anybody looks meanwhile; and no other. */
  bring(index: number): void {
    const chunk = this.windows.chunks[this.windows.chunkAt(index)];
    if (!chunk || chunk.lines || this.under.get(chunk)?.isSought) return;
    for (const [other, { isSought }] of this.under) if (isSought) this.drop(other);
    this.drop(chunk);
    chunk.isWanted = true;
    this.fetch(chunk, true);
  }

  private fetch(chunk: Chunk, isSought: boolean): void {
    const over = new AbortController();
    this.under.set(chunk, { over, isSought });
    const done = untilDone(
      () => this.read(chunk, over.signal),
      over.signal,
      (problem) => {
        if (problem) this.failing.add(chunk);
        else this.failing.delete(chunk);
        this.tell(problem, this.failing.size > 0);
      },
    );
    void done.finally(() => {
      if (this.under.get(chunk)?.over === over) this.drop(chunk);
    });
  }

  private drop(chunk: Chunk): void {
    this.under.get(chunk)?.over.abort();
    this.under.delete(chunk);
    chunk.isWanted = false;
    if (this.failing.delete(chunk)) this.tell(null, this.failing.size > 0);
  }

  leave(): void {
    clearTimeout(this.timer);
    this.failing.clear();
    for (const chunk of [...this.under.keys()]) this.drop(chunk);
  }
}
