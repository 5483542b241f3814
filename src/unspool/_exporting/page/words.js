// The words of the page in its languages.

const ENGLISH = {
  language: "Language",
  source: "Source",
  prompt: "Beginning",
  promptHint: "The texts go on from here. Leave it empty for texts of its own.",
  told: "About the text",
  any: "any",
  vector: "Vector",
  vectorHint: (size) => `${size} numbers`,
  temperature: "Temperature",
  temperatureNote: (value) =>
    value === 0 ? "always the most probable" : value < 0.6 ? "careful" : value < 0.95 ? "calm" : value <= 1.05 ? "as it learned" : value < 1.4 ? "daring" : "wild",
  temperatures: (values) => `a schedule: ${values}`,
  count: "Texts",
  longest: "Longest, in symbols",
  seed: "Seed",
  fresh: "new each time",
  more: "More ways to choose",
  changed: (count) => `${count} in use`,
  off: "off",
  write: "Write",
  again: "Again",
  againHint: "The same seed gives the same texts",
  stop: "Stop",
  slow: "watch it write",
  next: "What comes next",
  append: (symbol, share) => `Append ${symbol}, ${share}`,
  ends: "the end",
  unknown: "unknown word",
  endsNote: "the text ends here",
  texts: "Texts",
  copyAll: "Copy all",
  download: "Download",
  copyLink: "Copy link",
  copyLinkHint: "A link to this page with these settings",
  copy: "Copy",
  copyText: (number) => `Copy text ${number}`,
  measure: "Colour",
  measureText: (number) => `Colour text ${number} by surprise`,
  textNumber: (number) => `Text ${number}`,
  copied: "Copied.",
  notCopied: "This browser does not allow copying; select the text and copy it by hand.",
  linkCopied: "The link is copied.",
  writing: "Writing …",
  loading: "Starting the model …",
  written: (count, symbols, speed) => `${count} ${count === "1" ? "text" : "texts"}, ${symbols} symbols${speed ? `; the engine wrote ${speed} a second` : ""}.`,
  stopped: (count, symbols) => `Stopped after ${symbols} symbols.`,
  nothing: "Nothing yet. Press Write.",
  cut: "It reached the longest length",
  blocked: "Nothing more could be drawn",
  reading: "How surprising is a text?",
  readingHint: "Type or paste a text. The darker a symbol, the less the model expected it there.",
  own: "Your text",
  legend: "Bits of surprise",
  bits: (count) => `${count} bits`,
  perCharacter: (bits) => `${bits} bits per character`,
  expected: (times) => `as if it chose among ${times} equally likely characters each time`,
  most: (list) => `Most surprising: ${list}.`,
  tooLong: (most) => `Only the first ${most} characters are shown.`,
  cannot: (why) => `The model cannot read this: ${why}`,
  unknownSymbol: (symbol, place) => `it does not know ${symbol}, character ${place}.`,
  failed: (why) => `That did not work: ${why}`,
  exact: "exact (float32)",
  costs: (precision, bits) => `${precision}, which costs ${bits} bits per character`,
  rounded: (before, kept, bits) => `weights rounded to ${before} before the export, kept in ${kept}: ${bits === null ? "what it costs was not measured" : `it costs ${bits} bits per character`}`,
  parameters: (count) => `${count} parameters`,
  symbols: (count) => `${count} symbols`,
  wasm: "WebAssembly",
  javascript: "JavaScript",
  engine: (name) => `runs here, by ${name}`,
  made: (version) => `made with unspool ${version}`,
};

