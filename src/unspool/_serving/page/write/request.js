// From the settings of the page to the body of a request.

const NAMES = { maxNewTokens: "max_tokens" };  // what OpenAI's clients call an option
const OFF = [null, undefined];

export const snakeCase = (name) => NAMES[name] ?? name.replace(/[A-Z]/g, (one) => `_${one.toLowerCase()}`);
export const camelCase = (name) => name.replace(/_([a-z])/g, (_, one) => one.toUpperCase());

// Returns the body of a request that writes. A seed is a BigInt, as it may have more digits than a number keeps.
export function bodyOf(model, { requests, options, demands = {} }) {
  const { context, source, vector, seed, ...others } = options;
  const named = Object.entries(others).map(([name, value]) => [snakeCase(name), value]);
  const demanded = Object.entries(demands).filter(([, value]) => !OFF.includes(value));
  return {
    model,
    prompt: requests[0].prompt,
    n: requests.length,
    seed: BigInt(seed),
    ...Object.fromEntries(named),
    ...Object.fromEntries(demanded.map(([name, value]) => [snakeCase(name), value])),
    ...whereIn({ context, source, vector }),
  };
}

// Returns what a model is told of a text, without what is not told.
export function whereIn({ context = {}, source, vector }) {
  return {
    ...(Object.keys(context).length ? { context } : {}),
    ...(source === undefined ? {} : { source }),
    ...(vector === undefined ? {} : { vector }),
  };
}
