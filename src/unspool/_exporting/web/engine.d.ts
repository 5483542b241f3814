/** A model of unspool in JavaScript. */

/** How texts are written; the names are those of Python in camel case, and null turns an option off. */
export interface Options {
  temperature?: number | number[];
  temperatureSteps?: number | null;
  topNSigma?: number | null;
  topK?: number | null;
  topP?: number | null;
  minP?: number | null;
  typicalP?: number | null;
  epsilonCutoff?: number | null;
  etaCutoff?: number | null;
  xtcProbability?: number | null;
  xtcThreshold?: number;
  mirostatTau?: number | null;
  mirostatEta?: number;
  samplers?: string | string[] | null;
  repetitionPenalty?: number | null;
  presencePenalty?: number | null;
  frequencyPenalty?: number | null;
  penaltyLastN?: number | null;
  noRepeatNgramSize?: number | null;
  dryMultiplier?: number | null;
  dryBase?: number;
  dryAllowedLength?: number;
  dryPenaltyLastN?: number | null;
  drySequenceBreakers?: string | (string | number[])[] | null;
  /** Symbols, or ids in a Map, each with the number that is added to its logit. */
  logitBias?: Record<string, number> | Map<string | number, number> | null;
  badWords?: string | string[] | null;
  stop?: string | string[] | null;
  includeStop?: boolean;
  minTokens?: number;
  ignoreEos?: boolean;
  allowUnk?: boolean;
  /** null: until the model ends the text. */
  maxNewTokens?: number | null;
  /** 0 to 2^64 - 1; above 2^53 a bigint, or its digits. null: a new one. */
  seed?: number | bigint | string | null;
  /** Number of the text of the seed, from 0. */
  index?: number;
  context?: Record<string, string | number | null> | null;
  source?: string | null;
  vector?: ArrayLike<number> | null;
}

/** What is known of a text beside it. */
export type Where = Pick<Options, "context" | "source" | "vector">;

export type Request = Options & { prompt?: string };

export interface Result {
  /** The prompt and its continuation. */
  text: string;
  prompt: string;
  continuation: string;
  ids: number[];
  /** Of each token at temperature 1, in nats; one more than `ids` if the model ended the text. */
  logprobs: number[];
  /** null while the text is being written. */
  finishReason: "stop" | "length" | "blocked" | null;
  stopReason: string | null;
}

export interface Piece {
  /** What is new of the text; empty while a stop string may cut it, or a character is not complete. */
  piece: string;
  /** null: nothing may be drawn. */
  id: number | null;
  logprob: number;
}

export interface Attribute {
  name: string;
  kind: "category" | "number";
  /** Of a category. */
  values?: string[];
  /** Of a number. */
  mean?: number;
  deviation?: number;
}

export declare class Writer {
  readonly done: boolean;
  readonly results: Result[];
  /** Draws up to so many tokens of each text that has not ended; text is its number. */
  advance(tokens?: number): (Piece & { text: number; finishReason: Result["finishReason"] })[];
  /** Writes all texts to their end. */
  run(): Result[];
}

export declare class Model {
  readonly name: string;
  readonly precision: "float32" | "float16" | "int8";
  /** Bits per character that the precision costs. */
  readonly cost: number | null;
  /** The version of unspool that exported it. */
  readonly unspool: string;
  /** The spelling of each id; null for <pad>, <unk> and <eos>. */
  readonly symbols: (string | null)[];
  readonly attributes: Attribute[];
  readonly vectorSize: number | null;
  readonly takesSource: boolean;
  readonly defaults: Options;
  readonly engine: "wasm" | "javascript";
  generate(prompt?: string, options?: Options): Result;
  stream(prompt?: string, options?: Options): Generator<Piece, Result, void>;
  /** Several texts side by side: a number of them, or an object for each. */
  writer(requests: number | (string | Request)[], options?: Options): Writer;
  nextSymbols(text: string, options?: Where & { top?: number | null }): { id: number; symbol: string; probability: number }[];
  /** The surprise of each symbol; the last is <eos>. */
  score(text: string, where?: Where): { symbol: string; text: string; id: number; bits: number }[];
}

/** What unspool exported. */
export type Spec = object;

export declare function load(spec: Spec, options?: { wasm?: boolean }): Promise<Model>;