const CHINESE = {
  language: "语言",
  source: "原文",
  prompt: "开头",
  promptHint: "模型从这里接着写。留空则由它自己起头。",
  told: "关于文本",
  any: "不限",
  vector: "向量",
  vectorHint: (size) => `${size} 个数`,
  temperature: "温度",
  temperatureNote: (value) =>
    value === 0 ? "总取最可能的" : value < 0.6 ? "谨慎" : value < 0.95 ? "平稳" : value <= 1.05 ? "与所学一致" : value < 1.4 ? "大胆" : "狂放",
  temperatures: (values) => `随文变化：${values}`,
  count: "篇数",
  longest: "最长（符号数）",
  seed: "随机种子",
  fresh: "每次换新",
  more: "更多取样方式",
  changed: (count) => `已用 ${count} 项`,
  off: "关",
  write: "写作",
  again: "重写",
  againHint: "同一种子写出同样的文本",
  stop: "停止",
  slow: "看着它写",
  next: "接下来是什么",
  append: (symbol, share) => `添上 ${symbol}，${share}`,
  ends: "结束",
  unknown: "未知词",
  endsNote: "文本在此结束",
  texts: "文本",
  copyAll: "全部复制",
  download: "下载",
  copyLink: "复制链接",
  copyLinkHint: "带有这些设置的本页链接",
  copy: "复制",
  copyText: (number) => `复制第 ${number} 篇`,
  measure: "着色",
  measureText: (number) => `按意外程度给第 ${number} 篇着色`,
  textNumber: (number) => `第 ${number} 篇`,
  copied: "已复制。",
  notCopied: "浏览器不允许复制，请选中文本后手动复制。",
  linkCopied: "链接已复制。",
  writing: "正在写……",
  loading: "正在启动模型……",
  written: (count, symbols, speed) => `${count} 篇，共 ${symbols} 个符号${speed ? `；引擎每秒写 ${speed} 个` : ""}。`,
  stopped: (count, symbols) => `已停止，写了 ${symbols} 个符号。`,
  nothing: "还没有文本。请按“写作”。",
  cut: "已到最长",
  blocked: "没有可写的符号了",
  reading: "一段文本有多出人意料？",
  readingHint: "输入或粘贴一段文本。颜色越深，模型越没有料到这个符号。",
  own: "你的文本",
  legend: "意外程度（比特）",
  bits: (count) => `${count} 比特`,
  perCharacter: (bits) => `每字符 ${bits} 比特`,
  expected: (times) => `相当于每次在 ${times} 个同样可能的字符里选一个`,
  most: (list) => `最出人意料的：${list}。`,
  tooLong: (most) => `只显示前 ${most} 个字符。`,
  cannot: (why) => `模型读不了这段文本：${why}`,
  unknownSymbol: (symbol, place) => `它不认识第 ${place} 个字符 ${symbol}。`,
  failed: (why) => `没有成功：${why}`,
  exact: "精确（float32）",
  costs: (precision, bits) => `${precision}，每字符多费 ${bits} 比特`,
  rounded: (before, kept, bits) => `权重在导出前已舍入为 ${before}，以 ${kept} 保存：${bits === null ? "代价未测量" : `每字符多费 ${bits} 比特`}`,
  parameters: (count) => `${count} 个参数`,
  symbols: (count) => `${count} 个符号`,
  wasm: "WebAssembly",
  javascript: "JavaScript",
  engine: (name) => `就在这里运行，由 ${name} 计算`,
  made: (version) => `由 unspool ${version} 制作`,
};

export const LANGUAGES = { en: ENGLISH, zh: CHINESE };

let current = "en";

// Adds words to each language: {en: {name: words}, zh: {…}}, under names that are not in use.
export function addWords(blocks) {
  for (const [language, block] of Object.entries(blocks)) {
    const taken = Object.keys(block).filter((name) => name in LANGUAGES[language]);
    if (taken.length) throw new Error(`words that are there: ${taken.join(", ")}`);
    Object.assign(LANGUAGES[language], block);
  }
}

export const currentLanguage = () => current;

// Returns words of the language in use; what has a hole takes its filling.
export function word(name, ...filling) {
  const words = LANGUAGES[current][name];
  return typeof words === "function" ? words(...filling) : words;
}

export function number(value, options = {}) {
  return new Intl.NumberFormat(current === "zh" ? "zh-CN" : "en", options).format(value);
}

export function percent(share) {
  return number(share, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
}

// Takes a language, and puts its words wherever the page asks for some.
export function speak(language) {
  current = language in LANGUAGES ? language : "en";
  document.documentElement.lang = current === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = word(element.dataset.word);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", word(element.dataset.label));
  for (const element of document.querySelectorAll("[data-hint]")) element.title = word(element.dataset.hint);
  for (const name of Object.keys(LANGUAGES)) document.getElementById(`lang-${name}`)?.setAttribute("aria-pressed", name === current);
}

// Returns an error of the engine in the language in use, where the page has words for it.
export function explained(error) {
  const match = /^unknown symbol (.*) at character (\d+)/su.exec(error.message);
  return match ? word("unknownSymbol", match[1], match[2]) : error.message;
}
