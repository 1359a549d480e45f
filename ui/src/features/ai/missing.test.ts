import { expect, test } from "vitest";
import { missingIn } from "./missing";

const none = { provider: null, model: "", url: "", key: "" };

test("what is missing is named, and nothing else", () => {
  expect(missingIn(none, false)).toBe("Fill in the provider and the model");
  expect(missingIn({ ...none, provider: "openai" }, false)).toBe("Fill in the model and the key");
  expect(missingIn({ ...none, provider: "openai", model: " m " }, false)).toBe("Fill in the key");
  expect(missingIn({ ...none, provider: "openai", model: "m" }, true)).toBeNull();
  expect(missingIn({ ...none, provider: "custom" }, false)).toBe("Fill in the base URL and the model");
});

test("a server of one's own may do without a key", () => {
  expect(missingIn({ ...none, provider: "ollama", model: "m", url: "http://o" }, false)).toBeNull();
});
