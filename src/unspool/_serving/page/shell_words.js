// The words of the shell: what stands around the pages. Each page adds a block of its own in the same way.

import { addWords } from "./words.js";

addWords({
  en: {
    tabs: "Pages",
    tabWrite: "Write",
    tabWatch: "Watch",
    tabTrain: "Train",
    skip: "Skip to the page",
    gone: "The server does not answer. It may have been stopped; this page goes on by itself when it is there again.",
    back: "The server is there again.",
    brokenOff: "The server broke off in the middle of its answer.",
    noReason: (status) => `The server answered ${status} and gave no reason.`,
    cannotStart: (why) => `This page could not be loaded: ${why}`,
    keyTitle: "This server wants a key",
    keyLabel: "API key",
    keyHint: "Who started it has the key. It is kept in this tab only, until you close it.",
    keyRefused: "The server did not accept this key.",
    keyUse: "Use it",
    keyCancel: "Cancel",
    keyNone: "Nothing can be shown without a key. Reload the page to enter one.",
  },
  zh: {
    tabs: "页面",
    tabWrite: "写作",
    tabWatch: "观看",
    tabTrain: "训练",
    skip: "跳到正文",
    gone: "服务器没有应答，可能已经停止；它恢复后，本页会自动继续。",
    back: "服务器已恢复。",
    brokenOff: "服务器的回答中途断开了。",
    noReason: (status) => `服务器回答了 ${status}，没有说明原因。`,
    cannotStart: (why) => `无法载入本页：${why}`,
    keyTitle: "此服务器需要密钥",
    keyLabel: "API 密钥",
    keyHint: "启动服务器的人有密钥。它只保存在本标签页中，关闭即忘。",
    keyRefused: "服务器没有接受这个密钥。",
    keyUse: "使用",
    keyCancel: "取消",
    keyNone: "没有密钥就什么也显示不了。重新载入本页可再次输入。",
  },
});
