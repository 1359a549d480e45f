import {
  IconHome,
  IconPlug,
  IconSquareLetterA,
  IconSquareLetterG,
  IconSquareLetterO,
  type TablerIcon,
} from "@tabler/icons-react";
import type { AiProvider } from "@/api/generated";

type Look = { key: AiProvider; word: string; Icon: TablerIcon; model: string };

/** How the providers are shown. What each of them needs is said by the server's answers. */
export const PROVIDERS: Look[] = [
  { key: "anthropic", word: "Anthropic", Icon: IconSquareLetterA, model: "claude-sonnet-4-5" },
  { key: "openai", word: "OpenAI", Icon: IconSquareLetterO, model: "gpt-5" },
  { key: "groq", word: "Groq", Icon: IconSquareLetterG, model: "llama-3.3-70b-versatile" },
  { key: "ollama", word: "Ollama", Icon: IconHome, model: "llama3.1" },
  { key: "custom", word: "Custom", Icon: IconPlug, model: "name-of-a-model" },
];

/** Those that stand at an address of one's own, where a key may not be asked for. */
export const isOwn = (provider: AiProvider | null) => provider === "ollama" || provider === "custom";
